//! What a service's description (OpenAPI 3.0, as JSON) says of an operation's arguments: which there are
//! ([`Document::describe`]), given ones in the forms that theirs have ([`Document::typed`]), and whether they fit
//! ([`Document::check`]). And what an answer looks like ([`Document::placeholder`]).
//!
//! It reads what our descriptions use and no more: types, lists of values (held unless `x-open` says that the service
//! adds to them), bounds, lengths, lists, objects, `allOf`, `oneOf`, `anyOf`, `nullable` and references. What it does not
//! know it lets through: the service has the last word.

mod check;
mod describe;
mod example;
mod placeholder;
mod refusal;
mod shape;
mod typed;

use serde_json::Value;

use crate::operation::{Body, Operation};

pub use describe::{AnswerKind, Description, Field, FieldPlace};
use shape::Shape;
pub use typed::Forms;

/// A description that was read.
#[derive(Debug, Clone)]
pub struct Document {
    root: Value,
}

impl Document {
    /// Reads a description.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(|root| Self { root })
    }

    /// The operation's entry among the paths. OpenAPI has one for two that differ in the names of
    /// their parameters only, so an operation may stand below another one's.
    fn entry(&self, operation: &Operation) -> &Value {
        let method = operation.http_method.to_ascii_lowercase();
        let own = &self.root["paths"][operation.path][method.as_str()];
        if !own.is_null() {
            return own;
        }
        let mut paths = self.root["paths"].as_object().into_iter().flatten();
        let found = paths.find_map(|(_, item)| {
            let entry = item.get(&method)?;
            (entry["operationId"] == operation.name).then_some(entry)
        });
        found.unwrap_or(&Value::Null)
    }

    /// The described parameter of this name; null when it is not described.
    fn parameter(&self, operation: &Operation, name: &str) -> &Value {
        let of_path = &self.root["paths"][operation.path]["parameters"];
        let own = &self.entry(operation)["parameters"];
        [own, of_path]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| self.follow(parameter))
            .find(|parameter| parameter["name"] == name || parameter["x-vendor-name"] == name)
            .unwrap_or(&Value::Null)
    }

    /// The schema of the body, and whether there must be one.
    fn body(&self, operation: &Operation) -> Option<(&Value, bool)> {
        if operation.body == Body::None {
            return None;
        }
        let body = self.follow(&self.entry(operation)["requestBody"]);
        let media = body["content"].as_object()?.values().next()?;
        let schema = media.get("schema")?;
        Some((schema, body["required"].as_bool().unwrap_or(false)))
    }

    /// What a reference leads to; everything else is itself.
    fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        value["$ref"]
            .as_str()
            .and_then(|reference| self.root.pointer(reference.strip_prefix('#')?))
            .unwrap_or(value)
    }

    fn shape<'a>(&'a self, schema: &'a Value) -> Shape<'a> {
        Shape::of(self, schema)
    }
}
