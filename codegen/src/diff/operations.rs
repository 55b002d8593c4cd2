//! Operations that came, went, moved or take and give something else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Changes, Kind, Place, Subject, parameters, shape, types};
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
        let place = Place {
            subject: Subject::Operation,
            name,
            operations: &[],
        };
        match (olds.get(name), news.get(name)) {
            (Some(old), None) => {
                let renamed = news
                    .iter()
                    .find(|(_, other)| (other.path, other.method) == (old.path, old.method));
                let what = match renamed {
                    Some((name, _)) => format!("the operation is called `{name}` now"),
                    None => format!("the operation {} is gone", address(*old)),
                };
                changes.add(place, Kind::Removed, true, "", what);
            }
            (None, Some(new)) => {
                changes.add(
                    place,
                    Kind::Added,
                    false,
                    "",
                    format!("new: {}", address(*new)),
                );
            }
            (Some(old), Some(new)) => one(place, *old, *new, changes),
            (None, None) => {}
        }
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
        changes.add(place, Kind::Changed, false, "", what);
    }
    let (old, new) = (old.value, new.value);
    let resource = |operation: &Value| operation["tags"][0].as_str().unwrap_or_default().to_owned();
    if resource(old) != resource(new) {
        let what = format!("its module was `{}`, is `{}`", resource(old), resource(new));
        changes.add(place, Kind::Changed, true, "", what);
    }
    if old["deprecated"] != true && new["deprecated"] == true {
        changes.add(
            place,
            Kind::Changed,
            false,
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
    ] {
        let (old, new) = (&old[key], &new[key]);
        if old != new {
            let breaks = key == "x-items" && new.is_null();
            let what = format!("was {}, is {}", shape::word(old), shape::word(new));
            changes.add(place, Kind::Changed, breaks, key, what);
        }
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
                changes.add(place, Kind::Changed, true, part, what);
            }
            let [old_kind, new_kind] = [old, new].map(shape::text);
            if old_kind != new_kind {
                let what = format!("was {old_kind}, is {new_kind}");
                changes.add(place, Kind::Changed, true, part, what);
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
            true,
            part,
            format!("it has no {part} any more"),
        ),
        // A call without a body does not compile once there is one; an answer that was `()` is a type now.
        (None, Some((_, new))) => {
            let what = format!("it has a new {part}: {}", shape::text(new));
            changes.add(place, Kind::Added, true, part, what);
        }
        (None, None) => {}
    }
}
