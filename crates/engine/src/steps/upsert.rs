//! Upserts of contacts, of which the service is known to carry out less than it says: some fields are dropped without a
//! word, so is a phone number that is another contact's, and a contact that is found by an additional e-mail address loses
//! its first one.

use canopy_highlevel::Error;
use canopy_highlevel::operation::Operation;
use serde_json::{Map, Value, json};

use super::StepRun;
use super::order::UPSERT_CONTACT;
use crate::error::EngineError;

/// Say how to write, are kept in another form, or have operations of their own.
const NOT_COMPARED: &[&str] = &[
    "locationId",
    "createNewIfDuplicateAllowed",
    "customFields",
    "tags",
    "phone",
    "name",
];
const PHONE: &str = "phone";
/// Digits at the end of two notations of one number agree this far, whatever is before them.
const ALIKE: usize = 6;

impl StepRun<'_> {
    /// Puts the first address in place of an additional one, by which the same contact is found: so none is lost, and
    /// a repeat after a crash does the same. The contact that is found is told.
    pub(super) async fn keep_first_email(
        &self,
        operation: &Operation,
        arguments: &mut Map<String, Value>,
    ) -> Result<Option<String>, Error> {
        if operation.name != UPSERT_CONTACT {
            return Ok(None);
        }
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let given = |name: &str| text(name).filter(|text| !text.is_empty());
        let location = text("locationId").unwrap_or(&self.connection.location);
        let question = match (given("email"), given("phone")) {
            (Some(email), _) => json!({ "locationId": location, "email": email }),
            // It only matters to whom a late write would go.
            (None, Some(phone)) if self.late => {
                json!({ "locationId": location, "number": phone })
            }
            _ => return Ok(None),
        };
        let found = self.read("get-duplicate-contact", &question).await?;
        let first = found
            .pointer("/contact/email")
            .and_then(Value::as_str)
            .filter(|first| !first.is_empty());
        if let (Some(first), Some(email)) = (first, given("email"))
            && !first.eq_ignore_ascii_case(email)
        {
            arguments.insert("email".to_owned(), json!(first));
        }
        let id = found.pointer("/contact/id").and_then(Value::as_str);
        Ok(id.map(str::to_owned))
    }

    /// Reads the contact back after an upsert and writes again what was dropped: the answer names it as `writtenAgain`,
    /// and as `notWritten` what an update does not take either. A failure here fails the step, whose
    /// repeat does no harm.
    pub(super) async fn complete_upsert(
        &self,
        operation: &Operation,
        arguments: &Map<String, Value>,
        answer: Value,
    ) -> Result<Value, Error> {
        let id = answer.pointer("/contact/id").and_then(Value::as_str);
        // Of a planned one nothing can be dropped.
        let written =
            operation.name == UPSERT_CONTACT && !self.engine.holds_back(&self.connection.location);
        let Some(id) = id.filter(|_| written) else {
            return Ok(answer);
        };
        let read = self
            .read("get-contact", &json!({ "contactId": id }))
            .await?;
        let mut missing = Map::new();
        for (name, sent) in arguments {
            let there = read["contact"].get(name);
            if !NOT_COMPARED.contains(&name.as_str()) && is_dropped(sent, there) {
                missing.insert(name.clone(), sent.clone());
            }
        }
        // Some fields can be said at a creation only; nothing is left but to tell of them.
        let writable = canopy_highlevel::describe("update-contact")?.fields;
        let (again, lost): (Map<_, _>, Map<_, _>) = missing
            .into_iter()
            .partition(|(name, _)| writable.iter().any(|field| field.name == *name));
        let names = |members: Map<String, Value>| members.into_iter().map(|(name, _)| name);
        let (mut again_names, mut lost_names) = (Vec::new(), names(lost).collect::<Vec<_>>());
        if !again.is_empty() {
            let mut update = again.clone();
            update.insert("contactId".to_owned(), json!(id));
            self.read("update-contact", &Value::Object(update)).await?;
            again_names.extend(names(again));
        }
        if let Some(sent) = arguments.get(PHONE)
            && is_another_number(sent, read["contact"].get(PHONE))
        {
            let update = json!({ "contactId": id, PHONE: sent });
            match self.read("update-contact", &update).await {
                Ok(_) => again_names.push(PHONE.to_owned()),
                // It is another contact's.
                Err(error) if matches!(error.status(), Some(400 | 422)) => {
                    lost_names.push(PHONE.to_owned());
                }
                Err(error) => return Err(error),
            }
        }
        let mut answer = answer;
        answer["writtenAgain"] = json!(again_names);
        answer["notWritten"] = json!(lost_names);
        Ok(answer)
    }

    /// The service said that it was done, so nobody else will say what was not.
    pub(super) async fn tell_not_written(
        &self,
        operation: &Operation,
        answer: &Value,
    ) -> Result<(), EngineError> {
        if operation.name != UPSERT_CONTACT {
            return Ok(());
        }
        let contact = answer.pointer("/contact/id").and_then(Value::as_str);
        let fields = answer["notWritten"].as_array().into_iter().flatten();
        for field in fields.filter_map(Value::as_str) {
            let contact = contact.unwrap_or_default();
            let why = if field == PHONE {
                "another contact has the number: merge the two in HighLevel, or leave the number out of the workflow"
            } else {
                "an upsert does not write it to a contact that is there: leave it out of the workflow"
            };
            let message = format!(
                "contact {contact}: HighLevel answered an upsert with success and did not take field \"{field}\"; {why}"
            );
            self.alert(field, message).await?;
        }
        Ok(())
    }

    pub(super) async fn read(&self, operation: &str, arguments: &Value) -> Result<Value, Error> {
        let of = (&self.connection.highlevel, &*self.connection.location);
        self.engine.invoke(of, operation, arguments).await
    }
}

