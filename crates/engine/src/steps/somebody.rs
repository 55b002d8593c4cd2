//! What somebody else changed of a contact since a step's run began: a late step leaves it as it is.
//!
//! A run knows its contact as it was when it began. Where a part of it looks different by the time that a late step comes to
//! write it, and no run of ours has written what stands there, then a person (or another program) has, and that is newer.

use std::collections::BTreeMap;

use canopy_highlevel::operation::Operation;
use canopy_mapping::content_hash;
use canopy_store::{StepRecord, StepState};
use serde_json::{Map, Value, json};

use super::StepRun;
use super::order::{Target, WHOLE, touches};
use super::sync::writes_as;
use crate::error::EngineError;

/// Hashes of what a contact's parts say, by the names of [`Target::parts`]; of what is empty there is none.
pub(crate) type Parts = BTreeMap<String, String>;

/// HighLevel shows it in two members.
const NAME: &str = "name";
const CUSTOM: &str = "customFields";
/// Characters of a hash that are kept: it is compared, and proves nothing.
const SHORT: usize = 16;

/// The parts of a contact as it was read; `None`: there is none.
pub(crate) fn parts_of(contact: &Value) -> Option<Parts> {
    let mut names = vec![NAME.to_owned()];
    for (member, value) in contact.as_object()? {
        names.push(member.clone());
        for element in value.as_array().into_iter().flatten() {
            match element {
                Value::String(text) => names.push(format!("{member}:{}", text.to_lowercase())),
                Value::Object(field) if member == CUSTOM => {
                    let id = field.get("id").and_then(Value::as_str);
                    names.extend(id.map(|id| format!("{CUSTOM}:{id}")));
                }
                _ => {}
            }
        }
    }
    let hashed = |name: String| Some((hash_of(&name, contact)?, name));
    let parts = names.into_iter().filter_map(hashed);
    Some(parts.map(|(hash, name)| (name, hash)).collect())
}

fn hash_of(part: &str, contact: &Value) -> Option<String> {
    let value = value_of(part, contact);
    // As the echo guard compares: neither order nor the notation of a number counts.
    let hash = match part.split_once(':') {
        Some((CUSTOM, id)) => content_hash(&json!({ CUSTOM: [{ "id": id, "value": value }] })),
        _ => content_hash(&json!({ part: value })),
    };
    (!plain(&value).is_empty()).then(|| hash.chars().take(SHORT).collect())
}

/// What a contact shows of a part.
fn value_of(part: &str, contact: &Value) -> Value {
    let Some((member, element)) = part.split_once(':') else {
        if part == NAME {
            let words = ["firstName", "lastName"].map(|word| contact[word].as_str());
            let words: Vec<_> = words.into_iter().flatten().collect();
            return json!(words.join(" "));
        }
        return contact[part].clone();
    };
    let list = contact[member].as_array();
    let mut elements = list.into_iter().flatten();
    if member == CUSTOM {
        let field = elements.find(|field| field["id"] == element);
        return field.map_or(Value::Null, |field| field["value"].clone());
    }
    let is_there = elements.any(|one| {
        let one = one.as_str();
        one.is_some_and(|one| one.to_lowercase() == element)
    });
    if is_there { json!(true) } else { Value::Null }
}

/// What a call would make of a part; `None`: it does not say.
fn wanted(part: &str, operation: &Operation, arguments: &Map<String, Value>) -> Option<Value> {
    let Some((member, element)) = part.split_once(':') else {
        return arguments.get(part).cloned();
    };
    if member == CUSTOM {
        let list = arguments.get(CUSTOM)?.as_array()?;
        let field = list.iter().find(|field| field["id"] == element)?;
        let values = ["field_value", "fieldValue", "value"];
        return values.iter().find_map(|name| field.get(*name)).cloned();
    }
    let says = |word: &str| arguments.get("type").and_then(Value::as_str) == Some(word);
    let takes_away = operation.http_method == "DELETE" || says("remove");
    Some(if takes_away { Value::Null } else { json!(true) })
}

