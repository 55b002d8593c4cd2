//! What a delivery is about: which event, in which shape it came, and where it belongs.

use canopy_transport::operation::{Mark, WebhookEvent};
use canopy_transport::{redact, tolerant};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::WEBHOOKS;
use crate::api::webhooks::Payload;

/// Members that say something of the delivery and nothing of the record. Flat payloads have them beside the record's own,
/// wrapped ones around it.
const ENVELOPE: [&str; 9] = [
    "type",
    "timestamp",
    "webhookId",
    "appId",
    "versionId",
    "companyId",
    "locationId",
    "traceId",
    "data",
];

/// One event of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// `None`: it is not documented.
    pub event: Option<&'static WebhookEvent>,
    /// What the address or the payload calls it.
    pub name: Option<String>,
    /// Whether address or `type` name the event. Otherwise it is told by its members, and may be another one that looks
    /// alike: the record should be read before anything hangs on it.
    pub is_sure: bool,
    /// The payload in the flat shape: the record's members, with the envelope's beside them.
    pub payload: Value,
}

/// Reads a delivery: `{..}`, `{type, timestamp, webhookId, data: {..}}`, or a list of either. `address` is the name of the
/// event for which the address was registered, where it is one of its own; it tells events that are documented without a
/// `type`, or that come with that of another one (`slips`). Any other `type` that names an event counts more: addresses are
/// mixed up more easily. Check the signature first.
///
/// ```
/// use canopy_highlevel::webhook;
///
/// let body = br#"{"timestamp": "2026-11-29T10:00:00Z", "webhookId": "w1", "data": {"_id": "i1", "altId": "loc"}}"#;
/// let told = webhook::read(Some("InvoicePaid"), body)?.remove(0);
/// assert_eq!(told.event.map(|event| event.kind), Some("invoice.paid"));
/// assert_eq!((&told.payload["_id"], &told.payload["webhookId"]), (&"i1".into(), &"w1".into()));
/// # Ok::<(), webhook::ParseError>(())
/// ```
pub fn read(address: Option<&str>, body: &[u8]) -> Result<Vec<Delivered>, ParseError> {
    let value = tolerant::parse(body).map_err(|error| ParseError::unreadable(&error))?;
    let parts = match value {
        Value::Array(parts) if !parts.is_empty() => parts,
        other => vec![other],
    };
    if !parts.iter().all(Value::is_object) {
        return Err(ParseError::NoObject);
    }
    Ok(parts.into_iter().map(|part| one(address, part)).collect())
}

fn one(address: Option<&str>, part: Value) -> Delivered {
    let outer = text(&part, "/type");
    let by_outer = outer.as_deref().and_then(typed);
    let by_own = text(&part, "/data/type").as_deref().and_then(typed);
    let by_address = address
        .and_then(named)
        .filter(|event| by_own.or(by_outer).is_none_or(|told| can_be(told, event)));
    let payload = flat(part, by_address.or(by_outer));
    // The record's own `type` counts more than the envelope's, where it names an event.
    let told = recognise(&payload).filter(|event| !is_guessed(event, &payload));
    let (event, is_sure) = match (by_address, told, by_outer) {
        (Some(event), ..) | (None, Some(event), _) => (Some(event), true),
        (None, None, outer) => {
            let outer = outer.filter(|event| payload["type"] != event.name && !is_open(event));
            let is_sure = outer.is_some();
            (outer.or_else(|| recognise(&payload)), is_sure)
        }
    };
    let called = address.map(str::to_owned).or(outer);
    Delivered {
        event,
        name: event
            .map(|event| event.name.to_owned())
            .or(called)
            .or_else(|| text(&payload, "/type")),
        is_sure,
        payload,
    }
}

/// Whether an event may come under the `type` of another, or of one of its kind whose payloads look the same.
fn can_be(told: &WebhookEvent, event: &WebhookEvent) -> bool {
    told.name == event.name || told.slips.iter().any(|slip| slip.event == event.name)
}

/// The record out of its wrapping, with what the envelope says beside it.
fn flat(part: Value, event: Option<&WebhookEvent>) -> Value {
    let Value::Object(mut envelope) = part else {
        return part;
    };
    if !is_wrapped(&envelope, event) {
        return Value::Object(envelope);
    }
    let Some(Value::Object(mut record)) = envelope.remove("data") else {
        return Value::Object(envelope);
    };
    for (member, value) in envelope {
        if record.get(&member).is_none_or(Value::is_null) {
            record.insert(member, value);
        }
    }
    Value::Object(record)
}

