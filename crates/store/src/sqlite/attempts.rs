//! Attempts at what is bought once. A key is never used with two requests: what a key answers then is not documented.

use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

use super::fault::Op;
use super::fence::Held;
use super::ledger::read;
use crate::types::{NewPurchase, Purchase, PurchaseState};

/// What a purchase that is to be intended finds.
pub(super) enum Attempt {
    /// An attempt that was not refused: nothing else may go out.
    Stands(Box<Purchase>),
    /// None; it goes out under this key.
    Under(String),
}

pub(super) async fn of(held: &mut Held<'_>, new: &NewPurchase) -> Op<Attempt> {
    let attempts = all(held.connection, &new.key).await?;
    let (mut same, first) = (None, attempts.is_empty());
    for attempt in attempts {
        if attempt.location != held.location() {
            return Err(held.no_such("purchase", &new.key));
        }
        if attempt.state != PurchaseState::Refused {
            return Ok(Attempt::Stands(Box::new(attempt)));
        }
        if attempt.operation == new.operation && attempt.request == new.request {
            same = Some(attempt.key);
        }
    }
    Ok(Attempt::Under(match same {
        Some(key) => key,
        None if first => new.key.clone(),
        None => own_key(new),
    }))
}

/// Found again by whoever asks for the same.
fn own_key(new: &NewPurchase) -> String {
    let mut hash = Sha256::new();
    for part in [&*new.key, &new.operation, &new.request.to_string()] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// The attempt that stands, else the last one.
pub(super) async fn last(connection: &mut SqliteConnection, slot: &str) -> Op<Option<Purchase>> {
    let row = sqlx::query(
        "SELECT * FROM purchases WHERE slot = ?1 ORDER BY state = 'refused', updated_at DESC, id DESC LIMIT 1",
    )
    .bind(slot)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read).transpose()
}

async fn all(connection: &mut SqliteConnection, slot: &str) -> Op<Vec<Purchase>> {
    let rows = sqlx::query("SELECT * FROM purchases WHERE slot = ?1 ORDER BY id")
        .bind(slot)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}
