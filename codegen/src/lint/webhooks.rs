//! Descriptions of webhook events.

use serde_json::Value;

use super::answers::{Answer, Wanted, hold};
use super::{Findings, clashes, is_kind};
use crate::bundle::Bundle;
use crate::pointer;
use crate::problem::Problems;
use crate::schema::operations;

const KNOWN: [&str; 13] = [
    "summary",
    "kind",
    "also",
    "slips",
    "location",
    "recognise",
    "record",
    "contact",
    "occurred",
    "version",
    "fetch",
    "listed",
    "payload",
];

pub(super) fn lint<'b>(findings: &mut Findings<'b>, service: &'b Bundle) {
    let value = findings.value();
    let events = value["events"].as_object();
    for (name, event) in events.into_iter().flatten() {
        let at = pointer::join("/events", name);
        if !is_variant(name) {
            findings.add(
                &at,
                format!(
                    "`{name}` must be the payload's `type`: letters, digits and `_`, a capital first"
                ),
            );
        }
        for key in event
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys)
        {
            if !KNOWN.contains(&key.as_str()) {
                findings.add(
                    &pointer::join(&at, key),
                    format!("`{key}` is not known; use {}", KNOWN.join(", ")),
                );
            }
        }
        one(findings, &at, event, &service.value);
        names(findings, &at, event, &value["events"]);
        pointers(findings, &at, event);
        records(findings, &at, event, service);
    }
    super::recognise::lint(findings);
    let kinds = events
        .into_iter()
        .flatten()
        .filter_map(|(_, event)| event["kind"].as_str());
    for (kind, _) in clashes(kinds, str::to_owned) {
        let guilty = events
            .into_iter()
            .flatten()
            .find(|(_, event)| event["kind"] == kind)
            .map(|(name, _)| name.as_str());
        let at = pointer::join(
            &pointer::join("/events", guilty.unwrap_or_default()),
            "kind",
        );
        findings.add(
            &at,
            format!("two events have the kind `{kind}`; give each its own"),
        );
    }
}

/// Pointers are held against the payload's schema: a wrong one would make events without a record, a contact or a time,
/// and no test would see it.
fn pointers<'b>(findings: &mut Findings<'b>, at: &str, event: &'b Value) {
    let payload = &event["payload"];
    let mut hold_as = |wanted: Wanted, at: &str, to: &Value| {
        if let Some(to) = to.as_str().filter(|to| to.starts_with('/')) {
            hold(findings, at, payload, ("the payload", ""), to, wanted);
        }
    };
    // A user is told with all locations where they work.
    let location = &event["location"];
    hold_as(Wanted::Anything, &pointer::join(at, "location"), location);
    let mut held = |at: &str, to: &Value| hold_as(Wanted::Scalar, at, to);
    for key in ["record", "contact", "occurred", "version"] {
        held(&pointer::join(at, key), &event[key]);
    }
    let listed = &event["listed"];
    let at = pointer::join(at, "listed");
    held(&pointer::join(&at, "meanwhile"), &listed["meanwhile"]);
    held(
        &pointer::join(&pointer::join(&at, "part"), "id"),
        &listed["part"]["id"],
    );
    for (at, to) in same(&at, listed) {
        held(&at, to);
    }
    let at = pointer::join(&at, "arguments");
    for (name, to) in listed["arguments"].as_object().into_iter().flatten() {
        held(&pointer::join(&at, name), to);
    }
}

/// What payload and record have both, each with its place.
fn same<'v>(at: &str, listed: &'v Value) -> Vec<(String, &'v Value)> {
    let at = pointer::join(at, "same");
    let pointers = listed["same"].as_array().into_iter().flatten();
    let place = |(index, to): (usize, &'v Value)| (pointer::join(&at, &index.to_string()), to);
    pointers.enumerate().map(place).collect()
}

/// Pointers into the records of the list that completes an event are held against what the list answers.
fn records<'b>(findings: &mut Findings<'b>, at: &str, event: &'b Value, service: &'b Bundle) {
    let listed = &event["listed"];
    let list =
        operations(&service.value).find(|(_, _, other)| other["operationId"] == listed["by"]);
    // A wrong name is told elsewhere.
    let Some((_, _, list)) = list else {
        return;
    };
    let at = pointer::join(at, "listed");
    let mut held: Vec<_> = same(&at, listed)
        .into_iter()
        .map(|(at, to)| (at, to, Wanted::Scalar))
        .collect();
    let ids = pointer::join(&pointer::join(&at, "part"), "ids");
    held.push((ids, &listed["part"]["ids"], Wanted::List));
    let mut told = Findings {
        bundle: service,
        problems: Problems::default(),
    };
    for (at, to, wanted) in held {
        let Some(to) = to.as_str().filter(|to| to.starts_with('/')) else {
            continue;
        };
        if let Some(answer) = Answer::of(&told, list) {
            answer.record(&mut told, "", to, wanted);
        }
        for problem in told.problems.0.drain(..) {
            findings.add(&at, format!("on the list, {}", problem.message));
        }
    }
}

