//! The client and how it is built.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use canopy_transport::{
    Budget, BuildError, CallError, CallLog, Clock, DailyLimit, Limiter, Limits, Priority, Reserves,
    RetryPolicy, SecretString, Timeouts, TokenSource, Transport, TransportBuilder, WindowLimit,
    invoke,
};
use serde_json::Value;
use url::Url;

use crate::{Error, describe};

/// Where HighLevel's API lives.
pub const DEFAULT_BASE_URL: &str = "https://services.leadconnectorhq.com";

const PER_WINDOW: NonZeroU32 = NonZeroU32::new(100).expect("100 is not zero");

/// What HighLevel grants an app at a location: 100 calls in 10 seconds and 200,000 a day.
pub fn default_limits() -> Limits {
    Limits {
        window: Some(WindowLimit {
            max: PER_WINDOW,
            per: Duration::from_secs(10),
        }),
        daily: Some(DailyLimit {
            max: 200_000,
            reserves: Reserves::default(),
        }),
        ..Limits::UNLIMITED
    }
}

/// A client for one location (or agency). Cheap to clone; clones share limits and connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    base: Url,
    raw: canopy_highlevel_api::Client,
}

impl Client {
    pub fn builder() -> Builder {
        Builder {
            base_url: None,
            has_token: false,
            transport: Transport::builder("highlevel").limits(default_limits()),
        }
    }

    /// The generated client, with a typed builder for every operation. It sends through the same limits and retries;
    /// turn its errors into ours with [`Error::from_generated`].
    pub fn raw(&self) -> &canopy_highlevel_api::Client {
        &self.raw
    }

    /// The same client for calls of another urgency.
    #[must_use]
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self::assemble(self.transport.with_priority(priority), self.base.clone())
    }

    /// The same client for a program that must change nothing: what is not a read is not sent.
    #[must_use]
    pub fn reading_only(&self) -> Self {
        Self::assemble(self.transport.reading_only(), self.base.clone())
    }

    /// Calls an operation by its name or by one of the catalog, such as `find-contact`. `args` is one flat object: members
    /// named like a path or query parameter go there, the rest is the body (a body that is a list is the member `body`).
    /// They are held against the description first, see [`check`](crate::check). What comes back shows the
    /// operation's success, see [`Evidence`](crate::operation::Evidence); an answer that does not is an
    /// [unreadable](Error::is_unreadable) one.
    pub async fn invoke(&self, name: &str, args: &Value) -> Result<Value, Error> {
        self.invoke_through(&self.transport, name, args).await
    }

    /// As [`invoke`](Self::invoke), at another urgency.
    pub async fn invoke_as(
        &self,
        priority: Priority,
        name: &str,
        args: &Value,
    ) -> Result<Value, Error> {
        self.invoke_through(&self.transport.with_priority(priority), name, args)
            .await
    }

    /// What of the location's limits is used.
    pub fn rate_budget(&self) -> Budget {
        self.transport.budget()
    }

    /// What the service's clock showed when it answered last, in whole seconds. `None`: it did not say.
    pub fn service_time(&self) -> Option<jiff::Timestamp> {
        self.transport.service_time()
    }

    async fn invoke_through(
        &self,
        transport: &Transport,
        name: &str,
        args: &Value,
    ) -> Result<Value, Error> {
        let (operation, args) = describe::prepared(name, args)?;
        let headers = http::HeaderMap::new();
        let answer = invoke::call(transport, &self.base, operation, &args, headers).await;
        answer.map_err(|error: CallError| Error::new(Some(operation), error))
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    fn assemble(transport: Transport, base: Url) -> Self {
        let raw = canopy_highlevel_api::Client::new(base.as_str(), Arc::new(transport.clone()));
        Self {
            transport,
            base,
            raw,
        }
    }
}

/// Collects the parts of a [`Client`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    base_url: Option<String>,
    has_token: bool,
    transport: TransportBuilder,
}

impl Builder {
    /// Where the API lives; [`DEFAULT_BASE_URL`] when not given.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// A private integration token or an access token that somebody else renews.
    pub fn token(self, token: SecretString) -> Self {
        self.change(true, |transport| transport.token(token))
    }

    /// Where tokens come from.
    pub fn token_source(self, source: Arc<dyn TokenSource>) -> Self {
        self.change(true, |transport| transport.token_source(source))
    }

    /// The location's id, for the call log.
    pub fn location(self, location: impl Into<Arc<str>>) -> Self {
        self.change(false, |transport| transport.location(location))
    }

    /// Other limits than [`default_limits`], e.g. a trial account's.
    pub fn limits(self, limits: Limits) -> Self {
        self.change(false, |transport| transport.limits(limits))
    }

    /// Calls that were already made this UTC day.
    pub fn used_today(self, calls: u32) -> Self {
        self.change(false, |transport| transport.used_today(calls))
    }

    /// Shares the limiter of another client of the same location.
    pub fn limiter(self, limiter: Arc<Limiter>) -> Self {
        self.change(false, |transport| transport.limiter(limiter))
    }

    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.change(false, |transport| transport.retry(policy))
    }

    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.change(false, |transport| transport.timeouts(timeouts))
    }

    pub fn call_log(self, log: Arc<dyn CallLog>) -> Self {
        self.change(false, |transport| transport.call_log(log))
    }

    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.change(false, |transport| transport.clock(clock))
    }

    pub fn user_agent(self, user_agent: impl Into<String>) -> Self {
        self.change(false, |transport| transport.user_agent(user_agent))
    }

    pub fn build(self) -> Result<Client, BuildError> {
        let base = invoke::base_url(self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL))?;
        if !self.has_token {
            return Err(BuildError::NoToken);
        }
        let transport = self.transport.direct(invoke::is_loopback(&base)).build()?;
        Ok(Client::assemble(transport, base))
    }

    fn change(
        mut self,
        token: bool,
        change: impl FnOnce(TransportBuilder) -> TransportBuilder,
    ) -> Self {
        self.has_token |= token;
        self.transport = change(self.transport);
        self
    }
}
