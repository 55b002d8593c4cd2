//! What a template gave, where the description says more than a kind: times are times, and no item of a list is nothing.
//! Kinds are those of `blanks`.

use canopy_highlevel::{Field, describe};
use canopy_mapping::{When, template};
use serde_json::{Map, Value, json};

use crate::actions::PROFILE_TAG;
use crate::plan::PLANNED;

/// The arguments as their descriptions mean them, as far as templates gave them. `written`: as they stand in the file. The
/// error names an argument that cannot be what it is meant to be.
pub(crate) fn fitted(
    operation: &str,
    written: &Map<String, Value>,
    mut arguments: Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let is_given = |name: &str| written.get(name).is_some_and(template::is_dynamic);
    if operation == PROFILE_TAG {
        for (name, value) in &mut arguments {
            if is_given(name) && value.is_array() {
                *value = spread(std::mem::take(value));
            }
        }
        return Ok(arguments);
    }
    // To describe an operation takes longer than to look.
    if !written.values().any(template::is_dynamic) {
        return Ok(arguments);
    }
    let Ok(description) = describe(operation) else {
        return Ok(arguments);
    };
    let field = |name: &str| {
        let mut fields = description.fields.iter();
        fields.find(|field| field.name == name && is_given(name))
    };
    let mut told = Map::new();
    for (name, value) in arguments {
        let value = match field(&name) {
            Some(field) if field.kind == "string[]" => list(&name, value)?,
            Some(field) if is_instant(field) => Some(instant(&name, value)?),
            Some(field) => Some(of_field(field, value)),
            None => Some(value),
        };
        // Sent, it would empty what a form only did not fill in. Who means that writes [] into the file.
        let value = value.filter(|value| field(&name).is_none() || *value != json!([]));
        told.extend(value.map(|value| (name, value)));
    }
    for (name, template) in written {
        let is_list = |field: &Field| field.kind.ends_with("[]") && field.required;
        if !told.contains_key(name) && field(name).is_some_and(is_list) {
            let what = template
                .as_str()
                .map_or_else(|| template.to_string(), str::to_owned);
            return Err(format!(
                "\"{name}\" is missing, because {what} has no value"
            ));
        }
    }
    Ok(told)
}

/// A list of texts; none where what was given is nothing.
fn list(name: &str, given: Value) -> Result<Option<Value>, String> {
    match given {
        nothing if is_nothing(&nothing) => Ok(None),
        // A vendor's list that came as one text: an item of this name is most likely not meant.
        Value::String(text) if text.contains(',') && !text.contains(PLANNED) => Err(format!(
            "\"{name}\" is {} and must be a list; write | split(',') for what stands between the commas, or the template in [] for one item",
            Value::from(text)
        )),
        Value::Array(_) => Ok(Some(spread(given))),
        Value::String(_) | Value::Number(_) => Ok(Some(json!([given]))),
        other => Ok(Some(other)),
    }
}

/// A list of texts has no lists in it: an item that is a template which gave a list is all of that list's items.
fn spread(given: Value) -> Value {
    match given {
        Value::Array(items) => {
            let items = items.into_iter().flat_map(|item| match item {
                Value::Array(_) => match spread(item) {
                    Value::Array(inner) => inner,
                    one => vec![one],
                },
                one => vec![one],
            });
            items.filter(|item| !is_nothing(item)).collect()
        }
        other => other,
    }
}

/// Whether it is a time in RFC 3339, and nothing else. Days of birth have many notations.
pub(crate) fn is_instant(field: &Field) -> bool {
    field.date && field.kind == "string" && field.description.starts_with("RFC 3339")
}

/// A time as RFC 3339 where it came as seconds or milliseconds. HighLevel takes any text and shows what it makes of it.
fn instant(name: &str, value: Value) -> Result<Value, String> {
    let is_told_elsewhere = match &value {
        // An empty text is nothing (`blanks`), and a planned answer has no time yet.
        Value::String(text) => text.trim().is_empty() || text.contains(PLANNED),
        other => other.is_null(),
    };
    if is_told_elsewhere {
        return Ok(value);
    }
    let is_number = value.is_number()
        || value.as_str().is_some_and(|text| {
            let text = text.trim();
            text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_digit())
        });
    match When::read(&value).map(When::as_time) {
        Some(When::Instant(at)) if is_number => Ok(json!(at.to_string())),
        Some(_) => Ok(value),
        None => Err(format!(
            "\"{name}\" is {value} and must be a date or a time, e.g. \"2026-12-01T09:00:00Z\""
        )),
    }
}

/// What is nothing is no item of a list: `["vip", null, ""]` is one tag.
fn of_field(field: &Field, value: Value) -> Value {
    match value {
        Value::Array(items) if field.kind != "any" => {
            let items = items.into_iter().filter(|item| !is_nothing(item));
            items.collect()
        }
        other => other,
    }
}

