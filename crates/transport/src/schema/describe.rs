//! What an operation takes, for people and for assistants that choose its arguments.

use serde::Serialize;
use serde_json::Value;

use super::{Document, Shape, example};
use crate::operation::{Operation, Place};

/// Objects inside objects are described this deep.
const DEPTH: usize = 4;

/// An operation as its description tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Description {
    pub name: &'static str,
    pub summary: &'static str,
    pub description: String,
    pub resource: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub api_version: Option<&'static str>,
    pub scopes: &'static [&'static str],
    /// The vendor advises against it.
    pub deprecated: bool,
    pub fields: Vec<Field>,
    pub answer: AnswerKind,
    /// Arguments that pass the check: all that is required, and a little more.
    pub example: Value,
}

/// One argument, or one member of an argument.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the description, and they go together as they like"
)]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Field {
    pub name: String,
    pub place: FieldPlace,
    /// `string`, `integer`, `number`, `boolean`, `object`, `any`, several with `|` between, or one of them with `[]`
    /// behind it for a list.
    #[serde(rename = "type")]
    pub kind: String,
    pub required: bool,
    /// Null empties it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// It is a text that is a date or a time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub date: bool,
    /// The words that it can be.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Value>,
    /// The service adds to the words, so it may take others, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// A number is a multiple of it.
    #[serde(rename = "multipleOf", skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// Characters of a text, or elements of a list.
    #[serde(rename = "minLength", skip_serializing_if = "Option::is_none")]
    pub shortest: Option<f64>,
    #[serde(rename = "maxLength", skip_serializing_if = "Option::is_none")]
    pub longest: Option<f64>,
    /// Members of an object, or of the objects in a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// Where an argument goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldPlace {
    Path,
    Query,
    Body,
}

/// What comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    Json,
    /// A file: read it as a stream of bytes.
    Bytes,
}

impl Document {
    /// Tells what an operation takes and gives.
    pub fn describe(&self, operation: &Operation) -> Description {
        let entry = self.entry(operation);
        let mut fields: Vec<Field> = operation
            .parameters
            .iter()
            .map(|parameter| {
                let described = self.parameter(operation, parameter.name);
                let place = match parameter.place {
                    Place::Path => FieldPlace::Path,
                    Place::Query => FieldPlace::Query,
                };
                let mut field = self.field(
                    parameter.name,
                    place,
                    &described["schema"],
                    parameter.required,
                    0,
                );
                if let Some(text) = described["description"].as_str() {
                    text.clone_into(&mut field.description);
                }
                field
            })
            .collect();
        if let Some((schema, required)) = self.body(operation) {
            let shape = self.shape(schema);
            if shape.kind() == Some("array") {
                fields.push(self.field("body", FieldPlace::Body, schema, required, 0));
            } else {
                let own = self.members(&shape, FieldPlace::Body, 0);
                // A parameter of the same name takes the argument.
                let is_new = |field: &Field| fields.iter().all(|known| known.name != field.name);
                let own: Vec<Field> = own.into_iter().filter(is_new).collect();
                fields.extend(own);
            }
        }
        Description {
            name: operation.name,
            summary: operation.summary,
            description: entry["description"].as_str().unwrap_or_default().to_owned(),
            resource: operation.resource,
            method: operation.http_method,
            path: operation.path,
            api_version: operation.api_version,
            scopes: operation.scopes,
            deprecated: entry["deprecated"].as_bool().unwrap_or(false),
            answer: self.answer(entry),
            example: example::arguments(self, operation, &fields),
            fields,
        }
    }

    fn members(&self, shape: &Shape<'_>, place: FieldPlace, depth: usize) -> Vec<Field> {
        let required = shape.required();
        let members = shape.members().into_iter();
        members
            .map(|(name, schema)| self.field(name, place, schema, required.contains(&name), depth))
            .collect()
    }

    fn field(
        &self,
        name: &str,
        place: FieldPlace,
        schema: &Value,
        required: bool,
        depth: usize,
    ) -> Field {
        let shape = self.shape(schema);
        let items = shape.get("items").map(|items| self.shape(items));
        let inner = items.as_ref().unwrap_or(&shape);
        Field {
            name: name.to_owned(),
            place,
            kind: self.kind(&shape),
            required,
            nullable: shape.flag("nullable"),
            description: shape.text("description").unwrap_or_default().to_owned(),
            date: inner.flag("x-date"),
            words: inner.list("enum").to_vec(),
            open: inner.flag("x-open"),
            minimum: shape.number("minimum"),
            maximum: shape.number("maximum"),
            step: shape.number("multipleOf"),
            shortest: shape.number("minLength").or(shape.number("minItems")),
            longest: shape.number("maxLength").or(shape.number("maxItems")),
            fields: if depth < DEPTH {
                self.members(inner, place, depth + 1)
            } else {
                Vec::new()
            },
        }
    }

    fn kind(&self, shape: &Shape<'_>) -> String {
        let alternatives = shape.alternatives();
        if !alternatives.is_empty() {
            let mut kinds: Vec<String> = alternatives
                .iter()
                .map(|schema| self.kind(&self.shape(schema)))
                .collect();
            kinds.dedup();
            return kinds.join("|");
        }
        match (shape.kind(), shape.get("items")) {
            (Some("array"), Some(items)) => format!("{}[]", self.kind(&self.shape(items))),
            (Some("array"), None) => "any[]".to_owned(),
            (Some(kind), _) => kind.to_owned(),
            (None, _) => "any".to_owned(),
        }
    }

    /// The entry of the answer to a success.
    pub(super) fn success<'a>(&'a self, entry: &'a Value) -> Option<&'a Value> {
        let answers = entry["responses"].as_object().into_iter().flatten();
        let mut answers = answers.filter(|(status, _)| status.starts_with('2'));
        answers.next().map(|(_, answer)| self.follow(answer))
    }

    fn answer(&self, entry: &Value) -> AnswerKind {
        let media = self
            .success(entry)
            .and_then(|answer| answer["content"].as_object()?.keys().next());
        match media {
            Some(media) if !media.contains("json") => AnswerKind::Bytes,
            _ => AnswerKind::Json,
        }
    }
}
