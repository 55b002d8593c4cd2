//! From a webhook's payload to an event.

use std::collections::HashSet;

use canopy_highlevel::operation::{EventVersion, WebhookEvent};
use canopy_highlevel::webhook;
use canopy_mapping::{Source, Trace, once_version, record_version};
use canopy_store::NewEvent;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The location of events that do not say theirs, where there are several connections. Nothing runs there.
pub const UNKNOWN_LOCATION: &str = "unknown";

/// A payload that no event can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    #[error("the body is not a JSON object")]
    NotJson,
}

/// Makes an event of a webhook's raw body, for each of our locations that it speaks of; none where it speaks of others.
/// What is not documented is kept as `webhook.<Type>`; what does not say its location is of the only one that there is.
pub(crate) fn events_of(
    body: &[u8],
    ours: &HashSet<String>,
    now: Timestamp,
) -> Result<Vec<NewEvent>, PayloadError> {
    let payload: Value = serde_json::from_slice(body).map_err(|_| PayloadError::NotJson)?;
    if !payload.is_object() {
        return Err(PayloadError::NotJson);
    }
    let event = event_of(&payload, body, now);
    let places = placed(&payload, ours);
    let at = |location: String| NewEvent {
        location,
        ..event.clone()
    };
    Ok(places.into_iter().map(at).collect())
}

/// The locations of ours that a payload is for.
fn placed(payload: &Value, ours: &HashSet<String>) -> Vec<String> {
    let known = webhook::recognise(payload);
    let said = webhook::locations(known, payload);
    let only = ours.iter().next().filter(|_| ours.len() == 1);
    // An agency's only connection hears of the agency's other locations, too, as a poll of them does.
    let about_locations = known.is_some_and(|webhook| webhook.location == Some(webhook.record));
    let mut places: Vec<String> = said
        .iter()
        .filter(|location| ours.contains(**location))
        .map(|location| (*location).to_owned())
        .collect();
    if places.is_empty() && (said.is_empty() || about_locations) {
        let unknown = said.is_empty().then_some(UNKNOWN_LOCATION);
        places.extend(only.map(String::as_str).or(unknown).map(str::to_owned));
    }
    places
}

/// The event, without its location.
fn event_of(payload: &Value, body: &[u8], now: Timestamp) -> NewEvent {
    let hash = hex::encode(Sha256::digest(body));
    let known = webhook::recognise(payload);
    let found = known.and_then(|webhook| Some((webhook, record_of(webhook, payload)?)));
    let Some((webhook, record)) = found else {
        let name = payload["type"].as_str().filter(|name| !name.is_empty());
        return NewEvent {
            source: Source::Webhook,
            kind: format!("webhook.{}", name.unwrap_or("untyped")),
            location: String::new(),
            contact: None,
            record: text(payload, "/id").unwrap_or_else(|| hash.clone()),
            occurred_at: now,
            version: Some(hash),
            delivery: None,
            payload: payload.clone(),
            trace: Trace::default(),
        };
    };
    let version = version_of(webhook, payload);
    NewEvent {
        source: Source::Webhook,
        kind: webhook.kind.to_owned(),
        location: String::new(),
        contact: webhook.contact.and_then(|pointer| text(payload, pointer)),
        record,
        occurred_at: occurred(webhook, payload).unwrap_or(now),
        delivery: version.is_none().then_some(hash),
        version,
        payload: payload.clone(),
        trace: Trace::default(),
    }
}

/// The record's id, or what stands for it until it is found.
fn record_of(webhook: &WebhookEvent, payload: &Value) -> Option<String> {
    let meanwhile = webhook.listed.and_then(|listed| listed.meanwhile);
    text(payload, webhook.record).or_else(|| text(payload, meanwhile?))
}

/// Makes an event of a call of a workflow's own webhook, an unsigned one that says nothing of itself. Each call is one
/// event; only an identical one that comes before the first was read is its repetition.
pub(crate) fn hook_of(
    name: &str,
    location: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<NewEvent, PayloadError> {
    let payload: Value = serde_json::from_slice(body).map_err(|_| PayloadError::NotJson)?;
    if !payload.is_object() {
        return Err(PayloadError::NotJson);
    }
    let contact = ["/contact_id", "/contactId", "/contact/id"]
        .into_iter()
        .find_map(|pointer| text(&payload, pointer));
    let kind = format!("hook.{name}");
    let mut digest = Sha256::new();
    for part in [kind.as_bytes(), b"\0", body] {
        digest.update(part);
    }
    let delivery = hex::encode(digest.finalize());
    Ok(NewEvent {
        source: Source::Webhook,
        kind,
        location: location.to_owned(),
        record: contact
            .clone()
            .unwrap_or_else(|| hex::encode(Sha256::digest(body))),
        contact,
        occurred_at: now,
        version: None,
        delivery: Some(delivery),
        payload,
        trace: Trace::default(),
    })
}

/// `None`: only reading the record tells which state, which record or even which event it is.
fn version_of(webhook: &WebhookEvent, payload: &Value) -> Option<String> {
    let can_be_read = webhook.fetch.is_some() || webhook.listed.is_some();
    if can_be_read && webhook::is_guessed(webhook, payload) {
        return None;
    }
    text(payload, webhook.record)?;
    match webhook.version {
        EventVersion::Once => Some(once_version(webhook.kind)),
        EventVersion::Payload(pointer) => payload.pointer(pointer).and_then(record_version),
        EventVersion::Fetched => None,
    }
}

/// When it happened. A creation's `dateAdded` is that; an update's payload repeats it, so it says nothing there.
fn occurred(webhook: &WebhookEvent, payload: &Value) -> Option<Timestamp> {
    text(payload, webhook.occurred?)?.parse().ok()
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value
        .pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}
