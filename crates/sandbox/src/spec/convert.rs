//! Turns OpenAPI 3.0 schemas into JSON Schema, closed: a key that is not described is refused.

use serde_json::{Map, Value, json};

/// Keywords whose value is a schema.
const ONE: [&str; 3] = ["items", "additionalProperties", "not"];
/// Keywords whose value is a list of schemas.
const LIST: [&str; 2] = ["anyOf", "oneOf"];
/// References inside `allOf` that lead deeper than this lead in a circle.
const DEEPEST: u8 = 16;

/// Converts a schema and all schemas inside it; `described` are the document's named schemas, not converted.
pub fn schema(value: &mut Value, described: &Value) {
    let Value::Object(members) = value else {
        return;
    };
    flatten(members, described, 0);
    for keyword in ONE {
        if let Some(inner) = members.get_mut(keyword) {
            schema(inner, described);
        }
    }
    for keyword in LIST {
        let inner = members.get_mut(keyword).and_then(Value::as_array_mut);
        for inner in inner.into_iter().flatten() {
            schema(inner, described);
        }
    }
    let properties = members.get_mut("properties").and_then(Value::as_object_mut);
    for (_, inner) in properties.into_iter().flatten() {
        schema(inner, described);
    }
    // Objects with described members take no others, unless they say that they do.
    if members.contains_key("properties") && !members.contains_key("additionalProperties") {
        members.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    exclusive(members, "minimum", "exclusiveMinimum");
    exclusive(members, "maximum", "exclusiveMaximum");
    // The service adds to such a list, so what is not on it is no mistake.
    if members.shift_remove("x-open") == Some(Value::Bool(true)) {
        members.shift_remove("enum");
    }
    // Formats are notes to the reader: the services take most of them loosely.
    members.shift_remove("format");
    let is_nullable = members.shift_remove("nullable") == Some(Value::Bool(true));
    if is_nullable && !allow_null(members) {
        *value = json!({ "anyOf": [Value::Object(std::mem::take(members)), { "type": "null" }] });
    }
}

/// Merges the parts of `allOf` into one schema, so that it can be closed as a whole.
fn flatten(members: &mut Map<String, Value>, described: &Value, depth: u8) {
    let Some(Value::Array(parts)) = members.shift_remove("allOf") else {
        return;
    };
    for mut part in parts {
        if let Some(named) = part
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| {
                let name = reference.strip_prefix("#/components/schemas/")?;
                described.get(name)
            })
        {
            part = named.clone();
        }
        let Value::Object(mut part) = part else {
            continue;
        };
        if depth < DEEPEST {
            flatten(&mut part, described, depth + 1);
        }
        merge(members, part);
    }
}

fn merge(into: &mut Map<String, Value>, part: Map<String, Value>) {
    for (keyword, value) in part {
        match (into.get_mut(&keyword), value) {
            (Some(Value::Object(known)), Value::Object(more)) if keyword == "properties" => {
                for (name, property) in more {
                    known.entry(name).or_insert(property);
                }
            }
            (Some(Value::Array(known)), Value::Array(more)) if keyword == "required" => {
                known.extend(more);
            }
            (Some(_), _) => {}
            (None, value) => {
                into.insert(keyword, value);
            }
        }
    }
}

/// Adds null to a schema that names its type; `false` when it names none, as a reference does not.
fn allow_null(members: &mut Map<String, Value>) -> bool {
    let Some(Value::String(kind)) = members.get("type") else {
        return false;
    };
    let kinds = json!([kind, "null"]);
    members.insert("type".to_owned(), kinds);
    if let Some(options) = members.get_mut("enum").and_then(Value::as_array_mut) {
        options.push(Value::Null);
    }
    true
}

/// `exclusiveMinimum: true` beside `minimum` becomes the bound itself.
fn exclusive(members: &mut Map<String, Value>, bound: &str, flag: &str) {
    match members.get(flag) {
        Some(Value::Bool(true)) => {
            if let Some(limit) = members.shift_remove(bound) {
                members.insert(flag.to_owned(), limit);
            }
        }
        Some(Value::Bool(false)) => {
            members.shift_remove(flag);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(mut value: Value, described: &Value, instance: &Value) -> bool {
        schema(&mut value, described);
        jsonschema::validator_for(&value)
            .unwrap()
            .is_valid(instance)
    }

    #[test]
    fn closes_objects_and_allows_null_where_it_is_allowed() {
        let value = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "nullable": true },
                "amount": { "type": "number", "minimum": 0, "exclusiveMinimum": true },
                "free": { "type": "object", "additionalProperties": true, "properties": { "a": { "type": "string" } } },
            },
        });
        let none = json!({});
        let takes = |instance: Value| accepts(value.clone(), &none, &instance);
        assert!(takes(
            json!({ "name": null, "amount": 0.1, "free": { "b": 1 } })
        ));
        assert!(!takes(json!({ "amount": 0 })));
        assert!(!takes(json!({ "other": 1 })));
    }

    #[test]
    fn lists_are_held_unless_they_are_open() {
        let none = json!({});
        let closed = json!({ "type": "number", "enum": [0, 0.5], "nullable": true });
        let takes = |instance: Value| accepts(closed.clone(), &none, &instance);
        assert!(takes(json!(0.5)) && takes(json!(0.0)) && takes(json!(null)));
        assert!(!takes(json!(0.7)));
        let open = json!({ "type": "string", "enum": ["a"], "x-open": true });
        assert!(accepts(open.clone(), &none, &json!("b")));
        assert!(!accepts(open, &none, &json!(1)), "it is still a text");
    }

    #[test]
    fn parts_are_closed_as_a_whole() {
        let described =
            json!({ "Base": { "type": "object", "properties": { "a": { "type": "string" } } } });
        let value = json!({
            "required": ["b"],
            "allOf": [
                { "$ref": "#/components/schemas/Base" },
                { "type": "object", "properties": { "b": { "type": "integer" } } },
            ],
        });
        let takes = |instance: Value| accepts(value.clone(), &described, &instance);
        assert!(takes(json!({ "a": "x", "b": 1 })));
        assert!(!takes(json!({ "a": "x" })), "b is required");
        assert!(
            !takes(json!({ "a": "x", "b": 1, "c": 1 })),
            "c is not described"
        );
    }
}
