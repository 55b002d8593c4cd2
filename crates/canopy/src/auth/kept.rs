//! Tokens in the store: encrypted, one value for each connection.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use canopy_highlevel::oauth::{StoreFailure, TokenStore, Tokens};
use canopy_store::{NewAlert, Part, PartReport, PartState, Store, StoreError};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{RECONNECT, Time};

/// Tokens with their dates.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub tokens: Tokens,
    /// When a person installed the app, or the service connected it anew.
    pub connected_at: Timestamp,
    pub renewed_at: Timestamp,
}

#[derive(Deserialize)]
struct Written {
    access: String,
    refresh: Option<String>,
    expires_at: Timestamp,
    location_id: Option<String>,
    company_id: Option<String>,
    scopes: Option<Vec<String>>,
    connected_at: Timestamp,
    renewed_at: Timestamp,
}

fn name(connection: &str) -> String {
    format!("oauth:{connection}")
}

/// What is kept for a connection. A value that cannot be read is as good as none: the app is installed again.
pub(super) async fn read(store: &dyn Store, connection: &str) -> Result<Option<Kept>, StoreError> {
    let Some(text) = store.secret(&name(connection)).await? else {
        return Ok(None);
    };
    let written: Option<Written> = serde_json::from_str(text.expose_secret()).ok();
    Ok(written.map(|written| Kept {
        tokens: Tokens::new(
            written.access.into(),
            written.refresh.map(SecretString::from),
            written.expires_at,
        )
        .at(written.location_id, written.company_id)
        .granted(written.scopes),
        connected_at: written.connected_at,
        renewed_at: written.renewed_at,
    }))
}

/// The scopes of an app's tokens, where they are known.
pub(crate) async fn granted(store: &dyn Store, connection: &str) -> Option<Vec<String>> {
    let kept = read(store, connection).await.ok().flatten()?;
    kept.tokens.scopes().map(<[String]>::to_vec)
}

/// Returns when they are durable.
pub(super) async fn write(
    store: &dyn Store,
    connection: &str,
    kept: &Kept,
) -> Result<(), StoreError> {
    let tokens = &kept.tokens;
    let text = json!({
        "access": tokens.access().expose_secret(),
        "refresh": tokens.refresh().map(secrecy::ExposeSecret::expose_secret),
        "expires_at": tokens.expires_at(),
        "location_id": tokens.location_id(),
        "company_id": tokens.company_id(),
        "scopes": tokens.scopes(),
        "connected_at": kept.connected_at,
        "renewed_at": kept.renewed_at,
    });
    let text = SecretString::from(text.to_string());
    store
        .put_secret(&name(connection), &text, kept.renewed_at)
        .await
}

/// Keeps the tokens of one connection, and tells a person when they are lost.
pub(crate) struct Keeper {
    store: Arc<dyn Store>,
    connection: String,
    /// For alerts.
    location: String,
    pub(super) time: Time,
    last: Mutex<Kept>,
    /// Held while a pair is written, and while another process's is looked for: what is read must not be older than
    /// what is remembered.
    order: tokio::sync::Mutex<()>,
}

impl Keeper {
    pub fn new(
        store: Arc<dyn Store>,
        connection: &str,
        kept: Kept,
        location: Option<&str>,
        time: Time,
    ) -> Self {
        let location = location.or(kept.tokens.location_id()).unwrap_or_default();
        Self {
            location: location.to_owned(),
            connection: connection.to_owned(),
            store,
            time,
            last: Mutex::new(kept),
            order: tokio::sync::Mutex::new(()),
        }
    }

    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// The newest tokens that this process knows.
    pub fn last(&self) -> Kept {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn remember(&self, kept: Kept) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// Tokens that another process has kept meanwhile: `canopy auth finish`, or a `canopy call` that renewed.
    pub async fn others(&self) -> Result<Option<Tokens>, StoreError> {
        let _order = self.order.lock().await;
        let Some(kept) = read(&*self.store, &self.connection).await? else {
            return Ok(None);
        };
        let known = self.last().tokens;
        if kept.tokens.access().expose_secret() == known.access().expose_secret() {
            return Ok(None);
        }
        let tokens = kept.tokens.clone();
        self.remember(kept);
        Ok(Some(tokens))
    }

    /// Keeps tokens of a new connection.
    pub async fn connected(&self, tokens: &Tokens) -> Result<(), StoreError> {
        let now = self.time.0.now();
        self.keep(Kept {
            tokens: tokens.clone(),
            connected_at: now,
            renewed_at: now,
        })
        .await
    }

    async fn keep(&self, kept: Kept) -> Result<(), StoreError> {
        let order = self.order.lock().await;
        write(&*self.store, &self.connection, &kept).await?;
        let now = kept.renewed_at;
        self.remember(kept);
        drop(order);
        let mended = self
            .store
            .resolve_alert(&self.location, RECONNECT, &self.connection, now);
        let good = PartReport {
            location: self.location.clone(),
            part: Part::Token,
            name: self.connection.clone(),
            state: PartState::Good,
            next_try: None,
        };
        let mended = mended.await.map(drop);
        if let Err(error) = mended.and(self.store.report_health(vec![good], now).await) {
            tracing::warn!(%error, "an alert that is mended could not be closed");
        }
        Ok(())
    }

    /// A person must connect anew.
    pub async fn alert(&self, message: String) {
        let alert = NewAlert {
            location: self.location.clone(),
            kind: RECONNECT.to_owned(),
            subject: self.connection.clone(),
            message,
        };
        if let Err(error) = self.store.raise_alert(alert, self.time.0.now()).await {
            tracing::error!(%error, connection = %self.connection, "must be connected again, and the alert could not be kept");
        }
    }
}

#[async_trait]
impl TokenStore for Keeper {
    async fn save(&self, tokens: &Tokens) -> Result<(), StoreFailure> {
        let kept = Kept {
            tokens: tokens.clone(),
            connected_at: self.last().connected_at,
            renewed_at: self.time.0.now(),
        };
        self.keep(kept).await.map_err(Into::into)
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
