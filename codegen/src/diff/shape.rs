//! What a schema becomes in Rust, in words that a reader of the description knows.

use serde_json::Value;

use crate::schema::referred;

/// The type of a value. Two schemas with different texts become different Rust types.
pub(super) fn text(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return name.to_owned();
    }
    if let Some(rust) = schema.get("x-rust-type") {
        return rust_type(rust);
    }
    let parts = |key: &str| {
        let parts = schema[key].as_array().into_iter().flatten().map(text);
        parts.collect::<Vec<_>>()
    };
    match schema["type"].as_str() {
        _ if schema["oneOf"].is_array() => parts("oneOf").join(" or "),
        Some("array") => format!("list of {}", text(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map of {}", text(&schema["additionalProperties"]))
        }
        Some(kind) => match schema["format"].as_str() {
            Some(format) => format!("{kind} ({format})"),
            None => kind.to_owned(),
        },
        None => "anything".to_owned(),
    }
}

fn rust_type(rust: &Value) -> String {
    let path = rust["path"].as_str().unwrap_or_default();
    match path.rsplit("::").next() {
        Some("Patch") => format!("{}, or null to empty it", text(&rust["parameters"][0])),
        Some("Secret") => "secret".to_owned(),
        _ => path.to_owned(),
    }
}

/// A value of an extension, as one would say it.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(words) if words.iter().all(Value::is_string) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            format!("`{}`", words.join(" "))
        }
        other => format!("`{other}`"),
    }
}
