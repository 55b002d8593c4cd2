//! Checks that a webhook comes from HighLevel, and reads it.
//!
//! ```
//! use canopy_highlevel::webhook::{Signatures, Verifier, VerifyError};
//!
//! let refused = Verifier::highlevel().verify(Signatures::default(), b"{}", jiff::Timestamp::UNIX_EPOCH);
//! assert!(matches!(refused, Err(VerifyError::Unsigned)));
//! ```

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy_transport::operation::{Mark, WebhookEvent};
use canopy_transport::redact;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use ed25519_dalek::pkcs8::spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use ed25519_dalek::{Signature, VerifyingKey};
use jiff::{SignedDuration, Timestamp};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use crate::WEBHOOKS;
use crate::api::webhooks::Payload;

/// HighLevel's published key (Ed25519, SPKI in base64). Keys rotate: the config can name others.
pub const HIGHLEVEL_KEY: &str = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";

/// Longer than the vendor's own pauses between deliveries of the same event.
const DEFAULT_WINDOW: Duration = Duration::from_hours(24);

/// The signature headers of a delivery, as they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signatures<'a> {
    /// `X-GHL-Signature`.
    pub ed25519: Option<&'a str>,
    /// `X-WH-Signature`, the scheme that ended: counts only with [`Verifier::accept_rsa`], and never beside the other.
    pub rsa: Option<&'a str>,
}

/// Knows the keys whose signatures count.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Vec<VerifyingKey>,
    /// PKCS#1 form, for the ended scheme. Empty: it does not count.
    rsa: Vec<Vec<u8>>,
    window: Duration,
}

impl Verifier {
    /// Takes what HighLevel signs with its published key.
    #[allow(clippy::missing_panics_doc, reason = "it cannot, as a test shows")]
    pub fn highlevel() -> Self {
        Self::with_keys([HIGHLEVEL_KEY]).expect("the published key is well formed, as a test shows")
    }

    /// Takes what is signed with any of these keys (SPKI in base64); several, while a key is replaced.
    pub fn with_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, KeyError> {
        let keys = keys.into_iter().map(key).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        Ok(Self {
            keys,
            rsa: Vec::new(),
            window: DEFAULT_WINDOW,
        })
    }

