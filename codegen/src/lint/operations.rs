//! Operations: names, words, bodies and answers.

use serde_json::Value;

use super::{Findings, clashes, extensions, is_kebab, parameters};
use crate::pointer;
use crate::schema::{METHODS, operations};

pub(super) fn lint(findings: &mut Findings<'_>) {
    let value = findings.value();
    for (path, item) in value["paths"].as_object().into_iter().flatten() {
        let at = pointer::join("/paths", path);
        for key in item.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if key != "parameters" && !METHODS.contains(&key.as_str()) {
                findings.add(
                    &pointer::join(&at, key),
                    format!("`{key}` is no method; use one of {}", METHODS.join(", ")),
                );
            }
        }
    }
    let places = |(path, method, operation)| {
        (
            pointer::join(&pointer::join("/paths", path), method),
            path,
            operation,
        )
    };
    let all: Vec<(String, &str, &Value)> = operations(value).map(places).collect();
    for (at, path, operation) in &all {
        words(findings, at, operation);
        parameters::lint(findings, at, path, operation);
        body(findings, at, operation);
        answers(findings, at, operation);
        extensions::lint(findings, at, path, operation);
    }
    let ids = all
        .iter()
        .filter_map(|(_, _, operation)| operation["operationId"].as_str());
    for (later, earlier) in clashes(ids, crate::emit::method_name) {
        let message = if later == earlier {
            format!("another operation is called `{later}`, too; rename one of them")
        } else {
            format!("`{later}` and `{earlier}` become the same method; rename one of them")
        };
        for (at, _, operation) in &all {
            if operation["operationId"] == later || operation["operationId"] == earlier {
                findings.add(&pointer::join(at, "operationId"), message.as_str());
            }
        }
    }
}

fn words(findings: &mut Findings<'_>, at: &str, operation: &Value) {
    match operation["operationId"].as_str() {
        None => findings.add(at, "`operationId` is missing; add one in kebab-case"),
        Some(id) if !is_kebab(id) => {
            findings.add(
                &pointer::join(at, "operationId"),
                format!("`operationId: {id}` must be in kebab-case"),
            );
        }
        Some(_) => {}
    }
    for key in ["summary", "description"] {
        if operation[key]
            .as_str()
            .is_none_or(|text| text.trim().is_empty())
        {
            findings.add(at, format!("`{key}` is missing; say it in your own words"));
        }
    }
    let tag = &operation["tags"][0];
    let is_known = findings.value()["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|known| known["name"] == *tag);
    if !is_known {
        findings.add(
            &pointer::join(at, "tags"),
            "its first tag must be one of the document's `tags`: it names the module",
        );
    }
}

fn body(findings: &mut Findings<'_>, at: &str, operation: &Value) {
    let Some(body) = operation.get("requestBody") else {
        return;
    };
    let at = pointer::join(at, "requestBody");
    if body["required"] != true {
        findings.add(
            &at,
            "write `required: true`: the generator always sends a body",
        );
    }
    content(
        findings,
        &at,
        body,
        &["application/json", "application/x-www-form-urlencoded"],
    );
}

fn answers(findings: &mut Findings<'_>, at: &str, operation: &Value) {
    let at = pointer::join(at, "responses");
    let answers = operation["responses"].as_object();
    for status in answers.into_iter().flatten().map(|(status, _)| status) {
        if !is_status(status) {
            findings.add(
                &pointer::join(&at, status),
                format!(
                    "`{status}` is no status; write three digits, such as `\"200\"`, or `default`"
                ),
            );
        }
    }
    let successes: Vec<_> = answers
        .into_iter()
        .flatten()
        .filter(|(status, _)| status.starts_with('2'))
        .collect();
    let [(status, answer)] = successes.as_slice() else {
        let remedy = match (
            successes.len(),
            answers.is_some_and(|all| all.contains_key("default")),
        ) {
            (0, true) => {
                "; `default` is for refusals: write the success under its status, such as `\"200\"`"
            }
            (0, false) => "; write it under its status, such as `\"200\"`",
            _ => "; make one of them, with a `oneOf` of objects as its schema where they differ",
        };
        findings.add(
            &at,
            format!(
                "there must be one success answer, there are {}{remedy}",
                successes.len()
            ),
        );
        return;
    };
    let at = pointer::join(&at, status);
    if status.ends_with("XX") {
        findings.add(
            &at,
            "write the one status that it answers, such as `\"200\"`; any other from 200 to 299 counts as well",
        );
        return;
    }
    if answer.get("$ref").is_some() {
        findings.add(
            &at,
            "write the success out here; `$ref` to `components.responses` is for refusals",
        );
        return;
    }
    if answer.get("content").is_none() {
        findings.add(&at, "the answer has no content, so its body would be lost; describe it, if only as an empty object");
        return;
    }
    if content_is_file(answer) {
        return;
    }
    content(findings, &at, answer, &["application/json"]);
}

/// `200`, `4XX` or `default`.
fn is_status(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let within = text.starts_with(['1', '2', '3', '4', '5']) && text.len() == 3;
    text == "default" || within && (digits(text) || text.ends_with("XX"))
}

/// An answer that is read as a stream of bytes.
fn content_is_file(answer: &Value) -> bool {
    let content = answer["content"].as_object();
    content.is_some_and(|content| {
        content.len() == 1
            && content.iter().all(|(media, content)| {
                let schema = &content["schema"];
                !media.contains("json")
                    && schema["type"] == "string"
                    && schema["format"] == "binary"
            })
    })
}

/// A body or an answer: one media type, and a component as its schema.
fn content(findings: &mut Findings<'_>, at: &str, holder: &Value, media_types: &[&str]) {
    let at = pointer::join(at, "content");
    let media: Vec<_> = holder["content"]
        .as_object()
        .into_iter()
        .flatten()
        .collect();
    let [(media, content)] = media.as_slice() else {
        findings.add(
            &at,
            format!("there must be one media type, there are {}", media.len()),
        );
        return;
    };
    let at = pointer::join(&at, media);
    if !media_types.contains(&media.as_str()) {
        let file = if at.contains("/responses/") {
            "; the schema of a file is `{ type: string, format: binary }`"
        } else {
            ""
        };
        let known = media_types.join(" or ");
        findings.add(
            &at,
            format!("`{media}` is not supported; use {known}{file}"),
        );
    }
    if content["schema"].get("$ref").is_none() {
        findings.add(
            &at,
            "give the schema a name under `components.schemas` and refer to it by `$ref`",
        );
    }
}
