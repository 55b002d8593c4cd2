//! Runs of workflows that are switched off: they wait as they are, whatever else they wait for.

use jiff::Timestamp;

use super::fault::Op;
use super::fence::Held;
use super::row::micros;
use crate::breaker_store::Switched;

/// Has what was begun of some workflows wait, and what waited of others go on.
pub(super) async fn switch(
    held: &mut Held<'_>,
    off: &[String],
    on: &[String],
    now: Timestamp,
) -> Op<Switched> {
    let names = |ids: &[String]| serde_json::Value::from(ids).to_string();
    // What waits for a breaker would be due again by that: it is looked at as soon as the workflow is on.
    let stopped = sqlx::query(
        "UPDATE runs SET stopped = 2, epoch = ?4, updated_at = ?3, failing_since = NULL, missing_since = NULL,
                next_attempt_at = CASE WHEN state = 'ready' OR stopped = 1 THEN ?3 ELSE coalesce(next_attempt_at, ?3) END,
                state = 'waiting',
                error = 'its workflow is switched off (enabled = false), so it waits; it goes on by itself once that is switched on'
         WHERE location = ?1 AND state IN ('ready', 'waiting') AND stopped <> 2
           AND workflow IN (SELECT value FROM json_each(?2))",
    )
    .bind(&held.fence.location)
    .bind(names(off))
    .bind(micros(now))
    .bind(held.fence.epoch)
    .execute(&mut *held.connection)
    .await?;
    // They keep no part of a cap from others meanwhile.
    sqlx::query(
        "UPDATE waiting SET freed = 0, epoch = ?2, updated_at = ?3
         WHERE location = ?1 AND freed = 1 AND run IN (SELECT id FROM runs WHERE location = ?1 AND stopped = 2)",
    )
    .bind(&held.fence.location)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    let gone_on = sqlx::query(
        "UPDATE runs SET stopped = 0, error = NULL, epoch = ?4, updated_at = ?3
         WHERE location = ?1 AND state = 'waiting' AND stopped = 2 AND workflow IN (SELECT value FROM json_each(?2))",
    )
    .bind(&held.fence.location)
    .bind(names(on))
    .bind(micros(now))
    .bind(held.fence.epoch)
    .execute(&mut *held.connection)
    .await?;
    Ok(Switched {
        off: stopped.rows_affected(),
        on: gone_on.rows_affected(),
    })
}
