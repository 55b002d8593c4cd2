//! How reliable webhooks are.

use canopy_highlevel::WEBHOOKS;
use canopy_store::{Missed, Store, StoreError};
use jiff::{SignedDuration, Timestamp};

/// How far back is counted.
const WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What webhooks missed in the last seven days and polls found, for each kind that webhooks tell of.
pub async fn missed_by_webhooks(
    store: &dyn Store,
    now: Timestamp,
) -> Result<Vec<Missed>, StoreError> {
    missed_since(store, now - WINDOW, now).await
}

/// The same since an instant.
pub(crate) async fn missed_since(
    store: &dyn Store,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Missed>, StoreError> {
    let mut rows = store.missed(since, now).await?;
    // Of other kinds polls find everything.
    rows.retain(|row| WEBHOOKS.iter().any(|webhook| webhook.kind == row.kind));
    Ok(rows)
}
