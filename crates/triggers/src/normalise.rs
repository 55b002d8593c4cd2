//! From a webhook's payload to an event.

use canopy_highlevel::operation::{EventVersion, WebhookEvent};
use canopy_highlevel::webhook;
use canopy_mapping::{Source, Trace, record_version};
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

/// Makes an event of a webhook's raw body. What is not documented is kept as `webhook.<Type>`; what does not say its
/// location is of `only`, the one location that there is.
pub(crate) fn event_of(
    body: &[u8],
    only: Option<&str>,
    now: Timestamp,
) -> Result<NewEvent, PayloadError> {
    let payload: Value = serde_json::from_slice(body).map_err(|_| PayloadError::NotJson)?;
    if !payload.is_object() {
        return Err(PayloadError::NotJson);
    }
    let known = webhook::recognise(&payload);
    let location = webhook::location(known, &payload)
        .or(only)
        .unwrap_or(UNKNOWN_LOCATION)
        .to_owned();
    let hash = hex::encode(Sha256::digest(body));
    let found = known.and_then(|webhook| Some((webhook, text(&payload, webhook.record)?)));
    let Some((webhook, record)) = found else {
        let name = payload["type"].as_str().filter(|name| !name.is_empty());
        return Ok(NewEvent {
            source: Source::Webhook,
            kind: format!("webhook.{}", name.unwrap_or("untyped")),
            location,
            contact: None,
            record: text(&payload, "/id").unwrap_or_else(|| hash.clone()),
            occurred_at: now,
            version: Some(hash),
            delivery: None,
            payload,
            trace: Trace::default(),
        });
    };
    let version = version_of(webhook, &payload);
    Ok(NewEvent {
        source: Source::Webhook,
        kind: webhook.kind.to_owned(),
        location,
        contact: webhook.contact.and_then(|pointer| text(&payload, pointer)),
        record,
        occurred_at: occurred(webhook, &payload).unwrap_or(now),
        delivery: version.is_none().then_some(hash),
        version,
        payload,
        trace: Trace::default(),
    })
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

/// The version that an event of a kind which happens once carries.
pub(crate) fn once_version(kind: &str) -> String {
    kind.rsplit('.').next().unwrap_or(kind).to_owned()
}

fn version_of(webhook: &WebhookEvent, payload: &Value) -> Option<String> {
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
