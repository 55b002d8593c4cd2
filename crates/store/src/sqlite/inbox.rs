//! The inbox.

use canopy_mapping::{Event, Source, Trace};
use jiff::Timestamp;
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::{Fault, Op};
use super::fence::Held;
use super::missed;
use super::row::{Reader, micros};
use crate::types::{Completion, EventEnd, EventState, InboxRow, Inserted, NewEvent, Version};

pub(super) fn read(row: &SqliteRow) -> Op<InboxRow> {
    let id: i64 = row.try_get("id")?;
    let row = Reader::new(row, "inbox", id);
    Ok(InboxRow {
        event: Event {
            id,
            source: row.word("source")?,
            kind: row.text("kind")?,
            location: row.text("location")?,
            contact: row.maybe_text("contact")?,
            record: row.text("record")?,
            occurred_at: row.instant("occurred_at")?,
            version: row.maybe_text("version")?,
            payload: row.json("payload")?,
            trace: Trace {
                found_by: row.json("found_by")?,
                cause: row.maybe_number("cause")?,
                depth: row.narrow("depth")?,
                made_at: row.maybe_instant("made_at")?,
            },
        },
        state: row.word("state")?,
        approved: row.number("approved")? != 0,
        received_at: row.instant("received_at")?,
        attempts: row.narrow("attempts")?,
        next_attempt_at: row.maybe_instant("next_attempt_at")?,
        error: row.maybe_text("error")?,
        missing_since: row.maybe_instant("missing_since")?,
        missing: row.maybe_text("missing")?,
        looked_at: row.maybe_instant("looked_at")?,
        seen: row.maybe_json("seen")?,
        position: row.number("position")?,
    })
}

/// Inserts events; `epoch` is 0 where no lease was needed.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    epoch: i64,
    events: &[NewEvent],
    now: Timestamp,
) -> Op<Vec<Inserted>> {
    let mut inserted = Vec::with_capacity(events.len());
    for event in events {
        inserted.push(insert_one(connection, epoch, event, now).await?);
    }
    Ok(inserted)
}

async fn insert_one(
    connection: &mut SqliteConnection,
    epoch: i64,
    event: &NewEvent,
    now: Timestamp,
) -> Op<Inserted> {
    let stored: Option<i64> = sqlx::query_scalar(
        "INSERT INTO inbox (location, epoch, source, kind, contact, record, occurred_at, version, delivery, payload,
                            found_by, cause, depth, state, received_at, updated_at, made_at, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'pending', ?14, ?14, ?15,
                 (SELECT coalesce(max(position), 0) + 1 FROM inbox WHERE location = ?1))
         ON CONFLICT DO NOTHING
         RETURNING id",
    )
    .bind(&event.location)
    .bind(epoch)
    .bind(event.source.as_str())
    .bind(&event.kind)
    .bind(&event.contact)
    .bind(&event.record)
    .bind(micros(event.occurred_at))
    .bind(&event.version)
    .bind(&event.delivery)
    .bind(event.payload.to_string())
    .bind(json!(event.trace.found_by).to_string())
    .bind(event.trace.cause)
    .bind(event.trace.depth)
    .bind(micros(now))
    .bind(event.trace.made_at.map(micros))
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(id) = stored {
        return Ok(Inserted::Stored(id));
    }
    let existing: Option<i64> = match (&event.version, &event.delivery) {
        (Some(version), _) => same_change(connection, event, version).await?,
        (None, Some(delivery)) => {
            sqlx::query_scalar(
                "SELECT id FROM inbox
                 WHERE location = ?1 AND delivery = ?2 AND version IS NULL AND state = 'pending'",
            )
            .bind(&event.location)
            .bind(delivery)
            .fetch_optional(&mut *connection)
            .await?
        }
        (None, None) => None,
    };
    let Some(existing) = existing else {
        return Err(Fault::conflict("an event contradicts what is stored"));
    };
    if event.source != Source::Manual {
        super::records::take_over(connection, existing, event.source, now).await?;
        add_polls(connection, existing, &event.trace.found_by, false, now).await?;
    }
    if let Some(contact) = &event.contact {
        missed::add_contact(connection, existing, contact, now).await?;
    }
    if event.source == Source::Webhook {
        missed::seen(connection, existing, now).await?;
    }
    Ok(Inserted::Duplicate(existing))
}

