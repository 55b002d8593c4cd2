//! Small questions about OpenAPI documents held as JSON.

use serde_json::Value;

/// The methods that an operation can have.
pub(crate) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The name of the schema component that a reference leads to; `allOf` with one reference counts as one.
pub(crate) fn referred(schema: &Value) -> Option<&str> {
    let reference = match schema
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        Some([only]) => only.get("$ref"),
        Some(_) => None,
        None => schema.get("$ref"),
    };
    reference?.as_str()?.strip_prefix("#/components/schemas/")
}

/// Whether a component is a list of words.
pub(crate) fn is_enum(schema: &Value) -> bool {
    schema.get("enum").is_some()
}

/// Whether a component is a list of words that the service adds to.
pub(crate) fn is_open_list(schema: &Value) -> bool {
    is_enum(schema) && schema["x-open"] == true
}

/// Calls `visit` for a schema and for all schemas inside it, not through references.
pub(crate) fn walk(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    visit(schema);
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key).filter(|inner| inner.is_object()) {
            walk(inner, visit);
        }
    }
    for key in ["allOf", "oneOf"] {
        for inner in schema
            .get_mut(key)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            walk(inner, visit);
        }
    }
    for (_, inner) in schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        walk(inner, visit);
    }
}

/// All operations: path, method, operation.
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, &'static str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS
            .into_iter()
            .filter_map(move |method| Some((path.as_str(), method, item.get(method)?)))
    })
}

/// The same, to be changed.
pub(crate) fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths
        .flat_map(|(_, item)| item.as_object_mut().into_iter().flatten())
        .filter_map(|(key, operation)| METHODS.contains(&key.as_str()).then_some(operation))
}

/// The success answer of an operation: its status and the answer.
pub(crate) fn success(operation: &Value) -> Option<(&str, &Value)> {
    let mut answers = operation["responses"].as_object()?.iter();
    answers
        .find(|(status, _)| status.starts_with('2'))
        .map(|(status, answer)| (status.as_str(), answer))
}

/// The media type and schema of a body or answer.
pub(crate) fn content(holder: &Value) -> Option<(&str, &Value)> {
    let (media, content) = holder["content"].as_object()?.iter().next()?;
    Some((media.as_str(), &content["schema"]))
}

/// The names of the schema components that `value` refers to, anywhere in it.
pub(crate) fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Value::as_str) {
                found.extend(
                    name.strip_prefix("#/components/schemas/")
                        .map(str::to_owned),
                );
            }
            members.values().for_each(|inner| references(inner, found));
        }
        Value::Array(elements) => elements.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

/// The components that `value` refers to, anywhere in it: `schemas/Contact`.
pub(crate) fn component_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Value::as_str) {
                found.extend(name.strip_prefix("#/components/").map(str::to_owned));
            }
            for inner in members.values() {
                component_references(inner, found);
            }
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|inner| component_references(inner, found)),
        _ => {}
    }
}

/// Whether a parameter is the header that names the version of the service.
pub(crate) fn is_version_header(parameter: &Value) -> bool {
    parameter["in"] == "header"
        && parameter["name"]
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case("version"))
}
