//! One renewal: ask, keep, and only then hand out.

use std::time::Duration;

use canopy_transport::{Clock, RetryPolicy, TokenError};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::time::Instant;

use super::app::{Endpoint, is_final};
use super::{OAuthApp, StoreFailure, TokenStore, Tokens};

/// The service answers the same refresh token with the same new pair for 30 s. Later it is spent.
const REMEMBERED: Duration = Duration::from_secs(30);

pub(super) async fn ask(
    endpoint: &Endpoint,
    app: &OAuthApp,
    before: &Tokens,
    retry: RetryPolicy,
    clock: &dyn Clock,
) -> Result<Tokens, TokenError> {
    let Some(refresh) = before.refresh() else {
        return Err(TokenError::Reconnect {
            reason: "the access token has ended, and there is no refresh token".to_owned(),
        });
    };
    let form = json!({"grant_type": "refresh_token", "refresh_token": refresh.expose_secret()});
    let started = Instant::now();
    let mut attempt = 1;
    let mut delay = retry.first_delay;
    loop {
        let error = match endpoint.ask(app, form.clone()).await {
            Ok(answer) => match Tokens::read(&answer, clock.now()) {
                Some(tokens) => return Ok(tokens.or(before)),
                None => TokenError::Unavailable {
                    reason: "the service answered without a token".to_owned(),
                },
            },
            Err(error) if is_final(&error) => {
                return Err(TokenError::Reconnect {
                    reason: error.to_string(),
                });
            }
            Err(error) => TokenError::Unavailable {
                reason: error.to_string(),
            },
        };
        // An attempt without an answer may have spent the refresh token; the same one gives its result for a while.
        let in_time = started.elapsed() + delay < REMEMBERED;
        if !in_time || !retry.allows(attempt, started.elapsed(), delay) {
            return Err(error);
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(retry.max_delay);
        attempt += 1;
    }
}

/// Keeps a new pair.
pub(super) async fn keep(store: &dyn TokenStore, tokens: &Tokens) -> Result<(), TokenError> {
    let kept = store.save(tokens).await;
    kept.map_err(|failure: StoreFailure| TokenError::Unavailable {
        reason: format!("the new tokens could not be kept: {failure}"),
    })
}
