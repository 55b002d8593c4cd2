//! Purchases of a newer store, written into one that has forgotten them; and what was bought in all.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::ledger::{self, Entry, append, record};
use super::queue;
use super::row::{Reader, micros, millionths, positive_millionths};
use crate::money_store::{Bought, Imported, Imports};
use crate::types::PurchaseState;

/// Sums of real purchases by connection and unit; `since`: from when on a confirmation counts as recent.
pub(super) async fn bought(connection: &mut SqliteConnection, since: Timestamp) -> Op<Vec<Bought>> {
    let rows = sqlx::query(
        "SELECT connection, unit,
                sum(CASE WHEN state = 'confirmed' THEN quantity ELSE 0 END) AS confirmed,
                sum(CASE WHEN state IN ('sent', 'unknown') THEN quantity ELSE 0 END) AS open,
                sum(CASE WHEN state = 'confirmed' AND updated_at > ?1 THEN quantity ELSE 0 END) AS recent
         FROM purchases WHERE test = 0 GROUP BY connection, unit",
    )
    .bind(micros(since))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let id: String = row.try_get("connection")?;
            let row = Reader::new(row, "purchases", &id);
            Ok(Bought {
                unit: row.text("unit")?,
                confirmed: row.decimal("confirmed")?,
                open: row.decimal("open")?,
                recent: row.decimal("recent")?,
                connection: id,
            })
        })
        .collect()
}

/// Not fenced: a person speaks, not the owner. It only ever says that something is bought already, or may be.
pub(super) async fn import(
    connection: &mut SqliteConnection,
    rows: &[Imported],
    source: &str,
    now: Timestamp,
) -> Op<Imports> {
    let mut done = Imports::default();
    let note = format!("imported from {source}");
    for row in rows {
        if let Some(known) = ledger::purchase(connection, &row.key).await? {
            let is_open = known.state != PurchaseState::Confirmed;
            if let (true, Some(amount)) = (is_open, row.amount) {
                let entry = Entry {
                    amount: Some(millionths("amount", amount)?),
                    currency: Some(&row.currency),
                    url: row.url.as_deref(),
                    detail: Some(&note),
                    ..Entry::bare(PurchaseState::Confirmed)
                };
                if stands(connection, row).await? {
                    done.in_the_way.push(row.key.clone());
                    continue;
                }
                record(connection, &row.key, 0, &entry, now).await?;
                done.confirmed += 1;
            } else {
                done.known += 1;
            }
            continue;
        }
        if stands(connection, row).await? {
            done.in_the_way.push(row.key.clone());
            continue;
        }
        let run = run(connection, row, source, now).await?;
        add(connection, row, run, &note, now).await?;
        go_on(connection, &row.slot, now).await?;
        done.added += 1;
    }
    Ok(done)
}

/// Whether another attempt at the same stands here.
async fn stands(connection: &mut SqliteConnection, row: &Imported) -> Op<bool> {
    let found: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM purchases WHERE slot = ?1 AND key <> ?2 AND state <> 'refused')",
    )
    .bind(&row.slot)
    .bind(&row.key)
    .fetch_one(connection)
    .await?;
    Ok(found != 0)
}

async fn add(
    connection: &mut SqliteConnection,
    row: &Imported,
    run: i64,
    note: &str,
    now: Timestamp,
) -> Op<()> {
    let amount = row
        .amount
        .map(|amount| millionths("amount", amount))
        .transpose()?;
    let state = if amount.is_some() {
        PurchaseState::Confirmed
    } else {
        PurchaseState::Unknown
    };
    let estimate = row.amount.or(row.estimate).unwrap_or_default();
    let estimate = positive_millionths("amount", estimate)?;
    sqlx::query(
        "INSERT INTO purchases (key, location, epoch, connection, contact, workflow, step, run, operation, request,
                                quantity, unit, test, estimate, currency, state, amount, url, error, created_at,
                                counted_at, sent_at, updated_at, slot, expected_in)
         VALUES (?1, ?2, 0, ?3, ?4, ?5, '', ?6, ?7, '{}', ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?17, ?17,
                 ?17, ?18, ?12)",
    )
    .bind(&row.key)
    .bind(&row.location)
    .bind(&row.connection)
    .bind(&row.contact)
    .bind(&row.workflow)
    .bind(run)
    .bind(&row.operation)
    .bind(positive_millionths("quantity", row.quantity)?)
    .bind(&row.unit)
    .bind(row.test)
    .bind(estimate)
    .bind(&row.currency)
    .bind(state.as_str())
    .bind(amount)
    .bind(&row.url)
    .bind(amount.is_none().then_some(note))
    .bind(micros(row.at))
    .bind(&row.slot)
    .execute(&mut *connection)
    .await?;
    let entry = Entry {
        amount,
        currency: Some(&row.currency),
        detail: Some(note),
        ..Entry::bare(state)
    };
    append(connection, &row.key, 0, &entry, now).await
}

