//! Purchases that wait, in order.

use async_trait::async_trait;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::caps::{self, Asking};
use super::fault::Op;
use super::fence::Held;
use super::row::{Reader, micros, millionths, positive_millionths};
use super::{SqliteStore, answers, imports, ledger};
use crate::error::Result;
use crate::money_store::{
    Bought, CapOf, CapUse, Imported, Imports, MoneyStore, OTHER_CURRENCY, Turn, WaitingPurchase,
};
use crate::types::{Cap, CapScope, Fence, NewPurchase};

/// Where a purchase stands among those that wait, of all locations: in the order in which things happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub happened: i64,
    pub event: i64,
}

impl Place {
    /// Behind all others.
    pub const LAST: Self = Self {
        happened: i64::MAX,
        event: i64::MAX,
    };

    fn read(row: &SqliteRow) -> Op<Self> {
        Ok(Self {
            happened: row.try_get("happened")?,
            event: row.try_get("event")?,
        })
    }
}

/// What the locations are called that are worked for now; what waits at others keeps nobody waiting.
const AT_WORK: &str = "locations at work";

#[async_trait]
impl MoneyStore for SqliteStore {
    async fn spent_elsewhere(
        &self,
        connection: &str,
        currency: &str,
        from: Timestamp,
    ) -> Result<Vec<(String, Decimal)>> {
        let mut reader = self.reader().await?;
        self.told(caps::elsewhere(&mut reader, connection, currency, from).await)
    }

    async fn runs_that_buy(&self, slot: &str) -> Result<Vec<i64>> {
        let mut reader = self.reader().await?;
        let runs = sqlx::query_scalar(
            "SELECT DISTINCT runs.id FROM steps JOIN runs ON runs.id = steps.run
             WHERE steps.key = ?1 AND runs.state IN ('ready', 'waiting', 'held') ORDER BY runs.id",
        );
        let runs = runs.bind(slot).fetch_all(&mut *reader).await;
        self.told(runs.map_err(Into::into))
    }

    async fn other_currency(&self, connection: &str, currency: &str) -> Result<Option<String>> {
        let mut reader = self.reader().await?;
        self.told(answers::other_currency(&mut reader, connection, currency).await)
    }

    async fn waiting_purchases(&self, location: Option<&str>) -> Result<Vec<WaitingPurchase>> {
        let mut reader = self.reader().await?;
        self.told(all(&mut reader, location).await)
    }

