//! Private integration tokens. While a rotation's overlap lasts there are two, and the one that works is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use canopy_store::{Store, StoreError};
use canopy_transport::{TokenError, TokenSource};
use secrecy::{ExposeSecret as _, SecretString};

use super::Time;
use super::age::fingerprint;

/// The token source of one connection.
#[derive(Debug)]
pub(crate) struct PrivateTokens {
    /// One, or the present and the next one.
    tokens: Vec<SecretString>,
    /// Which of them is used.
    used: AtomicUsize,
    connection: String,
    store: Option<Arc<dyn Store>>,
    time: Time,
}

fn name(connection: &str) -> String {
    format!("token-used:{connection}")
}

impl PrivateTokens {
    /// Begins with the one that worked last. Without a store that is remembered in this process only.
    pub async fn load(
        tokens: Vec<SecretString>,
        connection: &str,
        store: Option<Arc<dyn Store>>,
        time: Time,
    ) -> Result<Self, StoreError> {
        let remembered = match &store {
            Some(store) if tokens.len() > 1 => store.secret(&name(connection)).await?,
            _ => None,
        };
        let used = remembered
            .and_then(|mark| {
                let mark = mark.expose_secret();
                tokens
                    .iter()
                    .position(|token| fingerprint(connection, token) == mark)
            })
            .unwrap_or(0);
        Ok(Self {
            tokens,
            used: AtomicUsize::new(used),
            connection: connection.to_owned(),
            store,
            time,
        })
    }

    async fn remember(&self, token: &SecretString) {
        let Some(store) = &self.store else { return };
        let mark = SecretString::from(fingerprint(&self.connection, token));
        let name = name(&self.connection);
        if let Err(error) = store.put_secret(&name, &mark, self.time.0.now()).await {
            tracing::warn!(%error, "which token works could not be remembered");
        }
    }
}

#[async_trait]
impl TokenSource for PrivateTokens {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let used = self.used.load(Ordering::SeqCst);
        self.tokens.get(used).cloned().ok_or(TokenError::Missing)
    }

    async fn rejected(&self, stale: &SecretString) -> Result<Option<SecretString>, TokenError> {
        let same = |token: &SecretString| token.expose_secret() == stale.expose_secret();
        let used = self.used.load(Ordering::SeqCst);
        let other = match self.tokens.as_slice() {
            [first, second] if !same(first) || !same(second) => usize::from(used == 0),
            _ => return Ok(None),
        };
        if self.tokens.get(used).is_some_and(same) {
            // Calls side by side are refused together: the first one changes over, the others follow.
            let _ = self
                .used
                .compare_exchange(used, other, Ordering::SeqCst, Ordering::SeqCst);
        }
        let token = self.token().await?;
        self.remember(&token).await;
        Ok(Some(token))
    }
}
