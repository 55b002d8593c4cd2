//! What a record's content is, and what our own writes make of it: the base of the echo guard.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Members that change without the record's content changing, or that only lists carry.
const VOLATILE: &[&str] = &[
    "dateAdded",
    "dateUpdated",
    "createdAt",
    "updatedAt",
    "lastActivity",
    "lastSessionActivityAt",
    "searchAfter",
    "traceId",
];

/// SHA-256 (hex) of a record's content, equal for equal content whatever the order of members, tags or custom
/// fields, and whether an empty member is null, empty or missing.
pub fn content_hash(record: &Value) -> String {
    hex::encode(Sha256::digest(canonical(record).to_string()))
}

/// Members of notes and tasks that people write. Answers to writes, lists and single reads differ in the others.
const WRITTEN: &[(&str, &[&str])] = &[
    ("note", &["title", "body"]),
    (
        "task",
        &["title", "body", "dueDate", "completed", "assignedTo"],
    ),
];

/// [`content_hash`] of what people write in a record of this kind, the base of the echo guard.
pub fn record_hash(kind: &str, record: &Value) -> String {
    let Some((_, members)) = WRITTEN.iter().find(|(known, _)| *known == kind) else {
        return content_hash(record);
    };
    let written: Map<String, Value> = members
        .iter()
        .filter_map(|member| {
            let value = record.get(*member)?;
            let value = match *member {
                "dueDate" => record_version(value).map(Value::String)?,
                _ => value.clone(),
            };
            Some(((*member).to_owned(), value))
        })
        .collect();
    content_hash(&Value::Object(written))
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted = BTreeMap::new();
            for (name, member) in members {
                if VOLATILE.contains(&name.as_str()) {
                    continue;
                }
                let member = match name.as_str() {
                    "customFields" | "customField" => custom_fields(member),
                    "tags" => tags(member),
                    _ => canonical(member),
                };
                if !is_empty(&member) {
                    sorted.insert(name.clone(), member);
                }
            }
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn tags(value: &Value) -> Value {
    let set: BTreeSet<String> = strings(value).collect();
    set.into_iter().map(Value::String).collect()
}

fn strings(value: &Value) -> impl Iterator<Item = String> + '_ {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_lowercase)
}

/// Custom fields as id to value.
fn custom_fields(value: &Value) -> Value {
    let mut by_id = BTreeMap::new();
    for field in value.as_array().into_iter().flatten() {
        if let (Some(id), Some(value)) = (field["id"].as_str(), field_value(field)) {
            by_id.insert(id.to_owned(), Value::String(as_text(value)));
        }
    }
    Value::Object(by_id.into_iter().collect())
}

/// A custom field's value: read as `value`, written as `field_value`.
pub(crate) fn field_value(field: &Value) -> Option<&Value> {
    ["value", "field_value", "fieldValue"]
        .iter()
        .filter_map(|name| field.get(name))
        .find(|value| !is_empty(value))
}

/// A contact's custom fields after these are written; an empty value takes its field away.
fn with_custom_fields(present: &Value, written: &Value) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for field in present.as_array().into_iter().flatten() {
        if let (Some(id), Some(value)) = (field["id"].as_str(), field_value(field)) {
            fields.insert(id.to_owned(), value.clone());
        }
    }
    for field in written.as_array().into_iter().flatten() {
        let Some(id) = field["id"].as_str() else {
            continue;
        };
        match field_value(field) {
            Some(value) => fields.insert(id.to_owned(), value.clone()),
            None => fields.shift_remove(id),
        };
    }
    fields
        .iter()
        .map(|(id, value)| json!({ "id": id, "value": value }))
        .collect()
}

/// The service gives numbers back as text at times.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The version that a record carries in its update time, the same whether it comes from a list, a single read or a
/// webhook: an instant in any of the service's notations reads the same.
pub fn record_version(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(
            text.parse::<jiff::Timestamp>()
                .map_or_else(|_| text.clone(), |instant| instant.to_string()),
        ),
        Value::Number(number) => Some(
            number
                .as_i64()
                .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
                .map_or_else(|| number.to_string(), |instant| instant.to_string()),
        ),
        _ => None,
    }
}

/// The version that an event of a kind which happens once in a record's life carries, however it was found.
///
/// ```
/// assert_eq!(canopy_mapping::once_version("contact.created"), "created");
/// ```
pub fn once_version(kind: &str) -> String {
    kind.rsplit('.').next().unwrap_or(kind).to_owned()
}

/// Whether the contact has all of these custom fields (id and value) already.
pub fn has_custom_fields(contact: &Value, wanted: &[(String, Value)]) -> bool {
    let present = custom_fields(&contact["customFields"]);
    wanted.iter().all(|(id, value)| match present.get(id) {
        Some(there) => there.as_str() == Some(as_text(value).as_str()),
        None => is_empty(value),
    })
}

