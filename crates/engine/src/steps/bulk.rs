//! Calls that write to many contacts at once: to each of them, as far as order is concerned.

use canopy_highlevel::Error;
use canopy_highlevel::operation::Operation;
use serde_json::{Map, Value, json};

use super::StepRun;
use super::highlevel::verdict_of;
use super::order::{BY_SOMEBODY, Target};
use crate::error::{EngineError, Verdict};

const TAGS: &str = "bulk-update-contact-tags";
const BUSINESS: &str = "add-remove-contact-from-business";
/// Names of the lists of contacts, and whether their tags are what is written.
const LISTS: &[(&str, &str, bool)] = &[(TAGS, "contacts", true), (BUSINESS, "ids", false)];

/// What of such a call was left out, and what of it was written by calls of their own.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub left_out: Vec<String>,
    pub written: Vec<Target>,
}

/// Why it is not made.
pub(super) enum Stopped {
    Verdict(Verdict),
    Engine(EngineError),
}

impl From<EngineError> for Stopped {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Verdict(verdict_of(&error))
    }
}

fn list_of(operation: &Operation) -> Option<(&'static str, bool)> {
    let mut lists = LISTS.iter();
    lists
        .find(|(name, ..)| *name == operation.name)
        .map(|(_, list, tags)| (*list, *tags))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// What the call writes, contact by contact.
pub(super) fn targets(operation: &Operation, arguments: &Map<String, Value>) -> Vec<Target> {
    let Some((list, tags)) = list_of(operation) else {
        return Vec::new();
    };
    let all = arguments.get("removeAllTags") == Some(&Value::Bool(true));
    let parts: Vec<String> = match (tags, all) {
        (false, _) => vec!["businessId".to_owned()],
        (true, true) => vec!["tags".to_owned()],
        (true, false) => {
            let tags = texts(arguments.get("tags"));
            tags.iter()
                .map(|tag| format!("tags:{}", tag.to_lowercase()))
                .collect()
        }
    };
    let contacts = texts(arguments.get(list));
    let target = |contact: &String| Target {
        name: format!("/contacts/{contact}"),
        parts: parts.clone(),
    };
    contacts.iter().map(target).collect()
}

impl StepRun<'_> {
    /// Leaves out of a late call what newer events have written since. Contacts for which only some of the tags are left
    /// have these written by themselves.
    pub(super) async fn sort_out(
        &self,
        operation: &Operation,
        arguments: &mut Map<String, Value>,
    ) -> Result<Sorted, Stopped> {
        let mut sorted = Sorted::default();
        let (Some((list, tags)), true) = (list_of(operation), self.late) else {
            return Ok(sorted);
        };
        let contacts = texts(arguments.get(list));
        let mut whole = Vec::new();
        let mut partly = Vec::new();
        let mut newer = None;
        for (contact, target) in contacts.into_iter().zip(targets(operation, arguments)) {
            let (mut covered, run) = self.overtaken(&target).await?;
            newer = newer.or(run);
            for part in self
                .changed_by_somebody(operation, &target, arguments)
                .await?
            {
                newer = newer.or(Some(BY_SOMEBODY));
                if !covered.contains(&part) {
                    covered.push(part);
                }
            }
            if covered.is_empty() {
                whole.push(json!(contact));
                continue;
            }
            let (out, rest): (Vec<_>, Vec<_>) = target
                .parts
                .iter()
                .cloned()
                .partition(|part| covered.contains(part));
            sorted
                .left_out
                .extend(out.iter().map(|part| format!("{contact} {part}")));
            if tags && !rest.is_empty() {
                partly.push((contact, target, rest));
            }
        }
        let Some(run) = newer else {
            return Ok(sorted);
        };
        let word = match arguments.get("type").and_then(Value::as_str) {
            Some("remove") => "remove-tags",
            _ => "add-tags",
        };
        for (contact, target, rest) in partly {
            let names: Vec<_> = rest
                .iter()
                .filter_map(|part| part.strip_prefix("tags:"))
                .collect();
            let call = json!({ "contactId": contact, "tags": names });
            self.read(word, &call).await?;
            let parts = rest;
            sorted.written.push(Target { parts, ..target });
        }
        if whole.is_empty() && sorted.written.is_empty() {
            let request = Value::Object(arguments.clone());
            let verdict = self.superseded(request, run).await?;
            return Err(Stopped::Verdict(verdict));
        }
        arguments.insert(list.to_owned(), Value::Array(whole));
        Ok(sorted)
    }
}

/// Whether nobody is left to whom the call would write.
pub(super) fn is_for_nobody(operation: &Operation, arguments: &Map<String, Value>) -> bool {
    list_of(operation).is_some_and(|(list, _)| texts(arguments.get(list)).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_contact_is_written_to() {
        let operation = canopy_highlevel::operation(TAGS).unwrap();
        let arguments =
            json!({ "type": "add", "locationId": "l", "contacts": ["c", "d"], "tags": ["A", "b"] });
        let found = targets(operation, arguments.as_object().unwrap());
        let named = |contact: &str| Target {
            name: format!("/contacts/{contact}"),
            parts: vec!["tags:a".to_owned(), "tags:b".to_owned()],
        };
        assert_eq!(found, [named("c"), named("d")]);
        let operation = canopy_highlevel::operation(BUSINESS).unwrap();
        let arguments = json!({ "locationId": "l", "ids": ["c"], "businessId": null });
        let found = targets(operation, arguments.as_object().unwrap());
        assert_eq!(found[0].name, "/contacts/c");
        assert_eq!(found[0].parts, ["businessId"]);
    }
}
