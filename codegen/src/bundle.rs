//! Puts the files of one service together into one document.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::pointer;
use crate::problem::{Problem, Problems};
use crate::schema::METHODS;

/// The file that others may refer to.
const SHARED: &str = "common.yaml";

/// A whole document that knows where its parts come from.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub value: Value,
    /// Which file a path or component is from, by its pointer.
    origins: HashMap<String, usize>,
    documents: Vec<Document>,
    pub problems: Problems,
}

impl Bundle {
    /// Merges documents, shared file first. What cannot be merged is among the problems.
    pub fn merge(mut documents: Vec<Document>) -> Self {
        documents
            .sort_by_key(|document| (file_name(&document.path) != SHARED, document.path.clone()));
        let mut bundle = Self {
            value: json!({}),
            origins: HashMap::new(),
            documents: Vec::new(),
            problems: Problems::default(),
        };
        for (index, document) in documents.iter().enumerate() {
            let mut value = document.value.clone();
            let mut bad = Vec::new();
            localize(&mut value, "", &mut bad);
            for (pointer, reference) in bad {
                bundle.problems.0.push(Problem {
                    file: document.path.clone(),
                    line: document.line(&pointer),
                    place: place(&value, &pointer),
                    message: format!("`$ref: {reference}` leads to another file; only `{SHARED}` can be referred to"),
                });
            }
            tag_operations(&mut value);
            bundle.add(index, document, value);
        }
        bundle.documents = documents;
        bundle
    }

    fn add(&mut self, index: usize, document: &Document, value: Value) {
        let Value::Object(members) = value else {
            self.problems.0.push(Problem {
                file: document.path.clone(),
                line: 1,
                place: String::new(),
                message: "the file must be a mapping with `paths` and `components`".into(),
            });
            return;
        };
        for (key, value) in members {
            match (key.as_str(), value) {
                ("paths" | "events", Value::Object(items)) => {
                    self.extend(index, document, &[&key], items);
                }
                ("components", Value::Object(kinds)) => {
                    for (kind, items) in kinds {
                        match items {
                            Value::Object(items) => {
                                self.extend(index, document, &["components", &kind], items);
                            }
                            _ => self.no_mapping(document, &["components", &kind]),
                        }
                    }
                }
                ("paths" | "events" | "components" | "info" | "x-defaults", value)
                    if !value.is_object() =>
                {
                    self.no_mapping(document, &[&key]);
                }
                ("tags", Value::Array(tags)) => {
                    let all = self
                        .value
                        .as_object_mut()
                        .map(|whole| whole.entry("tags").or_insert_with(|| json!([])));
                    all.and_then(Value::as_array_mut)
                        .into_iter()
                        .for_each(|all| all.extend(tags.iter().cloned()));
                }
                (_, value) => {
                    self.value[&key] = value;
                }
            }
        }
    }

    fn no_mapping(&mut self, document: &Document, keys: &[&str]) {
        let pointer = keys
            .iter()
            .fold(String::new(), |parent, key| pointer::join(&parent, key));
        self.problems.0.push(Problem {
            file: document.path.clone(),
            line: document.line(&pointer),
            place: keys.join("."),
            message: "it must be a mapping; correct it".into(),
        });
    }

    /// Adds paths or components, each of which may be there once.
    fn extend(
        &mut self,
        index: usize,
        document: &Document,
        keys: &[&str],
        items: Map<String, Value>,
    ) {
        let mut target = &mut self.value;
        for key in keys {
            target = &mut target[*key];
            if target.is_null() {
                *target = json!({});
            }
        }
        let Some(target) = target.as_object_mut() else {
            return;
        };
        let parent = keys
            .iter()
            .fold(String::new(), |parent, key| pointer::join(&parent, key));
        for (name, item) in items {
            let pointer = pointer::join(&parent, &name);
            if target.contains_key(&name) {
                self.problems.0.push(Problem {
                    file: document.path.clone(),
                    line: document.line(&pointer),
                    place: name.clone(),
                    message: "another file has it already; give it another name or use that one"
                        .into(),
                });
                continue;
            }
            target.insert(name, item);
            self.origins.insert(pointer, index);
        }
    }

