//! Holds the arguments of a workflow file against what an operation takes. Templates have no value yet, so they stand
//! for anything.

use canopy_ecologi::{InvalidOrder, OrderRequest};
use canopy_highlevel::{Cause, Error, Field, InvokeError, describe, mistake};
use canopy_mapping::{ActionKind, Actions as _, ArgumentError, Moment, STOP, nearest, template};
use serde_json::{Map, Value, json};

use crate::actions::{Catalog, PROFILE_NOTE, PROFILE_TASK};
use crate::partly;

/// No file has more mistakes in one step that anybody would read.
const MOST: usize = 50;

/// Filled in from the connection where a file does not give them.
pub(crate) const FROM_CONNECTION: [&str; 3] = ["locationId", "location_id", "companyId"];

/// Which part of a list comes with an answer: a poll of it says that by itself.
pub(crate) const PAGING: [&str; 5] = ["limit", "pageLimit", "page", "skip", "offset"];

/// All that an operation of HighLevel would refuse. What is in `filled_in` may be missing.
pub(crate) fn of_highlevel(
    operation: &str,
    given: &Map<String, Value>,
    filled_in: &[&str],
) -> Vec<ArgumentError> {
    let Ok(description) = describe(operation) else {
        return Vec::new();
    };
    let sample = |name: &str| {
        let example = description.example.get(name).cloned();
        example.unwrap_or_else(|| {
            let field = description.fields.iter().find(|field| field.name == name);
            field.map_or(Value::Null, |field| a_value(&field.kind, &field.words))
        })
    };
    let is_filled_in = |name: &str, value: &Value| {
        let field = description.fields.iter().find(|field| field.name == name);
        template::is_dynamic(value) && field.is_some_and(|field| may_be(field, value))
    };
    let mut arguments = with_samples(given, &sample, &is_filled_in);
    for name in filled_in {
        let known = description.fields.iter().any(|field| field.name == *name);
        if known && !arguments.contains_key(*name) {
            arguments.insert((*name).to_owned(), sample(name));
        }
    }
    let mut found = Vec::new();
    while found.len() < MOST {
        let Some(error) = mistake(operation, &Value::Object(arguments.clone())) else {
            break;
        };
        let Some(field) = error.field().map(str::to_owned) else {
            break;
        };
        let member = field.split(['.', '[']).next().unwrap_or(&field).to_owned();
        let report = match error {
            InvokeError::Missing { .. } => ArgumentError::missing(&field),
            InvokeError::Unexpected { nearest, takes, .. } => {
                ArgumentError::unknown(&field, nearest, &takes)
            }
            InvokeError::Invalid { problem, .. } => ArgumentError::wrong(&field, &problem),
            _ => break,
        };
        // The next look must not stumble over the same one.
        let is_known = description.fields.iter().any(|known| known.name == member);
        let put = if is_known {
            sample(&member)
        } else {
            Value::Null
        };
        let filled_in = given
            .get(&member)
            .is_some_and(|value| is_filled_in(&member, value));
        if !filled_in {
            found.push(report);
        }
        let same = arguments.get(&member) == Some(&put);
        if !is_known || put.is_null() || same {
            arguments.remove(&member);
            if is_known && (put.is_null() || same) {
                // Nothing is known that would fit here.
                break;
            }
        } else {
            arguments.insert(member, put);
        }
    }
    found.extend(partly::mistakes(
        operation,
        &description.fields,
        given,
        &arguments,
    ));
    found
}

/// Whether a call was refused because a fraction stands where HighLevel wants an integer.
pub(crate) fn is_fraction_for_integer(error: &Error, arguments: &Value) -> bool {
    let Cause::Arguments(refused) = error.cause() else {
        return false;
    };
    let value = error.field().and_then(|field| at(arguments, field));
    refused.wants_integer() && value.is_some_and(Value::is_f64)
}