/// What a contact looks like after one of our writes succeeded; `None` where the operation does not change the
/// contact record itself.
pub fn after_write(
    operation: &str,
    arguments: &Map<String, Value>,
    contact: &Value,
) -> Option<Value> {
    let mut after = contact.as_object()?.clone();
    match operation {
        "add-tags" => {
            let mut set: BTreeSet<String> = strings(&contact["tags"]).collect();
            set.extend(strings(arguments.get("tags")?));
            after.insert("tags".to_owned(), json!(set));
        }
        "remove-tags" => {
            let mut set: BTreeSet<String> = strings(&contact["tags"]).collect();
            for tag in strings(arguments.get("tags")?) {
                set.remove(&tag);
            }
            after.insert("tags".to_owned(), json!(set));
        }
        "update-contact" => {
            for (name, value) in arguments {
                if name == "customFields" {
                    let list = with_custom_fields(&contact["customFields"], value);
                    after.insert("customFields".to_owned(), list);
                } else if name != "contactId" {
                    after.insert(name.clone(), value.clone());
                }
            }
        }
        _ => return None,
    }
    Some(Value::Object(after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_sees_content_only() {
        let a = json!({
            "id": "c", "firstName": "Ada", "tags": ["B", "a"], "dateUpdated": "2026-01-01T00:00:00Z",
            "customFields": [{ "id": "f2", "value": 3 }, { "id": "f1", "value": "x" }], "phone": null,
        });
        let b = json!({
            "customFields": [{ "id": "f1", "value": "x" }, { "id": "f2", "value": "3" }], "tags": ["a", "b"],
            "firstName": "Ada", "id": "c", "dateUpdated": "2026-02-02T00:00:00Z", "attachments": [],
        });
        assert_eq!(content_hash(&a), content_hash(&b));
        let mut changed = b.clone();
        changed["firstName"] = json!("Eve");
        assert_ne!(content_hash(&b), content_hash(&changed));
    }

    #[test]
    fn a_note_or_task_is_what_people_write_in_it() {
        let answer = json!({ "id": "t", "title": "Call", "dueDate": "2026-01-01T10:00:00Z", "completed": true });
        let read = json!({ "id": "t", "title": "Call", "dueDate": "2026-01-01T11:00:00.000+01:00",
            "completed": true, "body": "", "contactId": "c", "relations": [1] });
        assert_eq!(record_hash("task", &answer), record_hash("task", &read));
        let mut open = read.clone();
        open["completed"] = json!(false);
        assert_ne!(record_hash("task", &open), record_hash("task", &read));
        assert_ne!(
            record_hash("contact", &answer),
            record_hash("contact", &read)
        );
    }

    #[test]
    fn an_update_time_reads_the_same_in_every_notation() {
        let expected = Some("2026-11-26T12:41:02.193Z".to_owned());
        for notation in [
            json!("2026-11-26T12:41:02.193Z"),
            json!("2026-11-26T13:41:02.193+01:00"),
            json!(1_795_696_862_193_i64),
        ] {
            assert_eq!(record_version(&notation), expected);
        }
        assert_eq!(record_version(&json!("v7")), Some("v7".to_owned()));
        assert_eq!(record_version(&json!("")), None);
    }

    #[test]
    fn fields_are_compared_by_meaning() {
        let contact =
            json!({ "customFields": [{ "id": "n", "value": 1 }, { "id": "t", "value": "eco_1" }] });
        let wanted = |id: &str, value: Value| vec![(id.to_owned(), value)];
        assert!(has_custom_fields(&contact, &wanted("n", json!("1"))));
        assert!(has_custom_fields(&contact, &wanted("none", json!(""))));
        assert!(!has_custom_fields(&contact, &wanted("t", json!("eco_2"))));
        assert!(!has_custom_fields(&contact, &wanted("none", json!("x"))));
    }

    #[test]
    fn a_write_is_foreseen() {
        let contact = json!({ "id": "c", "firstName": "Ada", "tags": ["vip"], "customFields": [{ "id": "f", "value": "old" }] });
        let arguments =
            json!({ "contactId": "c", "customFields": [{ "id": "g", "field_value": 2 }] });
        let after =
            after_write("update-contact", arguments.as_object().unwrap(), &contact).unwrap();
        let tagged = after_write(
            "add-tags",
            json!({ "tags": ["Ecologi"] }).as_object().unwrap(),
            &after,
        )
        .unwrap();
        let seen = json!({
            "id": "c", "firstName": "Ada", "tags": ["ecologi", "vip"],
            "customFields": [{ "id": "f", "value": "old" }, { "id": "g", "value": 2 }],
        });
        assert_eq!(content_hash(&tagged), content_hash(&seen));
        assert!(after_write("create-note", &Map::new(), &contact).is_none());
    }

    proptest! {
        #[test]
        fn adding_then_removing_a_new_tag_restores_the_hash(tags in proptest::collection::vec("[a-m]{1,4}", 0..5), tag in "[n-z]{1,4}") {
            let contact = json!({ "id": "c", "tags": tags });
            let arguments = json!({ "tags": [tag] });
            let arguments = arguments.as_object().unwrap();
            let added = after_write("add-tags", arguments, &contact).unwrap();
            prop_assert_ne!(content_hash(&added), content_hash(&contact));
            let removed = after_write("remove-tags", arguments, &added).unwrap();
            prop_assert_eq!(content_hash(&removed), content_hash(&contact));
        }
    }
}
