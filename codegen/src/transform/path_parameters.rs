//! Parameters that a path has for all its operations become parameters of each.

use serde_json::{Value, json};

use crate::schema::METHODS;

pub(super) fn apply(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, item) in paths {
        let Some(item) = item.as_object_mut() else {
            continue;
        };
        let Some(Value::Array(shared)) = item.shift_remove("parameters") else {
            continue;
        };
        for (_, operation) in item
            .iter_mut()
            .filter(|(key, _)| METHODS.contains(&key.as_str()))
        {
            if operation["parameters"].is_null() {
                operation["parameters"] = json!([]);
            }
            if let Some(own) = operation["parameters"].as_array_mut() {
                own.splice(0..0, shared.iter().cloned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn shared_parameters_come_first() {
        let mut document = json!({ "paths": { "/a/{b}": {
            "parameters": ["b"], "get": {}, "put": { "parameters": ["c"] },
        } } });
        super::apply(&mut document);
        assert_eq!(
            document,
            json!({ "paths": { "/a/{b}": { "get": { "parameters": ["b"] }, "put": { "parameters": ["b", "c"] } } } })
        );
    }
}
