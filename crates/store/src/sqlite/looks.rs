//! Second looks at what was given up for want of a record, and [`PatienceStore`] for [`SqliteStore`].

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::fence::Held;
use super::inbox::{own_event, pending_event};
use super::macros::{fenced, read};
use super::row::micros;
use super::{SqliteStore, looks, steps, waiting};
use crate::error::Result;
use crate::patience_store::{GivenUp, PatienceStore};
use crate::types::{EventState, Fence, StepRecord};

/// Rows that are due and looked through at a time.
const BATCH: i64 = 500;

#[async_trait]
impl PatienceStore for SqliteStore {
    async fn give_up_event(
        &self,
        fence: &Fence,
        id: i64,
        given_up: GivenUp,
        now: Timestamp,
    ) -> Result<()> {
        fenced!(self, fence, looks::give_up(id, &given_up, now))
    }

    async fn look_again(
        &self,
        fence: &Fence,
        most: u32,
        within: SignedDuration,
        now: Timestamp,
    ) -> Result<u32> {
        // Nearly always there is nothing, and that shall cost no write.
        let mut reader = self.reader().await?;
        let any = self.told(is_due(&mut reader, &fence.location, now).await)?;
        drop(reader);
        if !any {
            return Ok(0);
        }
        fenced!(self, fence, looks::again(most, within, now))
    }

    async fn found(&self, fence: &Fence, record: &str, now: Timestamp) -> Result<()> {
        let record = record.to_owned();
        fenced!(self, fence, looks::found(&record, now))
    }

    async fn keep_seen(
        &self,
        fence: &Fence,
        event: i64,
        seen: BTreeMap<String, String>,
    ) -> Result<()> {
        fenced!(self, fence, looks::keep_seen(event, &seen))
    }

    async fn steps_since(
        &self,
        location: &str,
        contact: &str,
        since: Timestamp,
    ) -> Result<Vec<StepRecord>> {
        read!(self, steps::since(location, contact, since))
    }
}

async fn give_up(held: &mut Held<'_>, id: i64, given_up: &GivenUp, now: Timestamp) -> Op<()> {
    let row = pending_event(held, id).await?;
    sqlx::query(
        "UPDATE inbox SET state = ?2, missing = ?3, missing_since = ?4, next_attempt_at = ?5, error = ?6, epoch = ?7,
                updated_at = ?8
         WHERE id = ?1",
    )
    .bind(id)
    .bind(EventState::Gone.as_str())
    .bind(&given_up.missing)
    .bind(given_up.since.map(micros))
    .bind(given_up.next.map(micros))
    .bind(&given_up.error)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    sqlx::query(
        "UPDATE inbox SET next_attempt_at = ?3
         WHERE location = ?1 AND coalesce(missing, record) = ?2 AND missing_since IS NOT NULL AND state = 'gone'",
    )
    .bind(&held.fence.location)
    .bind(given_up.missing.as_ref().unwrap_or(&row.event.record))
    .bind(given_up.next.map(micros))
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}

async fn is_due(connection: &mut SqliteConnection, location: &str, now: Timestamp) -> Op<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM inbox
                 WHERE location = ?1 AND state = 'gone' AND next_attempt_at <= ?2)";
    let any: i64 = sqlx::query_scalar(query)
        .bind(location)
        .bind(micros(now))
        .fetch_one(connection)
        .await?;
    Ok(any != 0)
}

async fn again(held: &mut Held<'_>, most: u32, within: SignedDuration, now: Timestamp) -> Op<u32> {
    let location = held.fence.location.clone();
    let lately: u32 = sqlx::query_scalar(
        "SELECT count(DISTINCT coalesce(missing, record)) FROM inbox
         WHERE location = ?1 AND missing_since IS NOT NULL AND looked_at > ?2",
    )
    .bind(&location)
    .bind(micros(now.saturating_sub(within).unwrap_or(now)))
    .fetch_one(&mut *held.connection)
    .await?;
    let due = sqlx::query(
        "SELECT id, coalesce(missing, record) AS thing,
                EXISTS (SELECT 1 FROM inbox d
                        WHERE d.location = i.location AND d.record = i.record
                          AND d.kind = substr(i.kind, 1, instr(i.kind, '.')) || 'deleted')
                OR EXISTS (SELECT 1 FROM inbox d
                           WHERE d.location = i.location AND d.record = i.missing AND d.kind = 'contact.deleted')
                    AS over
         FROM inbox i WHERE location = ?1 AND state = 'gone' AND next_attempt_at <= ?2
         ORDER BY next_attempt_at, id LIMIT ?3",
    )
    .bind(&location)
    .bind(micros(now))
    .bind(BATCH)
    .fetch_all(&mut *held.connection)
    .await?;
    let later = micros(now.saturating_add(within).unwrap_or(now));
    let mut looked = BTreeSet::new();
    let mut made = 0;
    for row in due {
        let (id, thing): (i64, String) = (row.try_get("id")?, row.try_get("thing")?);
        let over: bool = row.try_get("over")?;
        let room = lately.saturating_add(made) < most && !looked.contains(&thing);
        if room && !over {
            // Of two deliveries of the same bytes one may be waiting; that one will do.
            let done = sqlx::query(
                "UPDATE OR IGNORE inbox SET state = 'pending', next_attempt_at = NULL, looked_at = ?2, epoch = ?3,
                        updated_at = ?2
                 WHERE id = ?1",
            )
            .bind(id)
            .bind(micros(now))
            .bind(held.fence.epoch)
            .execute(&mut *held.connection)
            .await?;
            if done.rows_affected() > 0 {
                made += 1;
                looked.insert(thing);
                continue;
            }
        }
        sqlx::query("UPDATE inbox SET next_attempt_at = ?2 WHERE id = ?1")
            .bind(id)
            .bind((!over && !room).then_some(later))
            .execute(&mut *held.connection)
            .await?;
    }
    Ok(made)
}

async fn found(held: &mut Held<'_>, record: &str, now: Timestamp) -> Op<()> {
    waiting::alive(held.connection, &held.fence.location, record, now).await
}

async fn keep_seen(held: &mut Held<'_>, event: i64, seen: &BTreeMap<String, String>) -> Op<()> {
    own_event(held, event).await?;
    sqlx::query("UPDATE inbox SET seen = ?2 WHERE id = ?1")
        .bind(event)
        .bind(json!(seen).to_string())
        .execute(&mut *held.connection)
        .await?;
    Ok(())
}

/// The hashes are of no use any more once all of the event's runs are done.
pub(super) async fn forget_seen(held: &mut Held<'_>, run: i64) -> Op<()> {
    sqlx::query(
        "UPDATE inbox SET seen = NULL
         WHERE id = (SELECT event FROM runs WHERE id = ?1) AND seen IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event = inbox.id AND runs.state <> 'done')",
    )
    .bind(run)
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}
