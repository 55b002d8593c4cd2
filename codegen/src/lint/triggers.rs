//! What is said of a read for somebody who polls it: `x-trigger`.

use serde_json::Value;

use super::{Findings, is_kind, is_word};
use crate::pointer;
use crate::schema::{content, operations, success};

const KNOWN: [&str; 8] = [
    "record",
    "contact",
    "created",
    "reading",
    "changes",
    "lists-all",
    "each",
    "window",
];
const CHANGE: [&str; 3] = ["kind", "member", "to"];

pub(super) fn lint(findings: &mut Findings<'_>, at: &str, operation: &Value) {
    let Some(trigger) = operation.get("x-trigger") else {
        return;
    };
    let at = pointer::join(at, "x-trigger");
    if operation["x-idempotency"] != "read" {
        findings.add(
            &at,
            "`x-trigger` is for what can be polled, but this is no read; remove it, or correct `x-idempotency`",
        );
    }
    keys(findings, &at, trigger, &KNOWN);
    if !trigger["record"].as_str().is_some_and(is_word) {
        findings.add(
            &at,
            "`record` must be the first word of the event kinds, such as `contact`: small letters and `_`",
        );
    }
    for key in ["contact", "created"] {
        if trigger.get(key).is_some_and(|value| !is_pointer(value)) {
            findings.add(
                &pointer::join(&at, key),
                format!("`{key}` must be a JSON pointer in the record, such as `/contactId`"),
            );
        }
    }
    reading(findings, &at, operation);
    changes(
        findings,
        &pointer::join(&at, "changes"),
        &trigger["changes"],
    );
    each(findings, &pointer::join(&at, "each"), operation);
    window(findings, &pointer::join(&at, "window"), operation);
}

fn window(findings: &mut Findings<'_>, at: &str, operation: &Value) {
    let Some(window) = operation["x-trigger"].get("window") else {
        return;
    };
    keys(findings, at, window, &["from", "to", "usual"]);
    let usual = window.get("usual");
    let is_pair = |usual: &Value| {
        let ends = usual.as_array().map_or(&[][..], Vec::as_slice);
        let moves = |end: &Value| end.as_str().is_some_and(|end| end.starts_with("now"));
        ends.len() == 2 && ends.iter().all(moves)
    };
    if usual.is_some_and(|usual| !is_pair(usual)) {
        findings.add(
            at,
            "`usual` must be the two ends that a poll takes by itself, as in `usual: [now-31d, now+366d]`",
        );
    }
    for key in ["from", "to"] {
        match window[key].as_str() {
            None | Some("") => findings.add(
                at,
                "`window` must name the parameters that take its ends, as in `{ from: startTime, to: endTime }`",
            ),
            Some(name) if !has_parameter(findings, operation, name) => findings.add(
                &pointer::join(at, key),
                format!("the operation has no parameter `{name}`"),
            ),
            Some(_) => {}
        }
    }
}

fn has_parameter(findings: &Findings<'_>, operation: &Value, name: &str) -> bool {
    findings
        .parameters(operation)
        .any(|parameter| parameter["name"] == name)
}

fn reading(findings: &mut Findings<'_>, at: &str, operation: &Value) {
    let trigger = &operation["x-trigger"];
    let reading = &trigger["reading"];
    let lists = trigger.get("lists-all");
    let at_reading = pointer::join(at, "reading");
    let is_changes = is_pointer(&reading["changes"]);
    let word = reading.as_str().unwrap_or_default();
    if !is_changes && !matches!(word, "snapshot" | "record" | "answer" | "bytes") {
        findings.add(
            &at_reading,
            "`reading` must be snapshot, record, answer, bytes or `{ changes: POINTER }` with the time of the last change",
        );
        return;
    }
    if matches!(word, "" | "snapshot" | "record") && operation["x-id"].is_null() {
        findings.add(
            &at_reading,
            "records are told apart by their id; add `x-id`, or compare the answer as a whole with `reading: answer`",
        );
    }
    let is_json = success(operation)
        .and_then(|(_, answer)| content(answer))
        .is_some_and(|(media, _)| media.contains("json"));
    if is_json == (word == "bytes") {
        findings.add(
            &at_reading,
            "`bytes` is for answers that are not JSON, and only for them",
        );
    }
    match lists {
        None => {}
        Some(Value::Bool(_)) if word == "snapshot" => {}
        Some(_) => findings.add(
            &pointer::join(at, "lists-all"),
            "`lists-all` must be true or false, and only a list that is read whole (`reading: snapshot`) has it",
        ),
    }
}

fn changes(findings: &mut Findings<'_>, at: &str, changes: &Value) {
    if !changes.is_null() && !changes.is_array() {
        findings.add(at, "`changes` must be a list of `{ kind, member, to }`");
    }
    for (index, change) in changes.as_array().into_iter().flatten().enumerate() {
        let at = pointer::join(at, &index.to_string());
        keys(findings, &at, change, &CHANGE);
        if !change["kind"].as_str().is_some_and(is_kind) {
            findings.add(&at, "`kind` must read like `task.completed`");
        }
        if !is_pointer(&change["member"]) {
            findings.add(
                &at,
                "`member` must be a JSON pointer in the record, such as `/completed`",
            );
        }
    }
}

fn each(findings: &mut Findings<'_>, at: &str, operation: &Value) {
    let Some(each) = operation["x-trigger"].get("each") else {
        return;
    };
    keys(findings, at, each, &["parameter", "of", "at-once", "or"]);
    let parameter = each["parameter"].as_str().unwrap_or_default();
    if !has_parameter(findings, operation, parameter) {
        findings.add(
            &pointer::join(at, "parameter"),
            format!("the operation has no parameter `{parameter}`"),
        );
    }
    let of = each["of"].as_str().unwrap_or_default();
    let parents = operations(findings.value()).find(|(_, _, other)| other["operationId"] == of);
    let is_list = parents.is_some_and(|(_, _, parents)| {
        let reading = &parents["x-trigger"]["reading"];
        reading == "snapshot" || is_pointer(&reading["changes"])
    });
    if !is_list {
        findings.add(
            &pointer::join(at, "of"),
            format!("`of: {of}` must be a list that is a trigger itself; name the one that lists the parents"),
        );
    }
}

fn keys(findings: &mut Findings<'_>, at: &str, holder: &Value, known: &[&str]) {
    let Some(members) = holder.as_object() else {
        findings.add(
            at,
            format!("it must be a mapping with {}", known.join(", ")),
        );
        return;
    };
    for key in members.keys().filter(|key| !known.contains(&key.as_str())) {
        let message = format!("`{key}` is not known; use {}", known.join(", "));
        findings.add(&pointer::join(at, key), message);
    }
}

fn is_pointer(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with('/'))
}
