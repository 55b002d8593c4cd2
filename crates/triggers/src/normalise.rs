//! From a webhook's payload to events.

use std::collections::HashSet;

use canopy_highlevel::operation::{EventVersion, WebhookEvent};
use canopy_highlevel::webhook::{self, Delivered};
use canopy_mapping::{Source, Trace, once_version, record_version};
use canopy_store::{NewEvent, UNKNOWN_LOCATION};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::secrets;

/// A payload of more bytes that nothing can be done with is kept as its size and hash.
const MOST_ASIDE: usize = 64 * 1024;

/// What a delivery comes to.
#[derive(Debug)]
pub(crate) enum Told {
    /// Events of our locations.
    Events(Vec<NewEvent>),
    /// It does not say its location, and there are several connections.
    Unplaced(Vec<NewEvent>),
    /// It is of locations that no connection is for.
    Foreign(Box<NewEvent>),
}

/// Makes events of a delivery's parts, one for each of our locations that each speaks of. What is not documented is kept as
/// `webhook.<Type>`; what does not say its location is of the only one that there is.
pub(crate) fn events_of(
    parts: &[Delivered],
    body: &[u8],
    ours: &HashSet<String>,
    now: Timestamp,
) -> Told {
    let hash = hash_of(&[body]);
    let mut placed = Vec::new();
    let mut unplaced = Vec::new();
    let mut foreign = None;
    for (number, part) in parts.iter().enumerate() {
        // Parts of one body that look alike are still several.
        let hash = match number {
            0 => hash.clone(),
            number => format!("{hash}:{number}"),
        };
        let event = event_of(part, &hash, now);
        match places_of(part, ours) {
            Places::Ours(ours) => placed.extend(ours.into_iter().map(|location| NewEvent {
                location,
                ..event.clone()
            })),
            Places::Unknown => unplaced.push(event),
            Places::Others(location) => foreign = Some(stranger(part, &location, body, now)),
        }
    }
    match foreign {
        _ if !placed.is_empty() => Told::Events(placed),
        Some(stranger) if unplaced.is_empty() => Told::Foreign(Box::new(stranger)),
        _ => {
            for event in &mut unplaced {
                if body.len() > MOST_ASIDE {
                    event.payload = outline(body);
                }
            }
            Told::Unplaced(unplaced)
        }
    }
}

enum Places {
    Ours(Vec<String>),
    Unknown,
    Others(String),
}

/// The locations of ours that a payload is for.
fn places_of(part: &Delivered, ours: &HashSet<String>) -> Places {
    let said = webhook::locations(part.event, &part.payload);
    let only = ours.iter().next().filter(|_| ours.len() == 1);
    // An agency's only connection hears of the agency's other locations, too, as a poll of them does.
    let about_locations = part
        .event
        .is_some_and(|event| event.location == Some(event.record));
    let places: Vec<String> = said
        .iter()
        .filter(|location| ours.contains(**location))
        .map(|location| (*location).to_owned())
        .collect();
    match (said.first(), only) {
        _ if !places.is_empty() => Places::Ours(places),
        (None, Some(only)) => Places::Ours(vec![only.clone()]),
        (Some(_), Some(only)) if about_locations => Places::Ours(vec![only.clone()]),
        (Some(location), _) => Places::Others((*location).to_owned()),
        (None, None) => Places::Unknown,
    }
}

/// The event, without its location.
fn event_of(part: &Delivered, hash: &str, now: Timestamp) -> NewEvent {
    let payload = secrets::without(&part.payload);
    let said = webhook::made_at(&payload).filter(|at| *at <= now);
    let trace = |made_at| Trace {
        made_at,
        ..Trace::default()
    };
    let found = part
        .event
        .and_then(|event| Some((event, record_of(event, &payload)?)));
    let Some((event, record)) = found else {
        let ids = ["/id", "/_id"];
        return NewEvent {
            source: Source::Webhook,
            kind: format!("webhook.{}", called(part)),
            location: String::new(),
            // So that it goes with the contact when that is erased.
            contact: contact_in(&payload),
            record: ids
                .into_iter()
                .find_map(|pointer| text(&payload, pointer))
                .unwrap_or_else(|| hash.to_owned()),
            occurred_at: said.unwrap_or(now),
            version: Some(hash.to_owned()),
            delivery: None,
            payload,
            trace: trace(said),
        };
    };
    let version = version_of(event, part.is_sure, &payload);
    let occurred = occurred(event, &payload);
    NewEvent {
        source: Source::Webhook,
        kind: event.kind.to_owned(),
        location: String::new(),
        contact: event.contact.and_then(|pointer| text(&payload, pointer)),
        record,
        occurred_at: occurred.or(said).unwrap_or(now),
        delivery: version.is_none().then(|| hash.to_owned()),
        version,
        payload,
        // Where the envelope says nothing, a creation's own time tells how late it comes.
        trace: trace(said.or(occurred).filter(|at| *at <= now)),
    }
}

