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
use canopy_transport::redact;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use ed25519_dalek::{Signature, VerifyingKey};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

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
    /// `X-WH-Signature`, the scheme that ended; known only to say so.
    pub rsa: Option<&'a str>,
}

/// Knows the keys whose signatures count.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Vec<VerifyingKey>,
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
            window: DEFAULT_WINDOW,
        })
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
        let Some(signature) = given(signatures.ed25519) else {
            return Err(if given(signatures.rsa).is_some() {
                VerifyError::EndedScheme
            } else {
                VerifyError::Unsigned
            });
        };
        let bytes = STANDARD
            .decode(signature)
            .map_err(|_| VerifyError::Malformed)?;
        let signature = Signature::from_slice(&bytes).map_err(|_| VerifyError::Malformed)?;
        if !self
            .keys
            .iter()
            .any(|key| key.verify_strict(body, &signature).is_ok())
        {
            return Err(VerifyError::Wrong);
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
    let der = STANDARD.decode(text.trim()).map_err(|_| wrong())?;
    VerifyingKey::from_public_key_der(&der).map_err(|_| wrong())
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
    let event: Event =
        serde_json::from_slice(body).map_err(|error| ParseError::unreadable(&error))?;
    let event = event.r#type.ok_or(ParseError::NoEvent)?;
    match Payload::read(&event, body) {
        Some(payload) => payload.map_err(|error| ParseError::unreadable(&error)),
        None => Err(ParseError::UnknownEvent {
            event: redact::text(&event),
        }),
    }
}

/// A delivery that is no payload of a known event. Its text shows nothing of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    #[error("the body is no JSON object of an event: {problem}")]
    Unreadable { problem: String },
    #[error(
        "the body has no `type`, so it is no event of an app's webhook (a workflow's own webhook has none)"
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
        "`{key}` is no Ed25519 public key: write the base64 text of its SPKI form, without header lines"
    )]
    Malformed { key: String },
}

/// A delivery that must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("the webhook is not signed (no X-GHL-Signature)")]
    Unsigned,
    #[error(
        "the webhook has only the old X-WH-Signature, a scheme that HighLevel ended in 2026; X-GHL-Signature is needed"
    )]
    EndedScheme,
    #[error("X-GHL-Signature is no base64 text of an Ed25519 signature")]
    Malformed,
    #[error(
        "X-GHL-Signature does not fit the body: it was signed with another key, or changed on its way"
    )]
    Wrong,
    #[error("the webhook was made at {at}, more than {window:#} from now")]
    Stale {
        at: Timestamp,
        window: SignedDuration,
    },
}
