//! Operations that came, went, moved or take and give something else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Breaks, Changes, Kind, Place, Subject, parameters, shape, types};
use crate::lint::shape as shape_of;
use crate::schema::{content, operations, success};

/// An operation and where it is.
#[derive(Clone, Copy)]
struct Found<'v> {
    path: &'v str,
    method: &'static str,
    value: &'v Value,
}

pub(super) fn compare(old: &Value, new: &Value, changes: &mut Changes) {
    let (olds, news) = (by_name(old), by_name(new));
    let names: BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
    for name in names {
        let place = |address| Place {
            subject: Subject::Operation,
            name,
            address,
            operations: &[],
        };
        match (olds.get(name), news.get(name)) {
            (Some(old), None) => {
                let at = address(*old);
                let place = place(at.as_str());
                let renamed = news
                    .iter()
                    .find(|(name, other)| !olds.contains_key(*name) && old.is_at(**other));
                let what = match renamed {
                    Some((name, _)) => format!("the operation is called `{name}` now"),
                    None => format!("the operation {at} is gone"),
                };
                changes.add(place, Kind::Removed, Breaks::ALL, "", what);
                if let Some((_, new)) = renamed {
                    one(place, *old, *new, changes);
                }
            }
            (None, Some(new)) => {
                let is_renamed = olds
                    .iter()
                    .any(|(name, other)| !news.contains_key(name) && other.is_at(*new));
                if !is_renamed {
                    let at = address(*new);
                    let what = format!("new: {at}{}", facts(new.value));
                    changes.add(place(at.as_str()), Kind::Added, Breaks::NOBODY, "", what);
                }
            }
            (Some(old), Some(new)) => one(place(address(*new).as_str()), *old, *new, changes),
            (None, None) => {}
        }
    }
}

impl Found<'_> {
    /// Whether both are the same to a server, whatever the path's parameters are called.
    fn is_at(&self, other: Found<'_>) -> bool {
        self.method == other.method && shape_of(self.path) == shape_of(other.path)
    }
}

/// What one wants to know of a new operation at once.
fn facts(operation: &Value) -> String {
    let mut facts = Vec::new();
    if let Some(version) = operation["x-api-version"].as_str() {
        facts.push(format!("version {version}"));
    }
    if let Some(scopes) = operation["x-scopes"].as_array() {
        let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
        facts.push(match scopes.as_slice() {
            [] => "no scope".to_owned(),
            scopes => format!("scope {}", scopes.join(" ")),
        });
    }
    if let Some(kinds) = operation["x-token-kinds"].as_array() {
        let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
        // That of a location is what everybody has.
        if kinds != ["location"] {
            facts.push(format!("token {}", kinds.join(" or ")));
        }
    }
    match &operation["x-paging"] {
        Value::Null if operation["x-items"].is_string() => {
            facts.push("a list in one page".to_owned());
        }
        Value::String(style) => facts.push(format!("pages by {style}")),
        Value::Object(style) => {
            for (style, how) in style {
                let parameter = how["parameter"].as_str().unwrap_or_default();
                facts.push(format!("pages by {style} in `{parameter}`"));
            }
        }
        _ => {}
    }
    if let Some(record) = operation["x-trigger"]["record"].as_str() {
        facts.push(format!("polls for {record} events"));
    }
    if facts.is_empty() {
        String::new()
    } else {
        format!("; {}", facts.join(", "))
    }
}

/// The operations by their ids; by method and path where a foreign description gives none.
fn by_name(document: &Value) -> BTreeMap<String, Found<'_>> {
    operations(document)
        .map(|(path, method, value)| {
            let found = Found {
                path,
                method,
                value,
            };
            let id = value["operationId"].as_str().map(str::to_owned);
            (id.unwrap_or_else(|| address(found)), found)
        })
        .collect()
}

fn address(found: Found<'_>) -> String {
    format!("{} {}", found.method.to_uppercase(), found.path)
}

fn one(place: Place<'_>, old: Found<'_>, new: Found<'_>, changes: &mut Changes) {
    if address(old) != address(new) {
        let what = format!("moved from {} to {}", address(old), address(new));
        changes.add(place, Kind::Changed, Breaks::NOBODY, "", what);
    }
    let (old, new) = (old.value, new.value);
    let resource = |operation: &Value| operation["tags"][0].as_str().unwrap_or_default().to_owned();
    if resource(old) != resource(new) {
        let what = format!("its module was `{}`, is `{}`", resource(old), resource(new));
        changes.add(place, Kind::Changed, Breaks::CODE, "", what);
    }
    if old["deprecated"] != true && new["deprecated"] == true {
        changes.add(
            place,
            Kind::Changed,
            Breaks::NOBODY,
            "",
            "the vendor advises against it now",
        );
    }
    extensions(place, old, new, changes);
    parameters::compare(place, &old["parameters"], &new["parameters"], changes);
    let bodies = [old, new].map(|operation| operation.get("requestBody"));
    payload(place, "body", bodies, changes);
    let answers = [old, new].map(|operation| success(operation).map(|(_, answer)| answer));
    payload(place, "answer", answers, changes);
}

