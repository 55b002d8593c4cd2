//! Paths that differ only in the names of their parameters become one, as OpenAPI wants it. The vendor's own description
//! keeps them apart, and so do our tables, whose arguments have the vendor's names: a parameter that is called otherwise
//! keeps its own in `x-vendor-name`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::lint::shape;

/// Last, on what is handed out: a bundle that went through it is no source of ours.
pub(crate) fn apply(document: &mut Value) {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else {
        return;
    };
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut unique: Map<String, Value> = Map::new();
    for (path, mut item) in std::mem::take(paths) {
        let first = names.entry(shape(&path)).or_insert_with(|| path.clone());
        if *first != path {
            for (old, new) in templates(&path).zip(templates(first)) {
                rename(&mut item, old, new);
            }
        }
        match (unique.get_mut(first), item) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (_, item) => {
                unique.insert(first.clone(), item);
            }
        }
    }
    *paths = unique;
}

fn templates(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}

/// Parameters stand in their operations: `path_parameters` has seen to it.
fn rename(item: &mut Value, old: &str, new: &str) {
    for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let parameters = operation.get_mut("parameters");
        let parameters = parameters.and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if parameter["in"] == "path" && parameter["name"] == old {
                parameter["name"] = json!(new);
                parameter["x-vendor-name"] = json!(old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn methods_come_together_below_the_first_name() {
        let path = |name: &str| json!({ "parameters": [{ "name": name, "in": "path" }] });
        let mut document = json!({ "paths": {
            "/a/{one}": { "get": path("one") },
            "/a/{one}/b": { "get": path("one") },
            "/a/{other}": { "delete": path("other") },
        } });
        super::apply(&mut document);
        assert_eq!(
            document,
            json!({ "paths": {
                "/a/{one}": { "get": path("one"), "delete": {
                    "parameters": [{ "name": "one", "in": "path", "x-vendor-name": "other" }],
                } },
                "/a/{one}/b": { "get": path("one") },
            } })
        );
    }
}
