//! Polls: what they found, how far they have read, and what they last saw.

use canopy_mapping::Source;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::{Fault, Op};
use super::fence::Held;
use super::inbox;
use super::row::{Reader, micros};
use super::waiting;
use crate::types::{Cursor, Inserted, PollCommit, PollRecord, Told};

pub(super) async fn commit(
    held: &mut Held<'_>,
    commit: &PollCommit,
    now: Timestamp,
) -> Op<Vec<Inserted>> {
    if let Some(stranger) = commit
        .events
        .iter()
        .find(|event| event.location != held.location())
    {
        return Err(Fault::conflict(format!(
            "a poll of location {} found an event of location {}",
            held.location(),
            stranger.location
        )));
    }
    let inserted = inbox::insert(held.connection, held.fence.epoch, &commit.events, now).await?;
    for (event, inserted) in commit.events.iter().zip(&inserted) {
        // A webhook told it before the first poll was to report what is there.
        if let (Source::Manual, Inserted::Duplicate(id)) = (event.source, inserted) {
            let polls = &event.trace.found_by;
            inbox::add_polls(held.connection, *id, polls, true, now).await?;
        }
    }
    let shown = commit.events.iter().map(|event| &event.record);
    for record in shown.chain(commit.seen.iter().map(|seen| &seen.record)) {
        waiting::alive(held.connection, &held.fence.location, record, now).await?;
    }
    if !commit.shown.is_empty() {
        // Lists are long, and what is missed is hardly ever more than a few.
        let missing = waiting::missing(held.connection, &held.fence.location).await?;
        for record in missing.iter().filter(|one| commit.shown.contains(one)) {
            waiting::alive(held.connection, &held.fence.location, record, now).await?;
        }
    }
    for record in &commit.gone {
        sqlx::query("DELETE FROM poll_records WHERE location = ?1 AND poll = ?2 AND record = ?3")
            .bind(&held.fence.location)
            .bind(&commit.name)
            .bind(record)
            .execute(&mut *held.connection)
            .await?;
    }
    for (kind, record) in &commit.ended {
        sqlx::query(
            "UPDATE contents SET hash = '' WHERE location = ?1 AND kind = ?2 AND record = ?3",
        )
        .bind(&held.fence.location)
        .bind(kind)
        .bind(record)
        .execute(&mut *held.connection)
        .await?;
    }
    for record in &commit.seen {
        keep(held, &commit.name, record, now).await?;
    }
    sqlx::query(
        "INSERT INTO cursors (location, name, epoch, state, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (location, name) DO UPDATE SET
             epoch = excluded.epoch, state = excluded.state, updated_at = excluded.updated_at",
    )
    .bind(&held.fence.location)
    .bind(&commit.name)
    .bind(held.fence.epoch)
    .bind(commit.state.to_string())
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    Ok(inserted)
}

async fn keep(held: &mut Held<'_>, poll: &str, record: &PollRecord, now: Timestamp) -> Op<()> {
    sqlx::query(
        "INSERT INTO poll_records (location, poll, record, parent, version, number, facets, epoch, seen_at, missing)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (location, poll, record) DO UPDATE SET
             parent = excluded.parent, version = excluded.version, number = excluded.number, facets = excluded.facets,
             epoch = excluded.epoch, seen_at = excluded.seen_at, missing = excluded.missing",
    )
    .bind(&held.fence.location)
    .bind(poll)
    .bind(&record.record)
    .bind(&record.parent)
    .bind(&record.version)
    .bind(record.number)
    .bind(record.facets.to_string())
    .bind(held.fence.epoch)
    .bind(micros(now))
    .bind(record.missing)
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}

/// A poll goes on under another name. `false`: there is none of the former name, or the new one is taken.
pub(super) async fn rename(held: &mut Held<'_>, from: &str, to: &str) -> Op<bool> {
    let moved = sqlx::query(
        "UPDATE cursors SET name = ?3 WHERE location = ?1 AND name = ?2
         AND NOT EXISTS (SELECT 1 FROM cursors WHERE location = ?1 AND name = ?3)",
    )
    .bind(&held.fence.location)
    .bind(from)
    .bind(to)
    .execute(&mut *held.connection)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    // What an answer was is kept under the name of its poll.
    sqlx::query(
        "UPDATE OR REPLACE poll_records SET poll = ?3, record = CASE record WHEN ?2 THEN ?3 ELSE record END
         WHERE location = ?1 AND poll = ?2",
    )
    .bind(&held.fence.location)
    .bind(from)
    .bind(to)
    .execute(&mut *held.connection)
    .await?;
    Ok(true)
}

