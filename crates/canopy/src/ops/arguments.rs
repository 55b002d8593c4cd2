//! From what was written on the command line to the arguments of a call: one flat object.

use canopy_highlevel::operation::Body;
use canopy_highlevel::{Description, Field};
use serde_json::{Map, Value};

use super::Entry;
use super::catalog::nearest;
use crate::exit::Failure;

/// The member that takes a body which is no object.
const BODY: &str = "body";

/// What was given on the command line.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// `FIELD=VALUE`, in the order given.
    pub params: Vec<String>,
    /// The text of `--body`, once read.
    pub body: Option<String>,
}

impl Given {
    /// Reads the values by the types that the fields have.
    pub fn arguments(&self, entry: &Entry, description: &Description) -> Result<Value, Failure> {
        let mut arguments = self.body(entry)?;
        let from_body: Vec<String> = arguments.keys().cloned().collect();
        for param in &self.params {
            let (name, text) = param.split_once('=').ok_or_else(|| {
                wrong(format!(
                    "--param \"{param}\" is not of the form FIELD=VALUE"
                ))
            })?;
            if from_body.iter().any(|given| given == name) {
                return Err(wrong(format!(
                    "\"{name}\" is in --body and in --param; give it once"
                )));
            }
            let field = field(entry, description, name)?;
            add(&mut arguments, field, text)?;
        }
        Ok(Value::Object(arguments))
    }

    fn body(&self, entry: &Entry) -> Result<Map<String, Value>, Failure> {
        let Some(text) = &self.body else {
            return Ok(Map::new());
        };
        let value = serde_json::from_str(text)
            .map_err(|error| wrong(format!("--body is no JSON: {error}")))?;
        match value {
            Value::Object(members) => Ok(members),
            list @ Value::Array(_) if entry.operation.body != Body::None => {
                Ok(Map::from_iter([(BODY.to_owned(), list)]))
            }
            _ => Err(wrong(
                "--body is no JSON object; write e.g. --body '{\"name\": \"value\"}'".to_owned(),
            )),
        }
    }
}

fn field<'a>(
    entry: &Entry,
    description: &'a Description,
    name: &str,
) -> Result<&'a Field, Failure> {
    let fields = &description.fields;
    fields
        .iter()
        .find(|field| field.name == name)
        .ok_or_else(|| {
            let hint = match nearest(fields.iter().map(|field| field.name.as_str()), name) {
                Some(nearest) => format!("did you mean \"{nearest}\"?"),
                None => format!("`canopy ops show {}` lists its fields", entry.name),
            };
            wrong(format!("{} has no field \"{name}\"; {hint}", entry.name))
        })
}

fn add(arguments: &mut Map<String, Value>, field: &Field, text: &str) -> Result<(), Failure> {
    let Some(element) = field.kind.strip_suffix("[]") else {
        let value = value(&field.kind, text);
        return match arguments.insert(field.name.clone(), value) {
            Some(_) => Err(wrong(format!("\"{}\" is given twice", field.name))),
            None => Ok(()),
        };
    };
    let list = arguments
        .entry(&field.name)
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        match serde_json::from_str(text) {
            Ok(Value::Array(elements)) => list.extend(elements),
            _ => list.push(value(element, text)),
        }
    }
    Ok(())
}

/// A text that is not of the type stays a text: the check tells what is wrong with it.
fn value(kind: &str, text: &str) -> Value {
    if kind == "string" {
        return text.into();
    }
    let read: Option<Value> = serde_json::from_str(text).ok();
    read.unwrap_or_else(|| text.into())
}

fn wrong(problem: String) -> Failure {
    Failure::BadInput(problem)
}
