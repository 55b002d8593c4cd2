//! Runs: one workflow for one event.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::{Fault, Op};
use super::fence::Held;
use super::row::{Reader, micros};
use super::{inbox, looks};
use crate::types::{EventState, LastRun, NewRun, Run, RunState, RunUpdate, Stuck, Trouble};

fn read(row: &SqliteRow) -> Op<Run> {
    let id: i64 = row.try_get("id")?;
    let row = Reader::new(row, "runs", id);
    Ok(Run {
        id,
        event: row.number("event")?,
        location: row.text("location")?,
        contact: row.maybe_text("contact")?,
        workflow: row.text("workflow")?,
        definition: row.text("text")?,
        state: row.word("state")?,
        attempts: row.narrow("attempts")?,
        next_attempt_at: row.maybe_instant("next_attempt_at")?,
        error: row.maybe_text("error")?,
        trouble: Trouble {
            failing_since: row.maybe_instant("failing_since")?,
            missing_since: row.maybe_instant("missing_since")?,
        },
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
    })
}

pub(super) async fn start(
    held: &mut Held<'_>,
    event: i64,
    runs: &[NewRun],
    now: Timestamp,
) -> Op<Vec<Run>> {
    let row = inbox::own_event(held, event).await?;
    match row.state {
        EventState::Pending => inbox::set_state(held, event, EventState::Started, now).await?,
        EventState::Started => {}
        other => {
            return Err(Fault::conflict(format!(
                "event {event} is {other} and starts no runs"
            )));
        }
    }
    for run in runs {
        let definition = definition(held.connection, &run.definition).await?;
        sqlx::query(
            "INSERT INTO runs (event, workflow, location, epoch, contact, definition, state, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'ready', ?7, ?7)
             ON CONFLICT (event, workflow) DO NOTHING",
        )
        .bind(event)
        .bind(&run.workflow)
        .bind(&held.fence.location)
        .bind(held.fence.epoch)
        .bind(&row.event.contact)
        .bind(definition)
        .bind(micros(now))
        .execute(&mut *held.connection)
        .await?;
    }
    let rows = sqlx::query(
        "SELECT runs.*, definitions.text FROM runs JOIN definitions ON definitions.id = runs.definition
         WHERE event = ?1 AND state = 'ready' ORDER BY runs.id",
    )
    .bind(event)
    .fetch_all(&mut *held.connection)
    .await?;
    rows.iter().map(read).collect()
}