/// Whether a value that was sent is not there afterwards. Only what is wholly missing counts: another notation of the
/// same value is no loss, and writing it again and again would be an endless change.
fn is_dropped(sent: &Value, there: Option<&Value>) -> bool {
    let is_empty = |value: &Value| value.is_null() || value.as_str() == Some("");
    !is_empty(sent) && there.is_none_or(is_empty)
}

/// Whether a phone number that was sent is not the one that is there, however either is written.
fn is_another_number(sent: &Value, there: Option<&Value>) -> bool {
    let digits = |value: &Value| -> String {
        let text = value.as_str().unwrap_or_default();
        text.chars().filter(char::is_ascii_digit).collect()
    };
    let (sent, there) = (digits(sent), there.map(digits).unwrap_or_default());
    let end = &sent[sent.len().saturating_sub(ALIKE)..];
    !sent.is_empty() && (there.is_empty() || !there.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_known_in_any_notation() {
        for (sent, there, another) in [
            (json!("(201) 555-0199"), Some(json!("+12015550199")), false),
            (json!("020 7946 0958"), Some(json!("+442079460958")), false),
            (json!("+12015550199"), Some(json!("+12015550198")), true),
            (json!("+12015550199"), Some(json!(null)), true),
            (json!("+12015550199"), None, true),
            (json!(""), None, false),
            (json!(null), Some(json!("+12015550199")), false),
        ] {
            assert_eq!(
                is_another_number(&sent, there.as_ref()),
                another,
                "{sent} {there:?}"
            );
        }
    }

    #[test]
    fn only_what_is_missing_was_dropped() {
        for (sent, there, dropped) in [
            (json!("female"), None, true),
            (json!("female"), Some(json!("")), true),
            (json!("female"), Some(json!(null)), true),
            (json!("female"), Some(json!("Female")), false),
            (json!(""), None, false),
            (json!(null), Some(json!("x")), false),
            (json!(false), Some(json!(false)), false),
        ] {
            assert_eq!(
                is_dropped(&sent, there.as_ref()),
                dropped,
                "{sent} {there:?}"
            );
        }
    }
}
