//! Notes, tasks and tags of profiles, what they were before, and the removal of a person's data.

use canopy_mapping::{ProfileNote, ProfileTask};
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::fault::{Fault, Op};
use super::row::{Reader, micros};
use super::{inbox, profiles, written};
use crate::profile_types::{Erased, HistoryEntry, ProfileChange};
use crate::types::{Fence, NewEvent, ProfileUpdate};

/// Where a row belongs, and what wrote it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub location: &'a str,
    /// 0: a person, who needs no lease.
    pub epoch: i64,
    pub run: Option<i64>,
}

impl<'a> Place<'a> {
    pub(super) fn of(fence: &'a Fence, run: Option<i64>) -> Self {
        Self {
            location: &fence.location,
            epoch: fence.epoch,
            run,
        }
    }
}

/// A person's change of a profile.
pub(super) async fn edit(
    connection: &mut SqliteConnection,
    location: &str,
    profile: Option<&ProfileUpdate>,
    changes: &[ProfileChange],
    events: &[NewEvent],
    now: Timestamp,
) -> Op<()> {
    let place = Place {
        location,
        epoch: 0,
        run: None,
    };
    if let Some(profile) = profile {
        profiles::merge(connection, place, profile, now).await?;
    }
    write(connection, place, changes, events, now).await?;
    written::by_person(connection, location, profile, changes, now).await
}

/// Writes the changes, their history, and the events that tell of them.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    place: Place<'_>,
    changes: &[ProfileChange],
    events: &[NewEvent],
    now: Timestamp,
) -> Op<()> {
    for change in changes {
        write_one(connection, place, change, now).await?;
    }
    if let Some(stranger) = events.iter().find(|event| event.location != place.location) {
        return Err(Fault::conflict(format!(
            "a step at location {} tells of an event at location {}",
            place.location, stranger.location
        )));
    }
    inbox::insert(connection, place.epoch, events, now).await?;
    Ok(())
}

async fn write_one(
    connection: &mut SqliteConnection,
    place: Place<'_>,
    change: &ProfileChange,
    now: Timestamp,
) -> Op<()> {
    match change {
        ProfileChange::Note {
            id,
            contact,
            highlevel_id,
            body,
        } => {
            sqlx::query(
                "INSERT INTO profile_notes (location, id, contact, epoch, highlevel_id, body, run, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                 ON CONFLICT (location, id) DO UPDATE SET
                     epoch = excluded.epoch, highlevel_id = coalesce(excluded.highlevel_id, highlevel_id),
                     body = excluded.body, run = excluded.run, updated_at = excluded.updated_at",
            )
            .bind(place.location)
            .bind(id)
            .bind(contact)
            .bind(place.epoch)
            .bind(highlevel_id)
            .bind(body)
            .bind(place.run)
            .bind(micros(now))
            .execute(&mut *connection)
            .await?;
            let state = json!({ "body": body });
            remember(connection, place, contact, ("note", id), &state, now).await
        }
        ProfileChange::Task {
            id,
            contact,
            highlevel_id,
            title,
            progress,
            completed,
        } => {
            sqlx::query(
                "INSERT INTO profile_tasks (location, id, contact, epoch, highlevel_id, title, progress, completed,
                                            run, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)
                 ON CONFLICT (location, id) DO UPDATE SET
                     epoch = excluded.epoch, highlevel_id = coalesce(excluded.highlevel_id, highlevel_id),
                     title = excluded.title, progress = excluded.progress, completed = excluded.completed,
                     run = excluded.run, updated_at = excluded.updated_at",
            )
            .bind(place.location)
            .bind(id)
            .bind(contact)
            .bind(place.epoch)
            .bind(highlevel_id)
            .bind(title)
            .bind(progress)
            .bind(completed)
            .bind(place.run)
            .bind(micros(now))
            .execute(&mut *connection)
            .await?;
            let state = json!({ "title": title, "progress": progress, "completed": completed });
            remember(connection, place, contact, ("task", id), &state, now).await
        }
        ProfileChange::Tag {
            contact,
            tag,
            present,
        } => write_tag(connection, place, (contact, tag), *present, now).await,
        ProfileChange::Synced { contact, fields } => {
            profiles::agree(connection, place, contact, fields).await
        }
        ProfileChange::Linked { id, highlevel_id } => {
            write_counterpart(connection, place, id, highlevel_id).await
        }
    }
}

