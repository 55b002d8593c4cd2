//! Says what is wrong with a request the way the service does: `property X should not exist`, `X must be a string`.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

/// Everything that is wrong with a value. Texts name keys and never repeat values: those may be personal.
pub fn of(validator: &Validator, value: &Value) -> Vec<String> {
    let mut messages = Vec::new();
    for error in validator.iter_errors(value) {
        say(&error, &mut messages);
    }
    messages
}

fn say(error: &ValidationError<'_>, messages: &mut Vec<String>) {
    let place = Place::of(error);
    let text = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            messages.extend(
                unexpected
                    .iter()
                    .map(|name| format!("{}property {name} should not exist", place.prefix())),
            );
            return;
        }
        ValidationErrorKind::AnyOf { context }
        | ValidationErrorKind::OneOfNotValid { context }
        | ValidationErrorKind::OneOfMultipleValid { context } => {
            // The form that was most likely meant is the one with the fewest faults.
            if let Some(closest) = context
                .iter()
                .filter(|errors| !errors.is_empty() && !is_only_null(errors))
                .min_by_key(|errors| errors.len())
            {
                for error in closest {
                    say(error, messages);
                }
                return;
            }
            format!("{} must have one of the described forms", place.subject())
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            format!("{}{name} should not be empty", place.prefix())
        }
        ValidationErrorKind::Type { kind } => {
            format!("{} must be {}", place.subject(), kind_name(kind))
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<String> = options
                .iter()
                .filter(|option| !option.is_null())
                .map(|option| {
                    option
                        .as_str()
                        .map_or_else(|| option.to_string(), ToOwned::to_owned)
                })
                .collect();
            format!(
                "{} must be one of the following values: {}",
                place.subject(),
                options.join(", ")
            )
        }
        ValidationErrorKind::Minimum { limit } => {
            format!("{} must not be less than {limit}", place.subject())
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("{} must not be greater than {limit}", place.subject())
        }
        ValidationErrorKind::MinLength { limit } => format!(
            "{} must be longer than or equal to {limit} characters",
            place.subject()
        ),
        ValidationErrorKind::MaxLength { limit } => format!(
            "{} must be shorter than or equal to {limit} characters",
            place.subject()
        ),
        ValidationErrorKind::MinItems { limit } => {
            format!("{} must contain at least {limit} elements", place.subject())
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!(
                "{} must contain no more than {limit} elements",
                place.subject()
            )
        }
        ValidationErrorKind::MultipleOf { multiple_of } => {
            format!("{} must be a multiple of {multiple_of}", place.subject())
        }
        kind => format!("{} is not valid: {}", place.subject(), kind.keyword()),
    };
    messages.push(text);
}

fn is_only_null(errors: &[ValidationError<'_>]) -> bool {
    matches!(errors, [error] if matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(kind) } if kind.to_string() == "null"))
}

fn kind_name(kind: &TypeKind) -> String {
    let names: Vec<String> = match kind {
        TypeKind::Single(kind) => vec![kind.to_string()],
        TypeKind::Multiple(kinds) => kinds.iter().map(|kind| kind.to_string()).collect(),
    };
    let described = names
        .iter()
        .filter(|name| *name != "null")
        .map(|name| match name.as_str() {
            "integer" => "an integer number",
            "number" => "a number conforming to the specified constraints",
            "boolean" => "a boolean value",
            "array" => "an array",
            "object" => "an object",
            _ => "a string",
        });
    described.collect::<Vec<_>>().join(" or ")
}

/// Where in the request an error is: `customFields.0.field_value`.
struct Place {
    segments: Vec<String>,
}

impl Place {
    fn of(error: &ValidationError<'_>) -> Self {
        let pointer = error.instance_path().to_string();
        Self {
            segments: pointer
                .split('/')
                .skip(1)
                .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
                .collect(),
        }
    }

    fn prefix(&self) -> String {
        if self.segments.is_empty() {
            String::new()
        } else {
            format!("{}.", self.segments.join("."))
        }
    }

    fn subject(&self) -> String {
        match self.segments.split_last() {
            None => "request body".to_owned(),
            Some((index, list)) if !list.is_empty() && index.parse::<usize>().is_ok() => {
                format!("each value in {}", list.join("."))
            }
            Some(_) => self.segments.join("."),
        }
    }
}
