//! Purchases and the append-only ledger behind them.
//!
//! A row of `purchases` says what the newest ledger entry of its key says; both are written in one transaction.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::{Fault, Op};
use super::fence::Held;
use super::row::{Reader, micros, millionths, positive_millionths};
use super::steps;
use crate::money_store::UNANSWERED;
use crate::types::{LedgerEntry, Purchase, PurchaseOutcome, PurchaseState, StepOutcome};

pub(super) fn read(row: &SqliteRow) -> Op<Purchase> {
    let key: String = row.try_get("key")?;
    let row = Reader::new(row, "purchases", &key);
    Ok(Purchase {
        slot: row.text("slot")?,
        location: row.text("location")?,
        connection: row.text("connection")?,
        contact: row.maybe_text("contact")?,
        workflow: row.text("workflow")?,
        step: row.text("step")?,
        run: row.number("run")?,
        operation: row.text("operation")?,
        request: row.json("request")?,
        quantity: row.decimal("quantity")?,
        unit: row.text("unit")?,
        test: row.flag("test")?,
        estimate: row.decimal("estimate")?,
        currency: row.text("currency")?,
        state: row.word("state")?,
        amount: row.maybe_decimal("amount")?,
        url: row.maybe_text("url")?,
        response: row.maybe_json("response")?,
        error: row.maybe_text("error")?,
        created_at: row.instant("created_at")?,
        sent_at: row.maybe_instant("sent_at")?,
        sent_to: row.maybe_text("sent_to")?,
        updated_at: row.instant("updated_at")?,
        key,
    })
}

pub(super) async fn purchase(connection: &mut SqliteConnection, key: &str) -> Op<Option<Purchase>> {
    let row = sqlx::query("SELECT * FROM purchases WHERE key = ?1")
        .bind(key)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn recent(connection: &mut SqliteConnection, limit: u32) -> Op<Vec<Purchase>> {
    let rows = sqlx::query("SELECT * FROM purchases ORDER BY id DESC LIMIT ?1")
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Oldest first.
pub(super) async fn entries(connection: &mut SqliteConnection, key: &str) -> Op<Vec<LedgerEntry>> {
    let rows = sqlx::query("SELECT * FROM ledger WHERE key = ?1 ORDER BY seq")
        .bind(key)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let row = Reader::new(row, "ledger", key);
            Ok(LedgerEntry {
                seq: row.number("seq")?,
                key: row.text("key")?,
                state: row.word("state")?,
                at: row.instant("at")?,
                amount: row.maybe_decimal("amount")?,
                currency: row.maybe_text("currency")?,
                detail: row.maybe_text("detail")?,
            })
        })
        .collect()
}

/// Whether the program may move a purchase from one state to another. An unknown one is left to a person.
const fn may_become(from: PurchaseState, to: PurchaseState) -> bool {
    use PurchaseState::{Confirmed, Intended, Refused, Sent, Unknown};
    matches!(
        (from, to),
        (Refused, Intended)
            | (Intended, Sent | Refused)
            | (Sent, Sent | Confirmed | Refused | Unknown)
    )
}

/// The purchase, if it is of the fence's location and may become `next`.
async fn movable(held: &mut Held<'_>, key: &str, next: PurchaseState) -> Op<Purchase> {
    let Some(purchase) = own(held, key).await? else {
        return Err(held.no_such("purchase", key));
    };
    if may_become(purchase.state, next) {
        return Ok(purchase);
    }
    Err(Fault::conflict(format!(
        "purchase {key} is {} and cannot become {next}",
        purchase.state
    )))
}

pub(super) async fn own(held: &mut Held<'_>, key: &str) -> Op<Option<Purchase>> {
    let found = purchase(held.connection, key).await?;
    if found
        .as_ref()
        .is_some_and(|purchase| purchase.location != held.location())
    {
        return Err(held.no_such("purchase", key));
    }
    Ok(found)
}

/// What a new ledger entry says, and with it the row of `purchases`.
pub(super) struct Entry<'a> {
    pub(super) state: PurchaseState,
    pub(super) amount: Option<i64>,
    pub(super) currency: Option<&'a str>,
    pub(super) url: Option<&'a str>,
    pub(super) response: Option<String>,
    /// Why it was refused or is unknown; a person's note.
    pub(super) detail: Option<&'a str>,
}

impl Entry<'_> {
    pub(super) const fn bare(state: PurchaseState) -> Self {
        Self {
            state,
            amount: None,
            currency: None,
            url: None,
            response: None,
            detail: None,
        }
    }
}

pub(super) async fn append(
    connection: &mut SqliteConnection,
    key: &str,
    epoch: i64,
    entry: &Entry<'_>,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "INSERT INTO ledger (key, location, epoch, state, at, amount, currency, detail)
         SELECT key, location, ?2, ?3, ?4, ?5, ?6, ?7 FROM purchases WHERE key = ?1",
    )
    .bind(key)
    .bind(epoch)
    .bind(entry.state.as_str())
    .bind(micros(now))
    .bind(entry.amount)
    .bind(entry.currency)
    .bind(entry.detail)
    .execute(connection)
    .await?;
    Ok(())
}

