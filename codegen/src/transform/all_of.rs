//! Components that are put together by `allOf` become plain objects. An `allOf` with one reference, which gives the
//! reference a description of its own, stays where it is inside a property.

use serde_json::{Map, Value};

use crate::schema::referred;

pub(super) fn apply(document: &mut Value) {
    let before = document["components"]["schemas"].clone();
    let schemas = document["components"]["schemas"]
        .as_object_mut()
        .into_iter()
        .flatten();
    for (_, schema) in schemas {
        if schema.get("allOf").is_some() {
            *schema = merged(&before, schema, 0);
        }
    }
}

/// Deep enough for every honest description, and an end for a circle.
const DEPTH: usize = 16;

fn merged(schemas: &Value, schema: &Value, depth: usize) -> Value {
    let mut whole = schema.as_object().cloned().unwrap_or_default();
    let Some(Value::Array(parts)) = whole.shift_remove("allOf").filter(|_| depth < DEPTH) else {
        return schema.clone();
    };
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut take = |part: &Value| {
        for (name, property) in part["properties"].as_object().into_iter().flatten() {
            properties.insert(name.clone(), property.clone());
        }
        for name in part["required"].as_array().into_iter().flatten() {
            if !required.contains(name) {
                required.push(name.clone());
            }
        }
    };
    for part in &parts {
        let part = referred(part).map_or(part, |name| &schemas[name]);
        take(&merged(schemas, part, depth + 1));
    }
    take(&Value::Object(whole.clone()));
    whole.insert("type".into(), "object".into());
    if !required.is_empty() {
        whole.insert("required".into(), required.into());
    }
    whole.insert("properties".into(), properties.into());
    whole.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn parts_become_one_object() {
        let mut document = json!({ "components": { "schemas": {
            "Base": { "type": "object", "required": ["a"], "properties": { "a": {}, "b": {} } },
            "Middle": { "allOf": [{ "$ref": "#/components/schemas/Base" }], "required": ["b"] },
            "Whole": {
                "description": "It.",
                "allOf": [
                    { "$ref": "#/components/schemas/Middle" },
                    { "type": "object", "properties": { "b": { "type": "string" }, "c": {} } },
                ],
            },
        } } });
        super::apply(&mut document);
        assert_eq!(
            document["components"]["schemas"]["Whole"],
            json!({
                "description": "It.", "type": "object", "required": ["a", "b"],
                "properties": { "a": {}, "b": { "type": "string" }, "c": {} },
            })
        );
    }

    #[test]
    fn a_circle_ends() {
        let mut document = json!({ "components": { "schemas": {
            "A": { "allOf": [{ "$ref": "#/components/schemas/A" }] },
        } } });
        super::apply(&mut document);
        assert_eq!(document["components"]["schemas"]["A"]["type"], "object");
    }
}
