//! Tells apart the objects of requests and of answers, because requests are strict and answers lenient. An object that
//! both reach is doubled: requests get it as `…Input`. Word lists (`enum`) are not forked: they are strict as they are,
//! and answers hold them open.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::schema::{is_enum, operations, operations_mut, references};

/// The extension that holds the [`Side`].
const SIDE: &str = "x-side";

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Answer,
    Words,
}

impl Side {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Words => "words",
        }
    }

    pub fn of(schema: &Value) -> Option<Self> {
        let name = schema[SIDE].as_str()?;
        [Self::Request, Self::Answer, Self::Words]
            .into_iter()
            .find(|side| side.name() == name)
    }
}

pub(super) fn apply(document: &mut Value) {
    let schemas = document["components"]["schemas"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let requested = reached(
        &schemas,
        operations(document).flat_map(|(_, _, operation)| request_parts(operation)),
    );
    let answered = reached(
        &schemas,
        operations(document).map(|(_, _, operation)| &operation["responses"]),
    );
    let renamed = new_names(&schemas, &requested, &answered);

    let mut sides = Map::new();
    for (name, schema) in &schemas {
        if is_enum(schema) {
            if requested.contains(name) || answered.contains(name) {
                sides.insert(name.clone(), marked(schema, Side::Words));
            }
            continue;
        }
        if answered.contains(name) {
            sides.insert(name.clone(), marked(schema, Side::Answer));
        }
        if requested.contains(name) {
            let mut schema = marked(schema, Side::Request);
            rename(&mut schema, &renamed);
            sides.insert(renamed.get(name).unwrap_or(name).clone(), schema);
        }
    }
    document["components"]["schemas"] = sides.into();
    for operation in operations_mut(document) {
        for key in ["requestBody", "parameters"] {
            if let Some(part) = operation.get_mut(key) {
                rename(part, &renamed);
            }
        }
    }
}

fn request_parts(operation: &Value) -> [&Value; 2] {
    [&operation["requestBody"], &operation["parameters"]]
}

fn reached<'v>(
    schemas: &Map<String, Value>,
    from: impl Iterator<Item = &'v Value>,
) -> BTreeSet<String> {
    let mut open = Vec::new();
    from.for_each(|value| references(value, &mut open));
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(schema) = schemas.get(&name)
            && reached.insert(name)
        {
            references(schema, &mut open);
        }
    }
    reached
}

/// Names for the request's copy of what both sides reach.
fn new_names(
    schemas: &Map<String, Value>,
    requested: &BTreeSet<String>,
    answered: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let both = requested
        .intersection(answered)
        .filter(|name| !is_enum(&schemas[name.as_str()]));
    both.map(|name| {
        let input = format!("{name}Input");
        let new = if schemas.contains_key(&input) {
            format!("{name}Request")
        } else {
            input
        };
        (name.clone(), new)
    })
    .collect()
}

fn marked(schema: &Value, side: Side) -> Value {
    let mut schema = schema.clone();
    schema[SIDE] = json!(side.name());
    schema
}

fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                let new = inner
                    .as_str()
                    .filter(|_| key == "$ref")
                    .and_then(|reference| {
                        names.get(reference.strip_prefix("#/components/schemas/")?)
                    });
                match new {
                    Some(new) => *inner = json!(format!("#/components/schemas/{new}")),
                    None => rename(inner, names),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|inner| rename(inner, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(name: &str) -> Value {
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    #[test]
    fn shared_objects_are_doubled_and_unused_ones_dropped() {
        let mut document = json!({
            "paths": { "/a": { "post": {
                "requestBody": { "schema": to("Body") },
                "responses": { "2XX": { "schema": to("Answer") } },
            } } },
            "components": { "schemas": {
                "Body": { "type": "object", "properties": { "part": to("Part") } },
                "Answer": { "type": "object", "properties": { "part": to("Part") } },
                "Part": { "type": "object", "properties": { "word": to("Word") } },
                "Word": { "type": "string", "enum": ["a"] },
                "Unused": { "type": "object" },
            } },
        });
        apply(&mut document);
        let schemas = &document["components"]["schemas"];
        let sides: Vec<(&str, Side)> = schemas
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, s)| (name.as_str(), Side::of(s).unwrap()))
            .collect();
        assert_eq!(
            sides,
            [
                ("Body", Side::Request),
                ("Answer", Side::Answer),
                ("Part", Side::Answer),
                ("PartInput", Side::Request),
                ("Word", Side::Words),
            ]
        );
        assert_eq!(schemas["Body"]["properties"]["part"], to("PartInput"));
        assert_eq!(schemas["Answer"]["properties"]["part"], to("Part"));
    }
}
