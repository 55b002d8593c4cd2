//! Values as their members take them. Empty texts where a number, a date or a yes or no is meant are no value: HighLevel
//! writes fields without one so. A text that says true or false is that, and a list of texts has no nulls and no numbers.

use canopy_highlevel::{Field, describe};
use canopy_mapping::template;
use serde_json::{Map, Value};

/// The arguments as they are meant, without members that are an empty text and described as something else than words.
pub(crate) fn fitting(operation: &str, arguments: Map<String, Value>) -> Map<String, Value> {
    // To describe an operation takes longer than to look.
    if !arguments.values().any(may_change) {
        return arguments;
    }
    match describe(operation) {
        Ok(description) => of_object(&description.fields, arguments),
        Err(_) => arguments,
    }
}

fn may_change(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty() || flag(text).is_some(),
        Value::Array(items) => items
            .iter()
            .any(|item| !item.is_string() && !item.is_object() || may_change(item)),
        Value::Object(members) => members.values().any(may_change),
        _ => false,
    }
}

/// A text that says true or false.
fn flag(text: &str) -> Option<bool> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
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
        Value::String(text) if field.kind == "boolean" => {
            Some(flag(&text).map_or(Value::String(text), Value::Bool))
        }
        Value::Array(items) => {
            let items = items.into_iter().filter(|item| !item.is_null());
            let items = items.filter_map(|item| match item {
                Value::Number(_) | Value::Bool(_) if field.kind == "string[]" => {
                    template::as_text(&item).map(Value::String)
                }
                item => of_value(field, item),
            });
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
    fn values_are_taken_as_their_members_are_meant() {
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
            // All values of HighLevel's webhooks are texts.
            (
                "create-task",
                json!({ "contactId": "c", "title": "true", "completed": " False " }),
                json!({ "contactId": "c", "title": "true", "completed": false }),
            ),
            (
                "update-contact",
                json!({ "contactId": "c", "dnd": "TRUE", "tags": ["vip", null, 5, 5.0, true] }),
                json!({ "contactId": "c", "dnd": true, "tags": ["vip", "5", "5", "true"] }),
            ),
            (
                "update-contact",
                json!({ "contactId": "c", "dnd": "perhaps" }),
                json!({ "contactId": "c", "dnd": "perhaps" }),
            ),
            (
                "nothing-of-this-name",
                json!({ "a": "" }),
                json!({ "a": "" }),
            ),
        ] {
            let arguments = given.as_object().unwrap().clone();
            assert_eq!(Value::Object(fitting(operation, arguments)), right);
        }
    }
}
