//! Tokens that renew themselves.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use canopy_transport::{
    BuildError, Clock, RetryPolicy, SecretString, SystemClock, TokenError, TokenSource,
};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::app::Endpoint;
use super::{OAuthApp, TokenStore, Tokens, renew};

/// How long before its end an access token is renewed.
const AHEAD: Duration = Duration::from_mins(5);
/// A token this young is not what a 401 is about: a missing scope is told by 401, too.
const YOUNG: Duration = Duration::from_mins(1);
/// After a renewal that failed while the token still works.
const PAUSE: Duration = Duration::from_secs(30);

type Flight = Shared<BoxFuture<'static, Result<SecretString, TokenError>>>;

/// The token source of one installation. Clones are the same source: make one per installation, since two of them would
/// spend each other's refresh token.
#[derive(Clone)]
pub struct OAuthTokens {
    shared: Arc<Inner>,
}

struct Inner {
    app: OAuthApp,
    endpoint: Endpoint,
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    ahead: Duration,
    state: Mutex<State>,
}

struct State {
    tokens: Tokens,
    /// When `tokens` came.
    renewed_at: Option<Timestamp>,
    /// A new pair that could not be kept yet. The one before it is spent.
    unkept: Option<Tokens>,
    /// The renewal that is under way.
    flight: Option<Flight>,
    /// No renewal before this while the token works.
    not_before: Option<Timestamp>,
    /// Counts [`OAuthTokens::replace`]: a renewal of the tokens before must not overwrite those after.
    generation: u64,
}

/// Collects the parts of [`OAuthTokens`].
#[must_use]
pub struct Builder {
    app: OAuthApp,
    tokens: Tokens,
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    ahead: Duration,
}

impl Builder {
    /// How long before its end a token is renewed; 5 minutes when not given.
    pub fn ahead(mut self, ahead: Duration) -> Self {
        self.ahead = ahead;
        self
    }

    /// How a renewal that got no answer is tried again, within the 30 s for which the service remembers it.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub fn build(self) -> Result<OAuthTokens, BuildError> {
        let state = State {
            tokens: self.tokens,
            renewed_at: None,
            unkept: None,
            flight: None,
            not_before: None,
            generation: 0,
        };
        Ok(OAuthTokens {
            shared: Arc::new(Inner {
                endpoint: Endpoint::new(&self.app)?,
                app: self.app,
                store: self.store,
                clock: self.clock,
                retry: self.retry,
                ahead: self.ahead,
                state: Mutex::new(state),
            }),
        })
    }
}

impl OAuthTokens {
    /// Starts from the tokens of an exchange, or from those that were kept.
    pub fn builder(app: OAuthApp, tokens: Tokens, store: Arc<dyn TokenStore>) -> Builder {
        Builder {
            app,
            tokens,
            store,
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::default(),
            ahead: AHEAD,
        }
    }

    /// Takes other tokens, after the app was installed anew. They are not handed to the store.
    pub fn replace(&self, tokens: Tokens) {
        let mut state = self.shared.state();
        *state = State {
            tokens,
            renewed_at: None,
            unkept: None,
            flight: None,
            not_before: None,
            generation: state.generation + 1,
        };
    }

    /// Joins the renewal that is under way, or starts one. It runs in a task of its own, so that it comes to its end
    /// whoever stops waiting for it.
    fn renew(&self, state: &mut State) -> Flight {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let shared = Arc::clone(&self.shared);
        let generation = state.generation;
        let task = tokio::spawn(async move { shared.renewal(generation).await });
        let flight = async {
            task.await.unwrap_or_else(|_| {
                Err(TokenError::Unavailable {
                    reason: "the renewal was stopped half-way".to_owned(),
                })
            })
        };
        let flight = flight.boxed().shared();
        state.flight = Some(flight.clone());
        flight
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is one assignment after the other; none can be left half-done by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless other tokens were given since.
    fn state_of(&self, generation: u64) -> Option<MutexGuard<'_, State>> {
        let state = self.state();
        (state.generation == generation).then_some(state)
    }

    async fn renewal(&self, generation: u64) -> Result<SecretString, TokenError> {
        let result = self.renew_and_keep(generation).await;
        let Some(mut state) = self.state_of(generation) else {
            // Other tokens were given meanwhile: whoever waited gets these.
            return Ok(self.state().tokens.access().clone());
        };
        state.flight = None;
        state.not_before = match &result {
            Ok(_) => None,
            Err(_) => self.clock.now().checked_add(PAUSE).ok(),
        };
        drop(state);
        result
    }

    async fn renew_and_keep(&self, generation: u64) -> Result<SecretString, TokenError> {
        let replaced = || TokenError::Unavailable {
            reason: "other tokens were given meanwhile".to_owned(),
        };
        let (before, unkept) = {
            let mut state = self.state_of(generation).ok_or_else(replaced)?;
            (state.tokens.clone(), state.unkept.take())
        };
        let tokens = match unkept {
            Some(tokens) => tokens,
            None => {
                renew::ask(&self.endpoint, &self.app, &before, self.retry, &*self.clock).await?
            }
        };
        self.state_of(generation).ok_or_else(replaced)?.unkept = Some(tokens.clone());
        renew::keep(&*self.store, &tokens).await?;
        let mut state = self.state_of(generation).ok_or_else(replaced)?;
        let access = tokens.access().clone();
        state.unkept = None;
        state.tokens = tokens;
        state.renewed_at = Some(self.clock.now());
        Ok(access)
    }
}

#[async_trait]
impl TokenSource for OAuthTokens {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let now = self.shared.clock.now();
        let (flight, still_good) = {
            let mut state = self.shared.state();
            let left = state.tokens.expires_at().duration_since(now);
            let works = left.is_positive();
            let pauses = state.not_before.is_some_and(|at| now < at);
            if works && (left.unsigned_abs() > self.shared.ahead || pauses) {
                return Ok(state.tokens.access().clone());
            }
            // Waited for even while the token works: a short-lived program must not end in the middle of a renewal.
            let still_good = works.then(|| state.tokens.access().clone());
            (self.renew(&mut state), still_good)
        };
        match (flight.await, still_good) {
            (Err(_), Some(token)) => Ok(token),
            (result, _) => result,
        }
    }

    async fn rejected(&self, refused: &SecretString) -> Result<Option<SecretString>, TokenError> {
        let now = self.shared.clock.now();
        let flight = {
            let mut state = self.shared.state();
            let current = state.tokens.access();
            if current.expose_secret() != refused.expose_secret() {
                return Ok(Some(current.clone()));
            }
            let is_young = state
                .renewed_at
                .is_some_and(|at| now.duration_since(at).unsigned_abs() < YOUNG);
            if is_young || state.tokens.refresh().is_none() {
                return Ok(None);
            }
            self.renew(&mut state)
        };
        flight.await.map(Some)
    }
}

impl fmt::Debug for OAuthTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthTokens")
            .field("app", &self.shared.app)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}
