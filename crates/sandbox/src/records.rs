//! The records that HighLevel keeps.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// Members of a contact that are stored as they are written.
pub const PLAIN_MEMBERS: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "phone",
    "address1",
    "city",
    "state",
    "postalCode",
    "country",
    "website",
    "timezone",
    "source",
    "dateOfBirth",
    "companyName",
    "assignedTo",
    "gender",
    "dnd",
    "dndSettings",
    "inboundDndSettings",
];

#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    pub id: String,
    /// [`PLAIN_MEMBERS`] that have a value.
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
