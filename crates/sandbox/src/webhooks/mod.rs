//! Signed webhooks: what they say, the queue they wait in, and the task that sends them.

mod breaker;
pub mod deliver;
mod delivery;
mod outbox;
pub mod payload;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::{Signer as _, SigningKey};

pub use outbox::{Job, Outbox, Outcome, mentions};

/// The key that signs webhooks, derived from the seed.
pub struct Signature {
    key: SigningKey,
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signature").finish_non_exhaustive()
    }
}

impl Signature {
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            key: SigningKey::from_bytes(&secret),
        }
    }

    /// SPKI in base64, the form in which HighLevel publishes its key.
    pub fn public_key(&self) -> String {
        let spki = self
            .key
            .verifying_key()
            .to_public_key_der()
            .expect("an Ed25519 key of fixed length always has a DER form");
        STANDARD.encode(spki.as_bytes())
    }

    /// Base64 of the signature over these bytes.
    pub fn sign(&self, body: &[u8]) -> String {
        STANDARD.encode(self.key.sign(body).to_bytes())
    }
}
