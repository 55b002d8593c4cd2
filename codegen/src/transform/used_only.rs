//! Components that nothing refers to any more are dropped: the parts of what `all_of` has put together.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema::component_references;

pub(super) fn apply(document: &mut Value) {
    let used = used(document);
    let kinds = document.get_mut("components");
    let kinds = kinds.and_then(Value::as_object_mut).into_iter().flatten();
    for (kind, items) in kinds.filter(|(kind, _)| *kind != "securitySchemes") {
        if let Some(items) = items.as_object_mut() {
            items.retain(|name, _| used.contains(&format!("{kind}/{name}")));
        }
    }
}

/// What is referred to from outside the components, and from what is: `schemas/Contact`.
pub(crate) fn used(document: &Value) -> BTreeSet<String> {
    let mut open = Vec::new();
    for (key, value) in document.as_object().into_iter().flatten() {
        if key != "components" {
            component_references(value, &mut open);
        }
    }
    let mut used = BTreeSet::new();
    while let Some(name) = open.pop() {
        let found = document["components"].pointer(&format!("/{name}"));
        if let Some(component) = found
            && used.insert(name)
        {
            component_references(component, &mut open);
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn what_is_reached_stays() {
        let to = |name: &str| json!({ "$ref": format!("#/components/{name}") });
        let mut document = json!({
            "paths": { "/a": { "get": { "responses": { "200": to("responses/Good") } } } },
            "components": {
                "securitySchemes": { "key": {} },
                "responses": { "Good": { "content": { "a": { "schema": to("schemas/A") } } }, "Bad": to("schemas/C") },
                "schemas": { "A": { "items": to("schemas/B") }, "B": to("schemas/A"), "C": {} },
            },
        });
        super::apply(&mut document);
        assert_eq!(
            document["components"],
            json!({
                "securitySchemes": { "key": {} },
                "responses": { "Good": { "content": { "a": { "schema": to("schemas/A") } } } },
                "schemas": { "A": { "items": to("schemas/B") }, "B": to("schemas/A") },
            })
        );
    }
}
