//! Lists of values that Rust's types do not hold: numbers, whose list would need a type of its own for two or three of
//! them, and lists that the service adds to (`x-open`) where they are sent. They are plain numbers and texts to the
//! generator. What is sent is held against the bundle, which keeps the lists.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::schema::{is_open_list, operations_mut, referred, walk};
use crate::transform::Side;

/// Numbers lose their lists everywhere.
pub(super) mod of_numbers {
    use serde_json::Value;

    pub(in super::super) fn apply(document: &mut Value) {
        super::every_schema(document, &mut |schema| {
            let is_number = matches!(schema["type"].as_str(), Some("integer" | "number"));
            if let Some(members) = schema.as_object_mut().filter(|_| is_number) {
                members.shift_remove("enum");
            }
        });
    }
}

/// Requests take any text where the list is open. Runs behind `fork`, which tells requests from answers.
pub(super) mod open {
    use super::{BTreeMap, Side, Value, is_open_list, operations_mut, plain, walk};

    pub(in super::super) fn apply(document: &mut Value) {
        let schemas = document["components"]["schemas"].as_object();
        let open: BTreeMap<String, Value> = schemas
            .into_iter()
            .flatten()
            .filter(|(_, schema)| is_open_list(schema))
            .map(|(name, schema)| (name.clone(), plain(schema)))
            .collect();
        let schemas = document
            .pointer_mut("/components/schemas")
            .and_then(Value::as_object_mut);
        for (_, schema) in schemas.into_iter().flatten() {
            if Side::of(schema) == Some(Side::Request) {
                walk(schema, &mut |schema| super::replace(schema, &open));
            }
        }
        for operation in operations_mut(document) {
            let parameters = operation
                .get_mut("parameters")
                .and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                if let Some(schema) = parameter.get_mut("schema") {
                    walk(schema, &mut |schema| super::replace(schema, &open));
                }
            }
        }
        // A list that only requests have is no type any more.
        super::forget(document, &open);
    }
}

fn every_schema(document: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    let schemas = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut);
    for (_, schema) in schemas.into_iter().flatten() {
        walk(schema, visit);
    }
    let parameters = document
        .pointer_mut("/components/parameters")
        .and_then(Value::as_object_mut);
    for (_, parameter) in parameters.into_iter().flatten() {
        if let Some(schema) = parameter.get_mut("schema") {
            walk(schema, visit);
        }
    }
    for operation in operations_mut(document) {
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if let Some(schema) = parameter.get_mut("schema") {
                walk(schema, visit);
            }
        }
    }
}

fn plain(schema: &Value) -> Value {
    let mut plain = Map::new();
    plain.insert("type".into(), json!("string"));
    if let Some(description) = schema.get("description") {
        plain.insert("description".into(), description.clone());
    }
    plain.into()
}

fn replace(schema: &mut Value, open: &BTreeMap<String, Value>) {
    let Some(plain) = referred(schema).and_then(|name| open.get(name)) else {
        return;
    };
    let mut plain = plain.clone();
    for key in ["description", "nullable"] {
        if let Some(own) = schema.get(key) {
            plain[key] = own.clone();
        }
    }
    *schema = plain;
}

fn forget(document: &mut Value, open: &BTreeMap<String, Value>) {
    let mut left = Vec::new();
    crate::schema::references(&document["paths"], &mut left);
    let schemas = document["components"]["schemas"].as_object();
    for (_, schema) in schemas.into_iter().flatten() {
        crate::schema::references(schema, &mut left);
    }
    let schemas = document.pointer_mut("/components/schemas");
    if let Some(schemas) = schemas.and_then(Value::as_object_mut) {
        schemas.retain(|name, _| !open.contains_key(name) || left.contains(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain_and_open_lists_are_texts_where_they_are_sent() {
        let to = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let mut document = json!({
            "paths": { "/a": { "get": { "parameters": [
                { "name": "kind", "schema": to("Open") }, { "name": "half", "schema": { "type": "number", "enum": [0, 0.5] } },
                { "name": "only", "schema": to("Sent") },
            ] } } },
            "components": { "schemas": {
                "Body": { "x-side": "request", "properties": {
                    "kinds": { "type": "array", "items": to("Open") }, "fixed": to("Closed"),
                    "own": { "allOf": [to("Open")], "description": "Own." },
                } },
                "Answer": { "x-side": "answer", "properties": { "kind": to("Open") } },
                "Open": { "type": "string", "enum": ["a"], "x-open": true, "description": "Kinds." },
                "Sent": { "type": "string", "enum": ["a"], "x-open": true },
                "Closed": { "type": "string", "enum": ["a"] },
            } },
        });
        of_numbers::apply(&mut document);
        open::apply(&mut document);
        let parameters = &document["paths"]["/a"]["get"]["parameters"];
        let text = json!({ "type": "string", "description": "Kinds." });
        assert_eq!(parameters[0]["schema"], text);
        assert_eq!(parameters[1]["schema"], json!({ "type": "number" }));
        let schemas = &document["components"]["schemas"];
        let body = &schemas["Body"]["properties"];
        assert_eq!(body["kinds"]["items"], text);
        assert_eq!(body["fixed"], to("Closed"));
        assert_eq!(
            body["own"],
            json!({ "type": "string", "description": "Own." })
        );
        assert_eq!(schemas["Answer"]["properties"]["kind"], to("Open"));
        assert!(schemas["Sent"].is_null(), "nothing has this type");
    }
}
