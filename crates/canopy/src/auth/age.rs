//! How old private integration tokens are: the service does not say, so their first use is remembered.

use std::collections::BTreeMap;

use canopy_store::{NewAlert, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// Kind of the alert.
pub(crate) const TOKEN_AGE: &str = "token_age";
/// `HighLevel` asks to rotate tokens after 90 days.
const OLD: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Fingerprints that are remembered of a connection.
const REMEMBERED: usize = 20;

/// Age of one token, counted from when it was first seen here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Age {
    pub first_used: Timestamp,
    pub days: i64,
    pub is_old: bool,
}

fn name(connection: &str) -> String {
    format!("token-ages:{connection}")
}

/// Tells tokens apart without keeping them.
pub(super) fn fingerprint(connection: &str, token: &SecretString) -> String {
    let mut hash = Sha256::new();
    hash.update(b"canopy private integration token\0");
    hash.update(connection);
    hash.update([0]);
    hash.update(token.expose_secret());
    hex::encode(hash.finalize())
}

/// The ages of these tokens, in their order; those that were never seen begin now.
pub(crate) async fn ages(
    store: &dyn Store,
    connection: &str,
    tokens: &[SecretString],
    now: Timestamp,
) -> Result<Vec<Age>, StoreError> {
    let kept = store.secret(&name(connection)).await?;
    let mut seen: BTreeMap<String, Timestamp> = kept
        .and_then(|text| serde_json::from_str(text.expose_secret()).ok())
        .unwrap_or_default();
    let count = seen.len();
    let ages = tokens
        .iter()
        .map(|token| {
            let first = *seen.entry(fingerprint(connection, token)).or_insert(now);
            let age = now.duration_since(first);
            Age {
                first_used: first,
                days: age.as_hours() / 24,
                is_old: age >= OLD,
            }
        })
        .collect();
    if seen.len() != count {
        while seen.len() > REMEMBERED {
            let oldest = seen
                .iter()
                .min_by_key(|(_, at)| **at)
                .map(|(mark, _)| mark.clone());
            oldest.map(|mark| seen.remove(&mark));
        }
        let text = serde_json::json!(seen).to_string();
        store
            .put_secret(&name(connection), &text.into(), now)
            .await?;
    }
    Ok(ages)
}

/// What to tell a person. A next token that is not old means that the rotation has begun.
pub(crate) fn reminder(ages: &[Age]) -> Option<String> {
    let youngest = ages.iter().min_by_key(|age| age.days)?;
    youngest.is_old.then(|| {
        format!(
            "the private integration token has been in use for {} days; rotate it in HighLevel (Settings, Private \
             Integrations), write the new one as highlevel.next_token beside the old one, which works for 7 more days, and \
             make it highlevel.token after that",
            youngest.days
        )
    })
}

/// Raises the alert for tokens that are old, and resolves it for others.
pub(crate) async fn remind(
    store: &dyn Store,
    connection: &str,
    location: &str,
    tokens: &[SecretString],
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let reminder = reminder(&ages(store, connection, tokens, now).await?);
    match &reminder {
        Some(message) => {
            let alert = NewAlert {
                location: location.to_owned(),
                kind: TOKEN_AGE.to_owned(),
                subject: connection.to_owned(),
                message: message.clone(),
            };
            store.raise_alert(alert, now).await?;
        }
        None => {
            store
                .resolve_alert(location, TOKEN_AGE, connection, now)
                .await?;
        }
    }
    Ok(reminder)
}