/// What an unknown event is called, fit for a kind.
fn called(part: &Delivered) -> String {
    let name = part.name.as_deref().unwrap_or_default();
    let usable = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name: String = name.chars().filter(usable).take(64).collect();
    if name.is_empty() {
        return "untyped".to_owned();
    }
    name
}

/// What is kept of a delivery of another location: whose it is, and nothing of the record.
fn stranger(part: &Delivered, location: &str, body: &[u8], now: Timestamp) -> NewEvent {
    let name = called(part);
    NewEvent {
        payload: json!({ "type": name, "locationId": location, "bytes": body.len() }),
        // One for each location and event, however many come.
        ..useless("foreign", location, &name, now)
    }
}

/// What is kept of a body that is no event.
pub(crate) fn unreadable(of: Option<&str>, body: &[u8], problem: &str, now: Timestamp) -> NewEvent {
    let hash = hash_of(&[body]);
    let mut payload = outline(body);
    payload["problem"] = json!(problem);
    let record = of.unwrap_or(&hash[..16]);
    NewEvent {
        payload,
        ..useless("unreadable", record, &hash, now)
    }
}

/// What is kept of a body that was longer than is read.
pub(crate) fn noted_unread(hash: &str, payload: Value, now: Timestamp) -> NewEvent {
    NewEvent {
        payload,
        ..useless("unreadable", &hash[..16], hash, now)
    }
}

/// What is kept of a delivery that is older than anything that is sent again.
pub(crate) fn too_old(part: &Delivered, body: &[u8], now: Timestamp) -> NewEvent {
    let hash = hash_of(&[body]);
    let mut payload = outline(body);
    payload["type"] = json!(called(part));
    payload["timestamp"] = part.payload["timestamp"].clone();
    NewEvent {
        payload,
        ..useless("too_old", &called(part), &hash, now)
    }
}

fn useless(word: &str, record: &str, version: &str, now: Timestamp) -> NewEvent {
    NewEvent {
        source: Source::Webhook,
        kind: format!("webhook.{word}"),
        location: UNKNOWN_LOCATION.to_owned(),
        contact: None,
        record: record.to_owned(),
        occurred_at: now,
        version: Some(version.to_owned()),
        delivery: None,
        payload: Value::Null,
        trace: Trace::default(),
    }
}

/// Size and hash of a body: enough to find it in the sender's log, and nothing personal.
fn outline(body: &[u8]) -> Value {
    json!({ "bytes": body.len(), "sha256": hash_of(&[body]) })
}

/// The record's id, or what stands for it until it is found.
fn record_of(event: &WebhookEvent, payload: &Value) -> Option<String> {
    let meanwhile = event.listed.and_then(|listed| listed.meanwhile);
    text(payload, event.record).or_else(|| text(payload, meanwhile?))
}

/// Makes an event of a call of a workflow's own webhook, an unsigned one that says nothing of itself. Each call is one
/// event, also where it says the same as another.
pub(crate) fn hook_of(
    name: &str,
    location: &str,
    payload: Value,
    body: &[u8],
    now: Timestamp,
) -> NewEvent {
    let contact = contact_in(&payload);
    NewEvent {
        source: Source::Webhook,
        kind: format!("hook.{name}"),
        location: location.to_owned(),
        record: contact.clone().unwrap_or_else(|| hash_of(&[body])),
        contact,
        occurred_at: now,
        version: None,
        delivery: None,
        payload,
        trace: Trace::default(),
    }
}

fn contact_in(payload: &Value) -> Option<String> {
    ["/contact_id", "/contactId", "/contact/id"]
        .into_iter()
        .find_map(|pointer| text(payload, pointer))
}

/// SHA-256 (hex) over parts, each with its length, so that no two lists of parts read the same.
pub(crate) fn hash_of(parts: &[&[u8]]) -> String {
    if let [body] = parts {
        return hex::encode(Sha256::digest(body));
    }
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

/// `None`: only reading the record tells which state, which record or even which event it is.
fn version_of(event: &WebhookEvent, is_sure: bool, payload: &Value) -> Option<String> {
    let can_be_read = event.fetch.is_some() || event.listed.is_some();
    if can_be_read && !is_sure {
        return None;
    }
    text(payload, event.record)?;
    match event.version {
        EventVersion::Once => Some(once_version(event.kind)),
        EventVersion::Payload(pointer) => payload.pointer(pointer).and_then(record_version),
        EventVersion::Fetched => None,
    }
}

/// When it happened. A creation's `dateAdded` is that; an update's payload repeats it, so it says nothing there.
fn occurred(event: &WebhookEvent, payload: &Value) -> Option<Timestamp> {
    text(payload, event.occurred?)?.parse().ok()
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value
        .pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
