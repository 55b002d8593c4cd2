//! Types: members, words and bounds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Breaks, Changes, Kind, Place, Subject, pairs, shape};
use crate::schema::{operations, references};
use crate::transform::Side;

/// Compares the named types.
pub(super) fn compare(old: &Value, new: &Value, changes: &mut Changes) {
    let users = [users(old), users(new)];
    let [olds, news] = [old, new].map(|document| &document["components"]["schemas"]);
    for (name, old, new) in pairs(olds, news) {
        let operations: BTreeSet<&str> = users
            .iter()
            .filter_map(|users| users.get(name))
            .flatten()
            .copied()
            .collect();
        let operations: Vec<String> = operations.into_iter().map(str::to_owned).collect();
        let place = |schema| Place {
            subject: match Side::of(schema) {
                Some(Side::Answer) => Subject::Answer,
                Some(Side::Words) => Subject::Words,
                Some(Side::Request) | None => Subject::Request,
            },
            name,
            address: "",
            operations: &operations,
        };
        match (old, new) {
            (Some(old), None) => {
                let what = match renamed(old, olds, news) {
                    Some(name) => format!("the type is called `{name}` now"),
                    None => "the type is gone".to_owned(),
                };
                changes.add(place(old), Kind::Removed, Breaks::CODE, "", what);
            }
            (None, Some(new)) => {
                if renamed(new, news, olds).is_none() {
                    changes.add(place(new), Kind::Added, Breaks::NOBODY, "", "new type");
                }
            }
            (Some(old), Some(new)) if Side::of(old) != Side::of(new) => {
                let [was, is] =
                    [old, new].map(|schema| Side::of(schema).map_or("unknown", Side::name));
                let what = format!("it was a type of {was}, is one of {is}");
                changes.add(place(new), Kind::Changed, Breaks::CODE, "", what);
            }
            (Some(old), Some(new)) => {
                let [was, is] = [old, new].map(shape::text);
                if was != is {
                    changes.add(
                        place(new),
                        Kind::Changed,
                        Breaks::CODE,
                        "",
                        format!("was {was}, is {is}"),
                    );
                }
                schema(place(new), "", old, new, changes);
            }
            (None, None) => {}
        }
    }
}

/// What a type that only one side has is called on the other: the only one there that says the same.
fn renamed<'v>(schema: &Value, here: &Value, there: &'v Value) -> Option<&'v str> {
    // Types that say nothing are all alike.
    if schema.get("properties").is_none() && schema.get("enum").is_none() {
        return None;
    }
    let others = there.as_object()?.iter();
    let mut same =
        others.filter(|(name, other)| here.get(name.as_str()).is_none() && *other == schema);
    match (same.next(), same.next()) {
        (Some((name, _)), None) => Some(name),
        _ => None,
    }
}

/// The operations that each type is in.
fn users(document: &Value) -> BTreeMap<String, BTreeSet<&str>> {
    let mut users: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (_, _, operation) in operations(document) {
        let Some(id) = operation["operationId"].as_str() else {
            continue;
        };
        let mut open = Vec::new();
        references(operation, &mut open);
        while let Some(name) = open.pop() {
            let schema = &document["components"]["schemas"][&name];
            if users.entry(name).or_default().insert(id) {
                references(schema, &mut open);
            }
        }
    }
    users
}

/// The type of one value, then what is in it.
pub(super) fn value(place: Place<'_>, part: &str, old: &Value, new: &Value, changes: &mut Changes) {
    let [was, is] = [old, new].map(shape::text);
    let is_answer = place.subject == Subject::Answer;
    if was != is && !(is_answer && answer_type(old) == answer_type(new)) {
        // What is called keeps its form in JSON where only Rust's type differs.
        let breaks = match (is_answer, plain(old) == plain(new)) {
            (_, true) => Breaks::CODE,
            (true, false) => Breaks::READERS,
            (false, false) => Breaks::ALL,
        };
        changes.add(
            place,
            Kind::Changed,
            breaks,
            part,
            format!("was {was}, is {is}"),
        );
    }
    schema(place, part, old, new, changes);
}

/// What a value is in JSON, as far as the schema itself says.
fn plain(schema: &Value) -> Option<&str> {
    let rust = &schema["x-rust-type"]["parameters"][0];
    if crate::schema::referred(schema).is_some() {
        return Some("a named type");
    }
    schema["type"].as_str().or_else(|| rust["type"].as_str())
}

/// What is left of a type in an answer: formats of texts are not read there.
fn answer_type(schema: &Value) -> (Option<&str>, bool, String) {
    let kind = schema["type"].as_str();
    let is_decimal = kind == Some("number") && schema["format"] == "decimal";
    let plain = matches!(kind, Some("string" | "number" | "integer" | "boolean"));
    let rest = if plain {
        String::new()
    } else {
        shape::text(schema)
    };
    (kind, is_decimal, rest)
}