/// Notes that further polls found an event. Workflows may wait for just these, so it is taken in once more; what it
/// started already stays. Our own writes stay echoes, and what a person was asked about still waits. `asked`: a trigger
/// asked for what was there before. Then an event that was settled long ago is taken in as asked for, so that it starts
/// nothing else that waits for its kind today.
pub(super) async fn add_polls(
    connection: &mut SqliteConnection,
    id: i64,
    polls: &[String],
    asked: bool,
    now: Timestamp,
) -> Op<()> {
    if polls.is_empty() {
        return Ok(());
    }
    let Some(row) = event(connection, id).await? else {
        return Ok(());
    };
    let mut found_by = row.event.trace.found_by;
    let known = found_by.len();
    for poll in polls {
        if !found_by.contains(poll) {
            found_by.push(poll.clone());
        }
    }
    if found_by.len() == known {
        return Ok(());
    }
    let source = row.event.source;
    let (state, source) = match row.state {
        EventState::Started | EventState::NoMatch if asked => (EventState::Pending, Source::Manual),
        EventState::Started | EventState::NoMatch => (EventState::Pending, source),
        other => (other, source),
    };
    let query =
        "UPDATE inbox SET found_by = ?2, state = ?3, source = ?4, updated_at = ?5 WHERE id = ?1";
    sqlx::query(query)
        .bind(id)
        .bind(json!(found_by).to_string())
        .bind(state.as_str())
        .bind(source.as_str())
        .bind(micros(now))
        .execute(connection)
        .await?;
    Ok(())
}

async fn same_change(
    connection: &mut SqliteConnection,
    event: &NewEvent,
    version: &str,
) -> Op<Option<i64>> {
    find_change(
        connection,
        &event.location,
        &event.kind,
        &event.record,
        version,
    )
    .await
}

pub(super) async fn find_change(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
    record: &str,
    version: &str,
) -> Op<Option<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM inbox
         WHERE location = ?1 AND kind = ?2 AND record = ?3 AND version = ?4 AND state <> 'duplicate'",
    )
    .bind(location)
    .bind(kind)
    .bind(record)
    .bind(version)
    .fetch_optional(connection)
    .await?)
}

