//! Numbers in paths and queries are whole: the generator would send `20.0` for 20.

use serde_json::{Value, json};

use crate::schema::operations_mut;

pub(super) fn apply(document: &mut Value) {
    for operation in operations_mut(document) {
        for parameter in operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if parameter["schema"]["type"] == "number" {
                parameter["schema"]["type"] = json!("integer");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn numbers_become_whole() {
        let parameters =
            json!([{ "schema": { "type": "number" } }, { "schema": { "type": "string" } }]);
        let mut document = json!({ "paths": { "/a": { "get": { "parameters": parameters } } } });
        super::apply(&mut document);
        assert_eq!(
            document["paths"]["/a"]["get"]["parameters"],
            json!([{ "schema": { "type": "integer" } }, { "schema": { "type": "string" } }])
        );
    }
}
