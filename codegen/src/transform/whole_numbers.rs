//! Numbers in paths and queries are plain: the generator would make a type of its own of a number with bounds, which takes
//! none of the usual ones. Bounds stay in the bundle, by which arguments are held. A `number` stays one with a fraction, so
//! that what is whole has to be an `integer` (the vendor writes `number` for both): `20.0` would be sent for 20.

use serde_json::Value;

use crate::schema::{operations_mut, walk};

pub(super) fn apply(document: &mut Value) {
    for operation in operations_mut(document) {
        for parameter in operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(schema) = parameter.get_mut("schema") {
                walk(schema, &mut plain);
            }
        }
    }
}

fn plain(schema: &mut Value) {
    let is_number = matches!(schema["type"].as_str(), Some("integer" | "number"));
    let Some(members) = schema.as_object_mut().filter(|_| is_number) else {
        return;
    };
    for bound in ["minimum", "maximum", "multipleOf", "format"] {
        members.shift_remove(bound);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn numbers_become_plain() {
        let parameters = json!([
            { "schema": { "type": "number" } },
            { "schema": { "type": "integer", "minimum": 1, "maximum": 20, "format": "int32" } },
            { "schema": { "type": "array", "items": { "type": "number", "minimum": 1 } } },
            { "schema": { "type": "string" } },
        ]);
        let mut document = json!({ "paths": { "/a": { "get": { "parameters": parameters } } } });
        super::apply(&mut document);
        assert_eq!(
            document["paths"]["/a"]["get"]["parameters"],
            json!([
                { "schema": { "type": "number" } },
                { "schema": { "type": "integer" } },
                { "schema": { "type": "array", "items": { "type": "number" } } },
                { "schema": { "type": "string" } },
            ])
        );
    }
}
