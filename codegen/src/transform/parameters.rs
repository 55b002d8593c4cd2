//! Parameters stand where they are used, so that operations can be taken apart.

use serde_json::Value;

use crate::schema::operations_mut;

pub(super) fn apply(document: &mut Value) {
    let components = document["components"]["parameters"].clone();
    for operation in operations_mut(document) {
        for parameter in operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let name = parameter["$ref"]
                .as_str()
                .and_then(|r| r.strip_prefix("#/components/parameters/"));
            if let Some(found) = name.and_then(|name| components.get(name)) {
                *parameter = found.clone();
            }
        }
    }
    if let Some(components) = document["components"].as_object_mut() {
        components.shift_remove("parameters");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn references_are_resolved() {
        let mut document = json!({
            "paths": { "/a": { "get": { "parameters": [{ "$ref": "#/components/parameters/P" }] } } },
            "components": { "parameters": { "P": { "name": "p" } } },
        });
        super::apply(&mut document);
        assert_eq!(
            document,
            json!({ "paths": { "/a": { "get": { "parameters": [{ "name": "p" }] } } }, "components": {} })
        );
    }
}
