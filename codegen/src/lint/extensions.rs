//! The extensions that fill the table of operations.

use serde_json::Value;

use super::{Findings, answers, lookups, triggers};
use crate::schema::success;
use crate::{evidence, pointer};

/// All that an operation can have.
const KNOWN: [&str; 12] = [
    "x-api-version",
    "x-scopes",
    "x-token-kinds",
    "x-idempotency",
    "x-paging",
    "x-items",
    "x-id",
    "x-version",
    "x-record",
    "x-evidence",
    "x-trigger",
    "x-deviation",
];
/// Those of an app's installation only end with `-app`.
const TOKEN_KINDS: [&str; 4] = ["agency", "location", "agency-app", "location-app"];
/// The values of `Version` that HighLevel is known to take. The sandbox has the same.
const VERSIONS: [&str; 5] = ["2021-01-01", "2021-04-15", "2021-07-28", "2023-02-21", "v3"];
const POINTERS: [&str; 4] = ["x-items", "x-id", "x-version", "x-record"];

pub(super) fn lint<'b>(findings: &mut Findings<'b>, at: &str, path: &str, operation: &'b Value) {
    for (key, value) in operation
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.starts_with("x-"))
    {
        let at = pointer::join(at, key);
        match key.as_str() {
            key if !KNOWN.contains(&key) => {
                findings.add(
                    &at,
                    format!("`{key}` means nothing; use one of {}", KNOWN.join(", ")),
                );
            }
            key if POINTERS.contains(&key)
                && !value.as_str().is_some_and(|text| text.starts_with('/')) =>
            {
                findings.add(
                    &at,
                    format!("`{key}` must be a JSON pointer, such as `/contact/id`"),
                );
            }
            "x-api-version" if !value.is_null() && !value.as_str().is_some_and(is_version) => {
                findings.add(
                    &at,
                    "`x-api-version` must be a text like \"2021-07-28\" or \"v3\", or null where the service wants none; quote it",
                );
            }
            "x-api-version" if value.as_str().is_some_and(|text| !VERSIONS.contains(&text)) => {
                findings.add(
                    &at,
                    format!(
                        "the service is not known to have this version, only {}; a new one is added to `VERSIONS` in \
                         codegen/src/lint/extensions.rs and in crates/sandbox/src/operations.rs",
                        VERSIONS.join(", ")
                    ),
                );
            }
            "x-scopes" if !is_list_of_text(value) => {
                findings.add(&at, "`x-scopes` must be a list of scopes");
            }
            "x-token-kinds" if !is_list_of(value, &TOKEN_KINDS) => {
                findings.add(
                    &at,
                    "`x-token-kinds` must list `agency`, `location` or both, as `agency-app` or `location-app` where no \
                     private token is taken",
                );
            }
            _ => {}
        }
    }
    // An answer that is missing altogether is told of elsewhere.
    let has_answer = success(operation).is_some_and(|(_, answer)| answer.get("content").is_some());
    if has_answer && let Err(problem) = evidence::of(path, operation, findings.value()) {
        findings.add(&pointer::join(at, "x-evidence"), problem);
    }
    idempotency(findings, at, operation);
    triggers::lint(findings, at, operation);
    answers::lint(findings, at, operation);
}

fn idempotency<'b>(findings: &mut Findings<'b>, at: &str, operation: &'b Value) {
    let value = &operation["x-idempotency"];
    let at = pointer::join(at, "x-idempotency");
    if let Some(lookup) = value.get("lookup") {
        lookups::lint(findings, &pointer::join(&at, "lookup"), operation, lookup);
    } else if let Some(header) = value.get("keyed") {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let resolved = parameters.filter_map(|parameter| findings.bundle.resolve(parameter));
        let is_declared = resolved
            .into_iter()
            .any(|parameter| parameter["in"] == "header" && parameter["name"] == *header);
        if !is_declared {
            findings.add(
                &at,
                format!(
                    "`keyed: {}` needs a header parameter of this name",
                    header.as_str().unwrap_or_default()
                ),
            );
        }
    } else if !matches!(value.as_str(), Some("read" | "idempotent" | "unsafe")) {
        findings.add(
            &at,
            "`x-idempotency` must be read, idempotent, unsafe, `{ keyed: HEADER }` or `{ lookup: { operation, equal, by, created } }`: \
             the transport must know what it may send twice",
        );
    } else if value == "read" && (at.contains("/put/") || at.contains("/delete/")) {
        findings.add(
            &at,
            "`read` changes nothing, and a PUT or DELETE does; write `idempotent` where a repeat does no harm, else `unsafe`",
        );
    }
}

/// A date, or `v` and a number.
fn is_version(text: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && is_number(text);
    if let Some(number) = text.strip_prefix('v') {
        return is_number(number);
    }
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    digits(year, 4) && digits(month, 2) && digits(day, 2) && *month <= "12" && *day <= "31"
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_list_of_text(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_string))
}

fn is_list_of(value: &Value, known: &[&str]) -> bool {
    let list = value.as_array().filter(|list| !list.is_empty());
    list.is_some_and(|list| {
        list.iter()
            .all(|element| element.as_str().is_some_and(|text| known.contains(&text)))
    })
}
