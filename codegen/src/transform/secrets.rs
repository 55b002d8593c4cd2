//! Secrets in requests get a type that `Debug` does not show. (Answers: see `emit::answers`.)

use serde_json::{Value, json};

use super::fork::Side;
use crate::schema::walk;

/// The extension that marks a secret.
const SECRET: &str = "x-secret";

pub(super) fn apply(document: &mut Value) {
    let schemas = document["components"]["schemas"]
        .as_object_mut()
        .into_iter()
        .flatten();
    for (_, schema) in schemas.filter(|(_, schema)| Side::of(schema) == Some(Side::Request)) {
        walk(schema, &mut |schema| {
            if schema[SECRET] == true {
                let path = json!({ "crate": "canopy_transport", "version": "*", "path": "canopy_transport::Secret" });
                schema["x-rust-type"] = path;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_are_changed() {
        let schema = |side: Side| json!({ "x-side": side.name(), "properties": { "a": { "type": "string", SECRET: true } } });
        let mut document = json!({ "components": { "schemas": { "R": schema(Side::Request), "A": schema(Side::Answer) } } });
        apply(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["R"]["properties"]["a"]["x-rust-type"]["path"],
            "canopy_transport::Secret"
        );
        assert_eq!(schemas["A"], schema(Side::Answer));
    }
}
