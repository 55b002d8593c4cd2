//! Alerts: what a person should know, once for each subject.

use jiff::Timestamp;
use sqlx::SqliteConnection;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::fault::Op;
use super::row::{Reader, micros};
use crate::types::{Alert, NewAlert};

fn read(row: &SqliteRow) -> Op<Alert> {
    let id: i64 = row.try_get("id")?;
    let row = Reader::new(row, "alerts", id);
    Ok(Alert {
        id,
        location: row.text("location")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        message: row.text("message")?,
        raised_at: row.instant("raised_at")?,
        updated_at: row.instant("updated_at")?,
        times: row.narrow("times")?,
        resolved_at: row.maybe_instant("resolved_at")?,
    })
}

/// `true`: it is new.
pub(super) async fn raise(
    connection: &mut SqliteConnection,
    alert: &NewAlert,
    now: Timestamp,
) -> Op<bool> {
    let times: i64 = sqlx::query_scalar(
        "INSERT INTO alerts (location, kind, subject, message, raised_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (location, kind, subject) WHERE resolved_at IS NULL DO UPDATE SET
             message = excluded.message, updated_at = excluded.updated_at, times = times + 1
         RETURNING times",
    )
    .bind(&alert.location)
    .bind(&alert.kind)
    .bind(&alert.subject)
    .bind(&alert.message)
    .bind(micros(now))
    .fetch_one(connection)
    .await?;
    Ok(times == 1)
}

/// Raises an alert that is not counted up where it is open.
pub(super) async fn open(
    connection: &mut SqliteConnection,
    alert: &NewAlert,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "INSERT INTO alerts (location, kind, subject, message, raised_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (location, kind, subject) WHERE resolved_at IS NULL DO NOTHING",
    )
    .bind(&alert.location)
    .bind(&alert.kind)
    .bind(&alert.subject)
    .bind(&alert.message)
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// `true`: there was one. With `before`, only one that was not raised since.
pub(super) async fn resolve(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
    subject: &str,
    before: Option<Timestamp>,
    now: Timestamp,
) -> Op<bool> {
    let resolved = sqlx::query(
        "UPDATE alerts SET resolved_at = ?4, updated_at = ?4
         WHERE location = ?1 AND kind = ?2 AND subject = ?3 AND resolved_at IS NULL
               AND (?5 IS NULL OR updated_at < ?5)",
    )
    .bind(location)
    .bind(kind)
    .bind(subject)
    .bind(micros(now))
    .bind(before.map(micros))
    .execute(connection)
    .await?;
    Ok(resolved.rows_affected() > 0)
}

pub(super) async fn list(
    connection: &mut SqliteConnection,
    open_only: bool,
    limit: u32,
) -> Op<Vec<Alert>> {
    let rows = sqlx::query(
        "SELECT * FROM alerts WHERE ?1 = 0 OR resolved_at IS NULL ORDER BY id DESC LIMIT ?2",
    )
    .bind(open_only)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}
