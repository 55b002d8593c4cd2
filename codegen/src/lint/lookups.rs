//! How a create whose answer was lost is looked up.

use serde_json::Value;

use super::Findings;
use super::answers::{Answer, Wanted};
use super::reach::{Reached, reach};
use crate::pointer;
use crate::schema::{content, operations};

const KNOWN: [&str; 4] = ["operation", "equal", "by", "created"];

pub(super) fn lint<'b>(
    findings: &mut Findings<'b>,
    at: &str,
    operation: &'b Value,
    lookup: &'b Value,
) {
    for key in lookup.as_object().into_iter().flatten().map(|(key, _)| key) {
        if !KNOWN.contains(&key.as_str()) {
            let known = KNOWN.join(", ");
            findings.add(
                &pointer::join(at, key),
                format!("`{key}` means nothing; use one of {known}"),
            );
        }
    }
    let name = lookup["operation"].as_str().unwrap_or_default();
    let bundle = findings.bundle;
    let asked = operations(&bundle.value)
        .find(|(_, method, other)| *method == "get" && other["operationId"] == name);
    let Some((_, _, asked)) = asked else {
        findings.add(
            at,
            format!("`lookup.operation: {name}` is no GET operation; name the list to look in"),
        );
        return;
    };
    let answer = Answer::of(findings, asked);
    let by = lookup["by"].as_object().filter(|by| !by.is_empty());
    if lookup.get("by").is_some() && by.is_none() {
        findings.add(
            &pointer::join(at, "by"),
            "`by` must say which member of the create is asked for by which parameter, as `{ email: email, phone: number }`",
        );
    }
    let equal = lookup["equal"].as_array();
    if by.is_none() && equal.is_none_or(Vec::is_empty) {
        findings.add(
            at,
            "`lookup.equal` must list the members that tell whether it is the same",
        );
    }
    for member in equal.into_iter().flatten() {
        let at = pointer::join(at, "equal");
        let Some(name) = member.as_str() else {
            findings.add(&at, "`equal` must list names of members");
            continue;
        };
        sends(findings, &at, operation, name);
        if let Some(answer) = &answer {
            let to = pointer::join("", name);
            answer.record(findings, &at, &to, Wanted::Anything);
        }
    }
    for (member, parameter) in by.into_iter().flatten() {
        let at = pointer::join(at, "by");
        sends(findings, &at, operation, member);
        let takes = findings
            .parameters(asked)
            .any(|declared| declared["name"] == *parameter);
        if !takes {
            findings.add(
                &at,
                format!("`{name}` takes no {parameter}; name one of its parameters, or declare it"),
            );
        }
    }
    if let Some(created) = lookup.get("created") {
        let at = pointer::join(at, "created");
        match (created.as_str(), &answer) {
            (Some(to), Some(answer)) if to.starts_with('/') => {
                answer.record(findings, &at, to, Wanted::Scalar);
            }
            _ => findings.add(
                &at,
                "`created` must be a JSON pointer to the time of creation in what is found, such as `/dateAdded`",
            ),
        }
    }
}

/// Whether the create has the member, in its path, query or body.
fn sends<'b>(findings: &mut Findings<'b>, at: &str, operation: &'b Value, name: &str) {
    let is_parameter = findings
        .parameters(operation)
        .any(|parameter| parameter["name"] == name);
    let is_sent = is_parameter
        || content(&operation["requestBody"]).is_some_and(|(_, schema)| {
            let to = pointer::join("", name);
            matches!(reach(findings.bundle, schema, &to), Reached::Described(_))
        });
    if !is_sent {
        findings.add(
            at,
            format!("the create sends no `{name}`; name a member of its body"),
        );
    }
}