/// Further names of the event, and events whose payloads may come under its `type`.
fn names(findings: &mut Findings<'_>, at: &str, event: &Value, events: &Value) {
    let also = &event["also"];
    let are_names = also.as_array().is_some_and(|names| {
        let mut names = names.iter().map(Value::as_str);
        names.all(|name| name.is_some_and(|name| is_variant(name) && events.get(name).is_none()))
    });
    if !also.is_null() && !are_names {
        findings.add(
            &pointer::join(at, "also"),
            "`also` must be a list of further names, none of them another event's",
        );
    }
    for (name, marks) in event["slips"].as_object().into_iter().flatten() {
        let at = pointer::join(&pointer::join(at, "slips"), name);
        let usable = |mark: &Value| mark.as_str().and_then(crate::emit::mark_of).is_some();
        let marks = marks.as_array();
        if events.get(name).is_none() || !marks.is_some_and(|marks| marks.iter().all(usable)) {
            findings.add(
                &at,
                "`slips` must name other events, each with a list of what its payloads show, as in `recognise`; `[]` where only reading the record tells",
            );
        }
    }
}

/// The service's own words are variants as they are, such as `LCEmailStats`.
fn is_variant(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn one(findings: &mut Findings<'_>, at: &str, event: &Value, service: &Value) {
    if event["summary"].as_str().is_none_or(str::is_empty) {
        findings.add(
            at,
            "`summary` is missing; say in your own words what happened",
        );
    }
    if !event["kind"].as_str().is_some_and(is_kind) {
        findings.add(
            &pointer::join(at, "kind"),
            "`kind` must read like `contact.created`",
        );
    }
    recognise(findings, at, &event["recognise"]);
    for key in ["location", "record", "contact", "occurred"] {
        let value = &event[key];
        let is_absent = value.is_null() && key != "record";
        if !is_absent && !value.as_str().is_some_and(|text| text.starts_with('/')) {
            findings.add(
                &pointer::join(at, key),
                format!("`{key}` must be a JSON pointer into the payload, such as `/id`"),
            );
        }
    }
    if !event["version"]
        .as_str()
        .is_some_and(|text| matches!(text, "once" | "fetched") || text.starts_with('/'))
    {
        findings.add(
            &pointer::join(at, "version"),
            "`version` must be once, fetched or a JSON pointer into the payload",
        );
    }
    if let Some(fetch) = event.get("fetch") {
        let found = operations(service)
            .any(|(_, method, other)| method == "get" && other["operationId"] == *fetch);
        if !found {
            findings.add(
                &pointer::join(at, "fetch"),
                format!("`fetch: {fetch}` is no GET operation of the service"),
            );
        }
    }
    listed(findings, at, &event["listed"], service);
    if event["payload"].get("$ref").is_none() {
        findings.add(
            &pointer::join(at, "payload"),
            "`payload` must refer to a component by `$ref`",
        );
    }
}

/// A list that completes an event: which one, from which arguments, and how the record is told on it.
fn listed(findings: &mut Findings<'_>, at: &str, listed: &Value, service: &Value) {
    if listed.is_null() {
        return;
    }
    let at = pointer::join(at, "listed");
    let lists = operations(service).any(|(_, method, other)| {
        method == "get"
            && other["operationId"] == listed["by"]
            && other["x-items"].is_string()
            && other["x-id"].is_string()
    });
    if !lists {
        findings.add(
            &pointer::join(&at, "by"),
            "`by` must be a GET operation of the service with `x-items` and `x-id`",
        );
    }
    let is_pointer = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('/'));
    let given = listed["arguments"].as_object();
    let same = listed["same"].as_array();
    let part = listed["part"].as_object();
    let usable = given.is_some_and(|given| !given.is_empty() && given.values().all(is_pointer))
        && same.is_none_or(|same| !same.is_empty() && same.iter().all(is_pointer))
        && part.is_none_or(|part| {
            ["ids", "id"]
                .iter()
                .all(|key| part.get(*key).is_some_and(is_pointer))
        })
        && (same.is_some() == is_pointer(&listed["meanwhile"]));
    if !usable {
        findings.add(
            &at,
            "`listed` must have `arguments` with JSON pointers into the payload, and may have `same` with `meanwhile`, and `part` with `ids` and `id`",
        );
    }
}

fn recognise(findings: &mut Findings<'_>, at: &str, marks: &Value) {
    let usable = |mark: &Value| mark.as_str().and_then(crate::emit::mark_of).is_some();
    let is_list = marks
        .as_array()
        .is_some_and(|marks| !marks.is_empty() && marks.iter().all(usable));
    if !marks.is_null() && !is_list {
        findings.add(
            &pointer::join(at, "recognise"),
            "`recognise` must be a list of `/member`, `!/member`, `/member=text|text` or `/member==/member`",
        );
    }
}
