//! Where the bearer token comes from.

use std::fmt::Debug;

use async_trait::async_trait;
use secrecy::SecretString;

/// Gives the token of one connection. A static key, or an OAuth pair that is renewed.
#[async_trait]
pub trait TokenSource: Send + Sync + Debug {
    /// The token for the next call.
    async fn token(&self) -> Result<SecretString, TokenError>;

    /// The service answered 401 to `stale`. A source that can renew gives another token (once per call it is tried);
    /// `None` means that the refusal stands.
    async fn rejected(&self, stale: &SecretString) -> Result<Option<SecretString>, TokenError> {
        let _ = stale;
        Ok(None)
    }
}

/// A token that never changes: a private integration token or an API key.
#[derive(Debug, Clone)]
pub struct StaticToken(SecretString);

impl StaticToken {
    pub fn new(token: SecretString) -> Self {
        Self(token)
    }
}

#[async_trait]
impl TokenSource for StaticToken {
    async fn token(&self) -> Result<SecretString, TokenError> {
        Ok(self.0.clone())
    }
}

/// No token could be had. The text never holds one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    #[error("no token is configured for this connection; add one and try again")]
    Missing,
    #[error(
        "the token holds characters that cannot be sent in a header; copy it again, without line breaks or quotes"
    )]
    Malformed,
    #[error(
        "this operation takes no private token, only that of an app; connect the location by OAuth to use it"
    )]
    NeedsApp,
    #[error("the connection must be made again: {reason}")]
    Reconnect { reason: String },
    #[error("the token cannot be renewed just now: {reason}; the call can be tried again")]
    Unavailable { reason: String },
}

impl TokenError {
    /// Whether the same call can succeed later without a person doing something.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
