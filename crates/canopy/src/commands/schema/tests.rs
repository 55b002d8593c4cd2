//! The schemas are current and valid, and say of a file what the program says of it.

mod config;
mod text;
mod workflow;

use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::Described;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn validator(file: Described) -> Validator {
    jsonschema::draft7::new(&file.schema()).expect("the schema is valid, as a test shows")
}

fn read(toml: &str) -> Value {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

/// What is wrong, each with its place.
fn told(validator: &Validator, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Every document that differs from this one at one place: without it, with another value there, or with one more key.
fn variations(document: &Value, values: &[Value]) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut places = vec![String::new()];
    while let Some(place) = places.pop() {
        let here = document
            .pointer(&place)
            .expect("places are of the document");
        let parent = place.rsplit_once('/').map(|(parent, _)| parent);
        if let Some(parent) = parent {
            // Serde takes a list for a table, by position. Nobody writes that, and no schema should offer it.
            let fits = |value: &&Value| !(here.is_object() && value.is_array());
            for value in values.iter().filter(fits) {
                let mut other = document.clone();
                *other.pointer_mut(&place).expect("it is there") = value.clone();
                all.push((format!("{place} = {value}"), other));
            }
            let mut other = document.clone();
            let name = unescaped(place.rsplit('/').next().unwrap_or_default());
            match other.pointer_mut(parent).expect("it is there") {
                Value::Object(members) => drop(members.shift_remove(&name)),
                Value::Array(items) => drop(items.remove(name.parse().expect("an index"))),
                _ => {}
            }
            all.push((format!("without {place}"), other));
        }
        match here {
            Value::Object(members) => {
                let mut other = document.clone();
                other.pointer_mut(&place).expect("it is there")["unheard_of"] = json!("x");
                all.push((format!("one more in {place}"), other));
                let escaped = |name: &String| name.replace('~', "~0").replace('/', "~1");
                places.extend(
                    members
                        .keys()
                        .map(|name| format!("{place}/{}", escaped(name))),
                );
            }
            Value::Array(items) => {
                places.extend((0..items.len()).map(|index| format!("{place}/{index}")));
            }
            _ => {}
        }
    }
    all
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

#[test]
fn the_shipped_files_are_current() {
    for file in Described::ALL {
        let path = root().join("schema").join(file.file());
        let shipped = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            shipped == file.text(),
            "schema/{} is not current; `cargo run -- schema --out schema` writes it anew",
            file.file()
        );
    }
}

#[test]
fn they_are_valid_schemas_that_editors_can_load() {
    for file in Described::ALL {
        let schema = file.schema();
        jsonschema::draft7::meta::validate(&schema)
            .unwrap_or_else(|error| panic!("{}: {error}", file.file()));
        let id = schema["$id"].as_str().unwrap();
        assert!(id.ends_with(&format!("/schema/{}", file.file())), "{id}");
        assert!(schema["title"].is_string() && schema["description"].is_string());
        let size = file.text().len();
        assert!(
            size < 400_000,
            "{}: {size} bytes are slow to load in an editor",
            file.file()
        );
    }
}

/// Taplo leaves out what stands beside these.
#[test]
fn what_an_editor_completes_from_stands_where_it_looks() {
    fn look(schema: &Value, place: &str) {
        for (name, value) in schema.as_object().into_iter().flatten() {
            // Conditions are for checks only.
            if ["if", "then", "else", "definitions"].contains(&name.as_str()) {
                continue;
            }
            assert_ne!(name, "allOf", "{place}");
            if name == "$ref" {
                assert_eq!(schema.as_object().unwrap().len(), 1, "{place}");
            }
            look(value, &format!("{place}/{name}"));
        }
        for (index, item) in schema.as_array().into_iter().flatten().enumerate() {
            look(item, &format!("{place}/{index}"));
        }
    }
    for file in Described::ALL {
        let schema = file.schema();
        look(&schema, "");
        for (name, definition) in schema["definitions"].as_object().into_iter().flatten() {
            if name != "action" {
                look(definition, name);
            }
        }
    }
}