    /// Also takes deliveries that carry only the ended `X-WH-Signature` (RSA-SHA256, PKCS#1 v1.5), if one of these keys
    /// (SPKI in base64 or PEM, 2048 bits or more) signed them. For senders that have not moved to Ed25519.
    pub fn accept_rsa<'a>(
        mut self,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, KeyError> {
        self.rsa = keys.into_iter().map(rsa_key).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// How far a payload's `timestamp` may lie from now; 24 h when not set. Payloads without one are not checked.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Checks the body's raw bytes: parsed and written again they would not match.
    pub fn verify(
        &self,
        signatures: Signatures<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), VerifyError> {
        match (given(signatures.ed25519), given(signatures.rsa)) {
            (Some(signature), _) => self.verify_ed25519(signature, body)?,
            (None, Some(_)) if self.rsa.is_empty() => return Err(VerifyError::EndedScheme),
            (None, Some(signature)) => self.verify_rsa(signature, body)?,
            (None, None) => return Err(VerifyError::Unsigned),
        }
        match timestamp(body) {
            Some(at) if now.duration_since(at).unsigned_abs() > self.window => {
                Err(VerifyError::Stale {
                    at,
                    window: SignedDuration::try_from(self.window).unwrap_or(SignedDuration::MAX),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Verifier {
    fn verify_ed25519(&self, signature: &str, body: &[u8]) -> Result<(), VerifyError> {
        let bytes = STANDARD
            .decode(signature)
            .map_err(|_| VerifyError::Malformed)?;
        let signature = Signature::from_slice(&bytes).map_err(|_| VerifyError::Malformed)?;
        let signed = |key: &VerifyingKey| key.verify_strict(body, &signature).is_ok();
        if self.keys.iter().any(signed) {
            Ok(())
        } else {
            Err(VerifyError::Wrong)
        }
    }

    fn verify_rsa(&self, signature: &str, body: &[u8]) -> Result<(), VerifyError> {
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| VerifyError::MalformedRsa)?;
        let signed = |key: &Vec<u8>| {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
            key.verify(body, &signature).is_ok()
        };
        if self.rsa.iter().any(signed) {
            Ok(())
        } else {
            Err(VerifyError::WrongRsa)
        }
    }
}

/// The header's value; the service writes `N/A` for none.
fn given(header: Option<&str>) -> Option<&str> {
    header
        .map(str::trim)
        .filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("n/a"))
}

fn key(text: &str) -> Result<VerifyingKey, KeyError> {
    let wrong = || KeyError::Malformed {
        key: text.to_owned(),
    };
    let der = spki(text).ok_or_else(wrong)?;
    VerifyingKey::from_public_key_der(&der).map_err(|_| wrong())
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// What 2048 bits take in PKCS#1 form, at least: fewer are not safe, and no signature would ever fit.
const RSA_LEAST: usize = 256;

/// The key in PKCS#1 form, as it stands within the SPKI form.
fn rsa_key(text: &str) -> Result<Vec<u8>, KeyError> {
    let der = spki(text);
    let info = der
        .as_deref()
        .and_then(|der| SubjectPublicKeyInfoRef::try_from(der).ok())
        .filter(|info| info.algorithm.oid == RSA);
    let key = info.and_then(|info| info.subject_public_key.as_bytes());
    match key {
        Some(key) if key.len() > RSA_LEAST => Ok(key.to_owned()),
        _ => Err(KeyError::MalformedRsa {
            key: text.to_owned(),
        }),
    }
}

/// The DER bytes of a key in base64 or PEM.
fn spki(text: &str) -> Option<Vec<u8>> {
    let body: String = text
        .replace("-----BEGIN PUBLIC KEY-----", "")
        .replace("-----END PUBLIC KEY-----", "")
        .split_whitespace()
        .collect();
    STANDARD.decode(body).ok()
}

#[derive(Deserialize)]
struct Stamp {
    timestamp: Option<When>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum When {
    Text(Timestamp),
    Milliseconds(i64),
    Other(serde::de::IgnoredAny),
}

/// When the payload says that it was made. Most say nothing.
fn timestamp(body: &[u8]) -> Option<Timestamp> {
    match serde_json::from_slice::<Stamp>(body).ok()?.timestamp? {
        When::Text(at) => Some(at),
        When::Milliseconds(ms) => Timestamp::from_millisecond(ms).ok(),
        When::Other(_) => None,
    }
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
    #[derive(Deserialize)]
    struct Event {
        r#type: Option<String>,
    }
    let payload: Value =
        serde_json::from_slice(body).map_err(|error| ParseError::unreadable(&error))?;
    let event = Event::deserialize(&payload).map_err(|error| ParseError::unreadable(&error))?;
    if let Some(known) = recognise(&payload)
        && let Some(payload) = Payload::read(known.name, body)
    {
        return payload.map_err(|error| ParseError::unreadable(&error));
    }
    Err(match event.r#type {
        Some(event) => ParseError::UnknownEvent {
            event: redact::text(&event),
        },
        None => ParseError::NoEvent,
    })
}

/// Which event a payload is of: by its `type`, and where that does not name an event, by its members. Some payloads are
/// documented without a `type`, or with one that means something else. A payload whose `type` is not known is not
/// guessed at, because it may be an event that the service has added since.
///
/// Where several events look alike without `type`, it is the one that says least: changed, rather than added or removed.
pub fn recognise(payload: &Value) -> Option<&'static WebhookEvent> {
    let name = payload.get("type").filter(|name| !name.is_null());
    if let Some(name) = name
        && let Some(event) = WEBHOOKS.iter().find(|event| *name == *event.name)
    {
        return Some(event);
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

/// Whether the event was told by what its payload looks like. That of a removal may look the same, see [`removal`].
pub fn is_guessed(event: &WebhookEvent, payload: &Value) -> bool {
    !event.marks.is_empty() && payload["type"] != event.name
}

/// The removal of the same kind of record, for an event that is none itself.
pub fn removal(event: &WebhookEvent) -> Option<&'static WebhookEvent> {
    let (word, verb) = event.kind.split_once('.')?;
    let is_removal = |other: &&WebhookEvent| other.kind.split_once('.') == Some((word, "deleted"));
    WEBHOOKS
        .iter()
        .find(is_removal)
        .filter(|_| verb != "deleted")
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
    let elsewhere = event.and_then(|event| event.location);
    ["/locationId"]
        .into_iter()
        .chain(elsewhere)
        .map(texts)
        .find(|texts| !texts.is_empty())
        .unwrap_or_default()
}

/// A delivery that is no payload of a known event. Its text shows nothing of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    #[error("the body is no JSON object of an event: {problem}")]
    Unreadable { problem: String },
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

/// A configured key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "no public key is given, so every webhook would be refused; leave the list out to use HighLevel's key"
    )]
    None,
    #[error(
        "`{key}` is no Ed25519 public key: write the base64 text of its SPKI form, or the PEM file's text"
    )]
    Malformed { key: String },
    #[error(
        "`{key}` is no RSA public key of 2048 bits or more: write the base64 text of its SPKI form, or the PEM file's text"
    )]
    MalformedRsa { key: String },
}

/// A delivery that must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("the webhook is not signed (no X-GHL-Signature)")]
    Unsigned,
    #[error(
        "the webhook has only the old X-WH-Signature, a scheme that HighLevel ended in 2026 and that is not switched on; X-GHL-Signature is needed"
    )]
    EndedScheme,
    #[error("X-GHL-Signature is no base64 text of an Ed25519 signature")]
    Malformed,
    #[error(
        "X-GHL-Signature does not fit the body: it was signed with another key, or changed on its way"
    )]
    Wrong,
    #[error("X-WH-Signature is no base64 text")]
    MalformedRsa,
    #[error(
        "X-WH-Signature does not fit the body: it was signed with another key, or changed on its way"
    )]
    WrongRsa,
    #[error("the webhook was made at {at}, more than {window:#} from now")]
    Stale {
        at: Timestamp,
        window: SignedDuration,
    },
}
