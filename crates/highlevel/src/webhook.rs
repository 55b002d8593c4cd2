//! Checks that a webhook comes from HighLevel, and reads it.
//!
//! ```
//! use canopy_highlevel::webhook::{Signatures, Verifier, VerifyError};
//!
//! let refused = Verifier::highlevel().verify(Signatures::default(), b"{}", jiff::Timestamp::UNIX_EPOCH);
//! assert!(matches!(refused, Err(VerifyError::Unsigned)));
//! ```

mod event;
mod stream;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use ed25519_dalek::pkcs8::spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use ed25519_dalek::{Signature, VerifyingKey};
use jiff::{SignedDuration, Timestamp};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

pub use self::event::{
    Delivered, ParseError, change, delivery_id, is_guessed, locations, made_at, named, parse,
    parse_as, read, recognise, removal,
};
pub use self::stream::SignedStream;

/// HighLevel's published key (Ed25519, SPKI in base64). Keys rotate: the config can name others.
pub const HIGHLEVEL_KEY: &str = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";

/// The vendor keeps deliveries for 30 days, within which a person may have them sent again.
const DEFAULT_WINDOW: Duration = Duration::from_hours(31 * 24);

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

    /// How far a payload's `timestamp` may lie from now; 31 days when not set, because the service sends deliveries again
    /// that failed up to 30 days ago. Payloads without one are not checked. It does not keep a delivery from being taken
    /// twice: for that compare [`delivery_id`], or a hash of the body.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Checks the signature over the body's raw bytes (parsed and written again they would not match), and that it is not
    /// older than the window.
    pub fn verify(
        &self,
        signatures: Signatures<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), VerifyError> {
        self.authenticate(signatures, body)?;
        let payload = canopy_transport::tolerant::parse(body).unwrap_or_default();
        match made_at(&payload) {
            Some(at) if now.duration_since(at).unsigned_abs() > self.window => {
                Err(VerifyError::Stale {
                    at,
                    window: SignedDuration::try_from(self.window).unwrap_or(SignedDuration::MAX),
                })
            }
            _ => Ok(()),
        }
    }

    /// Checks the signature alone. What is authentic should be answered with 2xx, however late or useless it is: anything
    /// else is sent again up to twelve times, and counts against the address.
    pub fn authenticate(&self, signatures: Signatures<'_>, body: &[u8]) -> Result<(), VerifyError> {
        match (given(signatures.ed25519), given(signatures.rsa)) {
            (Some(signature), _) => self.verify_ed25519(signature, body),
            (None, Some(_)) if self.rsa.is_empty() => Err(VerifyError::EndedScheme),
            (None, Some(signature)) => self.verify_rsa(signature, body),
            (None, None) => Err(VerifyError::Unsigned),
        }
    }

    /// Whether the headers hold a signature at all: what has none need not be read.
    pub fn look_at(&self, signatures: Signatures<'_>) -> Result<(), VerifyError> {
        match (given(signatures.ed25519), given(signatures.rsa)) {
            (Some(signature), _) => ed25519(signature).map(drop),
            (None, Some(_)) if self.rsa.is_empty() => Err(VerifyError::EndedScheme),
            (None, Some(signature)) => match STANDARD.decode(signature) {
                Ok(_) => Ok(()),
                Err(_) => Err(VerifyError::MalformedRsa),
            },
            (None, None) => Err(VerifyError::Unsigned),
        }
    }

    /// For a body that comes piece by piece and is not kept. `None`: there is no `X-GHL-Signature` that could be checked so.
    pub fn stream(&self, signatures: Signatures<'_>) -> Option<SignedStream> {
        let signature = ed25519(given(signatures.ed25519)?).ok()?;
        Some(SignedStream::new(&self.keys, &signature))
    }

    /// How old a delivery may be.
    pub fn oldest(&self) -> Duration {
        self.window
    }
}

impl Verifier {
    fn verify_ed25519(&self, signature: &str, body: &[u8]) -> Result<(), VerifyError> {
        let signature = ed25519(signature)?;
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

fn ed25519(text: &str) -> Result<Signature, VerifyError> {
    let bytes = STANDARD.decode(text).map_err(|_| VerifyError::Malformed)?;
    Signature::from_slice(&bytes).map_err(|_| VerifyError::Malformed)
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
    let key = VerifyingKey::from_public_key_der(&der).map_err(|_| wrong())?;
    // With a key of small order anybody can sign.
    if key.is_weak() { Err(wrong()) } else { Ok(key) }
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
