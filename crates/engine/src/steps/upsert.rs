//! Upserts of contacts, of which the service is known to carry out less than it says: some fields are dropped without a
//! word, and a contact that is found by an additional e-mail address loses its first one.

use canopy_highlevel::Error;
use canopy_highlevel::operation::Operation;
use serde_json::{Map, Value, json};

use super::StepRun;

const UPSERT: &str = "upsert-contact";
/// Say how to write, are kept in another form, or have operations of their own.
const NOT_COMPARED: &[&str] = &[
    "locationId",
    "createNewIfDuplicateAllowed",
    "customFields",
    "tags",
    "email",
    "phone",
    "name",
];

impl StepRun<'_> {
    /// Puts the first address in place of an additional one, by which the same contact is found: so none is lost, and
    /// a repeat after a crash does the same.
    pub(super) async fn keep_first_email(
        &self,
        operation: &Operation,
        arguments: &mut Map<String, Value>,
    ) -> Result<(), Error> {
        let Some(email) = arguments.get("email").and_then(Value::as_str) else {
            return Ok(());
        };
        if operation.name != UPSERT || email.is_empty() {
            return Ok(());
        }
        let location = arguments.get("locationId").and_then(Value::as_str);
        let question = json!({
            "locationId": location.unwrap_or(&self.connection.location), "email": email,
        });
        let found = self.read("get-duplicate-contact", &question).await?;
        let first = found
            .pointer("/contact/email")
            .and_then(Value::as_str)
            .filter(|first| !first.is_empty() && !first.eq_ignore_ascii_case(email));
        if let Some(first) = first {
            arguments.insert("email".to_owned(), json!(first));
        }
        Ok(())
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
        let written = operation.name == UPSERT && !self.engine.is_planning();
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
        let names = |members: &Map<String, Value>| json!(members.keys().collect::<Vec<_>>());
        let (again_names, lost_names) = (names(&again), names(&lost));
        if !again.is_empty() {
            let mut update = again;
            update.insert("contactId".to_owned(), json!(id));
            self.read("update-contact", &Value::Object(update)).await?;
        }
        let mut answer = answer;
        answer["writtenAgain"] = again_names;
        answer["notWritten"] = lost_names;
        Ok(answer)
    }

    pub(super) async fn read(&self, operation: &str, arguments: &Value) -> Result<Value, Error> {
        let client = &self.connection.highlevel;
        self.engine.invoke(client, operation, arguments).await
    }
}

/// Whether a value that was sent is not there afterwards. Only what is wholly missing counts: another notation of the
/// same value is no loss, and writing it again and again would be an endless change.
fn is_dropped(sent: &Value, there: Option<&Value>) -> bool {
    let is_empty = |value: &Value| value.is_null() || value.as_str() == Some("");
    !is_empty(sent) && there.is_none_or(is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

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