/// Whether `data` holds the record: it is an object, and the record's own members are not beside it.
fn is_wrapped(envelope: &Map<String, Value>, event: Option<&WebhookEvent>) -> bool {
    let Some(data) = envelope.get("data").filter(|data| data.is_object()) else {
        return false;
    };
    let is_bare = envelope
        .keys()
        .all(|member| ENVELOPE.contains(&member.as_str()));
    let first = |pointer: &'static str| pointer.split('/').nth(1).unwrap_or_default();
    let holds = event.is_some_and(|event| {
        let meanwhile = event.listed.and_then(|listed| listed.meanwhile);
        let ids = [Some(event.record), meanwhile].into_iter().flatten();
        let mut ids = ids.map(first);
        ids.clone().all(|id| !envelope.contains_key(id)) && ids.any(|id| data.get(id).is_some())
    });
    is_bare || holds
}

/// Reads a delivery as the payload of its event. Check its signature first.
///
/// ```
/// use canopy_highlevel::api::webhooks::Payload;
/// use canopy_highlevel::webhook::{self, ParseError};
///
/// let body = br#"{"type": "ContactCreate", "id": "c", "firstName": "Ada"}"#;
/// let Payload::ContactCreate(contact) = webhook::parse(body)? else { panic!() };
/// assert_eq!(contact.first_name.as_deref(), Some("Ada"));
///
/// let unknown = webhook::parse(br#"{"type": "MoonLanding"}"#);
/// assert!(matches!(unknown, Err(ParseError::UnknownEvent { event }) if event == "MoonLanding"));
/// # Ok::<(), ParseError>(())
/// ```
pub fn parse(body: &[u8]) -> Result<Payload, ParseError> {
    parse_as(None, body)
}

/// The same for a delivery to the address of one event, see [`read`]. Of a list it is the first.
pub fn parse_as(address: Option<&str>, body: &[u8]) -> Result<Payload, ParseError> {
    #[derive(Deserialize)]
    struct Event {
        r#type: Option<String>,
    }
    let mut all = read(address, body)?;
    let told = all.swap_remove(0);
    let event =
        Event::deserialize(&told.payload).map_err(|error| ParseError::unreadable(&error))?;
    let payload = told.payload.to_string();
    if let Some(known) = told.event
        && let Some(payload) = Payload::read(known.name, payload.as_bytes())
    {
        return payload.map_err(|error| ParseError::unreadable(&error));
    }
    Err(match told.name.or(event.r#type) {
        Some(event) => ParseError::UnknownEvent {
            event: redact::text(&event),
        },
        None => ParseError::NoEvent,
    })
}

/// The event of this name: its `type`, or what the service's list calls it; capitals do not matter.
pub fn named(name: &str) -> Option<&'static WebhookEvent> {
    let is_it = |event: &&WebhookEvent| {
        let mut names = std::iter::once(&event.name).chain(event.also);
        names.any(|one| one.eq_ignore_ascii_case(name))
    };
    typed(name).or_else(|| WEBHOOKS.iter().find(is_it))
}

/// The event with this `type`.
fn typed(name: &str) -> Option<&'static WebhookEvent> {
    let is_it = |event: &&WebhookEvent| event.name == name || event.also.contains(&name);
    WEBHOOKS.iter().find(is_it)
}

/// Which event a payload is of: by its `type`, and where that does not name an event, by its members. Some payloads are
/// documented without a `type`, or with one that means something else. A payload whose `type` is not known is not
/// guessed at, because it may be an event that the service has added since.
///
/// Where several events look alike without `type`, it is the one that says least: changed, rather than added or removed.
pub fn recognise(payload: &Value) -> Option<&'static WebhookEvent> {
    let name = payload.get("type").filter(|name| !name.is_null());
    if let Some(event) = name.and_then(Value::as_str).and_then(typed) {
        return Some(slipped(event, payload).unwrap_or(event));
    }
    let fits = |event: &&WebhookEvent| {
        let about_type = |mark: &Mark| matches!(mark, Mark::Is("/type", _));
        !event.marks.is_empty()
            && (name.is_none() || event.marks.iter().any(about_type))
            && event.marks.iter().all(|mark| mark.fits(payload))
    };
    WEBHOOKS
        .iter()
        .filter(fits)
        .max_by_key(|event| event.marks.len())
}

