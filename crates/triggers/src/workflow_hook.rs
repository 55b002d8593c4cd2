//! The webhook action of HighLevel's workflow builder: unsigned, so that a secret header has to tell who calls.

use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

/// One of them, as it is configured.
#[derive(Debug)]
pub struct WorkflowHook {
    /// In the address and, as `hook.<name>`, the kind of its events.
    pub name: String,
    /// Where its events belong: the body does not say it.
    pub location: String,
    /// Name of the header that carries the secret.
    pub header: String,
    pub secret: SecretString,
    /// So long after a call an identical one is its repetition. `None`: each call is an event of its own.
    pub dedupe: Option<SignedDuration>,
}

impl WorkflowHook {
    /// Whether the header's value is the secret. How long that takes tells nothing of it but its length.
    pub(crate) fn admits(&self, given: Option<&[u8]>) -> bool {
        let secret = self.secret.expose_secret().as_bytes();
        let given = given.unwrap_or_default();
        !secret.is_empty() && bool::from(secret.ct_eq(given))
    }
}
