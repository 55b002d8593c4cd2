//! From a webhook's payload to an event.

use canopy_highlevel::WEBHOOKS;
use canopy_highlevel::operation::{EventVersion, WebhookEvent};
use canopy_mapping::{Source, Trace, record_version};
use canopy_store::NewEvent;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A payload that no event can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    #[error("the body is not a JSON object")]
    NotJson,
    #[error("the payload has no \"{0}\"")]
    Missing(&'static str),
}

/// Makes an event of a webhook's raw body. Types that are not documented are kept as `webhook.<Type>`.
pub(crate) fn event_of(body: &[u8], now: Timestamp) -> Result<NewEvent, PayloadError> {
    let payload: Value = serde_json::from_slice(body).map_err(|_| PayloadError::NotJson)?;
    if !payload.is_object() {
        return Err(PayloadError::NotJson);
    }
    let name = payload["type"]
        .as_str()
        .ok_or(PayloadError::Missing("type"))?;
    let location = payload["locationId"]
        .as_str()
        .ok_or(PayloadError::Missing("locationId"))?
        .to_owned();
    let hash = hex::encode(Sha256::digest(body));
    let known = WEBHOOKS.iter().find(|event| event.name == name);
    let Some(webhook) = known else {
        return Ok(NewEvent {
            source: Source::Webhook,
            kind: format!("webhook.{name}"),
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
        record: text(&payload, webhook.record).ok_or(PayloadError::Missing("id"))?,
        occurred_at: occurred(webhook, &payload).unwrap_or(now),
        delivery: version.is_none().then_some(hash),
        version,
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
