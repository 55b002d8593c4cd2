//! The records that HighLevel keeps.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use indexmap::IndexMap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// What the description lets be written to a contact and [`Contact`] keeps in another way: the name as its two halves,
/// tags and custom fields by themselves; the location is where the contact is.
const KEPT_OTHERWISE: [&str; 4] = ["name", "tags", "customFields", "locationId"];

/// Members of a contact that are stored as they are written: what the bodies of create and update describe.
pub fn plain_members() -> &'static [String] {
    static MEMBERS: LazyLock<Vec<String>> =
        LazyLock::new(|| written_members(include_str!("../openapi/highlevel.json")));
    &MEMBERS
}

/// None where the text is no bundle: the sandbox does not start with one.
fn written_members(bundle: &str) -> Vec<String> {
    let bundle: Value = serde_json::from_str(bundle).unwrap_or_default();
    let mut members: Vec<String> = Vec::new();
    for body in ["CreateContact", "UpdateContact"] {
        let properties = bundle["components"]["schemas"][body]["properties"].as_object();
        for name in properties.into_iter().flat_map(Map::keys) {
            if !KEPT_OTHERWISE.contains(&name.as_str()) && !members.contains(name) {
                members.push(name.clone());
            }
        }
    }
    members
}

#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    pub id: String,
    /// [`plain_members`] that have a value.
    pub members: Map<String, Value>,
    pub tags: Vec<String>,
    /// Value by field id.
    pub custom_fields: IndexMap<String, Value>,
    /// Addresses besides `email`, by which the contact is found, too.
    pub additional_emails: Vec<String>,
    pub followers: Vec<String>,
    pub business_id: Option<String>,
    pub campaigns: BTreeSet<String>,
    pub workflows: BTreeSet<String>,
    pub date_added: Timestamp,
    pub date_updated: Timestamp,
}

impl Contact {
    pub fn new(id: String, at: Timestamp) -> Self {
        Self {
            id,
            members: Map::new(),
            tags: Vec::new(),
            custom_fields: IndexMap::new(),
            additional_emails: Vec::new(),
            followers: Vec::new(),
            business_id: None,
            campaigns: BTreeSet::new(),
            workflows: BTreeSet::new(),
            date_added: at,
            date_updated: at,
        }
    }

    pub fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member).and_then(Value::as_str)
    }

    pub fn dnd(&self) -> bool {
        self.members
            .get("dnd")
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    pub fn name(&self) -> Option<String> {
        match (self.text("firstName"), self.text("lastName")) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
            (None, None) => None,
        }
    }

    /// Custom fields as contacts show them: id and value only, never name or key.
    pub fn custom_fields_json(&self) -> Value {
        self.custom_fields
            .iter()
            .map(|(id, value)| json!({ "id": id, "value": value }))
            .collect()
    }

    /// Writes a plain member, an empty or null value clears it. The name is kept as its two halves.
    pub fn set(&mut self, member: &str, value: &Value) {
        if value.is_null() || value.as_str() == Some("") {
            self.members.shift_remove(member);
        } else {
            self.members.insert(member.to_owned(), value.clone());
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub id: String,
    pub body: String,
    pub title: Option<String>,
    pub user_id: Option<String>,
    pub color: Option<String>,
    pub pinned: bool,
    pub date_added: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: String,
    pub title: String,
    pub body: Option<String>,
    pub due_date: String,
    pub completed: bool,
    pub assigned_to: Option<String>,
    pub date_added: Timestamp,
}

/// The definition of a custom field.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomField {
    pub id: String,
    pub name: String,
    /// `contact.trees_funded`.
    pub key: String,
    pub data_type: String,
    pub model: String,
    pub placeholder: String,
    pub options: Vec<String>,
    pub position: u64,
}

impl CustomField {
    pub fn json(&self, location_id: &str) -> Value {
        json!({
            "id": self.id, "name": self.name, "model": self.model, "fieldKey": self.key,
            "placeholder": self.placeholder, "dataType": self.data_type, "position": self.position,
            "picklistOptions": self.options, "locationId": location_id, "standard": false,
        })
    }
}

/// The location that the sandbox plays, and the agency above it.
#[derive(Debug, Clone)]
pub struct Location {
    pub id: String,
    pub company_id: String,
    pub name: String,
    pub user_id: String,
    /// IANA name: what calendars open and close by.
    pub timezone: &'static str,
    pub created_at: Timestamp,
}

impl Location {
    pub fn timezone(&self) -> TimeZone {
        TimeZone::get(self.timezone).unwrap_or(TimeZone::UTC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_description_lets_be_written_is_kept() {
        let bundle = r#"{ "components": { "schemas": {
            "CreateContact": { "properties": { "locationId": {}, "name": {}, "shoeSize": {} } },
            "UpdateContact": { "properties": { "tags": {}, "shoeSize": {}, "hat": {} } }
        } } }"#;
        assert_eq!(written_members(bundle), ["shoeSize", "hat"]);
        let known = plain_members();
        for member in ["firstName", "email", "dndSettings", "gender"] {
            assert!(known.iter().any(|name| name == member), "{member}");
        }
        for member in KEPT_OTHERWISE {
            assert!(known.iter().all(|name| name != member), "{member}");
        }
    }
}