/// The arguments of an action that are texts.
pub(crate) fn texts(action: &str) -> Vec<String> {
    let own: &[&str] = match action {
        PROFILE_NOTE => &["body"],
        PROFILE_TASK => &["title"],
        STOP => &["reason"],
        _ if Catalog.kind(action) == Some(ActionKind::Purchase) => &["name", "recipientEmail"],
        _ => &[],
    };
    let described = describe(action).map_or_else(|_| Vec::new(), |found| found.fields);
    let described = described.into_iter().filter(|field| field.kind == "string");
    let described = described.map(|field| field.name);
    own.iter()
        .map(|name| (*name).to_owned())
        .chain(described)
        .collect()
}

/// The member at a path such as `openHours[0].hours[1].openHour`.
fn at<'a>(arguments: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = path.replace(['.', '['], "/").replace(']', "");
    arguments.pointer(&format!("/{pointer}"))
}

/// The ends of a trigger's window: what is no moment, and the arguments with the others as the instants that they may be.
pub(crate) fn of_window(
    operation: &str,
    window: canopy_highlevel::operation::Window,
    given: &Map<String, Value>,
) -> (Vec<ArgumentError>, Map<String, Value>) {
    let mut found = Vec::new();
    let mut arguments = given.clone();
    let fields = describe(operation).map_or_else(|_| Vec::new(), |found| found.fields);
    for name in [window.from, window.to] {
        let Some(Value::String(text)) = given.get(name) else {
            continue;
        };
        if let Err(error) = Moment::parse(text) {
            found.push(ArgumentError::wrong(name, &error.to_string()));
        }
        let is_text =
            |field: &&canopy_highlevel::Field| field.name == name && field.kind == "string";
        let instant = if fields.iter().any(|field| is_text(&field)) {
            json!("0")
        } else {
            json!(0)
        };
        arguments.insert(name.to_owned(), instant);
    }
    (found, arguments)
}

/// The arguments with something in place of what is filled in by a run. A list or an object with a template somewhere
/// counts as such where it fits: its literal parts are looked at by themselves.
fn with_samples(
    given: &Map<String, Value>,
    sample: &dyn Fn(&str) -> Value,
    is_filled_in: &dyn Fn(&str, &Value) -> bool,
) -> Map<String, Value> {
    let known = given.iter().map(|(name, value)| {
        let value = if is_filled_in(name, value) {
            sample(name)
        } else {
            value.clone()
        };
        (name.clone(), value)
    });
    known.collect()
}

/// All that Ecologi would refuse of a purchase.
pub(crate) fn of_purchase(operation: &str, given: &Map<String, Value>) -> Vec<ArgumentError> {
    let sample = |name: &str| match name {
        "number" => json!(1),
        "country" => json!("UK"),
        "units" => json!("KG"),
        "test" => json!(true),
        _ => json!("a"),
    };
    let is_filled_in = |_: &str, value: &Value| value.is_string() && template::is_dynamic(value);
    let mut arguments = with_samples(given, &sample, &is_filled_in);
    let mut found = Vec::new();
    while found.len() < MOST {
        let order = OrderRequest::from_action(operation, &Value::Object(arguments.clone()));
        let Err(error) = order else {
            break;
        };
        let field = match &error {
            InvalidOrder::NotAPurchase { .. } | InvalidOrder::NotAnObject => break,
            InvalidOrder::Unexpected { field, takes } => {
                let near = nearest(field, takes.iter().copied()).map(str::to_owned);
                found.push(ArgumentError::unknown(field, near, takes));
                arguments.remove(field);
                continue;
            }
            InvalidOrder::Missing { field } => {
                found.push(ArgumentError::missing(field));
                field
            }
            InvalidOrder::WrongType { field, .. }
            | InvalidOrder::NotWhole { field, .. }
            | InvalidOrder::TooLittle { field, .. }
            | InvalidOrder::TooMuch { field, .. }
            | InvalidOrder::TooFine { field, .. }
            | InvalidOrder::NotOneOf { field, .. } => {
                let text = error.to_string();
                let problem = text.trim_start_matches(&format!("`{field}` "));
                found.push(ArgumentError::wrong(field, problem));
                field
            }
        };
        arguments.insert((*field).to_owned(), sample(field));
    }
    found
}

