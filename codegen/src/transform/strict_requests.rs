//! Requests take no unknown members, and an optional list is absent or sent: the generator would leave out an empty one.

use serde_json::{Value, json};

use super::fork::Side;

pub(super) fn apply(document: &mut Value) {
    let schemas = document["components"]["schemas"]
        .as_object_mut()
        .into_iter()
        .flatten();
    for (_, schema) in schemas.filter(|(_, schema)| Side::of(schema) == Some(Side::Request)) {
        if schema.get("properties").is_none() {
            continue;
        }
        if schema.get("additionalProperties").is_none() {
            schema["additionalProperties"] = json!(false);
        }
        let required = schema["required"].clone();
        for (name, property) in schema["properties"].as_object_mut().into_iter().flatten() {
            let is_required = required
                .as_array()
                .is_some_and(|names| names.iter().any(|other| other == name));
            if !is_required && matches!(property["type"].as_str(), Some("array" | "object")) {
                property["nullable"] = json!(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_and_with_optional_lists() {
        let list = json!({ "type": "array", "items": {} });
        let mut document = json!({ "components": { "schemas": { "R": {
            "x-side": "request", "required": ["b"], "properties": { "a": list, "b": list },
        } } } });
        apply(&mut document);
        let schema = &document["components"]["schemas"]["R"];
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["a"]["nullable"], true);
        assert_eq!(schema["properties"]["b"], list);
    }
}