/// A value without its notation: HighLevel writes numbers of phones, capitals and spaces in its own way.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            let letters = text.chars().filter(|letter| letter.is_alphanumeric());
            letters.flat_map(char::to_lowercase).collect()
        }
        Value::Array(list) => {
            let mut list: Vec<_> = list.iter().map(plain).collect();
            list.sort();
            list.join(" ")
        }
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// Whether a step of ours may have written what stands there.
fn wrote(step: &StepRecord, target: &Target, part: &str, present: &Value) -> bool {
    let operation = canopy_highlevel::operation(writes_as(&step.action));
    let (Some(operation), Some(arguments)) = (operation, step.request.as_object()) else {
        return false;
    };
    let answer = step.output.clone().unwrap_or_default();
    let mut targets = Target::all_of(operation, arguments, &answer);
    if step.state != StepState::Done {
        // Which contact an upsert found is not known; its own event's is the likely one.
        let contact = target.name.strip_prefix("/contacts/").unwrap_or_default();
        targets.extend(Target::of_upsert("/contacts", contact, arguments));
    }
    let parts = targets.iter().filter(|one| one.name == target.name);
    let mut parts = parts.flat_map(|target| &target.parts);
    parts.any(|written| match wanted(part, operation, arguments) {
        Some(wanted) if written == part => plain(&wanted) == plain(&value_of(part, present)),
        _ => touches(written, part) || is_name(written) && is_name(part),
    })
}

fn is_name(part: &str) -> bool {
    ["firstName", "lastName", NAME].contains(&part)
}

impl StepRun<'_> {
    /// The parts of a target that somebody else has changed since the run began, and that the call would change back.
    pub(super) async fn changed_by_somebody(
        &self,
        operation: &Operation,
        target: &Target,
        arguments: &Map<String, Value>,
    ) -> Result<Vec<String>, EngineError> {
        let (Some(contact), Some(seen), true) = (&self.event.contact, self.seen, self.late) else {
            return Ok(Vec::new());
        };
        let present = self.context.present();
        if target.name != format!("/contacts/{contact}") || !present.is_object() {
            return Ok(Vec::new());
        }
        let is_other = |part: &&String| {
            let changed = seen.get(*part) != hash_of(part, present).as_ref();
            let stands = wanted(part, operation, arguments)
                .is_some_and(|wanted| plain(&wanted) == plain(&value_of(part, present)));
            **part != WHOLE && changed && !stands
        };
        let changed: Vec<_> = target.parts.iter().filter(is_other).cloned().collect();
        if changed.is_empty() {
            return Ok(changed);
        }
        let store = &self.engine.store;
        let location = &self.connection.location;
        let mut steps = store.steps_since(location, contact, self.began).await?;
        // What this step asked for itself and does not stand there has been changed since, or was not done.
        steps.retain(|step| step.run != self.run || step.step != self.step.id);
        let by_us = |part: &String| steps.iter().any(|step| wrote(step, target, part, present));
        Ok(changed.into_iter().filter(|part| !by_us(part)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_members_tags_and_custom_fields_and_empty_ones_are_none() {
        let contact = json!({ "id": "c", "firstName": "Ada", "city": "", "phone": null, "tags": ["VIP"],
            "customFields": [{ "id": "f", "value": 3 }], "dnd": false });
        let parts = parts_of(&contact).unwrap();
        let names: Vec<_> = parts.keys().map(String::as_str).collect();
        let expected = [
            "customFields",
            "customFields:f",
            "dnd",
            "firstName",
            "id",
            "name",
            "tags",
            "tags:vip",
        ];
        assert_eq!(names, expected);
        let other = json!({ "id": "c", "firstName": "Eve", "phone": "", "tags": [],
            "customFields": [{ "id": "f", "value": "3" }], "dnd": false });
        let others = parts_of(&other).unwrap();
        let changed: Vec<_> = names
            .into_iter()
            .filter(|name| parts.get(*name) != others.get(*name))
            .collect();
        assert_eq!(changed, ["firstName", "name", "tags", "tags:vip"]);
        assert!(parts_of(&Value::Null).is_none());
    }

    #[test]
    fn what_a_call_wants_of_a_part_is_told_by_its_arguments() {
        for (operation, arguments, part, value) in [
            (
                "update-contact",
                json!({ "city": "Rome" }),
                "city",
                Some(json!("Rome")),
            ),
            (
                "update-contact",
                json!({ "customFields": [{ "id": "f", "field_value": 1 }] }),
                "customFields:f",
                Some(json!(1)),
            ),
            (
                "add-tags",
                json!({ "tags": ["x"] }),
                "tags:x",
                Some(json!(true)),
            ),
            (
                "remove-tags",
                json!({ "tags": ["x"] }),
                "tags:x",
                Some(Value::Null),
            ),
            (
                "bulk-update-contact-tags",
                json!({ "type": "remove", "tags": ["x"] }),
                "tags:x",
                Some(Value::Null),
            ),
            ("update-contact", json!({}), "city", None),
        ] {
            let operation = canopy_highlevel::operation(operation).unwrap();
            let arguments = arguments.as_object().unwrap();
            assert_eq!(wanted(part, operation, arguments), value, "{part}");
        }
    }
}
