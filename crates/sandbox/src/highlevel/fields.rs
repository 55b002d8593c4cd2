//! Writing the members of a contact as the API takes them.

use serde_json::{Value, json};

use crate::call::texts;
use crate::phone;
use crate::records::{Contact, CustomField, plain_members};
use crate::world::World;

/// What members are written by: the location's custom fields and its country.
#[derive(Debug, Clone)]
pub struct Rules {
    definitions: Vec<CustomField>,
    country: String,
}

impl Rules {
    pub fn of(world: &World) -> Self {
        let location = world.records.locations.get(&world.location.id).ok();
        let country = location.and_then(|location| location.text("country"));
        Self {
            definitions: world.custom_fields.clone(),
            country: country.unwrap_or("US").to_owned(),
        }
    }

    /// A phone number as it is kept and compared.
    pub fn phone(&self, text: &str) -> String {
        phone::normal(text, &self.country)
    }
}

/// Writes what `body` has: `tags` replace the set, custom fields are merged, unknown custom fields are ignored
/// without a word, e-mail addresses are kept in lower case and phone numbers in E.164, as the service does.
pub fn write_members(contact: &mut Contact, body: &Value, rules: &Rules) {
    if let Some(name) = body.get("name").and_then(Value::as_str) {
        let (first, last) = name.trim().split_once(' ').unwrap_or((name.trim(), ""));
        contact.set("firstName", &first.into());
        contact.set("lastName", &last.trim().into());
    }
    for member in plain_members() {
        if let Some(value) = body.get(member) {
            let normal = match (member.as_str(), value.as_str()) {
                ("email", Some(text)) => text.trim().to_lowercase().into(),
                ("phone", Some(text)) if !text.is_empty() => rules.phone(text).into(),
                _ => value.clone(),
            };
            contact.set(member, &normal);
        }
    }
    if let Some(tags) = body.get("tags") {
        contact.tags.clear();
        add_tags(contact, &texts(Some(tags)));
    }
    let fields = body.get("customFields").and_then(Value::as_array);
    for field in fields.into_iter().flatten() {
        write_custom_field(contact, field, &rules.definitions);
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
    let Some(definition) = definition(field, "contact", definitions) else {
        return;
    };
    match field.get("field_value") {
        None => {}
        Some(value) if is_empty(value) => {
            contact.custom_fields.shift_remove(&definition.id);
        }
        Some(value) => {
            contact
                .custom_fields
                .insert(definition.id.clone(), value.clone());
        }
    }
}

/// Custom fields of an opportunity after a write: those named are replaced, the others stay.
pub fn merged(known: &[Value], written: &[Value], definitions: &[CustomField]) -> Vec<Value> {
    let mut fields = known.to_vec();
    for field in written {
        let Some(definition) = definition(field, "opportunity", definitions) else {
            continue;
        };
        let Some(value) = field.get("field_value") else {
            continue;
        };
        fields.retain(|known| known["id"] != definition.id.as_str());
        if !is_empty(value) {
            fields.push(json!({ "id": definition.id, "fieldValue": value }));
        }
    }
    fields
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// The definition that a written field means, by id or else by key, with or without its object's name.
fn definition<'d>(
    field: &Value,
    model: &str,
    definitions: &'d [CustomField],
) -> Option<&'d CustomField> {
    let text = |name: &str| {
        let text = field.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let (id, key) = (text("id"), text("key"));
    definitions.iter().find(|definition| {
        let by_key = |key: &str| {
            let short = definition.key.split_once('.').map(|(_, short)| short);
            definition.key == key || short == Some(key)
        };
        definition.model == model
            && (id == Some(definition.id.as_str()) || (id.is_none() && key.is_some_and(by_key)))
    })
}
