//! One success answer without headers, and no typed errors: the generator refuses more than one type of either, and
//! `UnexpectedResponse` carries all that the facade needs of a refusal.

use serde_json::{Value, json};

use crate::schema::{operations_mut, success};

pub(super) fn apply(document: &mut Value) {
    for operation in operations_mut(document) {
        let Some((_, answer)) = success(operation) else {
            continue;
        };
        let mut answer = answer.clone();
        if let Some(answer) = answer.as_object_mut() {
            answer.shift_remove("headers");
        }
        operation["responses"] = json!({ "2XX": answer });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn only_the_success_is_left() {
        let mut document = json!({ "paths": { "/a": { "get": { "responses": {
            "400": { "description": "no" },
            "201": { "description": "yes", "headers": { "X": {} }, "content": {} },
            "default": { "description": "no" },
        } } } } });
        super::apply(&mut document);
        assert_eq!(
            document["paths"]["/a"]["get"]["responses"],
            json!({ "2XX": { "description": "yes", "content": {} } })
        );
    }
}
