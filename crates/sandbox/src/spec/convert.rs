//! Turns OpenAPI 3.0 schemas into JSON Schema, closed: a key that is not described is refused.

use serde_json::{Map, Value, json};

/// Keywords whose value is a schema.
const ONE: [&str; 3] = ["items", "additionalProperties", "not"];
/// Keywords whose value is a list of schemas.
const LIST: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Converts a schema and all schemas inside it.
pub fn schema(value: &mut Value) {
    let Value::Object(members) = value else {
        return;
    };
    for keyword in ONE {
        if let Some(inner) = members.get_mut(keyword) {
            schema(inner);
        }
    }
    for keyword in LIST {
        for inner in members
            .get_mut(keyword)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            schema(inner);
        }
    }
    let properties = members.get_mut("properties").and_then(Value::as_object_mut);
    for (_, inner) in properties.into_iter().flatten() {
        schema(inner);
    }
    close(members);
    exclusive(members, "minimum", "exclusiveMinimum");
    exclusive(members, "maximum", "exclusiveMaximum");
    // Formats are notes to the reader: the services take most of them loosely.
    members.shift_remove("format");
    let is_nullable = members.shift_remove("nullable") == Some(Value::Bool(true));
    if is_nullable && !allow_null(members) {
        *value = json!({ "anyOf": [Value::Object(std::mem::take(members)), { "type": "null" }] });
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

/// Objects with described members take no others, unless they say that they do.
fn close(members: &mut Map<String, Value>) {
    let is_open = members.contains_key("additionalProperties") || members.contains_key("allOf");
    if members.contains_key("properties") && !is_open {
        members.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
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

    #[test]
    fn closes_objects_and_allows_null_where_it_is_allowed() {
        let mut value = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "nullable": true },
                "amount": { "type": "number", "minimum": 0, "exclusiveMinimum": true },
                "free": { "type": "object", "additionalProperties": true, "properties": { "a": { "type": "string" } } },
            },
        });
        schema(&mut value);
        let validator = jsonschema::validator_for(&value).unwrap();
        assert!(validator.is_valid(&json!({ "name": null, "amount": 0.1, "free": { "b": 1 } })));
        assert!(!validator.is_valid(&json!({ "amount": 0 })));
        assert!(!validator.is_valid(&json!({ "other": 1 })));
    }
}
