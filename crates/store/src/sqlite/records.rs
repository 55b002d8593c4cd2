//! Records that a back-fill read, the events that a person has made of them, and the events of a contact.

use canopy_mapping::Source;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::{Fault, Op};
use super::fence::Held;
use super::inbox;
use super::polls;
use super::row::{Reader, micros};
use crate::types::{
    EventState, Fired, InboxRow, Inserted, NewEvent, NewRecord, PollCommit, StoredRecord,
};

fn read(row: &SqliteRow) -> Op<StoredRecord> {
    let record: String = row.try_get("record")?;
    let row = Reader::new(row, "records", &record);
    Ok(StoredRecord {
        location: row.text("location")?,
        kind: row.text("kind")?,
        contact: row.maybe_text("contact")?,
        payload: row.json("payload")?,
        version: row.maybe_instant("version")?,
        read_at: row.instant("read_at")?,
        record: record.clone(),
    })
}

/// The number of rows that are new or newer.
pub(super) async fn put(
    held: &mut Held<'_>,
    name: &str,
    state: &Value,
    records: &[NewRecord],
    now: Timestamp,
) -> Op<u64> {
    let mut written = 0;
    for record in records {
        let done = sqlx::query(
            "INSERT INTO records (location, kind, record, contact, payload, version, read_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (location, kind, record) DO UPDATE SET
                 contact = excluded.contact, payload = excluded.payload,
                 version = excluded.version, read_at = excluded.read_at
             WHERE version IS NULL OR excluded.version >= version",
        )
        .bind(&held.fence.location)
        .bind(&record.kind)
        .bind(&record.record)
        .bind(&record.contact)
        .bind(record.payload.to_string())
        .bind(record.version.map(micros))
        .bind(micros(now))
        .execute(&mut *held.connection)
        .await?;
        written += done.rows_affected();
    }
    let commit = PollCommit {
        name: name.to_owned(),
        state: state.clone(),
        ..PollCommit::default()
    };
    polls::commit(held, &commit, now).await?;
    Ok(written)
}

pub(super) async fn page(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
    after: &str,
    limit: u32,
) -> Op<Vec<StoredRecord>> {
    let rows = sqlx::query(
        "SELECT * FROM records WHERE location = ?1 AND kind = ?2 AND record > ?3 ORDER BY record LIMIT ?4",
    )
    .bind(location)
    .bind(kind)
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn of_contact(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
) -> Op<Vec<StoredRecord>> {
    let rows = sqlx::query(
        "SELECT * FROM records WHERE location = ?1 AND contact = ?2 ORDER BY kind, record",
    )
    .bind(location)
    .bind(contact)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn count(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
) -> Op<u64> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM records WHERE location = ?1 AND kind = ?2")
            .bind(location)
            .bind(kind)
            .fetch_one(connection)
            .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

pub(super) async fn events_after(
    connection: &mut SqliteConnection,
    id: i64,
    limit: u32,
) -> Op<Vec<InboxRow>> {
    let rows = sqlx::query("SELECT * FROM inbox WHERE id > ?1 ORDER BY id LIMIT ?2")
        .bind(id)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(inbox::read).collect()
}

/// A person's word replaces the event's source: only the workflows that the person named start on it. What waits
/// still, for a run or for approval, is left as it is.
pub(super) async fn fire(held: &mut Held<'_>, events: &[NewEvent], now: Timestamp) -> Op<Fired> {
    let mut fired = Fired::default();
    for event in events {
        if event.location != held.location() {
            return Err(Fault::conflict(format!(
                "an event of location {} was fired in location {}",
                event.location,
                held.location()
            )));
        }
        let epoch = held.fence.epoch;
        let inserted =
            inbox::insert(held.connection, epoch, std::slice::from_ref(event), now).await?;
        let (id, new) = match inserted.first() {
            Some(Inserted::Stored(id)) => (*id, true),
            Some(Inserted::Duplicate(id)) => (*id, false),
            None => continue,
        };
        let row = inbox::own_event(held, id).await?;
        if !new && !matches!(row.state, EventState::Started | EventState::NoMatch) {
            fired.left += 1;
            continue;
        }
        let mut found_by = row.event.trace.found_by;
        for mark in &event.trace.found_by {
            if !found_by.contains(mark) {
                found_by.push(mark.clone());
            }
        }
        sqlx::query(
            "UPDATE inbox SET source = ?2, found_by = ?3, state = 'pending', approved = 1, error = NULL,
                    next_attempt_at = NULL, epoch = ?4, updated_at = ?5
             WHERE id = ?1",
        )
        .bind(id)
        .bind(event.source.as_str())
        .bind(json!(found_by).to_string())
        .bind(epoch)
        .bind(micros(now))
        .execute(&mut *held.connection)
        .await?;
        fired.pending += 1;
    }
    Ok(fired)
}

pub(super) async fn run_of(
    connection: &mut SqliteConnection,
    event: &NewEvent,
    workflow: &str,
) -> Op<Option<i64>> {
    let Some(version) = &event.version else {
        return Ok(None);
    };
    let of = (&*event.location, &*event.kind, &*event.record);
    let Some(id) = inbox::find_change(connection, of.0, of.1, of.2, version).await? else {
        return Ok(None);
    };
    let run = sqlx::query_scalar("SELECT id FROM runs WHERE event = ?1 AND workflow = ?2")
        .bind(id)
        .bind(workflow)
        .fetch_optional(connection)
        .await?;
    Ok(run)
}

/// What a person fired for one workflow now arrives by itself: the other workflows see it, too.
pub(super) async fn take_over(
    connection: &mut SqliteConnection,
    id: i64,
    source: Source,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "UPDATE inbox SET source = ?2, updated_at = ?3,
                state = CASE WHEN state IN ('started', 'no_match') THEN 'pending' ELSE state END
         WHERE id = ?1 AND source = 'manual'",
    )
    .bind(id)
    .bind(source.as_str())
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn locations_of_contact(
    connection: &mut SqliteConnection,
    contact: &str,
) -> Op<Vec<String>> {
    let query = "SELECT DISTINCT location FROM inbox WHERE contact = ?1 ORDER BY location";
    Ok(sqlx::query_scalar(query)
        .bind(contact)
        .fetch_all(connection)
        .await?)
}

pub(super) async fn events_of_contact(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
    limit: u32,
) -> Op<Vec<InboxRow>> {
    let rows = sqlx::query(
        "SELECT * FROM inbox WHERE location = ?1 AND contact = ?2 ORDER BY id DESC LIMIT ?3",
    )
    .bind(location)
    .bind(contact)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(inbox::read).collect()
}
