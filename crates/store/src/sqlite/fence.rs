//! Leases, and the proof that a write is covered by one.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use super::fault::{Fault, Op};
use super::row::micros;
use crate::error::StoreError;
use crate::types::Fence;

/// A connection inside a transaction in which the lease was found to be held. Functions that ask for it cannot be
/// called without the check.
pub(super) struct Held<'c> {
    pub(super) connection: &'c mut SqliteConnection,
    pub(super) fence: Fence,
}

impl<'c> Held<'c> {
    /// Checks the lease.
    pub(super) async fn check(connection: &'c mut SqliteConnection, fence: Fence) -> Op<Self> {
        let held =
            sqlx::query("SELECT 1 FROM leases WHERE location = ?1 AND owner = ?2 AND epoch = ?3")
                .bind(&fence.location)
                .bind(&fence.owner)
                .bind(fence.epoch)
                .fetch_optional(&mut *connection)
                .await?;
        if held.is_none() {
            return Err(StoreError::Fenced {
                location: fence.location,
                epoch: fence.epoch,
            }
            .into());
        }
        Ok(Self { connection, fence })
    }

    pub(super) fn location(&self) -> &str {
        &self.fence.location
    }

    /// The fault of a row that is not there, or belongs to another location.
    pub(super) fn no_such(&self, what: &str, id: impl std::fmt::Display) -> Fault {
        Fault::conflict(format!(
            "location {} has no {what} {id}",
            self.fence.location
        ))
    }
}

pub(super) async fn acquire(
    connection: &mut SqliteConnection,
    location: &str,
    owner: &str,
    now: Timestamp,
    ttl: SignedDuration,
) -> Op<Option<Fence>> {
    let expires = now.checked_add(ttl).unwrap_or(Timestamp::MAX);
    let row = sqlx::query(
        "INSERT INTO leases (location, owner, epoch, expires_at) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (location) DO UPDATE SET
             epoch = CASE WHEN owner IS excluded.owner THEN epoch ELSE epoch + 1 END,
             owner = excluded.owner,
             expires_at = excluded.expires_at
         WHERE owner IS NULL OR owner = excluded.owner OR expires_at <= ?4
         RETURNING epoch",
    )
    .bind(location)
    .bind(owner)
    .bind(micros(expires))
    .bind(micros(now))
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Fence {
        location: location.to_owned(),
        owner: owner.to_owned(),
        epoch: row.try_get("epoch")?,
    }))
}

/// The row stays, so that the next owner's epoch is higher.
pub(super) async fn release(held: &mut Held<'_>) -> Op<()> {
    sqlx::query("UPDATE leases SET owner = NULL, expires_at = 0 WHERE location = ?1")
        .bind(&held.fence.location)
        .execute(&mut *held.connection)
        .await?;
    Ok(())
}

pub(super) async fn register(
    connection: &mut SqliteConnection,
    location: &str,
    given: &str,
    now: Timestamp,
) -> Op<()> {
    sqlx::query("INSERT INTO locations (location, connection, registered_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
        .bind(location)
        .bind(given)
        .bind(micros(now))
        .execute(&mut *connection)
        .await?;
    let known: String = sqlx::query_scalar("SELECT connection FROM locations WHERE location = ?1")
        .bind(location)
        .fetch_one(connection)
        .await?;
    if known == given {
        return Ok(());
    }
    Err(StoreError::ConnectionChanged {
        location: location.to_owned(),
        known,
        given: given.to_owned(),
    }
    .into())
}
