//! What an answer must show before a poll takes it for what is there.
//!
//! The client holds answers against their description. This is the same once more for what hurts most here: a list that
//! is not there is no list without records, and what is not the record that was asked for says nothing of it.

use canopy_highlevel::Error;
use canopy_highlevel::operation::{Operation, Place};
use serde_json::Value;

use super::events::text;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Service(#[from] Error),
    /// An answer that shows nothing of what was asked for.
    #[error("{0}")]
    Unreadable(&'static str),
}

impl ReadError {
    /// The service says that what was asked for is not there.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Service(error) if error.is_gone())
    }

    /// The service says for good that this cannot be read like that: what it hangs on is gone, or its id is none.
    pub fn is_final(&self) -> bool {
        let Self::Service(error) = self else {
            return false;
        };
        let told = matches!(error.status(), Some(400 | 404 | 422)) && error.speaks_for_service();
        told && !error.is_retryable() && !error.outcome_unknown()
    }

    /// The service says that this token may not read it.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Service(error) if matches!(error.status(), Some(401 | 403)) && error.speaks_for_service())
    }
}

/// What a list shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Shown {
    pub records: Vec<Value>,
    /// Elements that are no records: each may stand where a record should, so the list proves nothing to be missing.
    pub odd: usize,
    /// How many records stand before the first of these.
    pub sure: usize,
}

impl Shown {
    /// The same with the page behind it.
    pub fn extend(&mut self, page: Self) {
        if self.odd == 0 {
            self.sure = self.records.len() + page.sure;
        }
        self.records.extend(page.records);
        self.odd += page.odd;
    }
}

/// The records of a list.
pub(super) fn list(operation: &Operation, answer: &Value) -> Result<Shown, ReadError> {
    let list = answer.pointer(operation.items.unwrap_or_default());
    let list = list.and_then(Value::as_array).ok_or(ReadError::Unreadable(
        "the answer has no list; nothing is told of its records",
    ))?;
    success(answer)?;
    let is_record = |element: &&Value| is_record(operation, element);
    let records: Vec<Value> = list.iter().filter(is_record).cloned().collect();
    if records.is_empty() && !list.is_empty() {
        return Err(ReadError::Unreadable(
            "nothing in the answer's list is a record",
        ));
    }
    let sure = list.iter().take_while(is_record).count();
    let odd = list.len() - records.len();
    Ok(Shown { records, odd, sure })
}

/// An object, and with its id where the description names one: `null`, a text, a list and `{"error": ..}` among the
/// records are none.
fn is_record(operation: &Operation, element: &Value) -> bool {
    let members = element
        .as_object()
        .is_some_and(|members| !members.is_empty());
    members
        && operation
            .id
            .is_none_or(|pointer| text(element, pointer).is_some())
}

/// The record of an answer, which must be the one that was asked for where its id is an argument.
pub(super) fn record<'a>(
    operation: &Operation,
    answer: &'a Value,
    arguments: &Value,
) -> Result<&'a Value, ReadError> {
    let record = match operation.record {
        Some(pointer) => answer.pointer(pointer),
        None => Some(answer),
    };
    let record = record.filter(|record| record.is_object());
    let record = record.ok_or(ReadError::Unreadable("the answer has no record"))?;
    success(answer)?;
    let Some(pointer) = operation.id else {
        return Ok(record);
    };
    let shown = text(answer, pointer)
        .ok_or(ReadError::Unreadable("the answer has no record with an id"))?;
    let asked = id_parameter(operation).and_then(|name| text(arguments, &format!("/{name}")));
    if asked.is_some_and(|asked| asked != shown) {
        return Err(ReadError::Unreadable(
            "the answer has another record than the one that was asked for",
        ));
    }
    Ok(record)
}

/// An answer that is compared as a whole.
pub(super) fn whole(answer: &Value) -> Result<(), ReadError> {
    if !answer.is_object() && !answer.is_array() {
        return Err(ReadError::Unreadable("the answer is empty"));
    }
    success(answer)
}

/// A file that is a page or an error's body is none.
pub(super) fn file(content_type: Option<&str>) -> Result<(), ReadError> {
    let is_text = content_type.is_some_and(|of| of.contains("html") || of.contains("json"));
    if is_text {
        return Err(ReadError::Unreadable(
            "the answer is a page or an error's body, and no file",
        ));
    }
    Ok(())
}

/// An error's body, or a refusal in plain words, is no success, whatever the status says.
fn success(answer: &Value) -> Result<(), ReadError> {
    let status = answer["statusCode"].as_u64();
    let flags = ["success", "succeded", "succeeded"];
    if status.is_some_and(|status| status >= 400) || flags.iter().any(|flag| answer[*flag] == false)
    {
        return Err(ReadError::Unreadable(
            "the answer says that it is an error, with the status of a success",
        ));
    }
    Ok(())
}

/// The parameter that takes the id of the record: the last one of the path, where it is called so.
pub(super) fn id_parameter(operation: &Operation) -> Option<&'static str> {
    let path = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.place == Place::Path);
    path.map(|parameter| parameter.name)
        .next_back()
        .filter(|name| *name == "id" || name.ends_with("Id"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation(name: &str) -> &'static Operation {
        canopy_highlevel::operation(name).unwrap()
    }

    #[test]
    fn a_list_that_is_not_there_is_no_empty_one() {
        let tasks = operation("get-all-tasks");
        assert_eq!(list(tasks, &json!({ "tasks": [] })).unwrap().odd, 0);
        for answer in [
            json!(null),
            json!({}),
            json!({ "tasks": null }),
            json!({ "message": "ok" }),
            json!({ "tasks": {} }),
            json!({ "tasks": [], "success": false }),
            json!({ "tasks": [], "statusCode": 500 }),
        ] {
            assert!(list(tasks, &answer).is_err(), "{answer}");
        }
    }

    #[test]
    fn an_element_that_is_no_record_is_none() {
        let tasks = operation("get-all-tasks");
        let odd = json!([null, "x", 7, true, [], [{ "id": "a" }], {}, { "id": null }, { "id": "" }, { "title": "no id" },
            { "error": "could not load" }]);
        assert!(list(tasks, &json!({ "tasks": odd })).is_err());
        let mut elements = odd.as_array().unwrap().clone();
        elements.push(json!({ "id": "a" }));
        let shown = list(tasks, &json!({ "tasks": elements })).unwrap();
        assert_eq!(shown.records, [json!({ "id": "a" })]);
        assert_eq!(shown.odd, odd.as_array().unwrap().len());
    }

    #[test]
    fn only_the_record_that_was_asked_for_is_one() {
        let (note, asked) = (
            operation("get-note"),
            json!({ "contactId": "c", "id": "n" }),
        );
        let good = json!({ "note": { "id": "n", "body": "" } });
        assert_eq!(record(note, &good, &asked).unwrap(), &good["note"]);
        for answer in [
            json!(null),
            json!({ "note": null }),
            json!({ "note": {} }),
            json!({ "note": { "id": "m" } }),
            json!({ "statusCode": 500, "message": "Internal server error" }),
        ] {
            assert!(record(note, &answer, &asked).is_err(), "{answer}");
        }
        // Its key is no id.
        let by_key = operation("get-association-key-by-key-name");
        let asked = json!({ "key_name": "k", "locationId": "l" });
        assert!(record(by_key, &json!({ "id": "a" }), &asked).is_ok());
    }
}