/// Null, or an empty text, which HighLevel writes for what is not there.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(operation: &str, written: Value, given: Value) -> Value {
        let (Value::Object(written), Value::Object(given)) = (written, given) else {
            unreachable!("arguments are objects");
        };
        Value::Object(fitted(operation, &written, given).unwrap())
    }

    #[test]
    fn a_time_of_a_call_is_one() {
        let written = json!({ "contactId": "c", "dueDate": "{{ webhook.x }}" });
        let due = |given: Value| {
            let (Value::Object(written), Value::Object(given)) = (
                written.clone(),
                json!({ "contactId": "c", "dueDate": given }),
            ) else {
                unreachable!("arguments are objects");
            };
            fitted("create-task", &written, given).map(|told| told["dueDate"].clone())
        };
        for (given, right) in [
            (json!("2026-12-02T09:00:00Z"), json!("2026-12-02T09:00:00Z")),
            (json!("2026-12-02"), json!("2026-12-02")),
            (json!(1_796_169_600_000_i64), json!("2026-12-02T00:00:00Z")),
            (json!("1796169600000"), json!("2026-12-02T00:00:00Z")),
            (json!(""), json!("")),
        ] {
            assert_eq!(due(given), Ok(right));
        }
        for given in [
            json!("five"),
            json!("true"),
            json!(true),
            json!("12/02/2026"),
            json!(5),
        ] {
            let error = due(given.clone()).unwrap_err();
            let told = format!("\"dueDate\" is {given} and must be a date or a time");
            assert!(error.starts_with(&told), "{error}");
        }
        // The file's own is held when it is checked; days of birth have many notations.
        let written = json!({ "contactId": "c", "dateOfBirth": "{{ webhook.x }}" });
        let given = json!({ "contactId": "c", "dateOfBirth": "05/01/1990" });
        assert_eq!(told("update-contact", written, given.clone()), given);
    }

    #[test]
    fn a_list_has_no_items_that_are_nothing() {
        let whole = json!({ "contactId": "c", "tags": "{{ webhook.tags }}" });
        for (given, right) in [
            (json!(["vip", null, ""]), json!(["vip"])),
            (json!(["a", "b"]), json!(["a", "b"])),
        ] {
            let given = json!({ "contactId": "c", "tags": given });
            let right = json!({ "contactId": "c", "tags": right });
            assert_eq!(told("add-tags", whole.clone(), given), right);
        }
        // An item that gives a list is all of its items.
        let inner = json!({ "contactId": "c", "tags": ["a", "{{ webhook.tags }}"] });
        for (given, right) in [
            (json!(["a", ["vip", null, ""]]), json!(["a", "vip"])),
            (json!(["a", ["vip", "gold"]]), json!(["a", "vip", "gold"])),
            (json!(["a", []]), json!(["a"])),
            (json!(["a", [["b", null], "c"]]), json!(["a", "b", "c"])),
            (json!(["a", null]), json!(["a"])),
            (json!(["a"]), json!(["a"])),
            (json!(["a", "vip, gold"]), json!(["a", "vip, gold"])),
        ] {
            let tags = json!({ "contactId": "c", "tags": given });
            let right_tags = json!({ "contactId": "c", "tags": right });
            assert_eq!(told("add-tags", inner.clone(), tags), right_tags);
            let (add, right) = (json!({ "add": given }), json!({ "add": right }));
            let written = json!({ "add": inner["tags"] });
            assert_eq!(told("profile.tag", written, add), right);
        }
        // What is an item of another kind may be a list.
        let field = |value: Value| json!({ "contactId": "c", "customFields": [{ "id": "f", "field_value": value }] });
        let given = field(json!([["a"], "b"]));
        let written = field(json!(["{{ webhook.x }}", "b"]));
        assert_eq!(told("update-contact", written, given.clone()), given);
        // What the file says itself is told when it is checked.
        let literal = json!({ "contactId": "c", "tags": ["a", ""] });
        let given = literal.clone();
        assert_eq!(told("add-tags", literal, given)["tags"], json!(["a", ""]));
    }

    #[test]
    fn a_list_that_came_as_one_value_has_one_item() {
        let given = |operation: &str, tags: Value| {
            let written = json!({ "contactId": "c", "tags": "{{ webhook.tags }}" });
            let given = match tags {
                // As `template::render` has it where an expression has no value.
                Value::Null => json!({ "contactId": "c" }),
                tags => json!({ "contactId": "c", "tags": tags }),
            };
            let (Value::Object(written), Value::Object(given)) = (written, given) else {
                unreachable!("arguments are objects");
            };
            fitted(operation, &written, given).map(|told| told.get("tags").cloned())
        };
        for (tags, right) in [
            (json!("vip"), Some(json!(["vip"]))),
            (json!(7), Some(json!([7]))),
            (json!(["vip", "gold"]), Some(json!(["vip", "gold"]))),
            (json!([["vip", null], "gold"]), Some(json!(["vip", "gold"]))),
            (json!({ "a": 1 }), Some(json!({ "a": 1 }))),
        ] {
            assert_eq!(given("add-tags", tags), Ok(right));
        }
        for nothing in [
            json!(null),
            json!(""),
            json!(" "),
            json!([]),
            json!([null, " "]),
        ] {
            // It may be left out there.
            assert_eq!(given("update-contact", nothing.clone()), Ok(None));
            assert_eq!(
                given("add-tags", nothing).unwrap_err(),
                "\"tags\" is missing, because {{ webhook.tags }} has no value"
            );
        }
        // What is left of a list that the file writes out is one of templates, too; the file's own [] empties.
        let update = |tags: Value, given: Value| {
            told(
                "update-contact",
                json!({ "contactId": "c", "city": "{{ webhook.x }}", "tags": tags }),
                json!({ "contactId": "c", "city": "Oslo", "tags": given }),
            )
        };
        let without = json!({ "contactId": "c", "city": "Oslo" });
        assert_eq!(update(json!(["{{ webhook.x }}"]), json!([])), without);
        assert_eq!(update(json!([]), json!([]))["tags"], json!([]));
        let error = given("add-tags", json!("vip, gold")).unwrap_err();
        assert!(
            error.starts_with("\"tags\" is \"vip, gold\" and must be a list; write | split(',')"),
            "{error}"
        );
    }
}
