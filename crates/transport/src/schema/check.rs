//! Holds arguments against the description, before anything is sent.

use serde_json::{Map, Value};

use super::refusal::{
    Checked, bounds, invalid, is_a, kind_text, member, missing, step, unexpected, words_text,
};
use super::{Document, Shape};
use crate::invoke::InvokeError;
use crate::operation::Operation;

/// An object in an object in a list ...: deeper than any description, and an end for data that nests without one.
const DEPTH: usize = 64;

impl Document {
    /// Whether the arguments (one flat object, as [`invoke::request`](crate::invoke::request) takes them) fit the
    /// operation. The error names the first field that does not, as in `customFields[0].id`, and shows no value.
    pub fn check(&self, operation: &Operation, args: &Value) -> Checked {
        let empty = Map::new();
        let args = match args {
            Value::Object(args) => args,
            Value::Null => &empty,
            _ => return Err(InvokeError::NotAnObject),
        };
        let body = self.body(operation);
        let shape = body.map(|(schema, _)| self.shape(schema));
        known(operation, shape.as_ref(), args)?;
        for parameter in operation.parameters {
            let schema = &self.parameter(operation, parameter.name)["schema"];
            match args.get(parameter.name) {
                None | Some(Value::Null) if parameter.required => {
                    return Err(missing(parameter.name));
                }
                None | Some(Value::Null) => {}
                Some(value) => self.written_out(parameter.name, schema, value)?,
            }
        }
        let (Some((schema, required)), Some(shape)) = (body, shape) else {
            return Ok(());
        };
        let is_parameter = |name: &str| {
            operation
                .parameters
                .iter()
                .any(|parameter| parameter.name == name)
        };
        let mut rest = args
            .iter()
            .filter(|(name, _)| !is_parameter(name))
            .peekable();
        if rest.peek().is_none() && !required {
            return Ok(());
        }
        if shape.kind() == Some("array") {
            return match rest.next() {
                Some((_, list)) => self.value("body", schema, list, 0),
                None => Err(missing("body")),
            };
        }
        let rest = rest
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self.value("", schema, &Value::Object(rest), 0)
    }

    /// A parameter: it travels as text, so a number may be given as one and the other way round.
    fn written_out(&self, path: &str, schema: &Value, value: &Value) -> Checked {
        let shape = self.shape(schema);
        if let (Some("array"), false) = (shape.kind(), value.is_array()) {
            // One value is a list of one.
            let items = shape.get("items").unwrap_or(&Value::Null);
            return self.written_out(path, items, value);
        }
        let read = match (shape.kind(), value) {
            (Some("string"), Value::Number(_) | Value::Bool(_)) => Value::String(value.to_string()),
            (Some("integer" | "number" | "boolean"), Value::String(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| value.clone())
            }
            (Some("array"), Value::Array(list)) => {
                let items = shape.get("items").unwrap_or(&Value::Null);
                for (index, item) in list.iter().enumerate() {
                    self.written_out(&format!("{path}[{index}]"), items, item)?;
                }
                return Ok(());
            }
            _ => value.clone(),
        };
        self.value(path, schema, &read, 0)
    }

    /// Whether the value fits the schema.
    pub(super) fn fits(&self, schema: &Value, value: &Value) -> bool {
        self.value("", schema, value, 0).is_ok()
    }

