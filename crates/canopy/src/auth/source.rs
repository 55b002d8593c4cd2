//! An app's tokens: renewed by the client's own source, recovered here when they are lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use canopy_highlevel::oauth::{ExchangeError, Installation, OAuthApp, OAuthTokens};
use canopy_transport::{BuildError, TokenError, TokenSource};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use super::Keeper;
use crate::exit::chain;

/// How long before its end an access token is renewed.
const AHEAD: Duration = Duration::from_mins(5);
/// From here on another process may have renewed the tokens: look before asking.
const LOOK: SignedDuration = SignedDuration::from_mins(6);
/// After a connection that could not be recovered. A person's `canopy auth finish` is noticed at once all the same.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// The token source of one installation.
#[derive(Debug, Clone)]
pub(crate) struct AppTokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: OAuthApp,
    tokens: OAuthTokens,
    keeper: Arc<Keeper>,
    /// Where a person installs the app anew.
    chooser: String,
    /// One recovery at a time.
    recovery: tokio::sync::Mutex<()>,
    failed: Mutex<Option<(Timestamp, String)>>,
}

impl AppTokens {
    pub fn new(app: OAuthApp, keeper: Keeper, chooser: String) -> Result<Self, BuildError> {
        let keeper = Arc::new(keeper);
        let clock: Arc<dyn canopy_transport::Clock> = Arc::new(keeper.time.clone());
        let app = app.clock(clock.clone());
        let tokens = OAuthTokens::builder(app.clone(), keeper.last().tokens, keeper.clone())
            .ahead(AHEAD)
            .clock(clock)
            .build()?;
        Ok(Self(Arc::new(Inner {
            app,
            tokens,
            keeper,
            chooser,
            recovery: tokio::sync::Mutex::new(()),
            failed: Mutex::new(None),
        })))
    }

    /// In a task of its own: a code that was exchanged must be kept, whoever stops waiting.
    async fn recover(&self, reason: String) -> Result<SecretString, TokenError> {
        let inner = self.0.clone();
        let task = tokio::spawn(async move { inner.recover(reason).await });
        task.await.unwrap_or_else(|_| {
            Err(TokenError::Unavailable {
                reason: "the recovery was stopped half-way".to_owned(),
            })
        })
    }
}

#[async_trait]
impl TokenSource for AppTokens {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let left = {
            let last = self.0.keeper.last();
            let now = self.0.keeper.time.0.now();
            last.tokens.expires_at().duration_since(now)
        };
        if left < LOOK {
            self.0.follow().await;
        }
        match self.0.tokens.token().await {
            Err(TokenError::Reconnect { reason }) => self.recover(reason).await,
            other => other,
        }
    }

    async fn rejected(&self, stale: &SecretString) -> Result<Option<SecretString>, TokenError> {
        self.0.follow().await;
        match self.0.tokens.rejected(stale).await {
            Err(TokenError::Reconnect { reason }) => self.recover(reason).await.map(Some),
            other => other,
        }
    }
}

impl Inner {
    /// Takes the tokens that another process has kept.
    async fn follow(&self) {
        match self.keeper.others().await {
            Ok(Some(tokens)) => self.tokens.replace(tokens),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "kept tokens could not be read"),
        }
    }

    async fn recover(&self, reason: String) -> Result<SecretString, TokenError> {
        let before = self.keeper.last().tokens;
        let _one = self.recovery.lock().await;
        self.follow().await;
        let last = self.keeper.last().tokens;
        if last.access().expose_secret() != before.access().expose_secret() {
            return Ok(last.access().clone());
        }
        let now = self.keeper.time.0.now();
        if let Some((at, reason)) = self.failed().clone()
            && now.duration_since(at).abs() < PAUSE
        {
            return Err(TokenError::Reconnect { reason });
        }
        match self.reconnect().await {
            Ok(token) => {
                *self.failed() = None;
                tracing::info!(
                    connection = self.keeper.connection(),
                    "connected again by the app's own credentials"
                );
                Ok(token)
            }
            // The same may work at the next call: nothing for a person yet.
            Err(Failed::Passing(told)) => Err(TokenError::Unavailable {
                reason: format!("{reason}; and the app could not connect by itself now: {told}"),
            }),
            Err(Failed::ForGood(told)) => {
                let id = self.keeper.connection();
                let reason = format!(
                    "{reason}; and the app could not connect by itself: {told}; run `canopy auth url --connection {id}`, or \
                     open {} and give `canopy auth finish --connection {id}` the code",
                    self.chooser
                );
                self.keeper
                    .alert(format!(
                        "the connection \"{id}\" must be made again: {reason}"
                    ))
                    .await;
                *self.failed() = Some((now, reason.clone()));
                Err(TokenError::Reconnect { reason })
            }
        }
    }

    async fn reconnect(&self) -> Result<SecretString, Failed> {
        let last = self.keeper.last().tokens;
        let at = match (last.location_id(), last.company_id()) {
            (Some(location), _) => Installation::Location(location),
            (None, Some(company)) => Installation::Company(company),
            (None, None) => {
                let told = "nobody knows where it is installed".to_owned();
                return Err(Failed::ForGood(told));
            }
        };
        let tokens = self.app.reconnect(at).await.map_err(Failed::of)?;
        let kept = self.keeper.connected(&tokens).await;
        kept.map_err(|error| {
            Failed::Passing(format!("the new tokens could not be kept: {error}"))
        })?;
        let access = tokens.access().clone();
        self.tokens.replace(tokens);
        Ok(access)
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Option<(Timestamp, String)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the app could not connect by itself.
enum Failed {
    /// The service or the store did not answer; it gives another code when it is asked again.
    Passing(String),
    ForGood(String),
}

impl Failed {
    fn of(error: ExchangeError) -> Self {
        let told = chain(&error);
        match error {
            ExchangeError::Call(error) if error.is_retryable() || error.outcome_unknown() => {
                Self::Passing(told)
            }
            _ => Self::ForGood(told),
        }
    }
}
