//! A location's tokens by the agency's: an app that was installed from the agency's view has no others.

use std::sync::Arc;

use async_trait::async_trait;
use canopy_highlevel::oauth::member;
use canopy_highlevel::{Client, Priority};
use canopy_transport::lenient::Lenient as _;
use canopy_transport::{BuildError, Cause, NotSent, TokenError, TokenSource};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::Time;

const OPERATION: &str = "get-location-access-token";
/// How long before its end a token is renewed.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// A token this young is not what a 401 is about.
const YOUNG: SignedDuration = SignedDuration::from_mins(1);
/// How long a token lives where the answer does not say.
const USUAL_LIFE: i64 = 86_399;

/// The token source of one location of an agency.
#[derive(Debug)]
pub(crate) struct LocationTokens {
    /// Calls as the agency.
    agency: Client,
    company: String,
    location: String,
    time: Time,
    /// Held while a new one is asked for, so that callers side by side share it.
    cached: Mutex<Option<Cached>>,
}

#[derive(Debug, Clone)]
struct Cached {
    token: SecretString,
    got_at: Timestamp,
    expires_at: Timestamp,
}

impl LocationTokens {
    pub fn new(
        base_url: &str,
        agency: Arc<dyn TokenSource>,
        company: String,
        location: String,
        time: Time,
    ) -> Result<Self, BuildError> {
        let agency = Client::builder()
            .base_url(base_url)
            .token_source(agency)
            .build()?
            .with_priority(Priority::Interactive);
        Ok(Self {
            agency,
            company,
            location,
            time,
            cached: Mutex::new(None),
        })
    }

    async fn ask(&self) -> Result<Cached, TokenError> {
        let arguments = json!({ "companyId": self.company, "locationId": self.location });
        let answer = self.agency.invoke(OPERATION, &arguments).await;
        let answer = answer.map_err(|error| told(&error))?;
        let token = member(&answer, "access_token").and_then(Value::as_str);
        let token = token.unwrap_or_default();
        if token.is_empty() {
            return Err(TokenError::Unavailable {
                reason: "the agency's token was answered without a token for the location"
                    .to_owned(),
            });
        }
        let life = member(&answer, "expires_in").cloned();
        let life = life.and_then(i64::from_json).unwrap_or(USUAL_LIFE);
        let now = self.time.0.now();
        Ok(Cached {
            token: token.into(),
            got_at: now,
            expires_at: now
                .checked_add(SignedDuration::from_secs(life))
                .unwrap_or(Timestamp::MAX),
        })
    }
}

#[async_trait]
impl TokenSource for LocationTokens {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let mut cached = self.cached.lock().await;
        let now = self.time.0.now();
        if let Some(one) = &*cached
            && one.expires_at.duration_since(now) > AHEAD
        {
            return Ok(one.token.clone());
        }
        let fresh = self.ask().await;
        match (fresh, &*cached) {
            (Ok(fresh), _) => Ok(cached.insert(fresh).token.clone()),
            // It works as long as it lives.
            (Err(_), Some(one)) if one.expires_at > now => Ok(one.token.clone()),
            (Err(error), _) => Err(error),
        }
    }

    async fn rejected(&self, stale: &SecretString) -> Result<Option<SecretString>, TokenError> {
        let mut cached = self.cached.lock().await;
        if let Some(one) = &*cached {
            if one.token.expose_secret() != stale.expose_secret() {
                return Ok(Some(one.token.clone()));
            }
            if self.time.0.now().duration_since(one.got_at).abs() < YOUNG {
                return Ok(None);
            }
        }
        let fresh = self.ask().await?;
        Ok(Some(cached.insert(fresh).token.clone()))
    }
}

/// Why no token of the location could be had.
fn told(error: &canopy_highlevel::Error) -> TokenError {
    if let Cause::NotSent(NotSent::Token(error)) = error.cause() {
        return error.clone();
    }
    let reason = error.to_string();
    if matches!(error.cause(), Cause::Refused { .. }) && !error.is_retryable() {
        TokenError::Reconnect { reason }
    } else {
        TokenError::Unavailable { reason }
    }
}
