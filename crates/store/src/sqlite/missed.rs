//! What webhooks missed and polls found.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::row::{Reader, micros};
use crate::types::Missed;

/// A webhook may come this much later than the poll that found the same change.
const GRACE: SignedDuration = SignedDuration::from_mins(15);

/// Notes that a webhook told an event too.
pub(super) async fn seen(connection: &mut SqliteConnection, event: i64, now: Timestamp) -> Op<()> {
    sqlx::query("INSERT INTO webhook_seen (event, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .bind(event)
        .bind(micros(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// A webhook may not say whose record it is, and cannot be read then; the poll that finds the record knows.
pub(super) async fn add_contact(
    connection: &mut SqliteConnection,
    id: i64,
    contact: &str,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "UPDATE inbox SET contact = ?2, next_attempt_at = NULL, error = NULL, updated_at = ?3
         WHERE id = ?1 AND contact IS NULL AND state = 'pending'",
    )
    .bind(id)
    .bind(contact)
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts from the first webhook of a location on: before it, none could be missed. Updates that nobody waits for are
/// never read and so have no version; a webhook about the same record around that time counts as theirs.
pub(super) async fn missed(
    connection: &mut SqliteConnection,
    since: Timestamp,
    now: Timestamp,
) -> Op<Vec<Missed>> {
    let rows = sqlx::query(
        "WITH begun AS (
             SELECT location, min(received_at) AS at FROM inbox
             WHERE source = 'webhook' AND kind NOT LIKE 'hook.%' GROUP BY location
         ), told AS (
             SELECT i.location, i.kind,
                    i.source = 'webhook'
                    OR EXISTS (SELECT 1 FROM webhook_seen s WHERE s.event = i.id)
                    OR EXISTS (SELECT 1 FROM inbox w
                               WHERE w.source = 'webhook' AND w.location = i.location AND w.kind = i.kind
                                 AND w.record = i.record
                                 AND w.received_at BETWEEN i.occurred_at - ?3 AND i.received_at + ?3) AS by_webhook
             FROM inbox i JOIN begun b ON b.location = i.location
             WHERE i.source IN ('webhook', 'poll') AND i.state <> 'duplicate' AND i.kind NOT LIKE 'hook.%'
               AND i.received_at BETWEEN ?1 AND ?2 - ?3
               AND (i.source = 'webhook' OR i.occurred_at >= b.at)
         )
         SELECT location, kind, count(*) AS events, sum(NOT by_webhook) AS missed
         FROM told GROUP BY location, kind ORDER BY location, kind",
    )
    .bind(micros(since))
    .bind(micros(now))
    .bind(i64::try_from(GRACE.as_micros()).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let kind: String = row.try_get("kind")?;
            let row = Reader::new(row, "inbox", &kind);
            Ok(Missed {
                location: row.text("location")?,
                events: row.narrow("events")?,
                missed: row.narrow("missed")?,
                kind,
            })
        })
        .collect()
}
