//! Members of an update that may be null become three-state: left alone, set, emptied. A plain `Option` could not send
//! null.

use serde_json::{Value, json};

use crate::schema::{content, operations, referred};

pub(super) fn apply(document: &mut Value) {
    let updates: Vec<String> = operations(document)
        .filter(|(_, method, _)| matches!(*method, "put" | "patch"))
        .filter_map(|(_, _, operation)| {
            referred(content(&operation["requestBody"])?.1).map(str::to_owned)
        })
        .collect();
    for name in updates {
        let schema = &mut document["components"]["schemas"][&name];
        let required = schema["required"].clone();
        for (name, property) in schema["properties"].as_object_mut().into_iter().flatten() {
            let is_required = required
                .as_array()
                .is_some_and(|names| names.iter().any(|other| other == name));
            if !is_required && property["nullable"] == true {
                *property = three_state(property);
            }
        }
    }
}

fn three_state(property: &Value) -> Value {
    let mut plain = property.clone();
    if let Some(plain) = plain.as_object_mut() {
        plain.shift_remove("nullable");
        plain.shift_remove("description");
    }
    let rust_type = json!({
        "crate": "canopy_transport", "version": "*", "path": "canopy_transport::Patch", "parameters": [plain],
    });
    let mut three_state = json!({ "x-rust-type": rust_type });
    if let Some(description) = property.get("description") {
        three_state["description"] = description.clone();
    }
    three_state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_optional_nullable_members_of_updates() {
        let schema = json!({ "type": "object", "required": ["c"], "properties": {
            "a": { "type": "string", "nullable": true }, "b": { "type": "string" },
            "c": { "type": "string", "nullable": true },
        } });
        let body = |name: &str| {
            json!({ "requestBody": { "content": { "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{name}") },
            } } } })
        };
        let mut document = json!({
            "paths": { "/a": { "put": body("Update"), "post": body("Create") } },
            "components": { "schemas": { "Update": schema, "Create": schema } },
        });
        apply(&mut document);
        let schemas = &document["components"]["schemas"];
        let properties = &schemas["Update"]["properties"];
        assert_eq!(
            properties["a"]["x-rust-type"]["parameters"],
            json!([{ "type": "string" }])
        );
        assert_eq!(
            (&properties["b"], &properties["c"]),
            (&schema["properties"]["b"], &schema["properties"]["c"])
        );
        assert_eq!(schemas["Create"], schema);
    }
}
