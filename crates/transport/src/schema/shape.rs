//! A schema seen as one, whatever it is put together from.

use serde_json::{Map, Value};

use super::Document;

/// Deep enough for every honest description, and an end for a circle.
const DEPTH: usize = 16;

/// A schema with its references followed and the parts of its `allOf` beside each other. What is said later, or nearer
/// to the schema itself, counts.
#[derive(Debug, Clone)]
pub(super) struct Shape<'a> {
    parts: Vec<&'a Map<String, Value>>,
}

impl<'a> Shape<'a> {
    pub(super) fn of(document: &'a Document, schema: &'a Value) -> Self {
        let mut parts = Vec::new();
        gather(document, schema, 0, &mut parts);
        Self { parts }
    }

    /// What the schema says under a keyword.
    pub(super) fn get(&self, keyword: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|part| part.get(keyword))
    }

    pub(super) fn text(&self, keyword: &str) -> Option<&'a str> {
        self.get(keyword)?.as_str()
    }

    pub(super) fn number(&self, keyword: &str) -> Option<f64> {
        self.get(keyword)?.as_f64()
    }

    pub(super) fn flag(&self, keyword: &str) -> bool {
        self.get(keyword).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn list(&self, keyword: &str) -> &'a [Value] {
        self.get(keyword)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The described members. One that is described twice is as its last description says.
    pub(super) fn members(&self) -> Vec<(&'a str, &'a Value)> {
        let mut members: Vec<(&str, &Value)> = Vec::new();
        for part in self.parts.iter().rev() {
            for (name, schema) in part
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                match members.iter_mut().find(|(known, _)| known == name) {
                    Some(member) => member.1 = schema,
                    None => members.push((name, schema)),
                }
            }
        }
        members
    }

    pub(super) fn required(&self) -> Vec<&'a str> {
        let lists = self
            .parts
            .iter()
            .rev()
            .filter_map(|part| part.get("required")?.as_array());
        lists.flatten().filter_map(Value::as_str).collect()
    }

    /// Whether members beyond the described ones are taken. Where an object's members are described, the services refuse
    /// others, unless it is said that they do not.
    pub(super) fn is_open(&self) -> bool {
        match self.get("additionalProperties") {
            Some(Value::Bool(open)) => *open,
            Some(_) => true,
            None => self.get("properties").is_none(),
        }
    }

    /// Alternatives of which one must fit.
    pub(super) fn alternatives(&self) -> &'a [Value] {
        match self.list("oneOf") {
            [] => self.list("anyOf"),
            alternatives => alternatives,
        }
    }

    /// The type, where the schema names or implies one.
    pub(super) fn kind(&self) -> Option<&'a str> {
        self.text("type").or_else(|| {
            self.parts
                .iter()
                .any(|part| part.contains_key("properties"))
                .then_some("object")
        })
    }
}

/// Nearest first: the schema's own words, then what it refers to, then its parts from the last to the first.
fn gather<'a>(
    document: &'a Document,
    schema: &'a Value,
    depth: usize,
    parts: &mut Vec<&'a Map<String, Value>>,
) {
    let Some(members) = schema.as_object().filter(|_| depth < DEPTH) else {
        return;
    };
    parts.push(members);
    if members.contains_key("$ref") {
        gather(document, document.follow(schema), depth + 1, parts);
    }
    for part in members
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .rev()
    {
        gather(document, part, depth + 1, parts);
    }
}
