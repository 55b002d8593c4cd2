//! What a description says of an operation that has no handler: how its list continues, which tokens it takes, where in
//! an answer something is.

use serde_json::{Map, Value};

use super::access::Access;

#[derive(Debug, Clone)]
pub enum Pages {
    None,
    /// Query key that says how many to pass over.
    Over(String),
    /// Query key that takes what the answer has at this pointer.
    Cursor {
        parameter: String,
        next: String,
    },
    /// Query key that takes this member of the last record.
    After {
        parameter: String,
        from: String,
    },
}

pub fn pages(operation: &Value) -> Pages {
    let paging = &operation["x-paging"];
    let pair = |style: &str, key: &str| {
        let style = &paging[style];
        Some((
            style["parameter"].as_str()?.to_owned(),
            style[key].as_str()?.to_owned(),
        ))
    };
    if let Some((parameter, next)) = pair("cursor", "next") {
        return Pages::Cursor { parameter, next };
    }
    if let Some((parameter, from)) = pair("after", "from") {
        return Pages::After { parameter, from };
    }
    match paging.as_str() {
        Some(name @ ("skip" | "offset")) => Pages::Over(name.to_owned()),
        _ => Pages::None,
    }
}

pub fn access(kinds: &Value) -> Access {
    let has = |word: &str| kind_words(kinds).any(|kind| kind.starts_with(word));
    match (has("agency"), has("location")) {
        (true, true) => Access::Either,
        (true, false) => Access::Agency,
        (false, _) => Access::Location,
    }
}

/// Whether private integrations are refused: all kinds of tokens that it takes are an app's.
pub fn is_for_apps(kinds: &Value) -> bool {
    kind_words(kinds).next().is_some() && kind_words(kinds).all(|kind| kind.ends_with("-app"))
}

fn kind_words(kinds: &Value) -> impl Iterator<Item = &str> {
    let kinds = kinds.as_array().into_iter().flatten();
    kinds.filter_map(Value::as_str)
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Writes a value where a pointer leads, with the objects on the way.
pub fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut here = body;
    for key in pointer.split('/').skip(1) {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = &mut here[key];
    }
    *here = value;
}

pub fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let reference = value["$ref"]
        .as_str()
        .or_else(|| value["allOf"][0]["$ref"].as_str());
    reference
        .and_then(|reference| document.pointer(reference.strip_prefix('#')?))
        .unwrap_or(value)
}

pub fn member<'d>(document: &'d Value, schema: &'d Value, pointer: &str) -> &'d Value {
    let keys = pointer.split('/').skip(1);
    keys.fold(schema, |schema, key| {
        resolve(document, &schema["properties"][key])
    })
}
