//! Polls: what they found, how far they have read, and what they last saw.

use canopy_mapping::Source;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::{Fault, Op};
use super::fence::Held;
use super::inbox;
use super::row::{Reader, micros};
use crate::types::{Cursor, Inserted, PollCommit, PollRecord};

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
        "INSERT INTO poll_records (location, poll, record, parent, version, number, facets, epoch, seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (location, poll, record) DO UPDATE SET
             parent = excluded.parent, version = excluded.version, number = excluded.number, facets = excluded.facets,
             epoch = excluded.epoch, seen_at = excluded.seen_at",
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
    .execute(&mut *held.connection)
    .await?;
    Ok(())
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
    row.map(|row| {
        let row = Reader::new(&row, "cursors", format_args!("{location} {name}"));
        Ok(Cursor {
            location: row.text("location")?,
            name: row.text("name")?,
            state: row.json("state")?,
            updated_at: row.instant("updated_at")?,
        })
    })
    .transpose()
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
