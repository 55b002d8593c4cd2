//! In which mode connections were when events came.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::fault::Op;
use super::ledger;
use crate::types::PurchaseState;

pub(super) async fn enter(
    connection: &mut SqliteConnection,
    location: &str,
    test: bool,
    now: Timestamp,
) -> Op<bool> {
    let last: Option<bool> = sqlx::query_scalar(
        "SELECT test FROM modes WHERE location = ?1 ORDER BY after DESC LIMIT 1",
    )
    .bind(location)
    .fetch_optional(&mut *connection)
    .await?;
    if last == Some(test) {
        return Ok(false);
    }
    // What came before the first of all has no other mode than this one.
    sqlx::query(
        "INSERT INTO modes (location, after, test)
         VALUES (?1, CASE WHEN ?3 THEN (SELECT coalesce(max(id), 0) FROM inbox) ELSE 0 END, ?2)
         ON CONFLICT (location, after) DO UPDATE SET test = excluded.test",
    )
    .bind(location)
    .bind(test)
    .bind(last.is_some())
    .execute(&mut *connection)
    .await?;
    if last == Some(true) {
        close_simulated(connection, location, now).await?;
    }
    Ok(last.is_some())
}

/// Nobody asks for the answers of simulated purchases any more, and nothing is owed for them.
async fn close_simulated(
    connection: &mut SqliteConnection,
    location: &str,
    now: Timestamp,
) -> Op<()> {
    let keys: Vec<String> = sqlx::query_scalar(
        "SELECT key FROM purchases WHERE location = ?1 AND test = 1 AND state IN ('intended', 'sent') ORDER BY id",
    )
    .bind(location)
    .fetch_all(&mut *connection)
    .await?;
    let entry = ledger::Entry {
        detail: Some("simulated in test mode and not answered; purchases are real now"),
        ..ledger::Entry::bare(PurchaseState::Refused)
    };
    for key in keys {
        ledger::record(connection, &key, 0, &entry, now).await?;
    }
    Ok(())
}

pub(super) async fn of_run(connection: &mut SqliteConnection, run: i64) -> Op<Option<bool>> {
    let test: Option<Option<bool>> = sqlx::query_scalar(
        "SELECT CASE r.real WHEN 1 THEN 0 ELSE (
             SELECT m.test FROM modes m WHERE m.location = r.location AND m.after < r.event ORDER BY m.after DESC LIMIT 1
         ) END
         FROM runs r WHERE r.id = ?1",
    )
    .bind(run)
    .fetch_optional(connection)
    .await?;
    Ok(test.flatten())
}