    fn value(&self, path: &str, schema: &Value, value: &Value, depth: usize) -> Checked {
        let shape = self.shape(schema);
        if depth > DEPTH || value.is_null() && shape.flag("nullable") {
            return Ok(());
        }
        let alternatives = shape.alternatives();
        if !alternatives.is_empty() {
            return self.one_of(path, alternatives, value, depth);
        }
        if let Some(kind) = shape.kind().filter(|kind| !is_a(kind, value)) {
            return Err(invalid(path, format!("must be {}", kind_text(kind))));
        }
        let words = shape.list("enum");
        if !words.is_empty()
            && !shape.flag("x-open")
            && !words.iter().any(|word| is_same(word, value))
        {
            return Err(invalid(
                path,
                format!("must be one of {}", words_text(words)),
            ));
        }
        match value {
            Value::Number(number) => {
                bounds(path, &shape, ["minimum", "maximum"], number.as_f64(), "")?;
                step(path, &shape, number.as_f64())
            }
            Value::String(text) => {
                #[allow(clippy::cast_precision_loss, reason = "no text is that long")]
                let length = text.chars().count() as f64;
                bounds(
                    path,
                    &shape,
                    ["minLength", "maxLength"],
                    Some(length),
                    " characters",
                )
            }
            Value::Array(list) => self.list(path, &shape, list, depth),
            Value::Object(members) => self.object(path, &shape, members, depth),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    fn list(&self, path: &str, shape: &Shape<'_>, list: &[Value], depth: usize) -> Checked {
        #[allow(clippy::cast_precision_loss, reason = "no list is that long")]
        let length = list.len() as f64;
        bounds(
            path,
            shape,
            ["minItems", "maxItems"],
            Some(length),
            " elements",
        )?;
        let Some(items) = shape.get("items") else {
            return Ok(());
        };
        for (index, item) in list.iter().enumerate() {
            self.value(&format!("{path}[{index}]"), items, item, depth + 1)?;
        }
        Ok(())
    }

    fn object(
        &self,
        path: &str,
        shape: &Shape<'_>,
        members: &Map<String, Value>,
        depth: usize,
    ) -> Checked {
        let described = shape.members();
        if !shape.is_open() {
            let takes: Vec<&str> = described.iter().map(|(name, _)| *name).collect();
            unexpected(path, &takes, members)?;
        }
        if let Some(name) = shape
            .required()
            .into_iter()
            .find(|name| !members.contains_key(*name))
        {
            return Err(missing(&member(path, name)));
        }
        let others = shape
            .get("additionalProperties")
            .filter(|others| others.is_object());
        for (name, value) in members {
            let found = described.iter().find(|(known, _)| known == name);
            if let Some(schema) = found.map(|(_, schema)| *schema).or(others) {
                self.value(&member(path, name), schema, value, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Says what is wrong by the alternative that got furthest, or what the alternatives are.
    fn one_of(&self, path: &str, alternatives: &[Value], value: &Value, depth: usize) -> Checked {
        let mut nearest: Option<InvokeError> = None;
        for schema in alternatives {
            match self.value(path, schema, value, depth + 1) {
                Ok(()) => return Ok(()),
                Err(error) if error.field() != Some(path) => {
                    nearest.get_or_insert(error);
                }
                Err(_) => {}
            }
        }
        Err(nearest.unwrap_or_else(|| {
            let kinds: Vec<&str> = alternatives
                .iter()
                .map(|schema| kind_text(self.shape(schema).kind().unwrap_or("")))
                .collect();
            invalid(path, format!("must be {}", kinds.join(", or ")))
        }))
    }
}

/// A value of a list: `1.0` is the number `1`.
fn is_same(word: &Value, value: &Value) -> bool {
    match (word.as_f64(), value.as_f64()) {
        (Some(word), Some(value)) => (word - value).abs() < f64::EPSILON,
        _ => word == value,
    }
}

/// Whether each argument is one of the operation's: a wrong name is told before what is missing because of it.
fn known(operation: &Operation, body: Option<&Shape<'_>>, args: &Map<String, Value>) -> Checked {
    let mut takes: Vec<&str> = operation
        .parameters
        .iter()
        .map(|parameter| parameter.name)
        .collect();
    if let Some(body) = body {
        let members = body.members();
        if body.kind() == Some("array") {
            takes.push("body");
        } else if body.is_open() || !body.alternatives().is_empty() {
            return Ok(());
        }
        takes.extend(members.iter().map(|(name, _)| *name));
    } else if operation.body != crate::operation::Body::None {
        // The description does not say what it takes.
        return Ok(());
    }
    unexpected("", &takes, args)
}