/// A purchase belongs to a run: this one says where it came from. One for each import and location.
async fn run(
    connection: &mut SqliteConnection,
    row: &Imported,
    source: &str,
    now: Timestamp,
) -> Op<i64> {
    let version = format!("{source} {}", micros(now));
    let event: i64 = sqlx::query_scalar(
        "INSERT INTO inbox (location, epoch, source, kind, record, occurred_at, version, payload, state, received_at,
                            updated_at)
         VALUES (?1, 0, 'manual', 'ledger.imported', 'ledger', ?3, ?2, '{}', 'started', ?3, ?3)
         ON CONFLICT (location, kind, record, version) WHERE version IS NOT NULL AND state <> 'duplicate'
             DO UPDATE SET updated_at = excluded.updated_at
         RETURNING id",
    )
    .bind(&row.location)
    .bind(&version)
    .bind(micros(now))
    .fetch_one(&mut *connection)
    .await?;
    let digest = Sha256::digest("ledger import");
    sqlx::query("INSERT INTO definitions (digest, text) VALUES (?1, '{}') ON CONFLICT DO NOTHING")
        .bind(digest.as_slice())
        .execute(&mut *connection)
        .await?;
    let run: i64 = sqlx::query_scalar(
        "INSERT INTO runs (event, workflow, location, epoch, definition, state, created_at, updated_at)
         VALUES (?1, 'ledger import', ?2, 0, (SELECT id FROM definitions WHERE digest = ?3), 'done', ?4, ?4)
         ON CONFLICT (event, workflow) DO UPDATE SET updated_at = excluded.updated_at
         RETURNING id",
    )
    .bind(event)
    .bind(&row.location)
    .bind(digest.as_slice())
    .bind(micros(now))
    .fetch_one(connection)
    .await?;
    Ok(run)
}

/// Whoever waits to buy this waits no more: it is bought.
async fn go_on(connection: &mut SqliteConnection, slot: &str, now: Timestamp) -> Op<()> {
    sqlx::query(
        "UPDATE runs SET next_attempt_at = ?2, updated_at = ?2
         WHERE id = (SELECT run FROM waiting WHERE slot = ?1) AND state = 'waiting' AND stopped <> 1",
    )
    .bind(slot)
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    queue::leave(connection, slot).await
}

/// A person's word on one that waits. It counts as what it would probably have cost.
pub(super) async fn say_bought(
    connection: &mut SqliteConnection,
    slot: &str,
    note: &str,
    now: Timestamp,
) -> Op<bool> {
    let row = sqlx::query(
        "INSERT INTO purchases (key, location, epoch, connection, contact, workflow, step, run, operation, request,
                                quantity, unit, test, estimate, currency, state, amount, created_at, counted_at,
                                sent_at, updated_at, slot, expected_in)
         SELECT slot, location, 0, connection, contact, workflow,
                coalesce((SELECT step FROM steps WHERE steps.run = waiting.run AND steps.key = waiting.slot), ''), run,
                operation,
                coalesce((SELECT request FROM steps WHERE steps.run = waiting.run AND steps.key = waiting.slot), '{}'),
                quantity, unit, 0, estimate, currency, 'confirmed', estimate, ?2, ?2, ?2, ?2, slot, currency
         FROM waiting
         WHERE slot = ?1
           AND NOT EXISTS (SELECT 1 FROM purchases p WHERE p.slot = waiting.slot AND p.state <> 'refused')
         ON CONFLICT (key) DO UPDATE SET
             state = excluded.state, amount = excluded.amount, currency = excluded.currency, error = NULL,
             sent_at = excluded.sent_at, counted_at = excluded.counted_at, updated_at = excluded.updated_at
         RETURNING key, amount, currency",
    )
    .bind(slot)
    .bind(micros(now))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(false);
    };
    let (key, currency): (String, String) = (row.try_get("key")?, row.try_get("currency")?);
    let entry = Entry {
        amount: Some(row.try_get("amount")?),
        currency: Some(&currency),
        detail: Some(note),
        ..Entry::bare(PurchaseState::Confirmed)
    };
    append(connection, &key, 0, &entry, now).await?;
    go_on(connection, slot, now).await?;
    Ok(true)
}