pub(super) async fn cursor(
    connection: &mut SqliteConnection,
    location: &str,
    name: &str,
) -> Op<Option<Cursor>> {
    let row = sqlx::query("SELECT * FROM cursors WHERE location = ?1 AND name = ?2")
        .bind(location)
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read_cursor).transpose()
}

pub(super) async fn cursors(connection: &mut SqliteConnection, location: &str) -> Op<Vec<Cursor>> {
    let rows = sqlx::query("SELECT * FROM cursors WHERE location = ?1 ORDER BY name")
        .bind(location)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read_cursor).collect()
}

fn read_cursor(row: &SqliteRow) -> Op<Cursor> {
    let name: String = row.try_get("name")?;
    let row = Reader::new(row, "cursors", &name);
    Ok(Cursor {
        location: row.text("location")?,
        state: row.json("state")?,
        updated_at: row.instant("updated_at")?,
        name: name.clone(),
    })
}

pub(super) async fn locations(connection: &mut SqliteConnection) -> Op<Vec<String>> {
    let query = "SELECT DISTINCT location FROM cursors ORDER BY location";
    Ok(sqlx::query_scalar(query).fetch_all(connection).await?)
}

fn read(row: &SqliteRow) -> Op<PollRecord> {
    let record: String = row.try_get("record")?;
    let row = Reader::new(row, "poll_records", &record);
    Ok(PollRecord {
        parent: row.text("parent")?,
        version: row.text("version")?,
        number: row.number("number")?,
        facets: row.json("facets")?,
        missing: row.narrow("missing")?,
        record,
    })
}

pub(super) async fn records(
    connection: &mut SqliteConnection,
    location: &str,
    poll: &str,
    parent: Option<&str>,
) -> Op<Vec<PollRecord>> {
    let rows = sqlx::query(
        "SELECT * FROM poll_records
         WHERE location = ?1 AND poll = ?2 AND (?3 IS NULL OR parent = ?3) ORDER BY record",
    )
    .bind(location)
    .bind(poll)
    .bind(parent)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn record(
    connection: &mut SqliteConnection,
    location: &str,
    poll: &str,
    record: &str,
) -> Op<Option<PollRecord>> {
    let row =
        sqlx::query("SELECT * FROM poll_records WHERE location = ?1 AND poll = ?2 AND record = ?3")
            .bind(location)
            .bind(poll)
            .bind(record)
            .fetch_optional(connection)
            .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn events_about(
    connection: &mut SqliteConnection,
    location: &str,
    word: &str,
    after: i64,
    limit: u32,
) -> Op<Vec<(i64, String, String)>> {
    Ok(sqlx::query_as(
        "SELECT id, record, kind FROM inbox
         WHERE location = ?1 AND id > ?2 AND substr(kind, 1, length(?3) + 1) = ?3 || '.'
         ORDER BY id LIMIT ?4",
    )
    .bind(location)
    .bind(after)
    .bind(word)
    .bind(limit)
    .fetch_all(connection)
    .await?)
}

pub(super) async fn told(
    connection: &mut SqliteConnection,
    location: &str,
    word: &str,
    records: &[String],
) -> Op<Vec<Told>> {
    let mut found = Vec::new();
    for record in records {
        let row = sqlx::query(
            "SELECT id, kind, version, payload, received_at FROM inbox
             WHERE location = ?1 AND record = ?2 AND substr(kind, 1, length(?3) + 1) = ?3 || '.'
               AND kind <> ?3 || '.deleted' AND state <> 'duplicate'
             ORDER BY id DESC LIMIT 1",
        )
        .bind(location)
        .bind(record)
        .bind(word)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = row {
            found.push(told_in(&row, record)?);
        }
    }
    Ok(found)
}

/// The last event of a kind about a record.
pub(super) async fn last_of_kind(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
    record: &str,
) -> Op<Option<Told>> {
    let row = sqlx::query(
        "SELECT id, kind, version, payload, received_at FROM inbox
         WHERE location = ?1 AND record = ?2 AND kind = ?3 AND state <> 'duplicate'
         ORDER BY id DESC LIMIT 1",
    )
    .bind(location)
    .bind(record)
    .bind(kind)
    .fetch_optional(connection)
    .await?;
    row.map(|row| told_in(&row, record)).transpose()
}

fn told_in(row: &SqliteRow, record: &str) -> Op<Told> {
    let id: i64 = row.try_get("id")?;
    let row = Reader::new(row, "inbox", id);
    Ok(Told {
        record: record.to_owned(),
        kind: row.text("kind")?,
        version: row.maybe_text("version")?,
        payload: row.json("payload")?,
        received_at: row.instant("received_at")?,
    })
}
