//! Steps that were recorded in test mode and not sent, and the operator's word that they be carried out.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::row::{Reader, micros};
use crate::breaker_store::{SimulatedPurchase, Withheld};

/// Ended runs of which something was only simulated, as a condition on the table of runs. Once a run is carried out for real,
/// its simulated purchases are history.
pub(super) const TO_CARRY_OUT: &str =
    "state IN ('done', 'dead', 'held') AND (id IN (SELECT run FROM steps WHERE withheld = 1)
     OR (real = 0 AND id IN (SELECT run FROM purchases WHERE test = 1)))";

pub(super) async fn list(connection: &mut SqliteConnection) -> Op<Vec<Withheld>> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT r.id AS run, l.connection, r.real,
                (SELECT count(*) FROM steps s WHERE s.run = r.id AND s.withheld = 1) AS steps
         FROM (SELECT id, location, real FROM runs WHERE {TO_CARRY_OUT}) r JOIN locations l ON l.location = r.location
         ORDER BY r.id"
    )))
    .fetch_all(&mut *connection)
    .await?;
    let mut bought = purchases(connection).await?;
    rows.iter()
        .map(|row| {
            let run: i64 = row.try_get("run")?;
            let row = Reader::new(row, "steps", run);
            let purchases = bought.remove(&run).unwrap_or_default();
            let is_carried_out = row.number("real")? == 1;
            Ok(Withheld {
                run,
                connection: row.text("connection")?,
                steps: row.narrow("steps")?,
                purchases: if is_carried_out {
                    Vec::new()
                } else {
                    purchases
                },
            })
        })
        .collect()
}

/// Purchases of test mode by run.
async fn purchases(connection: &mut SqliteConnection) -> Op<HashMap<i64, Vec<SimulatedPurchase>>> {
    let rows = sqlx::query(
        "SELECT run, quantity, unit, coalesce(amount, estimate) AS cost, currency FROM purchases WHERE test = 1 ORDER BY id",
    )
    .fetch_all(connection)
    .await?;
    let mut all = HashMap::<i64, Vec<SimulatedPurchase>>::new();
    for row in &rows {
        let run: i64 = row.try_get("run")?;
        let row = Reader::new(row, "purchases", run);
        all.entry(run).or_default().push(SimulatedPurchase {
            quantity: row.decimal("quantity")?,
            unit: row.text("unit")?,
            cost: row.decimal("cost")?,
            currency: row.text("currency")?,
        });
    }
    Ok(all)
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
