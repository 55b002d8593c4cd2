//! Steps that were recorded in test mode and not sent, and the operator's word that they be carried out.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::row::{Reader, micros};
use crate::breaker_store::Withheld;

pub(super) async fn list(connection: &mut SqliteConnection) -> Op<Vec<Withheld>> {
    let rows = sqlx::query(
        "SELECT s.run, l.connection, count(*) AS steps FROM steps s JOIN locations l ON l.location = s.location
         WHERE s.withheld = 1 GROUP BY s.run, l.connection ORDER BY s.run",
    )
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let run: i64 = row.try_get("run")?;
            let row = Reader::new(row, "steps", run);
            Ok(Withheld {
                run,
                connection: row.text("connection")?,
                steps: row.narrow("steps")?,
            })
        })
        .collect()
}

/// What was done since the first step that was only simulated is done again: later steps saw simulated answers. What a real
/// connection does is bought for real as well.
pub(super) async fn carry_out(
    connection: &mut SqliteConnection,
    run: i64,
    real: bool,
    now: Timestamp,
) -> Op<bool> {
    if real {
        sqlx::query("UPDATE runs SET real = 1 WHERE id = ?1 AND state IN ('done', 'dead', 'held')")
            .bind(run)
            .execute(&mut *connection)
            .await?;
    }
    let simulated = "(withheld = 1 OR (?2 AND EXISTS (
        SELECT 1 FROM purchases p WHERE p.run = steps.run AND p.step = steps.step AND p.test = 1)))";
    let first: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT min(id) FROM steps WHERE run = ?1 AND {simulated}
           AND EXISTS (SELECT 1 FROM steps w WHERE w.run = ?1 AND (w.withheld = 1 OR ?2))"
    )))
    .bind(run)
    .bind(real)
    .fetch_one(&mut *connection)
    .await?;
    let Some(first) = first else {
        return Ok(false);
    };
    let requeued = sqlx::query(
        "UPDATE runs SET state = 'ready', attempts = 0, next_attempt_at = NULL, error = NULL, updated_at = ?2,
                failing_since = NULL, missing_since = NULL, stopped = 0
         WHERE id = ?1 AND state IN ('done', 'dead', 'held')",
    )
    .bind(run)
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    if requeued.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE steps SET state = 'failed', withheld = 0, output = NULL, error = ?4, updated_at = ?5
         WHERE run = ?1 AND id >= ?3 AND state IN ('done', 'skipped')
           AND ({simulated} OR state = 'skipped' OR action LIKE 'profile.%')"
    )))
    .bind(run)
    .bind(real)
    .bind(first)
    .bind("simulated in test mode; carried out on the operator's word")
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(true)
}

pub(super) async fn connection_of(
    connection: &mut SqliteConnection,
    location: &str,
) -> Op<Option<String>> {
    let id = sqlx::query_scalar("SELECT connection FROM locations WHERE location = ?1")
        .bind(location)
        .fetch_optional(connection)
        .await?;
    Ok(id)
}
