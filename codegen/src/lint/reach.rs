//! Where a JSON pointer leads in what a schema describes.

use serde_json::Value;

use crate::bundle::Bundle;
use crate::pointer;

/// Deep enough for every honest description, and an end for a circle.
const DEPTH: usize = 16;

/// What is at the end of a pointer.
#[derive(Debug)]
pub(super) enum Reached<'b> {
    /// Schemas that all hold for it: a reference, what it refers to, parts of an `allOf`.
    Described(Vec<&'b Value>),
    /// The description leaves open what is there.
    Open,
    /// There is no such member, but these.
    Lost { member: String, known: Vec<&'b str> },
}

impl<'b> Reached<'b> {
    /// The type, where one is described.
    pub fn kind(&self) -> Option<&'b str> {
        self.get("type")
            .and_then(Value::as_str)
            .or_else(|| self.get("properties").map(|_| "object"))
    }

    pub fn get(&self, key: &str) -> Option<&'b Value> {
        match self {
            Self::Described(schemas) => schemas.iter().find_map(|schema| schema.get(key)),
            Self::Open | Self::Lost { .. } => None,
        }
    }
}

/// Follows a pointer from a schema.
pub(super) fn reach<'b>(bundle: &'b Bundle, schema: &'b Value, pointer: &str) -> Reached<'b> {
    let mut here = parts(bundle, schema);
    for member in pointer::keys(pointer) {
        match step(bundle, &here, &member) {
            Reached::Described(next) => here = next,
            other => return other,
        }
    }
    Reached::Described(here)
}

fn step<'b>(bundle: &'b Bundle, here: &[&'b Value], member: &str) -> Reached<'b> {
    let alternatives: Vec<&Value> = here
        .iter()
        .filter_map(|schema| schema["oneOf"].as_array())
        .flatten()
        .collect();
    if !alternatives.is_empty() {
        // It must be in one of them.
        let mut all = Vec::new();
        for alternative in alternatives {
            match step(bundle, &parts(bundle, alternative), member) {
                Reached::Lost { known, .. } => all.extend(known),
                found => return found,
            }
        }
        return Reached::Lost {
            member: member.to_owned(),
            known: all,
        };
    }
    let properties = || {
        here.iter()
            .filter_map(|schema| schema["properties"].as_object())
    };
    // The nearest description counts.
    if let Some(found) = properties().find_map(|members| members.get(member)) {
        return Reached::Described(parts(bundle, found));
    }
    if member.parse::<usize>().is_ok()
        && let Some(items) = here.iter().find_map(|schema| schema.get("items"))
    {
        return Reached::Described(parts(bundle, items));
    }
    let others = here
        .iter()
        .find_map(|schema| schema.get("additionalProperties"));
    match others {
        Some(Value::Object(_)) => {
            return others.map_or(Reached::Open, |others| {
                Reached::Described(parts(bundle, others))
            });
        }
        Some(Value::Bool(true)) => return Reached::Open,
        _ => {}
    }
    let is_described = here.iter().any(|schema| {
        schema.get("properties").is_some()
            || schema["type"].as_str().is_some_and(|kind| kind != "object")
    });
    if !is_described {
        return Reached::Open;
    }
    Reached::Lost {
        member: member.to_owned(),
        known: properties()
            .flat_map(|members| members.keys().map(String::as_str))
            .collect(),
    }
}

/// The schema, what it refers to and the parts of its `allOf`, nearest first.
pub(super) fn parts<'b>(bundle: &'b Bundle, schema: &'b Value) -> Vec<&'b Value> {
    let mut found = Vec::new();
    gather(bundle, schema, 0, &mut found);
    found
}

fn gather<'b>(bundle: &'b Bundle, schema: &'b Value, depth: usize, found: &mut Vec<&'b Value>) {
    if depth > DEPTH {
        return;
    }
    found.push(schema);
    if schema.get("$ref").is_some()
        && let Some(target) = bundle.resolve(schema)
    {
        gather(bundle, target, depth + 1, found);
    }
    let all = schema["allOf"].as_array();
    for part in all.into_iter().flatten().rev() {
        gather(bundle, part, depth + 1, found);
    }
}
