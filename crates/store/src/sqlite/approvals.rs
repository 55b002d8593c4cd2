//! Events that wait for a person's approval.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::fault::Op;
use super::fence::Held;
use super::inbox::{pending_event, read};
use super::row::micros;
use crate::types::{APPROVAL, EventState, InboxRow};

pub(super) async fn hold(held: &mut Held<'_>, id: i64, reason: &str, now: Timestamp) -> Op<()> {
    pending_event(held, id).await?;
    sqlx::query(
        "UPDATE inbox SET state = 'held', error = ?2, next_attempt_at = NULL, epoch = ?3, updated_at = ?4
         WHERE id = ?1",
    )
    .bind(id)
    .bind(reason)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}

pub(super) async fn approve(
    connection: &mut SqliteConnection,
    id: i64,
    now: Timestamp,
) -> Op<bool> {
    let approved = sqlx::query(
        "UPDATE inbox SET state = 'pending', approved = 1, error = NULL, updated_at = ?2
         WHERE id = ?1 AND state = 'held'",
    )
    .bind(id)
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    if approved.rows_affected() == 0 {
        return Ok(false);
    }
    // Once nothing of the kind waits any more, nobody needs to be told of it.
    sqlx::query(
        "UPDATE alerts SET resolved_at = ?2, updated_at = ?2
         WHERE resolved_at IS NULL AND kind = ?3
           AND EXISTS (SELECT 1 FROM inbox i
                       WHERE i.id = ?1 AND i.location = alerts.location AND i.kind = alerts.subject)
           AND NOT EXISTS (SELECT 1 FROM inbox i
                           WHERE i.state = 'held' AND i.location = alerts.location AND i.kind = alerts.subject)",
    )
    .bind(id)
    .bind(micros(now))
    .bind(APPROVAL)
    .execute(connection)
    .await?;
    Ok(true)
}

pub(super) async fn in_state(
    connection: &mut SqliteConnection,
    state: EventState,
    limit: u32,
) -> Op<Vec<InboxRow>> {
    let rows = sqlx::query("SELECT * FROM inbox WHERE state = ?1 ORDER BY id DESC LIMIT ?2")
        .bind(state.as_str())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}
