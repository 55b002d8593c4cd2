//! How a [`Transport`] is put together.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use secrecy::SecretString;

use super::{Shared, Transport, Wire};
use crate::answer::{self, ErrorForm};
use crate::call_log::{CallLog, NoCallLog};
use crate::clock::{Clock, SystemClock};
use crate::limits::{Limiter, Limits, Priority};
use crate::retry::RetryPolicy;
use crate::tls;
use crate::token::{StaticToken, TokenSource};

/// How long to wait for the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// For the head of an answer, and once more for its body; the time in our own queue does not count. Of a download: for
    /// the head, and then for each piece of it.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// Collects the parts of a [`Transport`].
#[derive(Debug, Clone)]
#[must_use]
pub struct TransportBuilder {
    service: Arc<str>,
    location: Option<Arc<str>>,
    user_agent: Option<String>,
    token: Option<Arc<dyn TokenSource>>,
    limits: Limits,
    used_today: u32,
    limiter: Option<Arc<Limiter>>,
    retry: RetryPolicy,
    error_form: ErrorForm,
    largest_answer: usize,
    timeouts: Timeouts,
    direct: bool,
    call_log: Arc<dyn CallLog>,
    clock: Arc<dyn Clock>,
}

impl TransportBuilder {
    pub(super) fn new(service: Arc<str>) -> Self {
        Self {
            service,
            location: None,
            user_agent: None,
            token: None,
            limits: Limits::UNLIMITED,
            used_today: 0,
            limiter: None,
            retry: RetryPolicy::default(),
            error_form: ErrorForm::default(),
            largest_answer: answer::LARGEST,
            timeouts: Timeouts::default(),
            direct: false,
            call_log: Arc::new(NoCallLog),
            clock: Arc::new(SystemClock),
        }
    }

    /// Whose calls these are, for the call log.
    pub fn location(mut self, location: impl Into<Arc<str>>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// What to call ourselves; by default `canopy/VERSION`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// A token that never changes.
    pub fn token(self, token: SecretString) -> Self {
        self.token_source(Arc::new(StaticToken::new(token)))
    }

    pub fn token_source(mut self, source: Arc<dyn TokenSource>) -> Self {
        self.token = Some(source);
        self
    }

    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Calls that were already made this UTC day, from the call log of an earlier run.
    pub fn used_today(mut self, calls: u32) -> Self {
        self.used_today = calls;
        self
    }

    /// Shares the limiter of another client of the same location, instead of [`limits`](Self::limits).
    pub fn limiter(mut self, limiter: Arc<Limiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// In which form the service writes its errors; JSON when not said.
    pub fn error_form(mut self, form: ErrorForm) -> Self {
        self.error_form = form;
        self
    }

    /// The largest answer in bytes that is read; 10 MiB when not said. Files have no such limit.
    pub fn largest_answer(mut self, bytes: usize) -> Self {
        self.largest_answer = bytes;
        self
    }

    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Passes the proxies of the environment by: no proxy reaches a service on this machine.
    pub fn direct(mut self, direct: bool) -> Self {
        self.direct = direct;
        self
    }

    pub fn call_log(mut self, log: Arc<dyn CallLog>) -> Self {
        self.call_log = log;
        self
    }

    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub fn build(self) -> Result<Transport, BuildError> {
        let http = client(self.timeouts, self.direct)?;
        self.build_on(Box::new(http))
    }

    pub(super) fn build_on(self, wire: Box<dyn Wire>) -> Result<Transport, BuildError> {
        let user_agent = self
            .user_agent
            .unwrap_or_else(|| concat!("canopy/", env!("CARGO_PKG_VERSION")).to_owned());
        let limiter = self.limiter.unwrap_or_else(|| {
            Arc::new(Limiter::new(
                &self.limits,
                self.used_today,
                Arc::clone(&self.clock),
            ))
        });
        Ok(Transport {
            shared: Arc::new(Shared {
                wire,
                service: self.service,
                location: self.location,
                user_agent: HeaderValue::try_from(user_agent).map_err(|_| BuildError::UserAgent)?,
                token: self.token,
                limiter,
                retry: self.retry,
                rules: answer::Rules {
                    form: self.error_form,
                    largest: self.largest_answer,
                    slowest: self.timeouts.total,
                },
                call_log: self.call_log,
                clock: self.clock,
                service_time: std::sync::atomic::AtomicI64::new(0),
            }),
            priority: Priority::default(),
            read_only: false,
        })
    }
}

/// A plain HTTP client for helpers on this machine: no token, no limits, no retries, no proxy.
pub fn http_client() -> Result<reqwest::Client, BuildError> {
    client(Timeouts::default(), true)
}

fn client(timeouts: Timeouts, direct: bool) -> Result<reqwest::Client, BuildError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config().map_err(BuildError::Tls)?)
        // An API does not redirect; following one could carry a request elsewhere, or turn a POST into a GET.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeouts.connect)
        // The reading of answers has a bound of its own, and says more than that a time is over.
        .timeout(timeouts.total.saturating_mul(3))
        .read_timeout(timeouts.total);
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(BuildError::Http)
}

/// A client cannot be built from what was given.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    #[error("the HTTP client cannot be set up; check the proxy settings of the environment")]
    Http(#[source] reqwest::Error),
    #[error("the user agent holds characters that cannot be sent in a header")]
    UserAgent,
    #[error("`base_url` is missing")]
    NoBaseUrl,
    #[error(
        "`{url}` is no base URL: write one like https://services.example.com, without user, query or fragment"
    )]
    BaseUrl { url: String },
    #[error("a token is missing: give `token` or `token_source`")]
    NoToken,
}