pub(super) async fn pending(
    connection: &mut SqliteConnection,
    location: &str,
    now: Timestamp,
    after: i64,
    limit: u32,
) -> Op<Vec<InboxRow>> {
    let rows = sqlx::query(
        "SELECT * FROM inbox
         WHERE location = ?1 AND state = 'pending' AND (next_attempt_at IS NULL OR next_attempt_at <= ?2) AND id > ?4
         ORDER BY id LIMIT ?3",
    )
    .bind(location)
    .bind(micros(now))
    .bind(limit)
    .bind(after)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn event(connection: &mut SqliteConnection, id: i64) -> Op<Option<InboxRow>> {
    let row = sqlx::query("SELECT * FROM inbox WHERE id = ?1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn recent(connection: &mut SqliteConnection, limit: u32) -> Op<Vec<InboxRow>> {
    let rows = sqlx::query("SELECT * FROM inbox ORDER BY id DESC LIMIT ?1")
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn records(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
) -> Op<Vec<String>> {
    let query = "SELECT DISTINCT record FROM inbox WHERE location = ?1 AND kind = ?2";
    let rows = sqlx::query_scalar(query).bind(location).bind(kind);
    Ok(rows.fetch_all(connection).await?)
}

/// The event, which must be of the fence's location.
pub(super) async fn own_event(held: &mut Held<'_>, id: i64) -> Op<InboxRow> {
    match event(held.connection, id).await? {
        Some(row) if row.event.location == held.location() => Ok(row),
        _ => Err(held.no_such("event", id)),
    }
}

pub(super) async fn pending_event(held: &mut Held<'_>, id: i64) -> Op<InboxRow> {
    let row = own_event(held, id).await?;
    if row.state == EventState::Pending {
        return Ok(row);
    }
    Err(Fault::conflict(format!(
        "event {id} is no longer pending, it is {}",
        row.state
    )))
}

pub(super) async fn complete(
    held: &mut Held<'_>,
    id: i64,
    completion: Completion,
    now: Timestamp,
) -> Op<Inserted> {
    let mut event = pending_event(held, id).await?.event;
    if let Some(kind) = completion.kind {
        event.kind = kind;
    }
    if let Some(record) = completion.record {
        event.record = record;
    }
    let (version, twin) = match completion.version {
        Version::Own(version) => {
            let twin = find_change(
                held.connection,
                &event.location,
                &event.kind,
                &event.record,
                &version,
            )
            .await?;
            (version, twin.filter(|twin| *twin != id))
        }
        Version::Content(hash) => content(held, &event, &hash, now).await?,
    };
    let state = if twin.is_some() {
        EventState::Duplicate
    } else {
        EventState::Pending
    };
    sqlx::query(
        "UPDATE inbox SET version = ?2, payload = ?3, contact = coalesce(?4, contact), state = ?5,
                next_attempt_at = NULL, error = NULL, missing_since = NULL, missing = NULL, epoch = ?6, updated_at = ?7, kind = ?8,
                record = ?9, position = CASE WHEN ?10
                    THEN (SELECT max(position) + 1 FROM inbox WHERE location = ?11) ELSE position END
         WHERE id = ?1",
    )
    .bind(id)
    .bind(&version)
    .bind(completion.payload.to_string())
    .bind(&completion.contact)
    .bind(state.as_str())
    .bind(held.fence.epoch)
    .bind(micros(now))
    .bind(&event.kind)
    .bind(&event.record)
    .bind(completion.read)
    .bind(&event.location)
    .execute(&mut *held.connection)
    .await?;
    if let Some(hash) = &completion.seen {
        super::seen::put(held, &event.record, hash, now).await?;
    }
    let Some(twin) = twin else {
        return Ok(Inserted::Stored(id));
    };
    let asked = event.source == Source::Manual;
    add_polls(held.connection, twin, &event.trace.found_by, asked, now).await?;
    if event.source == Source::Webhook {
        missed::seen(held.connection, twin, now).await?;
    }
    Ok(Inserted::Duplicate(twin))
}

/// The version of a record that has none of its own, and the other event that told the same content last.
async fn content(
    held: &mut Held<'_>,
    event: &Event,
    hash: &str,
    now: Timestamp,
) -> Op<(String, Option<i64>)> {
    let last: Option<(String, i64, i64)> = sqlx::query_as(
        "SELECT hash, number, event FROM contents WHERE location = ?1 AND kind = ?2 AND record = ?3",
    )
    .bind(&event.location)
    .bind(&event.kind)
    .bind(&event.record)
    .fetch_optional(&mut *held.connection)
    .await?;
    let version = |number: i64| format!("{number}:{hash}");
    let number = match last {
        Some((last, number, teller)) if last == hash => {
            return Ok((
                version(number),
                Some(teller).filter(|teller| *teller != event.id),
            ));
        }
        Some((_, number, _)) => number + 1,
        None => 1,
    };
    sqlx::query(
        "INSERT INTO contents (location, kind, record, hash, number, event, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (location, kind, record) DO UPDATE SET
             hash = excluded.hash, number = excluded.number, event = excluded.event, updated_at = excluded.updated_at",
    )
    .bind(&event.location)
    .bind(&event.kind)
    .bind(&event.record)
    .bind(hash)
    .bind(number)
    .bind(event.id)
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    Ok((version(number), None))
}

pub(super) async fn settle(held: &mut Held<'_>, id: i64, end: EventEnd, now: Timestamp) -> Op<()> {
    let end = EventState::from(end);
    let row = own_event(held, id).await?;
    if row.state == end {
        return Ok(());
    }
    if row.state != EventState::Pending {
        return Err(Fault::conflict(format!(
            "event {id} is {} and cannot become {end}",
            row.state
        )));
    }
    set_state(held, id, end, now).await
}

/// Moves on from pending; nothing is left to be tried again.
pub(super) async fn set_state(
    held: &mut Held<'_>,
    id: i64,
    state: EventState,
    now: Timestamp,
) -> Op<()> {
    sqlx::query("UPDATE inbox SET state = ?2, next_attempt_at = NULL, epoch = ?3, updated_at = ?4 WHERE id = ?1")
        .bind(id)
        .bind(state.as_str())
        .bind(held.fence.epoch)
        .bind(micros(now))
        .execute(&mut *held.connection)
        .await?;
    Ok(())
}
