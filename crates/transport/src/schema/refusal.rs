//! What is said about arguments that do not fit.

use serde_json::{Map, Value};

use super::Shape;
use crate::invoke::InvokeError;

pub(super) type Checked = Result<(), InvokeError>;

pub(super) fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

pub(super) fn kind_text(kind: &str) -> &'static str {
    match kind {
        "string" => "a text",
        "integer" => crate::invoke::INTEGER,
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        _ => "of another type",
    }
}

pub(super) fn words_text(words: &[Value]) -> String {
    let words = words.iter().map(|word| match word {
        Value::String(word) => word.clone(),
        other => other.to_string(),
    });
    words.collect::<Vec<_>>().join(", ")
}

pub(super) fn bounds(
    path: &str,
    shape: &Shape<'_>,
    [least, most]: [&str; 2],
    value: Option<f64>,
    unit: &str,
) -> Checked {
    let Some(value) = value else { return Ok(()) };
    let has = if unit.is_empty() {
        "must be"
    } else {
        "must have"
    };
    match (shape.number(least), shape.number(most)) {
        (Some(least), _) if value < least => {
            Err(invalid(path, format!("{has} at least {least}{unit}")))
        }
        (_, Some(most)) if value > most => {
            Err(invalid(path, format!("{has} at most {most}{unit}")))
        }
        _ => Ok(()),
    }
}

/// Whether a number is a multiple of what the schema names.
pub(super) fn step(path: &str, shape: &Shape<'_>, value: Option<f64>) -> Checked {
    let (Some(value), Some(step)) = (value, shape.number("multipleOf")) else {
        return Ok(());
    };
    let times = value / step;
    // Of binary fractions such as a tenth only nearly whole ones come out.
    if step > 0.0 && (times - times.round()).abs() > 1e-9 * times.abs().max(1.0) {
        return Err(invalid(path, format!("must be a multiple of {step}")));
    }
    Ok(())
}

pub(super) fn unexpected(path: &str, takes: &[&str], members: &Map<String, Value>) -> Checked {
    let Some(name) = members.keys().find(|name| !takes.contains(&name.as_str())) else {
        return Ok(());
    };
    Err(InvokeError::Unexpected {
        field: member(path, name),
        nearest: crate::invoke::nearest(takes.iter().copied(), name).map(str::to_owned),
        takes: takes.iter().map(|&name| name.to_owned()).collect(),
    })
}

pub(super) fn missing(path: &str) -> InvokeError {
    InvokeError::Missing {
        field: path.to_owned(),
    }
}

pub(super) fn invalid(path: &str, problem: String) -> InvokeError {
    let field = if path.is_empty() { "body" } else { path };
    InvokeError::Invalid {
        field: field.to_owned(),
        problem: problem.into(),
    }
}

pub(super) fn member(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