/// Whether a list or an object can be meant at all: with a template in it, it still is one.
fn may_be(field: &Field, value: &Value) -> bool {
    let mut kinds = field.kind.split('|').map(json_kind);
    match value {
        Value::Array(_) => kinds.any(|kind| kind == "array" || kind == "any"),
        Value::Object(_) => kinds.any(|kind| kind == "object" || kind == "any"),
        _ => true,
    }
}

/// The word of JSON for a kind of a description.
pub(crate) fn json_kind(kind: &str) -> &str {
    match kind {
        kind if kind.ends_with("[]") => "array",
        "string" | "integer" | "number" | "boolean" | "object" => kind,
        _ => "any",
    }
}

/// Any value of this kind, where the description has no example.
pub(crate) fn a_value(kind: &str, words: &[Value]) -> Value {
    if kind.ends_with("[]") {
        return json!([]);
    }
    match (words.first(), kind) {
        (Some(word), _) => word.clone(),
        (None, "integer" | "number") => json!(1),
        (None, "boolean") => json!(true),
        (None, "object") => json!({}),
        (None, _) => json!("a"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(errors: &[ArgumentError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn with(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn every_mistake_of_a_call_is_found() {
        let arguments = with(&json!({ "contactid": "c", "body": 7, "nothing": true }));
        let told = told(&of_highlevel("create-note", &arguments, &[]));
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(
            told.iter()
                .any(|text| text.contains("\"contactId\" is missing")),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|text| text.contains("\"contactid\" is unknown")
                    && text.contains("\"contactId\"")),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|text| text.contains("\"body\" must be a text")),
            "{told:?}"
        );
    }

    #[test]
    fn templates_stand_for_anything() {
        let arguments = with(&json!({
            "contactId": "{{ contact.id }}", "body": "Hello {{ contact.name }}",
            "title": "{{ record.title }}", "dueDate": "{{ record.due }}", "completed": "{{ true }}",
        }));
        assert_eq!(told(&of_highlevel("create-task", &arguments, &[])), [""; 0]);
    }

    #[test]
    fn a_wrong_name_is_told_whatever_templates_its_value_has() {
        let name = json!("{{ contact.firstName }}");
        let arguments = with(&json!({ "contactId": "c", "frstName": name }));
        let wrong = told(&of_highlevel("update-contact", &arguments, &[]));
        assert_eq!(
            wrong,
            ["\"frstName\" is unknown here; did you mean \"firstName\"?"]
        );
    }

    #[test]
    fn a_list_is_no_text_whatever_templates_are_in_it() {
        let list = json!(["{{ contact.name }}"]);
        let arguments = with(&json!({ "contactId": "c", "body": list }));
        let wrong = told(&of_highlevel("create-note", &arguments, &[]));
        assert_eq!(wrong, ["\"body\" must be a text"]);
        let wrong = told(&of_purchase("buy-trees", &with(&json!({ "number": list }))));
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        let arguments = with(&json!({ "contactId": "c", "tags": list }));
        assert_eq!(told(&of_highlevel("add-tags", &arguments, &[])), [""; 0]);
    }

    #[test]
    fn every_mistake_of_a_purchase_is_found() {
        let arguments = with(&json!({ "number": 0, "country": "DE", "nam": "x" }));
        let told = told(&of_purchase("buy-local-trees", &arguments));
        assert_eq!(told.len(), 3, "{told:?}");
        let arguments = with(&json!({ "number": "{{ record.value / 100 }}" }));
        assert!(of_purchase("buy-trees", &arguments).is_empty());
    }

    #[test]
    fn the_example_of_every_operation_is_without_mistake() {
        for operation in canopy_highlevel::OPERATIONS {
            let example = describe(operation.name).unwrap().example;
            let found = of_highlevel(operation.name, &with(&example), &[]);
            assert!(found.is_empty(), "{}: {found:?}", operation.name);
        }
    }
}