    fn document(&self, pointer: &str) -> Option<&Document> {
        let mut pointer = pointer;
        loop {
            if let Some(index) = self.origins.get(pointer) {
                return self.documents.get(*index);
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return self.documents.first(),
            }
        }
    }

    /// The only resource of the file that a component is from, where it has one. Shared files have none or several.
    pub fn home(&self, component: &str) -> Home {
        let pointer = pointer::join("/components/schemas", component);
        let Some(document) = self.document(&pointer) else {
            return Home::Shared;
        };
        let tags = document.value["tags"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        match tags {
            [] => Home::Shared,
            [tag] => Home::Resource(tag["name"].as_str().unwrap_or_default().to_owned()),
            _ => Home::Reach,
        }
    }

    /// The names of the resources, in the order of the document's tags.
    pub fn resources(&self) -> Vec<&str> {
        let tags = self.value["tags"].as_array().into_iter().flatten();
        tags.filter_map(|tag| tag["name"].as_str()).collect()
    }

    /// What a reference leads to, or the value itself when it is none.
    pub fn resolve<'v>(&'v self, value: &'v Value) -> Option<&'v Value> {
        let Some(reference) = value["$ref"].as_str() else {
            return Some(value);
        };
        self.value.pointer(reference.strip_prefix('#')?)
    }

    /// A problem at a pointer into the bundle.
    pub fn problem(&self, pointer: &str, message: impl Into<String>) -> Problem {
        let (file, line) = self
            .document(pointer)
            .map_or((String::new(), 0), |d| (d.path.clone(), d.line(pointer)));
        Problem {
            file,
            line,
            place: place(&self.value, pointer),
            message: message.into(),
        }
    }
}

/// Which module a component's type goes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// That of the resource.
    Resource(String),
    /// The common one.
    Shared,
    /// That of the only resource that reaches it, else the common one.
    Reach,
}

/// Makes references into the shared file references into the bundle; collects those that lead elsewhere.
fn localize(value: &mut Value, pointer: &str, bad: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                let inner_pointer = pointer::join(pointer, key);
                match inner {
                    Value::String(reference) if key == "$ref" => {
                        if let Some(local) = reference.strip_prefix(SHARED) {
                            *reference = local.to_owned();
                        }
                        if !reference.starts_with("#/") {
                            bad.push((inner_pointer, reference.clone()));
                        }
                    }
                    inner => localize(inner, &inner_pointer, bad),
                }
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter_mut().enumerate() {
                localize(inner, &pointer::join(pointer, &index.to_string()), bad);
            }
        }
        _ => {}
    }
}

/// Operations of a file with one tag have that tag.
fn tag_operations(value: &mut Value) {
    let Some([tag]) = value["tags"].as_array().map(Vec::as_slice) else {
        return;
    };
    let tag = tag["name"].clone();
    for operation in crate::schema::operations_mut(value) {
        if operation.is_object() && operation.get("tags").is_none() {
            operation["tags"] = json!([tag]);
        }
    }
}

/// What people call the thing at a pointer: the operation's id or the component's name, and the rest of the way.
fn place(value: &Value, pointer: &str) -> String {
    let keys: Vec<String> = pointer::keys(pointer).collect();
    let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
    match texts.as_slice() {
        ["paths", path, method, rest @ ..] if METHODS.contains(method) => {
            let id = value["paths"][*path][*method]["operationId"].as_str();
            let name = id.map_or_else(
                || format!("{} {path}", method.to_uppercase()),
                str::to_owned,
            );
            with_rest(name, rest)
        }
        ["paths", path, rest @ ..] => with_rest((*path).to_owned(), rest),
        ["components", _, name, rest @ ..] | ["events", name, rest @ ..] => {
            with_rest((*name).to_owned(), rest)
        }
        rest => rest.join("."),
    }
}

fn with_rest(name: String, rest: &[&str]) -> String {
    let rest: Vec<&str> = rest
        .iter()
        .copied()
        .filter(|key| *key != "properties" && *key != "$ref")
        .collect();
    if rest.is_empty() {
        name
    } else {
        format!("{name}, {}", rest.join("."))
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
