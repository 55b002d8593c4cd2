//! What webhooks say: records, in the envelope that real deliveries have.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::iso;
use crate::collection::Record;
use crate::records::{Contact, Location, Note, Task};
use crate::settings::{Settings, Shape};

/// An event that is to be sent.
#[derive(Debug, Clone)]
pub struct Event {
    pub name: &'static str,
    pub record_id: String,
    pub body: Value,
}

impl Event {
    pub fn new(name: &'static str, record_id: &str, body: Value) -> Self {
        Self {
            name,
            record_id: record_id.to_owned(),
            body,
        }
    }
}

/// What deliveries carry beside the record: the schemas omit most of it, real deliveries have it.
#[derive(Debug)]
pub struct Envelope<'w> {
    pub app_id: &'w str,
    pub version_id: &'w str,
}

impl Envelope<'_> {
    /// The body as it is sent: flat, or wrapped as the guide's sample.
    pub fn around(&self, event: &Event, id: &str, at: Timestamp, settings: &Settings) -> Value {
        let own = [
            ("timestamp", iso(at)),
            ("webhookId", id.to_owned()),
            ("appId", self.app_id.to_owned()),
            ("versionId", self.version_id.to_owned()),
        ];
        let mut body = event.body.clone();
        match settings.webhook_shape {
            Shape::Bare => body,
            Shape::Flat => {
                for (name, value) in own {
                    body[name] = value.into();
                }
                body
            }
            Shape::Wrapped => {
                let members = body.as_object_mut();
                let kind = members.and_then(|members| members.shift_remove("type"));
                let mut wrapper = json!({ "type": kind.unwrap_or_else(|| event.name.into()) });
                for (name, value) in own {
                    wrapper[name] = value.into();
                }
                wrapper["data"] = body;
                wrapper
            }
        }
    }
}

/// Puts those of the named members that a record has into a payload.
pub fn copy(body: &mut Value, record: &Record, members: &[&str]) {
    for member in members {
        if let Some(value) = record.members.get(*member) {
            body[*member] = value.clone();
        }
    }
}

/// Plain members that contact events carry.
const CONTACT_MEMBERS: &[&str] = &[
    "address1",
    "city",
    "state",
    "companyName",
    "country",
    "source",
    "dateOfBirth",
    "email",
    "firstName",
    "lastName",
    "phone",
    "postalCode",
    "website",
    "assignedTo",
];

pub fn contact(name: &'static str, contact: &Contact, location: &Location) -> Event {
    let mut body = start(name, location, &contact.id);
    for member in CONTACT_MEMBERS {
        if let Some(value) = contact.members.get(*member) {
            body.insert((*member).to_owned(), value.clone());
        }
    }
    if let Some(full_name) = contact.name() {
        body.insert("name".to_owned(), full_name.into());
    }
    body.insert("dateAdded".to_owned(), iso(contact.date_added).into());
    body.insert("dnd".to_owned(), contact.dnd().into());
    if name == "ContactDndUpdate"
        && let Some(settings) = contact.members.get("dndSettings")
    {
        body.insert("dndSettings".to_owned(), settings.clone());
    }
    body.insert("tags".to_owned(), json!(contact.tags));
    body.insert("attachments".to_owned(), json!([]));
    body.insert("customFields".to_owned(), contact.custom_fields_json());
    finish(name, &contact.id, body)
}

pub fn note(name: &'static str, note: &Note, contact_id: &str, location: &Location) -> Event {
    let mut body = start(name, location, &note.id);
    body.insert("body".to_owned(), note.body.clone().into());
    body.insert("contactId".to_owned(), contact_id.into());
    body.insert("dateAdded".to_owned(), iso(note.date_added).into());
    finish(name, &note.id, body)
}

pub fn task(
    name: &'static str,
    task: &Task,
    contact_id: Option<&str>,
    location: &Location,
) -> Event {
    let mut body = start(name, location, &task.id);
    if let Some(assigned_to) = &task.assigned_to {
        body.insert("assignedTo".to_owned(), assigned_to.clone().into());
    }
    // Where the contact is left out, the text is, too.
    if let Some(contact_id) = contact_id {
        if let Some(text) = &task.body {
            body.insert("body".to_owned(), text.clone().into());
        }
        body.insert("contactId".to_owned(), contact_id.into());
    }
    body.insert("title".to_owned(), task.title.clone().into());
    body.insert("dateAdded".to_owned(), iso(task.date_added).into());
    body.insert("dueDate".to_owned(), task.due_date.clone().into());
    finish(name, &task.id, body)
}

fn start(name: &str, location: &Location, id: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("type".to_owned(), name.into());
    body.insert("locationId".to_owned(), location.id.clone().into());
    body.insert("id".to_owned(), id.into());
    body
}

fn finish(name: &'static str, id: &str, body: Map<String, Value>) -> Event {
    Event {
        name,
        record_id: id.to_owned(),
        body: Value::Object(body),
    }
}