/// What the tables tell: only a list that is none any more breaks those who read it page by page.
fn extensions(place: Place<'_>, old: &Value, new: &Value, changes: &mut Changes) {
    for key in [
        "x-api-version",
        "x-scopes",
        "x-token-kinds",
        "x-idempotency",
        "x-paging",
        "x-items",
        "x-record",
        "x-id",
        "x-version",
        "x-evidence",
    ] {
        let (old, new) = (&old[key], &new[key]);
        if old != new {
            let breaks = match key {
                "x-items" if new.is_null() => Breaks::ALL,
                // A token that was taken is refused.
                "x-token-kinds" if takes_less(old, new) => Breaks::ALL,
                _ => Breaks::NOBODY,
            };
            let what = format!("was {}, is {}", shape::word(old), shape::word(new));
            changes.add(place, Kind::Changed, breaks, key, what);
        }
    }
    trigger(place, &old["x-trigger"], &new["x-trigger"], changes);
}

/// Whether a kind of token that was taken is not any more. An app's is one of its kind.
fn takes_less(old: &Value, new: &Value) -> bool {
    let takes = |kind: &Value| {
        let list = new.as_array().into_iter().flatten();
        let plain = kind.as_str().and_then(|kind| kind.strip_suffix("-app"));
        list.into_iter()
            .any(|other| other == kind || other.as_str() == plain)
    };
    let mut old = old.as_array().into_iter().flatten();
    !new.is_null() && old.any(|kind| !takes(kind))
}

/// Event kinds, which workflow files start on.
fn trigger(place: Place<'_>, old: &Value, new: &Value, changes: &mut Changes) {
    let key = "x-trigger";
    let record = |trigger: &Value| trigger["record"].as_str().map(str::to_owned);
    match (record(old), record(new)) {
        (Some(_), None) => {
            let what = "it is no trigger any more: nothing can start on it";
            changes.add(place, Kind::Removed, Breaks::FILES, key, what);
        }
        (None, Some(record)) => {
            let what = format!("it is a trigger now, of {record} events");
            changes.add(place, Kind::Added, Breaks::NOBODY, key, what);
        }
        (Some(was), Some(is)) if was != is => {
            let what = format!("its events were `{was}.…`, are `{is}.…`");
            changes.add(place, Kind::Changed, Breaks::FILES, key, what);
        }
        _ => {}
    }
    if old["record"].is_string() && new["record"].is_string() {
        for (key, what, breaks) in [
            ("lists-all", "what is missing was deleted", Breaks::FILES),
            ("reading", "how it is read", Breaks::FILES),
            ("contact", "where its contact is", Breaks::FILES),
            ("created", "where its date of creation is", Breaks::NOBODY),
            ("each", "which lists it goes through", Breaks::FILES),
            ("window", "which time it looks at", Breaks::FILES),
        ] {
            let [was, is] = [old, new].map(|trigger| &trigger[key]);
            if was != is {
                // More is told, and nothing that was told is lost.
                let is_more =
                    key == "lists-all" && *is == true || was.is_null() && key == "contact";
                let breaks = if is_more { Breaks::NOBODY } else { breaks };
                let (was, is) = (shape::word(was), shape::word(is));
                let what = format!("`{key}` ({what}) was {was}, is {is}");
                changes.add(place, Kind::Changed, breaks, "x-trigger", what);
            }
        }
    }
    let kinds = |trigger: &Value| -> BTreeSet<String> {
        let changes = trigger["changes"].as_array().into_iter().flatten();
        changes
            .filter_map(|change| change["kind"].as_str().map(str::to_owned))
            .collect()
    };
    let (olds, news) = (kinds(old), kinds(new));
    for kind in olds.difference(&news) {
        let what = format!("the event kind `{kind}` is gone");
        changes.add(place, Kind::Removed, Breaks::FILES, key, what);
    }
    for kind in news.difference(&olds) {
        let what = format!("new event kind `{kind}`");
        changes.add(place, Kind::Added, Breaks::NOBODY, key, what);
    }
}

/// A body or an answer: whether there is one, its media type, and its type.
fn payload(place: Place<'_>, part: &str, holders: [Option<&Value>; 2], changes: &mut Changes) {
    let is_body = part == "body";
    let [old, new] = holders.map(|holder| holder.and_then(content));
    match (old, new) {
        (Some((old_media, old)), Some((new_media, new))) => {
            if old_media != new_media {
                let what = format!("was {old_media}, is {new_media}");
                changes.add(place, Kind::Changed, Breaks::CODE, part, what);
            }
            let [old_kind, new_kind] = [old, new].map(shape::text);
            if old_kind != new_kind {
                let what = format!("was {old_kind}, is {new_kind}");
                changes.add(place, Kind::Changed, Breaks::CODE, part, what);
            }
            let subject = if is_body {
                Subject::Request
            } else {
                Subject::Answer
            };
            let inner = Place { subject, ..place };
            types::schema(inner, part, old, new, changes);
        }
        (Some(_), None) => changes.add(
            place,
            Kind::Removed,
            if is_body {
                Breaks::ALL
            } else {
                Breaks::READERS
            },
            part,
            format!("it has no {part} any more"),
        ),
        // A call without a body does not compile once there is one; an answer that was `()` is a type now.
        (None, Some((_, new))) => {
            let what = format!("it has a new {part}: {}", shape::text(new));
            changes.add(place, Kind::Added, Breaks::CODE, part, what);
        }
        (None, None) => {}
    }
}
