//! A person installs the app: the link out, and the code back.

use canopy_highlevel::oauth::{OAuthApp, Tokens};
use canopy_store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{Keeper, Kept, Time, needed};
use crate::config::{ConnectionConfig, Loaded, OAuthConfig};
use crate::exit::Failure;

/// How long a person may take at the chooser.
const STATE_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// Links that can be open at a time.
const STATES: usize = 20;

#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    state: String,
    expires_at: Timestamp,
}

fn name(connection: &str) -> String {
    format!("oauth-state:{connection}")
}

async fn pending(
    store: &dyn Store,
    connection: &str,
    now: Timestamp,
) -> Result<Vec<Pending>, StoreError> {
    let kept = store.secret(&name(connection)).await?;
    let mut pending: Vec<Pending> = kept
        .and_then(|text| serde_json::from_str(text.expose_secret()).ok())
        .unwrap_or_default();
    pending.retain(|one| one.expires_at > now);
    Ok(pending)
}

async fn put(
    store: &dyn Store,
    connection: &str,
    pending: &[Pending],
    now: Timestamp,
) -> Result<(), StoreError> {
    let text = serde_json::json!(pending).to_string();
    store.put_secret(&name(connection), &text.into(), now).await
}

/// Where to send a person, with a state that is good once and for 15 minutes.
pub(crate) async fn link(
    loaded: &Loaded,
    config: &ConnectionConfig,
    oauth: &OAuthConfig,
    app: &OAuthApp,
    store: &dyn Store,
    now: Timestamp,
) -> Result<Url, Failure> {
    let state = hex::encode(rand::random::<[u8; 24]>());
    let url = address(loaded, config, oauth, app, &state)?;
    let failed = |error: StoreError| Failure::failed(&error);
    let mut open = pending(store, &config.id, now).await.map_err(failed)?;
    if open.len() >= STATES {
        open.remove(0);
    }
    open.push(Pending {
        state,
        expires_at: now + STATE_LIFE,
    });
    put(store, &config.id, &open, now).await.map_err(failed)?;
    Ok(url)
}

/// The same link for an alert, which may be read much later: without a state, so that only its code can be pasted.
pub(super) fn plain_link(
    loaded: &Loaded,
    config: &ConnectionConfig,
    oauth: &OAuthConfig,
    app: &OAuthApp,
) -> Result<String, Failure> {
    let mut url = address(loaded, config, oauth, app, "")?;
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "state")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    Ok(url.into())
}

fn address(
    loaded: &Loaded,
    config: &ConnectionConfig,
    oauth: &OAuthConfig,
    app: &OAuthApp,
    state: &str,
) -> Result<Url, Failure> {
    let needs = needed(loaded, config)?;
    let scopes: Vec<&str> = needs.iter().map(|need| need.scope).collect();
    app.authorize_url_at(&oauth.chooser_url, &scopes, state)
        .map_err(|error| Failure::bad_input(&error))
}

/// The code in what a person pasted: the code itself, or the whole address that the browser was led to, whose state is
/// used up by this.
pub(crate) async fn pick_code(
    pasted: &str,
    connection: &str,
    store: &dyn Store,
    now: Timestamp,
) -> Result<String, Failure> {
    let bad = |text: String| Err(Failure::BadInput(text));
    let again = again(connection);
    let pasted = pasted.trim();
    let Some(url) = Url::parse(pasted).ok().filter(url::Url::has_host) else {
        if pasted.is_empty() || pasted.contains(char::is_whitespace) {
            return bad("this is neither a code nor an address; paste the whole address that the browser shows".to_owned());
        }
        return Ok(pasted.to_owned());
    };
    let member = |name: &str| {
        let found = url.query_pairs().find(|(member, _)| member == name);
        found
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    let Some(state) = member("state") else {
        return bad(format!(
            "the address has no state, so it may be somebody else's; {again}"
        ));
    };
    let known = take_state(store, connection, &state, now).await;
    if !known.map_err(|error| Failure::failed(&error))? {
        return bad(format!(
            "the address's state is unknown, used, or older than 15 minutes; {again}"
        ));
    }
    let answer = Answer {
        code: member("code"),
        error: member("error"),
    };
    answer.code(connection)
}

/// What the chooser answered, in the address that it led the person to.
pub(super) struct Answer {
    pub code: Option<String>,
    pub error: Option<String>,
}

impl Answer {
    pub fn code(self, connection: &str) -> Result<String, Failure> {
        if let Some(code) = self.code.filter(|code| !code.is_empty()) {
            return Ok(code);
        }
        let why = self.error.map_or(String::new(), |error| {
            let words = error.chars().filter(|c| !c.is_control()).take(80);
            format!(" (HighLevel says: {})", words.collect::<String>())
        });
        Err(Failure::BadInput(format!(
            "the address carries no code{why}; {}",
            again(connection)
        )))
    }
}

fn again(connection: &str) -> String {
    format!("run `canopy auth url --connection {connection}` and open the new link")
}

/// Uses a state up; `false` when it is none of this connection's. How long that takes tells nothing of a state.
pub(super) async fn take_state(
    store: &dyn Store,
    connection: &str,
    state: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let open = pending(store, connection, now).await?;
    let (this, others): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|one| bool::from(one.state.as_bytes().ct_eq(state.as_bytes())));
    if this.is_empty() {
        return Ok(false);
    }
    put(store, connection, &others, now).await?;
    Ok(true)
}

