//! Presets: shorter ways to call an operation, such as Find Contact, which is a search with its filters written already.

use canopy_highlevel::operation::Preset;
use canopy_highlevel::{Description, Field};
use serde_json::{Map, Value, json};

use crate::exit::Failure;

/// Puts the presets' parameters in the place of the arguments that they fill in.
pub(super) fn describe(presets: &[Preset], description: &mut Description) {
    let [first, ..] = presets else { return };
    let filled: Vec<String> = presets
        .iter()
        .flat_map(|preset| template(preset).into_iter().map(|(name, _)| name))
        .collect();
    let Some(model) = description.fields.first().cloned() else {
        return;
    };
    let mut fields: Vec<Field> = presets
        .iter()
        .map(|preset| field(preset, model.clone()))
        .collect();
    fields.extend(
        description
            .fields
            .drain(..)
            .filter(|field| !filled.contains(&field.name)),
    );
    description.fields = fields;
    description.example = json!({ first.parameter: first.parameter.to_uppercase() });
}

fn field(preset: &Preset, mut field: Field) -> Field {
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

/// Writes the arguments that stand behind the one preset that was given.
pub(super) fn expand(name: &str, presets: &[Preset], arguments: Value) -> Result<Value, Failure> {
    let mut given: Map<String, Value> = match arguments {
        Value::Object(given) if !presets.is_empty() => given,
        other => return Ok(other),
    };
    let mut chosen = presets
        .iter()
        .filter_map(|preset| Some((preset, given.shift_remove(preset.parameter)?)));
    let (Some((preset, value)), None) = (chosen.next(), chosen.next()) else {
        let names: Vec<_> = presets
            .iter()
            .map(|preset| format!("`{}`", preset.parameter))
            .collect();
        return Err(Failure::BadInput(format!(
            "{name} takes one of {}",
            names.join(", ")
        )));
    };
    let mut arguments = template(preset);
    for argument in arguments.values_mut() {
        fill(argument, &format!("{{{}}}", preset.parameter), &value);
    }
    // What is given besides counts more than what the preset suggests.
    arguments.extend(given);
    Ok(Value::Object(arguments))
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