/// Appends the entry and brings the row of `purchases` in line.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    key: &str,
    epoch: i64,
    entry: &Entry<'_>,
    now: Timestamp,
) -> Op<()> {
    append(connection, key, epoch, entry, now).await?;
    let error = match entry.state {
        PurchaseState::Refused | PurchaseState::Unknown => entry.detail,
        _ => None,
    };
    sqlx::query(
        "UPDATE purchases SET state = ?2, epoch = ?3, amount = ?4, currency = coalesce(?5, currency), url = ?6,
                response = ?7, error = ?8, updated_at = ?9,
                sent_at = CASE ?2 WHEN 'sent' THEN coalesce(sent_at, ?9) ELSE sent_at END
         WHERE key = ?1",
    )
    .bind(key)
    .bind(entry.state.as_str())
    .bind(epoch)
    .bind(entry.amount)
    .bind(entry.currency)
    .bind(entry.url)
    .bind(&entry.response)
    .bind(error)
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    if matches!(
        entry.state,
        PurchaseState::Confirmed | PurchaseState::Refused
    ) {
        // Nobody asks any more when it went out by clocks that nobody sets.
        sqlx::query("DELETE FROM facts WHERE name = ?1")
            .bind(format!("{UNANSWERED}{key}"))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// It goes out now, so it counts on the day on which it does, whenever it was intended or sent before.
pub(super) async fn mark_sent(
    held: &mut Held<'_>,
    key: &str,
    account: &str,
    now: Timestamp,
) -> Op<()> {
    movable(held, key, PurchaseState::Sent).await?;
    counts_from(held.connection, key, now).await?;
    sqlx::query("UPDATE purchases SET sent_to = coalesce(sent_to, ?2) WHERE key = ?1")
        .bind(key)
        .bind(account)
        .execute(&mut *held.connection)
        .await?;
    record(
        held.connection,
        key,
        held.fence.epoch,
        &Entry::bare(PurchaseState::Sent),
        now,
    )
    .await
}

/// Lets a purchase count against the caps of this moment's day and month, if it counted on an earlier one.
async fn counts_from(connection: &mut SqliteConnection, key: &str, now: Timestamp) -> Op<()> {
    sqlx::query("UPDATE purchases SET counted_at = max(counted_at, ?2) WHERE key = ?1")
        .bind(key)
        .bind(micros(now))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn settle(
    held: &mut Held<'_>,
    key: &str,
    outcome: &PurchaseOutcome,
    step: &StepOutcome,
    now: Timestamp,
) -> Op<()> {
    let entry = match outcome {
        PurchaseOutcome::Confirmed {
            amount,
            currency,
            url,
            response,
        } => Entry {
            amount: Some(millionths("amount", *amount)?),
            currency: Some(currency),
            url: url.as_deref(),
            response: Some(response.to_string()),
            ..Entry::bare(PurchaseState::Confirmed)
        },
        PurchaseOutcome::Refused { error } => Entry {
            detail: Some(error),
            ..Entry::bare(PurchaseState::Refused)
        },
        PurchaseOutcome::Unknown { error } => Entry {
            detail: Some(error),
            ..Entry::bare(PurchaseState::Unknown)
        },
    };
    movable(held, key, entry.state).await?;
    if entry.state == PurchaseState::Confirmed {
        // A call that is repeated within itself may go out again after midnight: which day bought it nobody knows.
        counts_from(held.connection, key, now).await?;
    }
    record(held.connection, key, held.fence.epoch, &entry, now).await?;
    steps::finish(held, step, now).await
}

/// A person's word: an unanswered purchase is waited for no longer. Not fenced; an owner that is about to ask about it finds
/// that it may not.
pub(super) async fn doubt(
    connection: &mut SqliteConnection,
    key: &str,
    note: &str,
    now: Timestamp,
) -> Op<bool> {
    let known = purchase(connection, key).await?;
    let is_open = known.is_some_and(|purchase| purchase.state == PurchaseState::Sent);
    if is_open {
        let entry = Entry {
            detail: Some(note),
            ..Entry::bare(PurchaseState::Unknown)
        };
        record(connection, key, 0, &entry, now).await?;
    }
    Ok(is_open)
}

/// Not fenced: a person speaks, not the owner. No owner moves an unknown purchase.
pub(super) async fn resolve(
    connection: &mut SqliteConnection,
    key: &str,
    bought: bool,
    note: &str,
    now: Timestamp,
) -> Op<bool> {
    let known = purchase(connection, key).await?;
    let Some(purchase) = known.filter(|purchase| purchase.state == PurchaseState::Unknown) else {
        return Ok(false);
    };
    let entry = if bought {
        Entry {
            amount: Some(positive_millionths("estimate", purchase.estimate)?),
            currency: Some(&purchase.currency),
            detail: Some(note),
            ..Entry::bare(PurchaseState::Confirmed)
        }
    } else {
        Entry {
            detail: Some(note),
            ..Entry::bare(PurchaseState::Refused)
        }
    };
    record(connection, key, 0, &entry, now).await?;
    sqlx::query(
        "UPDATE runs SET next_attempt_at = ?2, updated_at = ?2
         WHERE (id = ?1 OR id IN (SELECT run FROM steps WHERE key = ?3)) AND state = 'waiting' AND stopped <> 1",
    )
    .bind(purchase.run)
    .bind(micros(now))
    .bind(&purchase.slot)
    .execute(connection)
    .await?;
    Ok(true)
}

pub(super) async fn of_contact(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
    limit: u32,
) -> Op<Vec<Purchase>> {
    let rows = sqlx::query(
        "SELECT * FROM purchases WHERE location = ?1 AND contact = ?2 ORDER BY id DESC LIMIT ?3",
    )
    .bind(location)
    .bind(contact)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_moves_purchases_only_along_these_edges() {
        use PurchaseState::{Confirmed, Intended, Refused, Sent, Unknown};
        let states = [Intended, Sent, Confirmed, Refused, Unknown];
        let edges: Vec<_> = states
            .into_iter()
            .flat_map(|from| states.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| may_become(*from, *to))
            .collect();
        let expected = [
            (Intended, Sent),
            (Intended, Refused),
            (Sent, Sent),
            (Sent, Confirmed),
            (Sent, Refused),
            (Sent, Unknown),
            (Refused, Intended),
        ];
        assert_eq!(edges, expected);
    }
}
