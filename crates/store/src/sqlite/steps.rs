//! Steps: the intent and the outcome of each action of a run.

use jiff::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::fault::{Fault, Op};
use super::fence::Held;
use super::profile_records::{self, Place};
use super::row::{Reader, micros};
use super::{intends, profiles, runs, written};
use crate::types::{NewStep, StepOutcome, StepRecord, StepState};

fn read(row: &SqliteRow) -> Op<StepRecord> {
    let name = Reader::new(row, "steps", "?");
    let (run, step) = (name.number("run")?, name.text("step")?);
    let row = Reader::new(row, "steps", format_args!("{run} {step}"));
    Ok(StepRecord {
        run,
        step,
        key: row.text("key")?,
        action: row.text("action")?,
        state: if row.number("withheld")? == 1 {
            StepState::Withheld
        } else {
            row.word("state")?
        },
        request: row.json("request")?,
        output: row.maybe_json("output")?,
        error: row.maybe_text("error")?,
        attempts: row.narrow("attempts")?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
    })
}

/// In the order in which they were first intended.
pub(super) async fn of_run(connection: &mut SqliteConnection, run: i64) -> Op<Vec<StepRecord>> {
    let rows = sqlx::query("SELECT * FROM steps WHERE run = ?1 ORDER BY id")
        .bind(run)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn by_key(
    connection: &mut SqliteConnection,
    location: &str,
    key: &str,
) -> Op<Option<StepRecord>> {
    let row = sqlx::query(
        "SELECT * FROM steps WHERE location = ?1 AND key = ?2
         ORDER BY CASE state WHEN 'done' THEN 0 WHEN 'unsure' THEN 1 WHEN 'intended' THEN 2 ELSE 3 END, id DESC
         LIMIT 1",
    )
    .bind(location)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn open_by_key(
    connection: &mut SqliteConnection,
    location: &str,
    key: &str,
) -> Op<Vec<StepRecord>> {
    let rows = sqlx::query(
        "SELECT * FROM steps WHERE location = ?1 AND key = ?2 AND state IN ('intended', 'unsure') ORDER BY id",
    )
    .bind(location)
    .bind(key)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Steps of a contact's runs that came further since then, or may have.
pub(super) async fn since(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
    since: Timestamp,
) -> Op<Vec<StepRecord>> {
    let rows = sqlx::query(
        "SELECT steps.* FROM runs JOIN steps ON steps.run = runs.id
         WHERE runs.location = ?1 AND runs.contact = ?2
           AND (steps.state IN ('intended', 'unsure') OR (steps.state = 'done' AND steps.updated_at >= ?3))
         ORDER BY steps.id",
    )
    .bind(location)
    .bind(contact)
    .bind(micros(since))
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

async fn find(connection: &mut SqliteConnection, run: i64, step: &str) -> Op<Option<StepRecord>> {
    let row = sqlx::query("SELECT * FROM steps WHERE run = ?1 AND step = ?2")
        .bind(run)
        .bind(step)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn intend(held: &mut Held<'_>, step: &NewStep, now: Timestamp) -> Op<StepRecord> {
    runs::check_own(held, step.run).await?;
    let before = find(held.connection, step.run, &step.step).await?;
    if before.is_some_and(|before| before.state == StepState::Done) {
        return Err(Fault::conflict(format!(
            "step {} of run {} is done and is not done again",
            step.step, step.run
        )));
    }
    let intends = intends::of(held.connection, step).await?;
    // An unsure step stays so: somebody must still look whether the earlier call did it.
    let row = sqlx::query(
        "INSERT INTO steps (run, step, location, epoch, key, action, state, request, attempts, created_at, updated_at, intends)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'intended', ?7, 1, ?8, ?8, ?9)
         ON CONFLICT (run, step) DO UPDATE SET
             epoch = excluded.epoch, key = excluded.key, action = excluded.action, request = excluded.request,
             state = CASE state WHEN 'unsure' THEN 'unsure' ELSE 'intended' END,
             output = NULL, error = NULL, withheld = 0, attempts = attempts + 1, updated_at = excluded.updated_at,
             intends = excluded.intends
         RETURNING *",
    )
    .bind(step.run)
    .bind(&step.step)
    .bind(&held.fence.location)
    .bind(held.fence.epoch)
    .bind(&step.key)
    .bind(&step.action)
    .bind(step.request.to_string())
    .bind(micros(now))
    .bind(intends)
    .fetch_one(&mut *held.connection)
    .await?;
    read(&row)
}

/// Writes the outcome, and profile and link with it.
pub(super) async fn finish(held: &mut Held<'_>, outcome: &StepOutcome, now: Timestamp) -> Op<()> {
    runs::check_own(held, outcome.run).await?;
    let Some(before) = find(held.connection, outcome.run, &outcome.step).await? else {
        return Err(held.no_such(
            "step",
            format_args!("{} of run {}", outcome.step, outcome.run),
        ));
    };
    if before.state == StepState::Done && outcome.state != StepState::Done {
        let message = format!(
            "step {} of run {} is done and cannot become {}",
            before.step, before.run, outcome.state
        );
        return Err(Fault::conflict(message));
    }
    // What failed may have been done by an attempt before of which nobody knows.
    sqlx::query(
        "UPDATE steps SET state = ?3, output = ?4, error = ?5, epoch = ?6, updated_at = ?7, withheld = ?8,
             intends = CASE ?3 WHEN 'unsure' THEN intends
                               WHEN 'failed' THEN iif(json_extract(intends, '$.again'), intends, NULL) END
         WHERE run = ?1 AND step = ?2",
    )
    .bind(outcome.run)
    .bind(&outcome.step)
    .bind(match outcome.state {
        // Further along than that it is not, in the table's words.
        StepState::Withheld => StepState::Skipped.as_str(),
        state => state.as_str(),
    })
    .bind(outcome.output.as_ref().map(ToString::to_string))
    .bind(&outcome.error)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .bind(outcome.state == StepState::Withheld)
    .execute(&mut *held.connection)
    .await?;
    if let Some(profile) = &outcome.profile {
        let place = Place::of(&held.fence, Some(outcome.run));
        profiles::merge(held.connection, place, profile, now).await?;
    }
    if matches!(outcome.state, StepState::Done | StepState::Skipped) {
        for written in &outcome.written {
            written::put(held, outcome.run, written, now).await?;
        }
    }
    for link in &outcome.links {
        profiles::put_link(held, link, now).await?;
    }
    if before.state == StepState::Done {
        // Said once more: the records and their history stand already.
        return Ok(());
    }
    let place = Place::of(&held.fence, Some(outcome.run));
    profile_records::write(
        held.connection,
        place,
        &outcome.changes,
        &outcome.events,
        now,
    )
    .await
}
