//! Operations take over what `x-defaults` says and they do not.

use serde_json::Value;

use crate::schema::operations_mut;

pub(super) fn apply(document: &mut Value) {
    let defaults = document
        .as_object_mut()
        .and_then(|whole| whole.shift_remove("x-defaults"));
    let Some(Value::Object(defaults)) = defaults else {
        return;
    };
    for operation in operations_mut(document).filter_map(Value::as_object_mut) {
        for (key, default) in &defaults {
            match (operation.get_mut(key), default) {
                (Some(Value::Object(own)), Value::Object(default)) => {
                    for (key, default) in default {
                        own.entry(key).or_insert_with(|| default.clone());
                    }
                }
                (Some(_), _) => {}
                (None, default) => {
                    operation.insert(key.clone(), default.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn fills_gaps_only() {
        let mut document = json!({
            "x-defaults": { "x-api-version": "1", "responses": { "default": "refusal" } },
            "paths": { "/a": {
                "get": { "responses": { "200": "ok" } },
                "put": { "x-api-version": null, "responses": { "200": "ok", "default": "own" } },
            } },
        });
        super::apply(&mut document);
        assert_eq!(
            document,
            json!({ "paths": { "/a": {
                "get": { "responses": { "200": "ok", "default": "refusal" }, "x-api-version": "1" },
                "put": { "x-api-version": null, "responses": { "200": "ok", "default": "own" } },
            } } })
        );
    }
}