/// The number of a workflow file's text, which is stored once.
async fn definition(connection: &mut SqliteConnection, text: &str) -> Op<i64> {
    let digest = Sha256::digest(text);
    let known: Option<i64> = sqlx::query_scalar("SELECT id FROM definitions WHERE digest = ?1")
        .bind(digest.as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(id) = known {
        return Ok(id);
    }
    Ok(
        sqlx::query_scalar("INSERT INTO definitions (digest, text) VALUES (?1, ?2) RETURNING id")
            .bind(digest.as_slice())
            .bind(text)
            .fetch_one(connection)
            .await?,
    )
}

pub(super) async fn due(
    connection: &mut SqliteConnection,
    location: &str,
    now: Timestamp,
    after: (i64, i64),
    limit: u32,
) -> Op<Vec<Run>> {
    let rows = sqlx::query(
        "SELECT runs.*, definitions.text FROM runs JOIN definitions ON definitions.id = runs.definition
         WHERE location = ?1 AND state IN ('ready', 'waiting') AND stopped <> 2
           AND (state = 'ready' OR next_attempt_at IS NULL OR next_attempt_at <= ?2)
           AND (runs.event, runs.id) > (?4, ?5)
         ORDER BY runs.event, runs.id LIMIT ?3",
    )
    .bind(location)
    .bind(micros(now))
    .bind(limit)
    .bind(after.0)
    .bind(after.1)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn next_due(
    connection: &mut SqliteConnection,
    location: &str,
) -> Op<Option<Timestamp>> {
    let row = sqlx::query(
        "SELECT min(due) AS due FROM (
             SELECT min(next_attempt_at) AS due FROM runs WHERE location = ?1 AND state = 'waiting' AND stopped <> 2
             UNION ALL
             SELECT min(next_attempt_at) FROM inbox
             WHERE location = ?1 AND state = 'pending' AND next_attempt_at IS NOT NULL
             UNION ALL
             SELECT min(next_attempt_at) FROM inbox
             WHERE location = ?1 AND state = 'gone' AND next_attempt_at IS NOT NULL
         )",
    )
    .bind(location)
    .fetch_one(connection)
    .await?;
    Reader::new(&row, "runs", location).maybe_instant("due")
}

pub(super) async fn run(connection: &mut SqliteConnection, id: i64) -> Op<Option<Run>> {
    let row = sqlx::query(
        "SELECT runs.*, definitions.text FROM runs JOIN definitions ON definitions.id = runs.definition
         WHERE runs.id = ?1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn recent(
    connection: &mut SqliteConnection,
    state: Option<RunState>,
    limit: u32,
) -> Op<Vec<Run>> {
    // Two statements, so that each has its index.
    let query = match state {
        Some(state) => sqlx::query(
            "SELECT runs.*, definitions.text FROM runs JOIN definitions ON definitions.id = runs.definition
             WHERE state = ?2 ORDER BY runs.id DESC LIMIT ?1",
        )
        .bind(limit)
        .bind(state.as_str()),
        None => sqlx::query(
            "SELECT runs.*, definitions.text FROM runs JOIN definitions ON definitions.id = runs.definition
             ORDER BY runs.id DESC LIMIT ?1",
        )
        .bind(limit),
    };
    query
        .fetch_all(connection)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Fails unless the run is of the fence's location.
pub(super) async fn check_own(held: &mut Held<'_>, id: i64) -> Op<()> {
    let own = sqlx::query("SELECT 1 FROM runs WHERE id = ?1 AND location = ?2")
        .bind(id)
        .bind(&held.fence.location)
        .fetch_optional(&mut *held.connection)
        .await?;
    own.map(|_| ()).ok_or_else(|| held.no_such("run", id))
}

pub(super) async fn update(
    held: &mut Held<'_>,
    id: i64,
    update: &RunUpdate,
    now: Timestamp,
) -> Op<()> {
    check_own(held, id).await?;
    sqlx::query(
        "UPDATE runs SET state = ?2, attempts = ?3, next_attempt_at = ?4, error = ?5, epoch = ?6, updated_at = ?7,
                failing_since = ?8, missing_since = ?9, stopped = 0
         WHERE id = ?1",
    )
    .bind(id)
    .bind(update.state.as_str())
    .bind(update.attempts)
    .bind(update.next_attempt_at.map(micros))
    .bind(&update.error)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .bind(update.trouble.failing_since.map(micros))
    .bind(update.trouble.missing_since.map(micros))
    .execute(&mut *held.connection)
    .await?;
    if update.state == RunState::Done {
        looks::forget_seen(held, id).await?;
    }
    Ok(())
}

/// What has been failing since then or longer.
pub(super) async fn stuck(
    connection: &mut SqliteConnection,
    location: &str,
    since: Timestamp,
) -> Op<Stuck> {
    let row = sqlx::query(
        "WITH stuck AS (
             SELECT 1 AS run, failing_since AS since, error, updated_at FROM runs
             WHERE location = ?1 AND state = 'waiting' AND failing_since <= ?2
             UNION ALL
             SELECT 0, received_at, error, updated_at FROM inbox
             WHERE location = ?1 AND state = 'pending' AND next_attempt_at IS NOT NULL AND missing_since IS NULL
               AND error IS NOT NULL AND received_at <= ?2
         )
         SELECT coalesce(sum(run), 0) AS runs, count(*) - coalesce(sum(run), 0) AS events, min(since) AS since,
                (SELECT error FROM stuck ORDER BY updated_at DESC LIMIT 1) AS error
         FROM stuck",
    )
    .bind(location)
    .bind(micros(since))
    .fetch_one(connection)
    .await?;
    let row = Reader::new(&row, "runs", location);
    Ok(Stuck {
        runs: row.narrow("runs")?,
        events: row.narrow("events")?,
        since: row.maybe_instant("since")?,
        error: row.maybe_text("error")?,
    })
}

pub(super) async fn requeue(
    connection: &mut SqliteConnection,
    id: i64,
    now: Timestamp,
) -> Op<bool> {
    let done = sqlx::query(
        "UPDATE runs SET state = 'ready', attempts = 0, next_attempt_at = NULL, error = NULL, updated_at = ?2,
                failing_since = NULL, missing_since = NULL, stopped = 0
         WHERE id = ?1 AND state IN ('dead', 'held')",
    )
    .bind(id)
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The same, with another text of its workflow.
pub(super) async fn requeue_with(
    connection: &mut SqliteConnection,
    id: i64,
    text: &str,
    now: Timestamp,
) -> Op<bool> {
    // What waits for a breaker goes on waiting, with the other text.
    let stopped: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM runs WHERE id = ?1 AND state = 'waiting' AND stopped = 1",
    )
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    if stopped.is_none() && !requeue(connection, id, now).await? {
        return Ok(false);
    }
    let definition = definition(connection, text).await?;
    sqlx::query("UPDATE runs SET definition = ?2 WHERE id = ?1")
        .bind(id)
        .bind(definition)
        .execute(connection)
        .await?;
    Ok(true)
}

pub(super) async fn since(
    connection: &mut SqliteConnection,
    location: &str,
    workflow: &str,
    contact: Option<&str>,
    record: &str,
    (since, until): (Timestamp, Timestamp),
) -> Op<u64> {
    // Two statements, so that each has its index.
    let query = match contact {
        Some(contact) => sqlx::query_scalar(
            "SELECT count(*) FROM runs
             WHERE location = ?1 AND workflow = ?2 AND contact = ?3 AND created_at > ?4 AND created_at <= ?5",
        )
        .bind(location)
        .bind(workflow)
        .bind(contact)
        .bind(micros(since))
        .bind(micros(until)),
        None => sqlx::query_scalar(
            "SELECT count(*) FROM runs JOIN inbox ON inbox.id = runs.event
             WHERE runs.location = ?1 AND runs.workflow = ?2 AND runs.contact IS NULL AND runs.created_at > ?4
               AND runs.created_at <= ?5 AND inbox.record = ?3",
        )
        .bind(location)
        .bind(workflow)
        .bind(record)
        .bind(micros(since))
        .bind(micros(until)),
    };
    let count: i64 = query.fetch_one(connection).await?;
    Ok(count.unsigned_abs())
}

pub(super) async fn last(
    connection: &mut SqliteConnection,
    location: Option<&str>,
) -> Op<Vec<LastRun>> {
    let rows = sqlx::query(
        "SELECT r.workflow, r.id, r.state, r.updated_at, l.runs, l.switched_off FROM runs r
         JOIN (SELECT max(id) AS id, count(*) AS runs, sum(state = 'waiting' AND stopped = 2) AS switched_off FROM runs
               WHERE ?1 IS NULL OR location = ?1 GROUP BY workflow) l ON l.id = r.id
         ORDER BY r.workflow",
    )
    .bind(location)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let run: i64 = row.try_get("id")?;
            let row = Reader::new(row, "runs", run);
            Ok(LastRun {
                workflow: row.text("workflow")?,
                run,
                state: row.word("state")?,
                at: row.instant("updated_at")?,
                runs: row.narrow("runs")?,
                switched_off: row.narrow("switched_off")?,
            })
        })
        .collect()
}

pub(super) async fn of_event(connection: &mut SqliteConnection, event: i64) -> Op<Vec<Run>> {
    let rows = sqlx::query(
        "SELECT runs.*, definitions.text FROM runs JOIN definitions ON definitions.id = runs.definition
         WHERE event = ?1 ORDER BY runs.id",
    )
    .bind(event)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}
