//! Empty texts where a number, a date or a yes or no is meant: HighLevel writes fields without a value so, and they are no
//! value here either.

use canopy_highlevel::{Field, describe};
use serde_json::{Map, Value};

/// The arguments without members that are an empty text and described as something else than words.
pub(crate) fn left_out(operation: &str, arguments: Map<String, Value>) -> Map<String, Value> {
    // To describe an operation takes longer than to look.
    if !arguments.values().any(has_blank) {
        return arguments;
    }
    match describe(operation) {
        Ok(description) => of_object(&description.fields, arguments),
        Err(_) => arguments,
    }
}

fn has_blank(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().any(has_blank),
        Value::Object(members) => members.values().any(has_blank),
        _ => false,
    }
}

fn of_object(fields: &[Field], members: Map<String, Value>) -> Map<String, Value> {
    let kept = members.into_iter().filter_map(|(name, value)| {
        let field = fields.iter().find(|field| field.name == name);
        let Some(field) = field else {
            return Some((name, value));
        };
        of_value(field, value).map(|value| (name, value))
    });
    kept.collect()
}

fn of_value(field: &Field, value: Value) -> Option<Value> {
    match value {
        Value::String(text) if text.trim().is_empty() => {
            let takes_words = |kind: &str| !matches!(kind, "integer" | "number" | "boolean");
            let mut kinds = field.kind.trim_end_matches("[]").split('|');
            (!field.date && kinds.any(takes_words)).then_some(Value::String(text))
        }
        Value::Array(items) => {
            let items = items.into_iter().filter_map(|item| of_value(field, item));
            Some(items.collect())
        }
        Value::Object(members) => Some(Value::Object(of_object(&field.fields, members))),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_text_is_no_number_no_date_and_no_flag_but_a_text() {
        for (operation, given, right) in [
            (
                "update-opportunity",
                json!({ "id": "o", "monetaryValue": "", "name": "" }),
                json!({ "id": "o", "name": "" }),
            ),
            (
                "create-task",
                json!({ "contactId": "c", "title": "", "dueDate": " ", "completed": "", "body": "" }),
                json!({ "contactId": "c", "title": "", "body": "" }),
            ),
            (
                "update-contact",
                json!({ "contactId": "c", "dateOfBirth": "", "city": "", "dnd": "", "tags": [""] }),
                json!({ "contactId": "c", "city": "", "tags": [""] }),
            ),
            (
                "create-appointment",
                json!({ "startTime": "2026-12-01T09:00:00Z", "endTime": "", "title": "" }),
                json!({ "startTime": "2026-12-01T09:00:00Z", "title": "" }),
            ),
            (
                "nothing-of-this-name",
                json!({ "a": "" }),
                json!({ "a": "" }),
            ),
        ] {
            let arguments = given.as_object().unwrap().clone();
            assert_eq!(Value::Object(left_out(operation, arguments)), right);
        }
    }
}
