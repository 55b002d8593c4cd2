//! How a list continues: parameters and pointers that there are.

use serde_json::{Map, Value};

use super::Findings;
use super::answers::{Answer, Wanted};
use super::reach::{Reached, reach};
use crate::pointer;
use crate::schema::content;

/// The styles that have a name.
const NAMED: [&str; 4] = ["search-after", "start-after", "skip", "offset"];

pub(super) fn lint<'b>(
    findings: &mut Findings<'b>,
    at: &str,
    operation: &'b Value,
    answer: &Answer<'b>,
) {
    let Some(paging) = operation.get("x-paging") else {
        return;
    };
    if !answer.is_list() {
        findings.add(
            at,
            "a list continues, but the answer is none; add `x-items` with the pointer to it, or remove it",
        );
    }
    if let Some(name) = paging.as_str() {
        return named(findings, at, name, operation, answer);
    }
    let style = paging.as_object().and_then(|paging| match only(paging) {
        Some(("after", style)) => Some((style, "from")),
        Some(("cursor", style)) => Some((style, "next")),
        _ => None,
    });
    let texts = style.and_then(|(style, key)| {
        let members = style.as_object().filter(|members| members.len() == 2)?;
        Some((
            key,
            members["parameter"].as_str()?,
            members.get(key)?.as_str()?,
        ))
    });
    let Some((key, parameter, to)) = texts else {
        return unknown(findings, at);
    };
    takes(findings, at, operation, &[parameter]);
    // Members are pointers everywhere else, too.
    if !to.starts_with('/') {
        let what = if key == "next" {
            "answer"
        } else {
            "last record"
        };
        findings.add(
            at,
            format!("`{key}: {to}` must be a JSON pointer in the {what}, such as `/{to}`"),
        );
        return;
    }
    if key == "next" {
        answer.whole(findings, at, to, Wanted::Scalar);
    } else {
        answer.record(findings, at, to, Wanted::Scalar);
    }
}

fn unknown(findings: &mut Findings<'_>, at: &str) {
    findings.add(
        at,
        format!(
            "`x-paging` must be one of {}, `{{ after: {{ parameter, from }} }}` with a pointer in the last record, or \
             `{{ cursor: {{ parameter, next }} }}` with a pointer in the answer",
            NAMED.join(", ")
        ),
    );
}

fn only(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((key, value)), None) => Some((key.as_str(), value)),
        _ => None,
    }
}

fn named<'b>(
    findings: &mut Findings<'b>,
    at: &str,
    name: &str,
    operation: &'b Value,
    answer: &Answer<'b>,
) {
    match name {
        "skip" => takes(findings, at, operation, &["skip", "limit"]),
        "offset" => takes(findings, at, operation, &["offset", "limit"]),
        "start-after" => {
            takes(findings, at, operation, &["startAfter", "startAfterId"]);
            for to in ["/meta/startAfter", "/meta/startAfterId"] {
                answer.whole(findings, at, to, Wanted::Scalar);
            }
        }
        "search-after" => {
            takes(
                findings,
                at,
                operation,
                &["page", "pageLimit", "searchAfter"],
            );
            answer.record(findings, at, "/searchAfter", Wanted::Anything);
        }
        _ => unknown(findings, at),
    }
}

/// Whether the operation has the parameters that the style sends, in its query or its body.
fn takes<'b>(findings: &mut Findings<'b>, at: &str, operation: &'b Value, names: &[&str]) {
    let missing: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !has(findings, operation, name))
        .collect();
    if let [first, ..] = missing.as_slice() {
        findings.add(
            at,
            format!(
                "the operation takes no `{first}`, by which this style of paging goes on; declare it among `parameters`, or name the right style"
            ),
        );
    }
}

fn has<'b>(findings: &Findings<'b>, operation: &'b Value, name: &str) -> bool {
    let is_parameter = findings
        .parameters(operation)
        .any(|parameter| parameter["in"] == "query" && parameter["name"] == name);
    is_parameter
        || content(&operation["requestBody"]).is_some_and(|(_, schema)| {
            let to = pointer::join("", name);
            matches!(reach(findings.bundle, schema, &to), Reached::Described(_))
        })
}
