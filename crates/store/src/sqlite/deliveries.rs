//! Deliveries of webhooks.

use std::borrow::Cow;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::macros::{read, write};
use super::row::{Reader, micros};
use super::{SqliteStore, deliveries, inbox};
use crate::delivery_store::{DeliveryCount, DeliveryKey, DeliveryStore, Taken, UNKNOWN_LOCATION};
use crate::error::Result;
use crate::types::{EventState, Inserted, NewEvent};

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn take_delivery(
        &self,
        key: Option<DeliveryKey>,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Taken> {
        write!(self, deliveries::take(key, &events, now))
    }

    async fn set_aside(
        &self,
        event: NewEvent,
        reason: &str,
        most: u32,
        now: Timestamp,
    ) -> Result<Inserted> {
        let reason = reason.to_owned();
        write!(self, deliveries::aside(&event, &reason, most, now))
    }

    async fn count_deliveries(&self, counts: Vec<DeliveryCount>) -> Result<()> {
        write!(self, deliveries::add(&counts))
    }

    async fn delivery_counts(&self, since: Timestamp) -> Result<Vec<DeliveryCount>> {
        read!(self, deliveries::counts(since))
    }

    async fn prune_deliveries(&self, before: Timestamp, now: Timestamp) -> Result<u64> {
        write!(self, deliveries::prune(before, now))
    }

    async fn event_of(
        &self,
        location: &str,
        kind: &str,
        record: &str,
        version: &str,
    ) -> Result<Option<i64>> {
        read!(self, inbox::find_change(location, kind, record, version))
    }
}

/// Calls that come at once may be stored in another order than they looked at the clock.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(1);

async fn take(
    connection: &mut SqliteConnection,
    key: Option<DeliveryKey>,
    events: &[NewEvent],
    now: Timestamp,
) -> Op<Taken> {
    let mut events = Cow::Borrowed(events);
    if let Some(DeliveryKey {
        key,
        until,
        is_hint,
        is_content,
    }) = key
    {
        let latest_first = if is_content {
            micros(now.saturating_add(AT_ONCE).unwrap_or(now))
        } else {
            i64::MAX
        };
        // One that has ended begins anew.
        let row = sqlx::query(
            "INSERT INTO deliveries (key, first_at, last_at, until) VALUES (?1, ?2, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET
                 times = CASE WHEN until > ?2 AND first_at <= ?4 THEN times + 1 ELSE 1 END,
                 first_at = CASE WHEN until > ?2 AND first_at <= ?4 THEN first_at ELSE ?2 END,
                 until = CASE WHEN until > ?2 AND first_at <= ?4 THEN until ELSE ?3 END,
                 last_at = ?2
             RETURNING times, first_at",
        )
        .bind(key)
        .bind(micros(now))
        .bind(micros(until))
        .bind(latest_first)
        .fetch_one(&mut *connection)
        .await?;
        let row = Reader::new(&row, "deliveries", "one");
        let (times, first_at) = (row.number("times")?, row.instant("first_at")?);
        if times > 1 && !is_hint {
            return Ok(Taken::Before);
        }
        if times > 1 {
            for event in events.to_mut() {
                event.trace.made_at.get_or_insert(first_at);
            }
        }
    }
    let inserted = inbox::insert(connection, 0, &events, now).await?;
    Ok(Taken::Now(inserted))
}

async fn aside(
    connection: &mut SqliteConnection,
    event: &NewEvent,
    reason: &str,
    most: u32,
    now: Timestamp,
) -> Op<Inserted> {
    let event = NewEvent {
        location: UNKNOWN_LOCATION.to_owned(),
        ..event.clone()
    };
    let inserted = inbox::insert(connection, 0, &[event], now).await?;
    let Some(Inserted::Stored(id)) = inserted.first().copied() else {
        return Ok(inserted.first().copied().unwrap_or(Inserted::Duplicate(0)));
    };
    sqlx::query("UPDATE inbox SET state = ?2, error = ?3 WHERE id = ?1")
        .bind(id)
        .bind(EventState::NoMatch.as_str())
        .bind(reason)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        // As a literal, so that its index is used.
        "DELETE FROM inbox
         WHERE location = 'unknown' AND state IN ('no_match', 'duplicate')
           AND id <= (SELECT id FROM inbox WHERE location = 'unknown' ORDER BY id DESC LIMIT 1 OFFSET ?1)",
    )
    .bind(most)
    .execute(&mut *connection)
    .await?;
    Ok(Inserted::Stored(id))
}

async fn add(connection: &mut SqliteConnection, counts: &[DeliveryCount]) -> Op<()> {
    for count in counts {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        sqlx::query(
            "INSERT INTO delivery_counts (address, slot, taken, duplicate, useless, unsigned, forged, failed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (address, slot) DO UPDATE SET
                 taken = taken + ?3, duplicate = duplicate + ?4, useless = useless + ?5, unsigned = unsigned + ?6,
                 forged = forged + ?7, failed = failed + ?8",
        )
        .bind(&count.address)
        .bind(micros(count.slot))
        .bind(number(count.taken))
        .bind(number(count.duplicate))
        .bind(number(count.useless))
        .bind(number(count.unsigned))
        .bind(number(count.forged))
        .bind(number(count.failed))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn counts(connection: &mut SqliteConnection, since: Timestamp) -> Op<Vec<DeliveryCount>> {
    let rows = sqlx::query("SELECT * FROM delivery_counts WHERE slot >= ?1 ORDER BY address, slot")
        .bind(micros(since))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let address: String = row.try_get("address")?;
            let row = Reader::new(row, "delivery_counts", &address);
            Ok(DeliveryCount {
                slot: row.instant("slot")?,
                taken: row.narrow("taken")?,
                duplicate: row.narrow("duplicate")?,
                useless: row.narrow("useless")?,
                unsigned: row.narrow("unsigned")?,
                forged: row.narrow("forged")?,
                failed: row.narrow("failed")?,
                address,
            })
        })
        .collect()
}

/// Unknown events that are kept at most, the newest ones.
const UNKNOWN: i64 = 10_000;

async fn prune(connection: &mut SqliteConnection, before: Timestamp, now: Timestamp) -> Op<u64> {
    let mut deleted = 0;
    let ended = sqlx::query("DELETE FROM deliveries WHERE until <= ?1").bind(micros(now));
    deleted += ended.execute(&mut *connection).await?.rows_affected();
    let figures = sqlx::query("DELETE FROM delivery_counts WHERE slot < ?1").bind(micros(before));
    deleted += figures.execute(&mut *connection).await?.rows_affected();
    let useless = sqlx::query(
        "DELETE FROM inbox
         WHERE (location = 'unknown' OR (kind >= 'webhook.' AND kind < 'webhook/')) AND state IN ('no_match', 'duplicate')
           AND (received_at < ?1
                OR id <= (SELECT id FROM inbox WHERE kind >= 'webhook.' AND kind < 'webhook/'
                          ORDER BY id DESC LIMIT 1 OFFSET ?2))
           AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.event = inbox.id)",
    )
    .bind(micros(before))
    .bind(UNKNOWN);
    deleted += useless.execute(&mut *connection).await?.rows_affected();
    sqlx::query("DELETE FROM webhook_seen WHERE at < ?1 AND event NOT IN (SELECT id FROM inbox)")
        .bind(micros(before))
        .execute(connection)
        .await?;
    Ok(deleted)
}
