//! Breakers: why nothing is bought at a location, and the runs that wait for it.

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::fence::Held;
use super::row::{Reader, micros};
use super::{alerts, runs};
use crate::breaker_store::{Breaker, STOPPED};
use crate::types::NewAlert;

/// A stopped run is looked at again after this in any case.
const LOOK: SignedDuration = SignedDuration::from_hours(24);
/// A run that was to try an order and waits longer leaves that to another one.
const SOON: SignedDuration = SignedDuration::from_hours(1);

fn read(row: &SqliteRow) -> Op<Breaker> {
    let location: String = row.try_get("location")?;
    let row = Reader::new(row, "breakers", &location);
    Ok(Breaker {
        cause: row.text("cause")?,
        reason: row.text("reason")?,
        need: row.maybe_text("need")?,
        probe: row.maybe_number("probe")?,
        opened_at: row.instant("opened_at")?,
        refused_at: row.maybe_instant("refused_at")?,
        location,
    })
}

pub(super) async fn open(
    connection: &mut SqliteConnection,
    location: &str,
    (cause, need): (&str, Option<&str>),
    reason: &str,
    now: Timestamp,
) -> Op<bool> {
    let opened = sqlx::query(
        "INSERT INTO breakers (location, cause, reason, opened_at, need) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )
    .bind(location)
    .bind(cause)
    .bind(reason)
    .bind(micros(now))
    .bind(need)
    .execute(&mut *connection)
    .await?;
    if opened.rows_affected() == 0 {
        // What is refused again is no time to try it: the next check that finds nothing wrong names another one.
        sqlx::query(
            "UPDATE breakers SET need = coalesce(need, ?3), probe = NULL, refused_at = ?4
             WHERE location = ?1 AND cause = ?2",
        )
        .bind(location)
        .bind(cause)
        .bind(need)
        .bind(micros(now))
        .execute(connection)
        .await?;
        return Ok(false);
    }
    let alert = NewAlert {
        location: location.to_owned(),
        kind: STOPPED.to_owned(),
        subject: cause.to_owned(),
        message: reason.to_owned(),
    };
    alerts::raise(connection, &alert, now).await?;
    Ok(true)
}

pub(super) async fn close(
    connection: &mut SqliteConnection,
    location: &str,
    cause: &str,
    now: Timestamp,
) -> Op<bool> {
    let closed = sqlx::query("DELETE FROM breakers WHERE location = ?1 AND cause = ?2")
        .bind(location)
        .bind(cause)
        .execute(&mut *connection)
        .await?;
    if closed.rows_affected() == 0 {
        return Ok(false);
    }
    alerts::resolve(connection, location, STOPPED, cause, None, now).await?;
    if !is_open(connection, location).await? {
        sqlx::query(
            "UPDATE runs SET stopped = 0, next_attempt_at = ?2
             WHERE location = ?1 AND stopped = 1 AND state = 'waiting'",
        )
        .bind(location)
        .bind(micros(now))
        .execute(connection)
        .await?;
    }
    Ok(true)
}

pub(super) async fn probe(
    connection: &mut SqliteConnection,
    location: &str,
    cause: &str,
    now: Timestamp,
) -> Op<Option<i64>> {
    let under_way: Option<i64> = sqlx::query_scalar(
        "SELECT r.id FROM breakers b JOIN runs r ON r.id = b.probe
         WHERE b.location = ?1 AND b.cause = ?2 AND r.stopped = 0 AND r.state IN ('ready', 'waiting')
           AND (b.cause <> 'ecologi' OR coalesce(r.next_attempt_at, 0) <= ?3)",
    )
    .bind(location)
    .bind(cause)
    .bind(micros(now.saturating_add(SOON).unwrap_or(now)))
    .fetch_optional(&mut *connection)
    .await?;
    if under_way.is_some() {
        return Ok(under_way);
    }
    let next: Option<i64> = sqlx::query_scalar(
        "SELECT r.id FROM runs r JOIN breakers b ON b.location = r.location AND b.cause = ?2
         WHERE r.location = ?1 AND r.stopped = 1 AND r.state = 'waiting'
         ORDER BY EXISTS (SELECT 1 FROM steps s WHERE s.run = r.id AND s.action = b.need AND s.state = 'failed') DESC,
                  EXISTS (SELECT 1 FROM purchases p WHERE p.run = r.id AND p.state = 'confirmed') DESC, r.event, r.id
         LIMIT 1",
    )
    .bind(location)
    .bind(cause)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(run) = next else {
        return Ok(None);
    };
    sqlx::query("UPDATE breakers SET probe = ?3 WHERE location = ?1 AND cause = ?2")
        .bind(location)
        .bind(cause)
        .bind(run)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE runs SET stopped = 0, next_attempt_at = ?2 WHERE id = ?1")
        .bind(run)
        .bind(micros(now))
        .execute(connection)
        .await?;
    Ok(next)
}

async fn is_open(connection: &mut SqliteConnection, location: &str) -> Op<bool> {
    let open: i64 = sqlx::query_scalar("SELECT count(*) FROM breakers WHERE location = ?1")
        .bind(location)
        .fetch_one(connection)
        .await?;
    Ok(open > 0)
}

pub(super) async fn list(
    connection: &mut SqliteConnection,
    location: Option<&str>,
) -> Op<Vec<Breaker>> {
    let rows = sqlx::query(
        "SELECT * FROM breakers WHERE ?1 IS NULL OR location = ?1 ORDER BY opened_at, location, cause",
    )
    .bind(location)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn stop(held: &mut Held<'_>, run: i64, reason: &str, now: Timestamp) -> Op<bool> {
    runs::check_own(held, run).await?;
    if !is_open(held.connection, &held.fence.location).await? {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE runs SET state = 'waiting', stopped = 1, next_attempt_at = ?2, error = ?3, epoch = ?4, updated_at = ?5,
                failing_since = NULL, missing_since = NULL
         WHERE id = ?1",
    )
    .bind(run)
    .bind(micros(now.saturating_add(LOOK).unwrap_or(now)))
    .bind(reason)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    Ok(true)
}

pub(super) async fn stopped(connection: &mut SqliteConnection, location: &str) -> Op<u64> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM runs WHERE location = ?1 AND stopped = 1 AND state = 'waiting'",
    )
    .bind(location)
    .fetch_one(connection)
    .await?;
    Ok(count.unsigned_abs())
}
