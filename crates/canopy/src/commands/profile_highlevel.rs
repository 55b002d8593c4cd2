//! The `HighLevel` side of a contact: as the store has come to know it, or as it is now.

use std::collections::BTreeMap;

use canopy_highlevel::Client;
use canopy_store::{ProfileStore as _, SqliteStore, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::exit::{Failure, chain};

/// Events that are looked through.
const MOST: u32 = 100_000;
/// What belongs to a contact: the first word of its kinds of events.
const WORDS: [&str; 5] = ["contact", "note", "task", "appointment", "opportunity"];

/// What `HighLevel` has of a contact.
#[derive(Debug, Default, Serialize)]
pub(super) struct Side {
    /// `store`: what events and back-fills told; `live`: read just now.
    pub from: &'static str,
    /// Null where nothing is known of it.
    pub contact: Value,
    pub tags: Vec<String>,
    pub tasks: Vec<Value>,
    pub notes: Vec<Value>,
    pub appointments: Vec<Value>,
    pub opportunities: Vec<Value>,
}

/// From what the store has: the view's records, and what events told of later.
pub(super) async fn known(
    store: &SqliteStore,
    location: &str,
    contact: &str,
) -> Result<Side, StoreError> {
    let mut told: Vec<(Timestamp, String, String, Value)> = Vec::new();
    for record in store.records_of_contact(location, contact).await? {
        let at = record.version.unwrap_or(record.read_at);
        told.push((
            at,
            format!("{}.read", record.kind),
            record.record,
            record.payload,
        ));
    }
    for row in store.contact_events(location, contact, MOST).await? {
        let event = row.event;
        told.push((event.occurred_at, event.kind, event.record, event.payload));
    }
    // Of the same moment, what was read last is stored first.
    told.reverse();
    told.sort_by_key(|(at, ..)| *at);
    let mut known: BTreeMap<(&str, String), Map<String, Value>> = BTreeMap::new();
    for (_, kind, record, payload) in told {
        let Some((word, verb)) = kind.split_once('.') else {
            continue;
        };
        let Some(word) = WORDS.into_iter().find(|known| *known == word) else {
            continue;
        };
        if verb == "deleted" {
            known.remove(&(word, record));
            continue;
        }
        let members = known.entry((word, record.clone())).or_default();
        members.entry("id").or_insert_with(|| json!(record));
        // Webhooks of some kinds have the record in a member, and not all of it.
        let inner = payload.get(word).filter(|inner| inner.is_object());
        if let Value::Object(told) = inner.unwrap_or(&payload) {
            members.extend(told.clone());
        }
    }
    let of = |word: &str| -> Vec<Value> {
        let records = known.iter().filter(|((known, _), _)| *known == word);
        records
            .map(|(_, members)| Value::Object(members.clone()))
            .collect()
    };
    let contact = of("contact").into_iter().find(|one| one["id"] == contact);
    Ok(Side {
        from: "store",
        tags: tags(contact.as_ref()),
        contact: contact.unwrap_or_default(),
        tasks: of("task"),
        notes: of("note"),
        appointments: of("appointment"),
        opportunities: of("opportunity"),
    })
}

/// Read from the service.
pub(super) async fn live(client: &Client, location: &str, contact: &str) -> Result<Side, Failure> {
    let of_contact = json!({ "contactId": contact });
    let read = async |operation: &str, arguments: &Value| {
        let answer = client.invoke(operation, arguments).await;
        answer.map_err(|error| Failure::Failed(chain(&error)))
    };
    let list = async |operation: &str, arguments: &Value| -> Result<Vec<Value>, Failure> {
        let answer = read(operation, arguments).await?;
        let items = canopy_highlevel::operation(operation).and_then(|operation| operation.items);
        let items = items.and_then(|pointer| answer.pointer(pointer));
        Ok(items.and_then(Value::as_array).cloned().unwrap_or_default())
    };
    let answer = read("get-contact", &of_contact).await?;
    let deals = json!({ "location_id": location, "contact_id": contact });
    Ok(Side {
        from: "live",
        tags: tags(answer.get("contact")),
        contact: answer.get("contact").cloned().unwrap_or_default(),
        tasks: list("get-all-tasks", &of_contact).await?,
        notes: list("get-all-notes", &of_contact).await?,
        appointments: list("get-appointments-for-contact", &of_contact).await?,
        opportunities: list("search-opportunity", &deals).await?,
    })
}

fn tags(contact: Option<&Value>) -> Vec<String> {
    let tags = contact.and_then(|contact| contact["tags"].as_array());
    let tags = tags.into_iter().flatten().filter_map(Value::as_str);
    tags.map(str::to_owned).collect()
}

impl Side {
    pub fn lines(&self) -> Vec<String> {
        let how = match self.from {
            "live" => "as it is now",
            _ => "as far as the store knows; --live reads it now",
        };
        let mut lines = vec![format!("HighLevel, {how}")];
        for name in ["firstName", "lastName", "email", "phone"] {
            if let Some(value) = self.contact[name].as_str() {
                lines.push(format!("  {name}: {value}"));
            }
        }
        if !self.tags.is_empty() {
            lines.push(format!("  tags: {}", self.tags.join(", ")));
        }
        for (title, records, members) in [
            ("tasks", &self.tasks, &["dueDate", "title", "completed"][..]),
            ("notes", &self.notes, &["dateAdded", "title", "body"]),
            (
                "appointments",
                &self.appointments,
                &["startTime", "title", "appointmentStatus"],
            ),
            (
                "opportunities",
                &self.opportunities,
                &["name", "status", "monetaryValue"],
            ),
        ] {
            if records.is_empty() {
                continue;
            }
            lines.push(format!("  {title}"));
            for record in records {
                lines.push(format!("    {}", words(record, members)));
            }
        }
        lines
    }
}

/// What a record says in these members.
fn words(record: &Value, members: &[&str]) -> String {
    let said = members.iter().filter_map(|name| match &record[*name] {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Bool(true) => Some((*name).to_owned()),
        other => Some(other.to_string()),
    });
    let said: Vec<_> = said.filter(|text| !text.is_empty()).collect();
    said.join("  ")
}
