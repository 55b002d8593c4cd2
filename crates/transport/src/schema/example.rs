//! Arguments to start from: made up, and such that they pass the check.

use serde_json::{Map, Value, json};

use super::describe::Field;
use super::{Document, FieldPlace};
use crate::operation::Operation;

/// So many optional members of a body are shown where nothing in it is required.
const SHOWN: usize = 2;
const DEPTH: usize = 4;

pub(super) fn arguments(document: &Document, operation: &Operation, fields: &[Field]) -> Value {
    let needs_body = fields
        .iter()
        .any(|field| field.place == FieldPlace::Body && field.required);
    let mut spare = if needs_body { 0 } else { SHOWN };
    let body = document
        .body(operation)
        .map(|(schema, _)| document.shape(schema));
    let mut arguments = Map::new();
    for field in fields {
        let wanted = field.required || field.place == FieldPlace::Body && spare > 0;
        if !wanted {
            continue;
        }
        if !field.required {
            spare -= 1;
        }
        let of_body = body.as_ref().and_then(|body| {
            let member = body
                .members()
                .into_iter()
                .find(|(name, _)| *name == field.name);
            member.map(|(_, schema)| schema)
        });
        let schema = match field.place {
            FieldPlace::Body if field.name == "body" && of_body.is_none() => {
                document.body(operation).map(|(schema, _)| schema)
            }
            FieldPlace::Body => of_body,
            FieldPlace::Path | FieldPlace::Query => {
                document.parameter(operation, &field.name).get("schema")
            }
        };
        let value = value(document, &field.name, schema.unwrap_or(&Value::Null), 0);
        arguments.insert(field.name.clone(), value);
    }
    Value::Object(arguments)
}

fn value(document: &Document, name: &str, schema: &Value, depth: usize) -> Value {
    let shape = document.shape(schema);
    if let Some(example) = shape.get("example") {
        return example.clone();
    }
    if let Some(word) = shape.list("enum").first() {
        return word.clone();
    }
    if let Some(first) = shape.alternatives().first() {
        return value(document, name, first, depth);
    }
    match shape.kind() {
        Some("integer" | "number") if matches!(name, "skip" | "offset") => json!(0),
        Some("integer" | "number") => number(shape.number("minimum"), shape.number("maximum")),
        Some("boolean") => json!(true),
        Some("array") => match shape.get("items") {
            Some(items) if depth < DEPTH => json!([value(document, name, items, depth + 1)]),
            _ => json!([]),
        },
        Some("object") => {
            let required = shape.required();
            let members = shape.members();
            let shown = members.iter().enumerate().filter(|(index, (name, _))| {
                depth < DEPTH && (required.contains(name) || required.is_empty() && *index < SHOWN)
            });
            shown
                .map(|(_, (name, schema))| {
                    ((*name).to_owned(), value(document, name, schema, depth + 1))
                })
                .collect::<Map<_, _>>()
                .into()
        }
        Some("string") | None => text(name, shape.number("minLength"), shape.number("maxLength")),
        Some(_) => Value::Null,
    }
}

fn number(minimum: Option<f64>, maximum: Option<f64>) -> Value {
    let number = 10_f64
        .min(maximum.unwrap_or(f64::MAX))
        .max(minimum.unwrap_or(f64::MIN));
    #[allow(
        clippy::cast_possible_truncation,
        reason = "bounds in descriptions are small"
    )]
    let whole = number as i64;
    if number.fract() == 0.0 {
        json!(whole)
    } else {
        json!(number)
    }
}

/// By what the name speaks of. Persons, numbers and addresses are those that nobody has.
fn text(name: &str, least: Option<f64>, most: Option<f64>) -> Value {
    let lower = name.to_lowercase();
    let has = |word: &str| lower.contains(word);
    let text = if has("email") {
        "ada@example.com"
    } else if has("phone") || lower == "number" {
        "+15555550100"
    } else if has("timezone") {
        "Europe/London"
    } else if has("time") || has("date") || lower.ends_with("at") {
        "2027-01-15T10:00:00Z"
    } else if has("url") || has("website") {
        "https://example.com"
    } else if has("country") {
        "GB"
    } else if lower == "id"
        || name.ends_with("Id")
        || name.ends_with("_id")
        || name.ends_with("Ids")
    {
        "ve9EPM428h8vShlRW1KT"
    } else if lower == "skip" || lower == "offset" {
        "0"
    } else if lower == "limit" {
        "10"
    } else {
        "text"
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lengths are small and not negative"
    )]
    let (least, most) = (
        least.unwrap_or(0.0) as usize,
        most.unwrap_or(f64::MAX) as usize,
    );
    let text: String = text
        .chars()
        .chain(std::iter::repeat('x'))
        .take(text.len().max(least).min(most))
        .collect();
    text.into()
}
