//! A signature over a body that is longer than is kept in memory.

use ed25519_dalek::{Signature, StreamVerifier, VerifyingKey};

use super::VerifyError;

/// Checks a signature over a body that comes piece by piece, for each key at once.
///
/// It takes what [`Verifier::authenticate`](super::Verifier::authenticate) takes: keys of small order, for which that is
/// stricter, are refused where they are configured.
pub struct SignedStream {
    keys: Vec<StreamVerifier>,
}

impl std::fmt::Debug for SignedStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys = self.keys.len();
        f.debug_struct("SignedStream").field("keys", &keys).finish()
    }
}

impl SignedStream {
    pub(super) fn new(keys: &[VerifyingKey], signature: &Signature) -> Self {
        let keys = keys
            .iter()
            .filter_map(|key| key.verify_stream(signature).ok());
        Self {
            keys: keys.collect(),
        }
    }

    /// The next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        for key in &mut self.keys {
            key.update(piece);
        }
    }

    /// Whether one of the keys signed what has come.
    pub fn finish(self) -> Result<(), VerifyError> {
        let mut keys = self.keys.into_iter();
        if keys.any(|key| key.finalize_and_verify().is_ok()) {
            Ok(())
        } else {
            Err(VerifyError::Wrong)
        }
    }
}
