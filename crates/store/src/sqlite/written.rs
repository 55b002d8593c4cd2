//! Who wrote what last.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::fault::Op;
use super::fence::Held;
use super::row::micros;
use crate::types::Written;

pub(super) async fn put(
    held: &mut Held<'_>,
    run: i64,
    written: &Written,
    now: Timestamp,
) -> Op<()> {
    for part in &written.parts {
        sqlx::query(
            "INSERT INTO written (location, target, part, contact, position, run, epoch, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (location, target, part) DO UPDATE SET
                 contact = excluded.contact, position = excluded.position, run = excluded.run,
                 epoch = excluded.epoch, updated_at = excluded.updated_at
             WHERE (excluded.position, excluded.run) >= (position, run)",
        )
        .bind(&held.fence.location)
        .bind(&written.target)
        .bind(part)
        .bind(&written.contact)
        .bind(written.position)
        .bind(run)
        .bind(held.fence.epoch)
        .bind(micros(now))
        .execute(&mut *held.connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn newer(
    connection: &mut SqliteConnection,
    location: &str,
    target: &str,
    position: i64,
    run: i64,
) -> Op<Vec<(String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT part, run FROM written
         WHERE location = ?1 AND target = ?2 AND (position, run) > (?3, ?4) ORDER BY part",
    )
    .bind(location)
    .bind(target)
    .bind(position)
    .bind(run)
    .fetch_all(connection)
    .await?)
}

pub(super) async fn position(connection: &mut SqliteConnection, location: &str) -> Op<i64> {
    let query = "SELECT coalesce(max(position), 0) FROM inbox WHERE location = ?1";
    Ok(sqlx::query_scalar(query)
        .bind(location)
        .fetch_one(connection)
        .await?)
}