/// Members, words and bounds of a schema.
pub(super) fn schema(
    place: Place<'_>,
    part: &str,
    old: &Value,
    new: &Value,
    changes: &mut Changes,
) {
    let is_request = place.subject != Subject::Answer;
    if is_request {
        bounds(place, part, old, new, changes);
    }
    words(place, part, &old["enum"], &new["enum"], changes);
    for (name, old_member, new_member) in pairs(&old["properties"], &new["properties"]) {
        let part = join(part, name);
        let [was_required, is_required] = [old, new].map(|schema| requires(schema, name));
        match (old_member, new_member) {
            (Some(member), None) => {
                let what = match partner(member, [old, new]) {
                    Some(name) => format!("the member is called `{name}` now"),
                    None => "the member is gone".to_owned(),
                };
                let breaks = if is_request {
                    Breaks::ALL
                } else {
                    Breaks::READERS
                };
                changes.add(place, Kind::Removed, breaks, &part, what);
            }
            (None, Some(member)) if partner(member, [new, old]).is_some() => {}
            (None, Some(member)) => {
                let kind = shape::text(member);
                let breaks = is_request && is_required;
                let word = if breaks { "new required" } else { "new" };
                let breaks = if breaks { Breaks::ALL } else { Breaks::NOBODY };
                changes.add(
                    place,
                    Kind::Added,
                    breaks,
                    &part,
                    format!("{word} member: {kind}"),
                );
            }
            (Some(old), Some(new)) => {
                if is_request {
                    presence(
                        place,
                        &part,
                        [was_required, is_required],
                        [old, new],
                        changes,
                    );
                }
                value(place, &part, old, new, changes);
            }
            (None, None) => {}
        }
    }
    if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
        // Their types are part of the list's; what is left are members of unnamed objects.
        schema(place, &format!("{part}[]"), old, new, changes);
    }
}

/// What a member that only the first of both schemas has is called in the second: the only one there of its type and
/// words, and itself the only one of that type.
fn partner<'v>(member: &Value, [here, there]: [&'v Value; 2]) -> Option<&'v str> {
    let alone = |one: &'v Value, other: &'v Value| {
        let members = one["properties"].as_object().into_iter().flatten();
        members
            .filter(|(name, _)| other["properties"].get(name.as_str()).is_none())
            .filter(|(_, like)| {
                shape::text(like) == shape::text(member)
                    && like["description"] == member["description"]
            })
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
    };
    match (alone(here, there).as_slice(), alone(there, here).as_slice()) {
        ([_], [name]) => Some(*name),
        _ => None,
    }
}

/// Whether a member of a request must be there, and whether it may be null.
fn presence(
    place: Place<'_>,
    part: &str,
    required: [bool; 2],
    [old, new]: [&Value; 2],
    changes: &mut Changes,
) {
    match required {
        [false, true] => changes.add(
            place,
            Kind::Changed,
            Breaks::ALL,
            part,
            "it is required now",
        ),
        // What was a value is an option.
        [true, false] => changes.add(
            place,
            Kind::Changed,
            Breaks::CODE,
            part,
            "it is optional now",
        ),
        _ => {}
    }
    let [was, is] = [old, new].map(|schema| schema["nullable"] == true);
    if required == [true, true] && was != is {
        let what = if is {
            "it may be null now"
        } else {
            "it may not be null any more"
        };
        let breaks = if is { Breaks::CODE } else { Breaks::ALL };
        changes.add(place, Kind::Changed, breaks, part, what);
    }
}

fn words(place: Place<'_>, part: &str, old: &Value, new: &Value, changes: &mut Changes) {
    let set = |value: &Value| -> Option<BTreeSet<String>> {
        let words = value.as_array()?.iter();
        Some(
            words
                .map(|word| {
                    word.as_str()
                        .map_or_else(|| word.to_string(), str::to_owned)
                })
                .collect(),
        )
    };
    match (set(old), set(new)) {
        (Some(old), Some(new)) => {
            for word in old.difference(&new) {
                changes.add(
                    place,
                    Kind::Removed,
                    Breaks::ALL,
                    part,
                    format!("the word `{word}` is gone"),
                );
            }
            for word in new.difference(&old) {
                changes.add(
                    place,
                    Kind::Added,
                    Breaks::NOBODY,
                    part,
                    format!("new word `{word}`"),
                );
            }
        }
        (None, Some(_)) => changes.add(
            place,
            Kind::Changed,
            Breaks::ALL,
            part,
            "any text became a list of words",
        ),
        (Some(_), None) => changes.add(
            place,
            Kind::Changed,
            Breaks::CODE,
            part,
            "a list of words became any text",
        ),
        (None, None) => {}
    }
}

/// Bounds of what is sent. Text with bounds has a type of its own, and a number's least value chooses its type.
fn bounds(place: Place<'_>, part: &str, old: &Value, new: &Value, changes: &mut Changes) {
    for (key, is_upper) in [
        ("minimum", false),
        ("maximum", true),
        ("minLength", false),
        ("maxLength", true),
        ("minItems", false),
        ("maxItems", true),
    ] {
        let [was, is] = [old, new].map(|schema| schema[key].as_f64());
        if was == is {
            continue;
        }
        let tighter = match (was, is) {
            (None, _) => true,
            (_, None) => false,
            (Some(was), Some(is)) => (is < was) == is_upper,
        };
        let changes_type = key == "minimum"
            || key.ends_with("Length") && (is_bounded_text(old) != is_bounded_text(new));
        let word = |value: &Value| shape::word(&value[key]).replace('`', "");
        let what = format!("`{key}` was {}, is {}", word(old), word(new));
        let breaks = match (tighter, changes_type) {
            (true, _) => Breaks::ALL,
            (false, true) => Breaks::CODE,
            (false, false) => Breaks::NOBODY,
        };
        changes.add(place, Kind::Changed, breaks, part, what);
    }
}

fn is_bounded_text(schema: &Value) -> bool {
    ["minLength", "maxLength"]
        .iter()
        .any(|key| !schema[key].is_null())
}

fn requires(schema: &Value, member: &str) -> bool {
    schema["required"]
        .as_array()
        .is_some_and(|names| names.iter().any(|name| name == member))
}

fn join(part: &str, member: &str) -> String {
    if part.is_empty() {
        member.to_owned()
    } else {
        format!("{part}.{member}")
    }
}
