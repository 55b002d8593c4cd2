//! Writing the members of a contact as the API takes them.

use serde_json::Value;

use crate::call::texts;
use crate::records::{Contact, CustomField, PLAIN_MEMBERS};

/// Writes what `body` has: `tags` replace the set, custom fields are merged, unknown custom fields are ignored
/// without a word, as the service does.
pub fn write_members(contact: &mut Contact, body: &Value, definitions: &[CustomField]) {
    if let Some(name) = body.get("name").and_then(Value::as_str) {
        let (first, last) = name.trim().split_once(' ').unwrap_or((name.trim(), ""));
        contact.set("firstName", &first.into());
        contact.set("lastName", &last.trim().into());
    }
    for member in PLAIN_MEMBERS {
        if let Some(value) = body.get(*member) {
            contact.set(member, value);
        }
    }
    if let Some(tags) = body.get("tags") {
        contact.tags.clear();
        add_tags(contact, &texts(Some(tags)));
    }
    let fields = body.get("customFields").and_then(Value::as_array);
    for field in fields.into_iter().flatten() {
        write_custom_field(contact, field, definitions);
    }
}

/// Tags are kept in lower case, whatever they were written in.
pub fn add_tags(contact: &mut Contact, tags: &[String]) {
    for tag in tags {
        let tag = tag.trim().to_lowercase();
        if !tag.is_empty() && !contact.tags.contains(&tag) {
            contact.tags.push(tag);
        }
    }
}

pub fn remove_tags(contact: &mut Contact, tags: &[String]) {
    contact
        .tags
        .retain(|known| !tags.iter().any(|tag| tag.trim().to_lowercase() == *known));
}

fn write_custom_field(contact: &mut Contact, field: &Value, definitions: &[CustomField]) {
    let text = |name: &str| {
        field
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let (id, key) = (text("id"), text("key"));
    let Some(definition) = definitions.iter().find(|definition| {
        let by_key = |key: &str| {
            definition.key == key
                || definition
                    .key
                    .split_once('.')
                    .is_some_and(|(_, short)| short == key)
        };
        definition.model == "contact"
            && (id == Some(definition.id.as_str()) || (id.is_none() && key.is_some_and(by_key)))
    }) else {
        return;
    };
    match field.get("field_value") {
        None => {}
        Some(Value::Null) => {
            contact.custom_fields.shift_remove(&definition.id);
        }
        Some(Value::String(text)) if text.is_empty() => {
            contact.custom_fields.shift_remove(&definition.id);
        }
        Some(value) => {
            contact
                .custom_fields
                .insert(definition.id.clone(), value.clone());
        }
    }
}
