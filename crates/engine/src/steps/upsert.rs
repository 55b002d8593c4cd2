//! Upserts of contacts, of which the service is known to carry out less than it says: some fields are dropped without a
//! word, and a contact that is found by an additional e-mail address loses its first one.

use canopy_highlevel::Error;
use canopy_highlevel::operation::Operation;
use serde_json::{Map, Value, json};

use super::StepRun;
use super::order::UPSERT_CONTACT;

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
