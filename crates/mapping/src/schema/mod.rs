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
    let mut document = Value::Object(document);
    open_conditions(&mut document);
    document
}

/// Says in each condition that members it does not speak of are no mistake. JSON Schema takes it so; tombi, in its strict
/// mode, would warn of every key of the file that one of `if`, `then` and `else` leaves out.
pub(crate) fn open_conditions(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, inner) in members {
                if matches!(name.as_str(), "if" | "then" | "else") {
                    open(inner);
                }
                open_conditions(inner);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(open_conditions),
        _ => {}
    }
}

fn open(condition: &mut Value) {
    let Some(members) = condition.as_object_mut() else {
        return;
    };
    // What stands beside a reference counts for nothing.
    if members.contains_key("$ref") {
        return;
    }
    let is_of_objects = ["properties", "required", "if"]
        .iter()
        .any(|key| members.contains_key(*key));
    if is_of_objects {
        members
            .entry("additionalProperties")
            .or_insert(Value::Bool(true));
    }
    for inner in members
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(serde_json::Map::values_mut)
    {
        open(inner);
    }
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
        words_of_one(object);
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
            let paragraphs = text.split("\n\n").map(|text| {
                if text.starts_with("- ") {
                    text.to_owned()
                } else {
                    text.replace('\n', " ")
                }
            });
            let paragraphs: Vec<_> = paragraphs.collect();
            *text = paragraphs.join("\n\n");
        }
    }
}

/// One of these words. Taplo offers alternatives (`oneOf`) as so many keys, but words as values; what each of them means it
/// takes from `x-taplo`.
pub(crate) fn one_of<'a>(words: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let (words, about): (Vec<&str>, Vec<&str>) = words.unzip();
    let about: Vec<_> = about
        .into_iter()
        .map(|about| (!about.is_empty()).then_some(about))
        .collect();
    json!({ "enum": words, "x-taplo": { "docs": { "enumValues": about } } })
}

/// The alternatives of an enumeration as words; what each of them means goes into the description as well.
fn words_of_one(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get("oneOf") else {
        return;
    };
    let words: Option<Vec<(&str, &str)>> = choices
        .iter()
        .map(|choice| {
            let about = choice["description"].as_str().unwrap_or_default();
            Some((choice["const"].as_str()?, about))
        })
        .collect();
    let Some(words) = words else {
        return;
    };
    let meanings: Vec<_> = words
        .iter()
        .map(|(word, about)| format!("- `{word}`: {about}"))
        .collect();
    let about = object
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let about = format!("{about}\n\n{}", meanings.join("\n"));
    let enumeration = one_of(words.into_iter());
    object.remove("oneOf");
    object.insert("type".to_owned(), json!("string"));
    object.insert("description".to_owned(), json!(about.trim_start()));
    if let Value::Object(enumeration) = enumeration {
        object.extend(enumeration);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_say_that_they_are_open_and_nothing_else_does() {
        let mut schema = json!({
            "properties": { "a": { "properties": { "b": {} } } },
            "if": { "properties": { "a": { "required": ["b"] } } },
            "then": { "$ref": "#/definitions/x" },
            "else": { "required": ["c"], "additionalProperties": false },
        });
        open_conditions(&mut schema);
        assert_eq!(
            schema,
            json!({
                "properties": { "a": { "properties": { "b": {} } } },
                "if": {
                    "properties": { "a": { "required": ["b"], "additionalProperties": true } },
                    "additionalProperties": true,
                },
                "then": { "$ref": "#/definitions/x" },
                "else": { "required": ["c"], "additionalProperties": false },
            })
        );
    }
}