async fn write_tag(
    connection: &mut SqliteConnection,
    place: Place<'_>,
    (contact, tag): (&str, &str),
    present: bool,
    now: Timestamp,
) -> Op<()> {
    let written = if present {
        sqlx::query(
            "INSERT INTO profile_tags (location, contact, tag, epoch, run, added_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )
        .bind(place.location)
        .bind(contact)
        .bind(tag)
        .bind(place.epoch)
        .bind(place.run)
        .bind(micros(now))
        .execute(&mut *connection)
        .await?
    } else {
        sqlx::query("DELETE FROM profile_tags WHERE location = ?1 AND contact = ?2 AND tag = ?3")
            .bind(place.location)
            .bind(contact)
            .bind(tag)
            .execute(&mut *connection)
            .await?
    };
    if written.rows_affected() == 0 {
        return Ok(());
    }
    let state = json!({ "present": present });
    remember(connection, place, contact, ("tag", tag), &state, now).await
}

async fn write_counterpart(
    connection: &mut SqliteConnection,
    place: Place<'_>,
    id: &str,
    highlevel_id: &str,
) -> Op<()> {
    for sql in [
        "UPDATE profile_notes SET highlevel_id = ?3, epoch = ?4 WHERE location = ?1 AND id = ?2",
        "UPDATE profile_tasks SET highlevel_id = ?3, epoch = ?4 WHERE location = ?1 AND id = ?2",
    ] {
        sqlx::query(sql)
            .bind(place.location)
            .bind(id)
            .bind(highlevel_id)
            .bind(place.epoch)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn remember(
    connection: &mut SqliteConnection,
    place: Place<'_>,
    contact: &str,
    (kind, record): (&str, &str),
    state: &Value,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "INSERT INTO profile_history (location, contact, epoch, kind, record, state, run, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(place.location)
    .bind(contact)
    .bind(place.epoch)
    .bind(kind)
    .bind(record)
    .bind(state.to_string())
    .bind(place.run)
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Oldest first.
pub(super) async fn notes(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
) -> Op<Vec<ProfileNote>> {
    let rows = sqlx::query(
        "SELECT * FROM profile_notes WHERE location = ?1 AND contact = ?2 ORDER BY created_at, rowid",
    )
    .bind(location)
    .bind(contact)
    .fetch_all(connection)
    .await?;
    let read = |row| {
        let id = Reader::new(row, "profile_notes", contact).text("id")?;
        let row = Reader::new(row, "profile_notes", &id);
        Ok(ProfileNote {
            contact: row.text("contact")?,
            highlevel_id: row.maybe_text("highlevel_id")?,
            body: row.text("body")?,
            run: row.maybe_number("run")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
            id: row.text("id")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Oldest first.
pub(super) async fn tasks(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
) -> Op<Vec<ProfileTask>> {
    let rows = sqlx::query(
        "SELECT * FROM profile_tasks WHERE location = ?1 AND contact = ?2 ORDER BY created_at, rowid",
    )
    .bind(location)
    .bind(contact)
    .fetch_all(connection)
    .await?;
    let read = |row| {
        let id = Reader::new(row, "profile_tasks", contact).text("id")?;
        let row = Reader::new(row, "profile_tasks", &id);
        Ok(ProfileTask {
            contact: row.text("contact")?,
            highlevel_id: row.maybe_text("highlevel_id")?,
            title: row.text("title")?,
            progress: row.narrow("progress")?,
            completed: row.flag("completed")?,
            run: row.maybe_number("run")?,
            created_at: row.instant("created_at")?,
            updated_at: row.instant("updated_at")?,
            id: row.text("id")?,
        })
    };
    rows.iter().map(read).collect()
}

/// In alphabetical order.
pub(super) async fn tags(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
) -> Op<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT tag FROM profile_tags WHERE location = ?1 AND contact = ?2 ORDER BY tag",
    )
    .bind(location)
    .bind(contact)
    .fetch_all(connection)
    .await?)
}

/// Newest first.
pub(super) async fn history(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
    limit: u32,
) -> Op<Vec<HistoryEntry>> {
    let rows = sqlx::query(
        "SELECT * FROM profile_history WHERE location = ?1 AND contact = ?2 ORDER BY seq DESC LIMIT ?3",
    )
    .bind(location)
    .bind(contact)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let read = |row| {
        let row = Reader::new(row, "profile_history", contact);
        Ok(HistoryEntry {
            seq: row.number("seq")?,
            kind: row.text("kind")?,
            record: row.text("record")?,
            state: row.json("state")?,
            run: row.maybe_number("run")?,
            at: row.instant("at")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Statements that take a contact's personal data away; their parameters are location and contact.
const PROFILE: &str = "DELETE FROM profiles WHERE location = ?1 AND contact = ?2";
const RECORDS: &[&str] = &[
    "DELETE FROM profile_notes WHERE location = ?1 AND contact = ?2",
    "DELETE FROM profile_tasks WHERE location = ?1 AND contact = ?2",
    "DELETE FROM profile_tags WHERE location = ?1 AND contact = ?2",
    "DELETE FROM profile_history WHERE location = ?1 AND contact = ?2",
    "DELETE FROM records WHERE location = ?1 AND contact = ?2",
    "DELETE FROM seen_contents WHERE location = ?1 AND record = ?2",
    "DELETE FROM written WHERE location = ?1 AND contact = ?2",
];
const EVENTS: &str =
    "UPDATE inbox SET payload = '{}', delivery = NULL, error = NULL, missing_since = NULL, missing = NULL,
         next_attempt_at = NULL, seen = NULL,
         state = CASE WHEN state IN ('pending', 'held') THEN 'gone' ELSE state END
     WHERE location IN (?1, 'unknown') AND contact = ?2";
const STEPS: &str = "UPDATE steps SET request = 'null', output = NULL, error = NULL, intends = NULL
     WHERE location = ?1 AND run IN (SELECT id FROM runs WHERE location = ?1 AND contact = ?2)";
/// Done and not dead: nobody shall let a run of somebody who is gone go on, and buy.
const RUNS: &str = "UPDATE runs SET next_attempt_at = NULL,
         error = CASE WHEN state = 'done' THEN NULL ELSE 'the contact was erased' END,
         state = 'done'
     WHERE location = ?1 AND contact = ?2";
const PURCHASES: &str =
    "UPDATE purchases SET request = json_remove(request, '$.name', '$.recipientEmail'),
         response = json_remove(response, '$.name', '$.recipientEmail')
     WHERE location = ?1 AND contact = ?2";

/// Takes a contact's personal data away and leaves what the books need. Refused while a purchase is under way, because
/// it is repeated with the request that was sent first.
pub(super) async fn erase(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
) -> Op<Erased> {
    let open: Option<String> = sqlx::query_scalar(
        "SELECT key FROM purchases
         WHERE location = ?1 AND contact = ?2 AND state IN ('intended', 'sent', 'unknown') LIMIT 1",
    )
    .bind(location)
    .bind(contact)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(key) = open {
        return Err(Fault::conflict(format!(
            "purchase {key} of this contact is still open; let it come to its end, or settle it with `canopy purchase resolve`"
        )));
    }
    let mut run = async |sql: &'static str| -> Op<u64> {
        let done = sqlx::query(sql)
            .bind(location)
            .bind(contact)
            .execute(&mut *connection)
            .await?;
        Ok(done.rows_affected())
    };
    let mut erased = Erased {
        profiles: run(PROFILE).await?,
        ..Erased::default()
    };
    for sql in RECORDS {
        erased.records += run(sql).await?;
    }
    erased.events = run(EVENTS).await?;
    erased.steps = run(STEPS).await?;
    run(RUNS).await?;
    erased.purchases = run(PURCHASES).await?;
    Ok(erased)
}
