//! Events whose record could not be read, or is not there.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::fence::Held;
use super::inbox::pending_event;
use super::row::{Reader, micros};
use crate::health_store::Unread;
use crate::types::Postponed;

pub(super) async fn postpone(
    held: &mut Held<'_>,
    id: i64,
    postponed: &Postponed,
    now: Timestamp,
) -> Op<()> {
    pending_event(held, id).await?;
    sqlx::query(
        "UPDATE inbox SET attempts = ?6, next_attempt_at = ?2, error = ?3, epoch = ?4, updated_at = ?5,
                missing_since = ?7, missing = ?8
         WHERE id = ?1",
    )
    .bind(id)
    .bind(micros(postponed.until))
    .bind(&postponed.error)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .bind(postponed.attempts)
    .bind(postponed.missing_since.map(micros))
    .bind(&postponed.missing)
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}

/// Events whose records could not be read, by location. What is said not to be there was read.
pub(super) async fn unread(connection: &mut SqliteConnection) -> Op<Vec<Unread>> {
    let rows = sqlx::query(
        "WITH unread AS (
             SELECT location, attempts, next_attempt_at, error, updated_at FROM inbox
             WHERE state = 'pending' AND next_attempt_at IS NOT NULL AND missing_since IS NULL AND error IS NOT NULL
         )
         SELECT location, count(*) AS events, max(attempts) AS attempts, min(next_attempt_at) AS next_try,
                (SELECT n.error FROM unread n WHERE n.location = unread.location ORDER BY n.updated_at DESC LIMIT 1) AS error
         FROM unread GROUP BY location ORDER BY location",
    )
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let location: String = row.try_get("location")?;
            let row = Reader::new(row, "inbox", &*location);
            Ok(Unread {
                events: row.narrow("events")?,
                attempts: row.narrow("attempts")?,
                next_try: row.instant("next_try")?,
                error: row.text("error")?,
                location,
            })
        })
        .collect()
}

/// A poll or a read shows this record, so it is there whatever a read said: events of it that were given up are pending again, and
/// those that wait for it are read at once. Only what ended for want of the record is meant: an erased contact's events
/// are over.
pub(super) async fn alive(
    connection: &mut SqliteConnection,
    location: &str,
    record: &str,
    now: Timestamp,
) -> Op<()> {
    // Of two deliveries of the same bytes one may be waiting; that one will do.
    sqlx::query(
        "UPDATE OR IGNORE inbox SET state = 'pending', attempts = 0, next_attempt_at = NULL, missing_since = NULL,
                missing = NULL, looked_at = NULL, error = NULL, updated_at = ?3
         WHERE location = ?1 AND coalesce(missing, record) = ?2 AND missing_since IS NOT NULL AND state IN ('gone', 'pending')
           AND kind NOT LIKE '%.deleted'",
    )
    .bind(location)
    .bind(record)
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Records of a location that were said not to be there, and whose events wait for them or were given up.
pub(super) async fn missing(connection: &mut SqliteConnection, location: &str) -> Op<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT coalesce(missing, record) FROM inbox
         WHERE location = ?1 AND missing_since IS NOT NULL AND state IN ('gone', 'pending')",
    )
    .bind(location)
    .fetch_all(connection)
    .await?)
}

/// Whether the removal of a record has been told.
pub(super) async fn is_removed(
    connection: &mut SqliteConnection,
    location: &str,
    word: &str,
    record: &str,
) -> Op<bool> {
    let told: i64 = sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT 1 FROM inbox AS deletion WHERE location = ?1 AND kind = ?2 AND record = ?3 AND NOT EXISTS (
                 SELECT 1 FROM inbox AS later
                 WHERE later.location = ?1 AND later.record = ?3 AND later.id > deletion.id
                   AND substr(later.kind, 1, length(?4) + 1) = ?4 || '.' AND later.kind <> ?2
                   AND (later.source = 'poll' OR later.state IN ('started', 'echo'))
             )
         )",
    )
    .bind(location)
    .bind(format!("{word}.deleted"))
    .bind(record)
    .bind(word)
    .fetch_one(connection)
    .await?;
    Ok(told != 0)
}