/// The other event that a payload shows itself to be of, although it has the `type` of this one.
fn slipped(event: &WebhookEvent, payload: &Value) -> Option<&'static WebhookEvent> {
    let mut slips = event.slips.iter();
    let slip = slips
        .find(|slip| !slip.marks.is_empty() && slip.marks.iter().all(|mark| mark.fits(payload)))?;
    typed(slip.event)
}

/// Whether payloads of other events come under this one's `type` and look the same.
fn is_open(event: &WebhookEvent) -> bool {
    event.slips.iter().any(|slip| slip.marks.is_empty())
}

/// Whether the event was told by what its payload looks like, or by a `type` that others carry too. That of a removal may
/// look the same, see [`removal`].
pub fn is_guessed(event: &WebhookEvent, payload: &Value) -> bool {
    let name = payload["type"].as_str().unwrap_or_default();
    let is_named = event.name == name || event.also.contains(&name);
    is_open(event) || (!event.marks.is_empty() && !is_named)
}

/// The removal of the same kind of record, for an event that is none itself.
pub fn removal(event: &WebhookEvent) -> Option<&'static WebhookEvent> {
    of_verb(event, "deleted")
}

/// The change of the same kind of record that comes under this event's `type`, for an event that is none itself.
pub fn change(event: &WebhookEvent) -> Option<&'static WebhookEvent> {
    of_verb(event, "updated").filter(|other| {
        let mut slips = event.slips.iter();
        slips.any(|slip| slip.event == other.name)
    })
}

fn of_verb(event: &WebhookEvent, wanted: &str) -> Option<&'static WebhookEvent> {
    let (word, verb) = event.kind.split_once('.')?;
    let is_it = |other: &&WebhookEvent| other.kind.split_once('.') == Some((word, wanted));
    WEBHOOKS.iter().find(is_it).filter(|_| verb != wanted)
}

/// The locations that a payload speaks of, where it says so: one, except for a user who works at several.
pub fn locations<'a>(event: Option<&WebhookEvent>, payload: &'a Value) -> Vec<&'a str> {
    let texts = |pointer: &str| -> Vec<&'a str> {
        let texts = match payload.pointer(pointer) {
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        };
        texts
            .into_iter()
            .filter(|text: &&str| !text.is_empty())
            .collect()
    };
    // Of an event that is not documented, too: invoices and orders have it there.
    let in_alt_id = (payload["altType"] == "location").then_some("/altId");
    let elsewhere = event.and_then(|event| event.location);
    ["/locationId"]
        .into_iter()
        .chain(elsewhere)
        .chain(in_alt_id)
        .map(texts)
        .find(|texts| !texts.is_empty())
        .unwrap_or_default()
}

/// What a delivery is called, the same in each of its repetitions; not all have it.
pub fn delivery_id(payload: &Value) -> Option<&str> {
    payload["webhookId"].as_str().filter(|id| !id.is_empty())
}

/// When the payload says that it was made. Most say nothing.
pub fn made_at(payload: &Value) -> Option<Timestamp> {
    let number = match &payload["timestamp"] {
        Value::String(text) => match text.parse() {
            Ok(at) => return Some(at),
            Err(_) => text.trim().parse().ok()?,
        },
        Value::Number(number) => number.as_i64()?,
        _ => return None,
    };
    // Seconds have ten digits in our centuries, milliseconds thirteen.
    if number.unsigned_abs() < 100_000_000_000 {
        Timestamp::from_second(number).ok()
    } else {
        Timestamp::from_millisecond(number).ok()
    }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// A delivery that is no payload of a known event. Its text shows nothing of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    #[error("the body is no JSON: {problem}")]
    Unreadable { problem: String },
    #[error("the body is JSON, but no object of an event")]
    NoObject,
    #[error(
        "the body has no `type` and looks like no event of an app's webhook (a workflow's own webhook has none)"
    )]
    NoEvent,
    /// The service has added it since. Answer it with 200: it would be sent again otherwise.
    #[error("`{event}` is no event that this version knows; its body is plain JSON")]
    UnknownEvent { event: String },
}

impl ParseError {
    fn unreadable(error: &serde_json::Error) -> Self {
        Self::Unreadable {
            problem: redact::decode_error(error),
        }
    }
}