/// What an exchange came to.
#[derive(Debug)]
pub(crate) struct Finished {
    pub location: Option<String>,
    pub company: Option<String>,
    pub expires_at: Timestamp,
    pub is_agency: bool,
}

/// Where: for the end of "connected".
impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_agency {
            f.write_str(" by the agency")?;
        }
        f.write_str(":")?;
        for (name, id) in [("location", &self.location), ("company", &self.company)] {
            if let Some(id) = id {
                write!(f, " {name} {id}")?;
            }
        }
        Ok(())
    }
}

/// Exchanges the code and keeps the tokens, unless they are for another place than the configuration's.
pub(crate) async fn finish(
    config: &ConnectionConfig,
    oauth: &OAuthConfig,
    app: &OAuthApp,
    store: std::sync::Arc<dyn Store>,
    time: Time,
    code: &str,
) -> Result<Finished, Failure> {
    let exchanged = app.exchange(code).await;
    let tokens = exchanged.map_err(|error| {
        Failure::BadInput(format!(
            "the code was not taken: {}; a code works once and for some minutes: run `canopy auth url --connection {}` again",
            crate::exit::chain(&error),
            config.id
        ))
    })?;
    check(config, oauth, &tokens).map_err(|problem| {
        Failure::BadInput(format!(
            "{problem}; nothing was kept: then run `canopy auth url --connection {}` again",
            config.id
        ))
    })?;
    let now = time.0.now();
    let kept = Kept {
        tokens: tokens.clone(),
        connected_at: now,
        renewed_at: now,
    };
    let location = config.highlevel.location_id.as_deref();
    Keeper::new(store, &config.id, kept, location, time)
        .connected(&tokens)
        .await
        .map_err(|error| Failure::failed(&error))?;
    Ok(Finished {
        location: location.or(tokens.location_id()).map(str::to_owned),
        company: tokens.company_id().map(str::to_owned),
        expires_at: tokens.expires_at(),
        is_agency: tokens.is_agency(),
    })
}

/// Whether tokens are for the place that the configuration names.
pub(super) fn check(
    config: &ConnectionConfig,
    oauth: &OAuthConfig,
    tokens: &Tokens,
) -> Result<(), String> {
    if tokens.is_agency() && !oauth.agency {
        return Err(
            "the app was installed at an agency; write agency = true below [connection.highlevel.oauth] and \
             highlevel.location_id, or install it at the sub-account"
                .to_owned(),
        );
    }
    if !tokens.is_agency() && oauth.agency {
        return Err(
            "the app was installed at one sub-account; remove agency = true, or install it from the agency's view"
                .to_owned(),
        );
    }
    let differs = |wanted: Option<&str>, got: Option<&str>| matches!((wanted, got), (Some(wanted), Some(got)) if wanted != got);
    if differs(
        config.highlevel.location_id.as_deref(),
        tokens.location_id(),
    ) {
        return Err(format!(
            "the app was installed at location {}, but highlevel.location_id is another; choose the right sub-account or \
             correct it",
            tokens.location_id().unwrap_or_default()
        ));
    }
    if differs(oauth.company_id.as_deref(), tokens.company_id()) {
        return Err(format!(
            "the app was installed at agency {}, but oauth.company_id is another; choose the right one or correct it",
            tokens.company_id().unwrap_or_default()
        ));
    }
    Ok(())
}
