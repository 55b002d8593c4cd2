//! JSON Schemas of the files that people write, for editors (cargo feature `schema`).
//!
//! They are of draft 7 and hardly use references, because that is what editors of TOML read best: taplo (Even Better TOML)
//! leaves out what stands beside a `$ref` or an `allOf`. A schema is never stricter than the program.

mod print;
mod text;
mod vocabulary;
mod workflow;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

pub use print::print;
pub(crate) use text::{CRON, ID};
pub use text::{DURATION, TEMPLATE};
pub use vocabulary::{Name, Takes, Vocabulary};
pub use workflow::workflow;

/// The schema of a file whose content is read as `T`. It is to lie in the repository as `schema/{file}`, which its `$id`
/// says.
pub fn document<T: JsonSchema>(file: &str, title: &str) -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    Plain.transform(&mut schema);
    let mut schema = schema.to_value();
    let id = format!("{}/schema/{file}", env!("CARGO_PKG_REPOSITORY"));
    let mut document = Map::new();
    for (name, value) in [
        ("$schema", schema["$schema"].take()),
        ("$id", json!(id)),
        ("title", json!(title)),
    ] {
        document.insert(name.to_owned(), value);
    }
    for (name, value) in schema.as_object().into_iter().flatten() {
        document
            .entry(name.clone())
            .or_insert_with(|| value.clone());
    }
    Value::Object(document)
}

/// TOML knows no null, formats of integers mean nothing to a person, and tooltips are no source text.
#[derive(Debug, Clone)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        without_null(object);
        let is_number = |kind: &Value| kind == "integer" || kind == "number";
        if object.get("type").is_some_and(is_number) {
            object.remove("format");
        }
        // An editor that fills in nothing had better fill in an empty form of the right kind.
        let is_empty = |value: &Value| value.is_null() || *value == json!({});
        if object.get("default").is_some_and(is_empty) {
            object.remove("default");
        }
        if let Some(Value::String(text)) = object.get_mut("description") {
            let paragraphs: Vec<_> = text
                .split("\n\n")
                .map(|text| text.replace('\n', " "))
                .collect();
            *text = paragraphs.join("\n\n");
        }
    }
}

fn without_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            object.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice["type"] != "null");
    let [only] = choices.as_mut_slice() else {
        return;
    };
    let only = only.take();
    object.remove("anyOf");
    for (name, value) in only.as_object().into_iter().flatten() {
        // What is said of the field itself counts more than what is said of its type.
        object.entry(name.clone()).or_insert_with(|| value.clone());
    }
}
