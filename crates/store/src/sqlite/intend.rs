//! A purchase's intent: whether it stands already, whether the caps allow it, and what is reserved for it.

use jiff::Timestamp;

use super::attempts::{self, Attempt};
use super::caps::{self, Asking};
use super::fault::Op;
use super::fence::Held;
use super::ledger::{Entry, append, own};
use super::row::{micros, positive_millionths};
use super::{answers, queue, steps};
use crate::money_store::{CapOf, OTHER_CURRENCY};
use crate::types::{Cap, NewPurchase, NewStep, PurchaseIntent, PurchaseState};

pub(super) async fn intend(
    held: &mut Held<'_>,
    new: &NewPurchase,
    step: &NewStep,
    caps: Vec<Cap>,
    now: Timestamp,
) -> Op<PurchaseIntent> {
    let quantity = positive_millionths("quantity", new.quantity)?;
    // In every case, so that the page shows what the run is about to do or waits for.
    steps::intend(held, step, now).await?;
    let key = match attempts::of(held, new).await? {
        Attempt::Stands(existing) => {
            queue::leave(held.connection, &new.key).await?;
            return Ok(PurchaseIntent::Existing(*existing));
        }
        Attempt::Under(key) => key,
    };
    let mut estimate = positive_millionths("estimate", new.estimate)?;
    if !new.test {
        let dearest = answers::dearest(held.connection, new).await?;
        estimate = positive_millionths("estimate", dearest)?;
        let other =
            answers::other_currency(held.connection, &new.connection, &new.currency).await?;
        if let Some(currency) = other {
            queue::enter(held, new, estimate, OTHER_CURRENCY, now).await?;
            return Ok(PurchaseIntent::OtherCurrency { currency });
        }
        let asking = Asking {
            slot: &new.key,
            of: CapOf::new(&held.fence.location, new),
            estimate,
            place: queue::place(held.connection, &new.key, new.run).await?,
        };
        if let Some((cap, used)) = caps::exceeded(held.connection, &asking, caps).await? {
            let gate = cap.subject(&new.workflow, new.contact.as_deref(), &new.currency);
            queue::enter(held, new, estimate, &gate, now).await?;
            return Ok(PurchaseIntent::OverCap { cap, used });
        }
    }
    queue::leave(held.connection, &new.key).await?;
    // After a refusal this is a new attempt: it is counted now, and not sent yet.
    sqlx::query(
        "INSERT INTO purchases (key, location, epoch, connection, contact, workflow, step, run, operation, request,
                                quantity, unit, test, estimate, currency, state, created_at, counted_at, updated_at, slot,
                                expected_in)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 'intended', ?16, ?16, ?16, ?17, ?15)
         ON CONFLICT (key) DO UPDATE SET
             epoch = excluded.epoch, connection = excluded.connection, contact = excluded.contact,
             workflow = excluded.workflow, step = excluded.step, run = excluded.run, operation = excluded.operation,
             request = excluded.request, quantity = excluded.quantity, unit = excluded.unit, test = excluded.test,
             estimate = excluded.estimate, currency = excluded.currency, state = excluded.state,
             amount = NULL, url = NULL, response = NULL, error = NULL, sent_at = NULL, sent_to = NULL,
             expected_in = excluded.expected_in,
             counted_at = excluded.counted_at, updated_at = excluded.updated_at",
    )
    .bind(&key)
    .bind(&held.fence.location)
    .bind(held.fence.epoch)
    .bind(&new.connection)
    .bind(&new.contact)
    .bind(&new.workflow)
    .bind(&new.step)
    .bind(new.run)
    .bind(&new.operation)
    .bind(new.request.to_string())
    .bind(quantity)
    .bind(&new.unit)
    .bind(new.test)
    .bind(estimate)
    .bind(&new.currency)
    .bind(micros(now))
    .bind(&new.key)
    .execute(&mut *held.connection)
    .await?;
    append(
        held.connection,
        &key,
        held.fence.epoch,
        &Entry::bare(PurchaseState::Intended),
        now,
    )
    .await?;
    let intended = own(held, &key).await?;
    intended
        .map(PurchaseIntent::Intended)
        .ok_or_else(|| held.no_such("purchase", &key))
}
