//! The names that operations have: their own, and those of the catalog, of which some are presets: shorter ways to call
//! an operation, such as Find Contact, which is a search with its filters written already.

use std::borrow::Cow;

use canopy_transport::CallError;
use canopy_transport::invoke::{self, InvokeError};
use canopy_transport::operation::{Operation, Preset};
use canopy_transport::schema::{Description, Field};
use serde_json::{Map, Value, json};

use crate::{CATALOG, Error, OPERATIONS};

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    /// The name that was given.
    pub name: &'static str,
    pub operation: &'static Operation,
    presets: &'static [Preset],
}

/// An operation's own name counts first; a test shows that none is a name of the catalog for another one.
pub(crate) fn find(name: &str) -> Option<Named> {
    let own = |name| invoke::find(OPERATIONS, name);
    if let Some(operation) = own(name) {
        return Some(Named {
            name: operation.name,
            operation,
            presets: CATALOG
                .iter()
                .find(|entry| entry.name == name)
                .map_or(&[], |entry| entry.presets),
        });
    }
    let entry = CATALOG.iter().find(|entry| entry.name == name)?;
    Some(Named {
        name: entry.name,
        operation: own(entry.operation)?,
        presets: entry.presets,
    })
}

/// The error for a name that [`find`] does not know, with the nearest name that exists.
pub(crate) fn unknown(name: &str) -> Error {
    let own = OPERATIONS.iter().map(|operation| operation.name);
    let names = own.chain(CATALOG.iter().map(|entry| entry.name));
    let nearest = invoke::nearest(names, name);
    CallError::arguments(
        "unknown operation",
        InvokeError::UnknownOperation { nearest },
    )
    .into()
}

impl Named {
    /// Puts the presets' parameters in the place of the arguments that they fill in.
    pub fn describe(&self, description: &mut Description) {
        let [first, ..] = self.presets else { return };
        let Some(model) = description.fields.first().cloned() else {
            return;
        };
        let filled: Vec<String> = self
            .presets
            .iter()
            .flat_map(|preset| template(preset).into_iter().map(|(name, _)| name))
            .collect();
        let presets = self.presets.iter();
        let mut fields: Vec<Field> = presets.map(|preset| field(preset, &model)).collect();
        let own = description.fields.drain(..);
        fields.extend(own.filter(|field| !filled.contains(&field.name)));
        description.fields = fields;
        // What must be given in any case stays.
        let mut example = json!({ first.parameter: first.parameter.to_uppercase() });
        for field in description.fields.iter().filter(|field| field.required) {
            if let Some(value) = description.example.get(&field.name) {
                example[&field.name] = value.clone();
            }
        }
        description.example = example;
    }

    /// Writes the arguments that stand behind the one preset that was given.
    pub fn expand<'a>(&self, args: &'a Value) -> Result<Cow<'a, Value>, InvokeError> {
        let mut given: Map<String, Value> = match args {
            _ if self.presets.is_empty() => return Ok(Cow::Borrowed(args)),
            Value::Object(given) => given.clone(),
            Value::Null => Map::new(),
            _ => return Err(InvokeError::NotAnObject),
        };
        let mut chosen = self
            .presets
            .iter()
            .filter_map(|preset| Some((preset, given.shift_remove(preset.parameter)?)));
        let (Some((preset, value)), None) = (chosen.next(), chosen.next()) else {
            let parameters = self.presets.iter();
            let parameters = parameters.map(|preset| preset.parameter.to_owned());
            return Err(InvokeError::OneOf {
                fields: parameters.collect(),
            });
        };
        let mut arguments = template(preset);
        for argument in arguments.values_mut() {
            fill(argument, &format!("{{{}}}", preset.parameter), &value);
        }
        // What is given besides counts more than what the preset suggests.
        arguments.extend(given);
        Ok(Cow::Owned(Value::Object(arguments)))
    }
}

fn field(preset: &Preset, model: &Field) -> Field {
    let mut field = model.clone();
    preset.parameter.clone_into(&mut field.name);
    "string".clone_into(&mut field.kind);
    preset.description.clone_into(&mut field.description);
    field.required = false;
    field.nullable = false;
    field.words.clear();
    field.open = false;
    field.fields.clear();
    field.minimum = None;
    field.maximum = None;
    field
}

fn template(preset: &Preset) -> Map<String, Value> {
    serde_json::from_str(preset.arguments).unwrap_or_default()
}

/// Puts the value where the word stands alone: it is data, and never becomes part of another text.
fn fill(argument: &mut Value, word: &str, value: &Value) {
    match argument {
        Value::String(text) if text == word => *argument = value.clone(),
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| fill(element, word, value)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| fill(member, word, value)),
        _ => {}
    }
}