    async fn free_purchase(
        &self,
        fence: &Fence,
        slot: &str,
        currency: &str,
        caps: Vec<Cap>,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Turn> {
        let (slot, currency) = (slot.to_owned(), currency.to_owned());
        self.fenced(fence, move |mut held| {
            Box::pin(async move { free(&mut held, &slot, &currency, caps, until, now).await })
        })
        .await
    }

    async fn keep_waiting(
        &self,
        fence: &Fence,
        slots: Vec<String>,
        gate: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let gate = gate.to_owned();
        self.fenced(fence, move |mut held| {
            Box::pin(async move {
                for slot in &slots {
                    stay(&mut held, slot, &gate, until, now).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn wait_for_gate(
        &self,
        fence: &Fence,
        purchase: NewPurchase,
        gate: &str,
        now: Timestamp,
    ) -> Result<()> {
        let gate = gate.to_owned();
        self.fenced(fence, move |mut held| {
            Box::pin(async move {
                let estimate = positive_millionths("estimate", purchase.estimate)?;
                enter(&mut held, &purchase, estimate, &gate, now).await
            })
        })
        .await
    }

    async fn cap_use(&self, cap: &Cap, of: &CapOf) -> Result<CapUse> {
        let mut reader = self.reader().await?;
        self.told(caps::of(&mut reader, cap, of, ("", Place::LAST)).await)
    }

    async fn bought(&self, since: Timestamp) -> Result<Vec<Bought>> {
        let mut reader = self.reader().await?;
        self.told(imports::bought(&mut reader, since).await)
    }

    async fn import_purchases(
        &self,
        rows: Vec<Imported>,
        source: &str,
        now: Timestamp,
    ) -> Result<Imports> {
        let source = source.to_owned();
        self.write(move |connection| {
            Box::pin(async move { imports::import(connection, &rows, &source, now).await })
        })
        .await
    }

    async fn work_for(&self, locations: Vec<String>, now: Timestamp) -> Result<()> {
        self.put_fact(AT_WORK, locations.into(), now).await
    }

    async fn doubt_purchase(&self, key: &str, note: &str, now: Timestamp) -> Result<bool> {
        let (key, note) = (key.to_owned(), note.to_owned());
        self.write(move |connection| {
            Box::pin(async move { ledger::doubt(connection, &key, &note, now).await })
        })
        .await
    }

    async fn say_bought(&self, slot: &str, note: &str, now: Timestamp) -> Result<bool> {
        let (slot, note) = (slot.to_owned(), note.to_owned());
        let said = self
            .write(move |connection| {
                Box::pin(async move { imports::say_bought(connection, &slot, &note, now).await })
            })
            .await?;
        self.keep_mark().await;
        Ok(said)
    }

    async fn fact(&self, name: &str) -> Result<Option<(Value, Timestamp)>> {
        let mut reader = self.reader().await?;
        self.told(fact(&mut reader, name).await)
    }

    async fn put_fact(&self, name: &str, value: Value, now: Timestamp) -> Result<()> {
        let name = name.to_owned();
        self.write(move |connection| {
            Box::pin(async move { put_fact(connection, &name, &value, now).await })
        })
        .await
    }
}

fn read_row(row: &SqliteRow) -> Op<WaitingPurchase> {
    let place: i64 = row.try_get("place")?;
    let row = Reader::new(row, "waiting", place);
    Ok(WaitingPurchase {
        place,
        slot: row.text("slot")?,
        location: row.text("location")?,
        connection: row.text("connection")?,
        run: row.number("run")?,
        contact: row.maybe_text("contact")?,
        workflow: row.text("workflow")?,
        operation: row.text("operation")?,
        quantity: row.decimal("quantity")?,
        unit: row.text("unit")?,
        estimate: row.decimal("estimate")?,
        currency: row.text("currency")?,
        gate: row.text("gate")?,
        freed: row.flag("freed")?,
        since: row.instant("since")?,
    })
}

async fn all(
    connection: &mut SqliteConnection,
    location: Option<&str>,
) -> Op<Vec<WaitingPurchase>> {
    let rows = sqlx::query(
        "SELECT * FROM waiting
         WHERE (?1 IS NULL OR location = ?1)
           AND EXISTS (SELECT 1 FROM runs WHERE runs.id = waiting.run AND runs.state IN ('ready', 'waiting')
                       AND runs.stopped <> 2)
         ORDER BY happened, event, place",
    )
    .bind(location)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read_row).collect()
}

/// The place of a purchase: its own, or that of its run's event.
pub(super) async fn place(connection: &mut SqliteConnection, slot: &str, run: i64) -> Op<Place> {
    let row = sqlx::query(
        "SELECT happened, event FROM waiting WHERE slot = ?1
         UNION ALL
         SELECT inbox.occurred_at, inbox.id FROM runs JOIN inbox ON inbox.id = runs.event WHERE runs.id = ?2
         LIMIT 1",
    )
    .bind(slot)
    .bind(run)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map_or(Ok(Place::LAST), Place::read)
}

/// Whether others wait at this cap before it, where the cap is shared also those of other locations. What is dearer than the
/// whole cap keeps nobody waiting.
pub(super) async fn is_behind(
    connection: &mut SqliteConnection,
    asking: &Asking<'_>,
    cap: &Cap,
) -> Op<bool> {
    let of = &asking.of;
    let gate = cap.subject(&of.workflow, of.contact.as_deref(), &of.currency);
    let before: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM waiting
             WHERE gate = ?2 AND (happened, event) < (?3, ?6) AND freed = 0 AND estimate <= ?4 AND slot <> ?5
               AND (location = ?1
                    OR ?7 AND location IN (SELECT value FROM json_each((SELECT value FROM facts WHERE name = ?8))))
               AND EXISTS (SELECT 1 FROM runs
                           WHERE runs.id = waiting.run AND runs.state IN ('ready', 'waiting') AND runs.stopped = 0))",
    )
    .bind(&of.location)
    .bind(gate)
    .bind(asking.place.happened)
    .bind(millionths("limit", cap.limit).unwrap_or(i64::MAX))
    .bind(asking.slot)
    .bind(asking.place.event)
    .bind(cap.scope == CapScope::All)
    .bind(AT_WORK)
    .fetch_one(connection)
    .await?;
    Ok(before != 0)
}

/// Has a purchase wait, at the place that it has already or that of its event.
pub(super) async fn enter(
    held: &mut Held<'_>,
    new: &NewPurchase,
    estimate: i64,
    gate: &str,
    now: Timestamp,
) -> Op<()> {
    let place = place(held.connection, &new.key, new.run).await?;
    sqlx::query(
        "INSERT INTO waiting (slot, location, epoch, run, connection, contact, workflow, operation, quantity, unit,
                              estimate, currency, gate, since, updated_at, happened, event)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15, ?16)
         ON CONFLICT (slot) DO UPDATE SET
             epoch = excluded.epoch, run = excluded.run, connection = excluded.connection, contact = excluded.contact,
             workflow = excluded.workflow, operation = excluded.operation, quantity = excluded.quantity,
             unit = excluded.unit, estimate = excluded.estimate, currency = excluded.currency, gate = excluded.gate,
             freed = 0, updated_at = excluded.updated_at",
    )
    .bind(&new.key)
    .bind(&held.fence.location)
    .bind(held.fence.epoch)
    .bind(new.run)
    .bind(&new.connection)
    .bind(&new.contact)
    .bind(&new.workflow)
    .bind(&new.operation)
    .bind(positive_millionths("quantity", new.quantity)?)
    .bind(&new.unit)
    .bind(estimate)
    .bind(&new.currency)
    .bind(gate)
    .bind(micros(now))
    .bind(place.happened)
    .bind(place.event)
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}

/// It waits no more.
pub(super) async fn leave(connection: &mut SqliteConnection, slot: &str) -> Op<()> {
    sqlx::query("DELETE FROM waiting WHERE slot = ?1")
        .bind(slot)
        .execute(connection)
        .await?;
    Ok(())
}

async fn free(
    held: &mut Held<'_>,
    slot: &str,
    currency: &str,
    caps: Vec<Cap>,
    until: Timestamp,
    now: Timestamp,
) -> Op<Turn> {
    let row = sqlx::query("SELECT * FROM waiting WHERE slot = ?1")
        .bind(slot)
        .fetch_optional(&mut *held.connection)
        .await?;
    let Some(row) = row else {
        // Its run came to it since the caller looked.
        return Ok(Turn::Goes);
    };
    if row.try_get::<String, _>("location")? != held.location() {
        return Err(held.no_such("waiting purchase", slot));
    }
    let (waiting, place) = (read_row(&row)?, Place::read(&row)?);
    let other = answers::other_currency(held.connection, &waiting.connection, currency).await?;
    if let Some(currency) = other {
        stay(held, slot, OTHER_CURRENCY, until, now).await?;
        return Ok(Turn::OtherCurrency { currency });
    }
    let asking = Asking {
        slot,
        of: CapOf {
            location: waiting.location.clone(),
            connection: waiting.connection.clone(),
            workflow: waiting.workflow.clone(),
            contact: waiting.contact.clone(),
            currency: currency.to_owned(),
        },
        estimate: positive_millionths("estimate", waiting.estimate)?,
        place,
    };
    if let Some((cap, used)) = caps::exceeded(held.connection, &asking, caps).await? {
        let gate = cap.subject(&waiting.workflow, waiting.contact.as_deref(), currency);
        stay(held, slot, &gate, cap.until, now).await?;
        return Ok(Turn::OverCap { cap, used });
    }
    if !waiting.freed {
        sqlx::query("UPDATE waiting SET freed = 1, epoch = ?2, updated_at = ?3 WHERE slot = ?1")
            .bind(slot)
            .bind(held.fence.epoch)
            .bind(micros(now))
            .execute(&mut *held.connection)
            .await?;
        sqlx::query(
            "UPDATE runs SET next_attempt_at = ?2, epoch = ?3, updated_at = ?2
             WHERE id = ?1 AND state = 'waiting' AND stopped = 0 AND next_attempt_at > ?2",
        )
        .bind(waiting.run)
        .bind(micros(now))
        .bind(held.fence.epoch)
        .execute(&mut *held.connection)
        .await?;
    }
    Ok(Turn::Goes)
}

async fn stay(
    held: &mut Held<'_>,
    slot: &str,
    gate: &str,
    until: Timestamp,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "UPDATE waiting SET freed = 0, gate = ?2, epoch = ?3, updated_at = ?4
         WHERE slot = ?1 AND location = ?5 AND (freed = 1 OR gate <> ?2)",
    )
    .bind(slot)
    .bind(gate)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .bind(&held.fence.location)
    .execute(&mut *held.connection)
    .await?;
    // Not before its time, nor where it waits for something else.
    sqlx::query(
        "UPDATE runs SET next_attempt_at = ?2, epoch = ?3
         WHERE id = (SELECT run FROM waiting WHERE slot = ?1 AND location = ?4) AND state = 'waiting'
           AND failing_since IS NULL AND missing_since IS NULL AND stopped = 0 AND next_attempt_at IS NOT ?2",
    )
    .bind(slot)
    .bind(micros(until))
    .bind(held.fence.epoch)
    .bind(&held.fence.location)
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}

async fn fact(connection: &mut SqliteConnection, name: &str) -> Op<Option<(Value, Timestamp)>> {
    let row = sqlx::query("SELECT * FROM facts WHERE name = ?1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let row = Reader::new(&row, "facts", name);
        Ok((row.json("value")?, row.instant("updated_at")?))
    })
    .transpose()
}

async fn put_fact(
    connection: &mut SqliteConnection,
    name: &str,
    value: &Value,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "INSERT INTO facts (name, value, updated_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )
    .bind(name)
    .bind(value.to_string())
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}
