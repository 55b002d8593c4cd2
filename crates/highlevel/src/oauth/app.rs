//! The app that is installed at a location or an agency.

use canopy_transport::operation::Operation;
use canopy_transport::{
    BuildError, CallError, Cause, Clock, SecretString, SystemClock, Timeouts, Transport, invoke,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

use super::{Tokens, member};
use crate::{DEFAULT_BASE_URL, Error, describe};

/// Where a person chooses the location to install the app at. White-label agencies have their own.
pub const CHOOSER_URL: &str = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation";

const OPERATION: &str = "get-access-token";
const RECONNECT: &str = "reconnect";
/// The service remembers a used refresh token for 30 s: an attempt must leave time for another.
const PATIENCE: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(10),
};

/// Credentials of an app of HighLevel's marketplace.
#[derive(Debug, Clone)]
#[must_use]
pub struct OAuthApp {
    client_id: String,
    client_secret: SecretString,
    redirect_uri: Option<String>,
    base_url: String,
    clock: Arc<dyn Clock>,
}

/// Where an app is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installation<'a> {
    /// At one location, by its id.
    Location(&'a str),
    /// At an agency, by its company's id.
    Company(&'a str),
}

/// A code could not be exchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A code works once and for some minutes: when it is refused, install the app again.
    #[error(transparent)]
    Call(#[from] Error),
    #[error("the service answered the exchange without a token; install the app again")]
    NoToken,
}

impl OAuthApp {
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            redirect_uri: None,
            base_url: DEFAULT_BASE_URL.to_owned(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Where the person comes back with the code; one of those that the app names. HighLevel takes https only, and not
    /// this machine.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Where the API lives; [`DEFAULT_BASE_URL`] when not given.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Tells when tokens that are got now will end; the machine's clock when not given.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where to send a person to install the app. `state` comes back with the code: make it unguessable, and refuse a
    /// code that comes with another.
    pub fn authorize_url(&self, scopes: &[&str], state: &str) -> Result<Url, BuildError> {
        self.authorize_url_at(CHOOSER_URL, scopes, state)
    }

    /// As [`authorize_url`](Self::authorize_url), at the chooser of a white-label agency.
    pub fn authorize_url_at(
        &self,
        chooser: &str,
        scopes: &[&str],
        state: &str,
    ) -> Result<Url, BuildError> {
        let mut url = invoke::base_url(chooser)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", state);
        if let Some(uri) = &self.redirect_uri {
            url.query_pairs_mut().append_pair("redirect_uri", uri);
        }
        Ok(url)
    }

    /// Turns the code that a person came back with into tokens. Keep them before anything else: the code works once.
    pub async fn exchange(&self, code: &str) -> Result<Tokens, ExchangeError> {
        let endpoint = Endpoint::new(self)?;
        let form = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri});
        let answer = endpoint
            .ask(self, form)
            .await
            .map_err(|error| Error::new(endpoint.operation.into(), error))?;
        Tokens::read(&answer, self.clock.now()).ok_or(ExchangeError::NoToken)
    }

    /// Recovers an installation whose tokens were lost, without a person: the service gives the app a new code for where
    /// it is installed already, and that is exchanged. Keep the tokens before anything else.
    pub async fn reconnect(&self, at: Installation<'_>) -> Result<Tokens, ExchangeError> {
        let endpoint = Endpoint::new(self)?;
        let operation = describe::find(RECONNECT)?.operation;
        let (name, id) = match at {
            Installation::Location(id) => ("locationId", id),
            Installation::Company(id) => ("companyId", id),
        };
        let mut body = json!({
            "clientKey": self.client_id, "clientSecret": self.client_secret.expose_secret(),
        });
        body[name] = id.into();
        let answer = endpoint
            .call(operation, &body)
            .await
            .map_err(|error| Error::new(operation.into(), error))?;
        match member(&answer, "authorization_code").and_then(Value::as_str) {
            Some(code) if !code.is_empty() => self.exchange(code).await,
            _ => Err(ExchangeError::NoToken),
        }
    }
}

/// The token endpoint. It has a transport of its own: no token, no limits of a location, little patience.
#[derive(Debug)]
pub(super) struct Endpoint {
    transport: Transport,
    base: Url,
    operation: &'static Operation,
}

impl Endpoint {
    pub(super) fn new(app: &OAuthApp) -> Result<Self, BuildError> {
        let base = invoke::base_url(&app.base_url)?;
        let transport = Transport::builder("highlevel")
            .timeouts(PATIENCE)
            .direct(invoke::is_loopback(&base))
            .build()?;
        let operation = describe::find(OPERATION)
            .expect("the description has the token endpoint, as a test shows")
            .operation;
        Ok(Self {
            transport,
            base,
            operation,
        })
    }

    /// Asks for the tokens that the form names, with the app's credentials.
    pub(super) async fn ask(&self, app: &OAuthApp, mut form: Value) -> Result<Value, CallError> {
        form["client_id"] = app.client_id.as_str().into();
        form["client_secret"] = app.client_secret.expose_secret().into();
        self.call(self.operation, &form).await
    }

    async fn call(
        &self,
        operation: &'static Operation,
        arguments: &Value,
    ) -> Result<Value, CallError> {
        let headers = http::HeaderMap::new();
        invoke::call(&self.transport, &self.base, operation, arguments, headers).await
    }
}

/// Whether the service has decided: asking again gives the same refusal.
pub(super) fn is_final(error: &CallError) -> bool {
    matches!(error.cause(), Cause::Refused { .. }) && !error.is_retryable()
}
