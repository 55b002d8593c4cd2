//! What accounts answered last: what things cost there, and in which currency.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::row::decimal;
use crate::types::NewPurchase;

/// The currency of the last receipt of real money of a connection, where it is not this one.
pub(super) async fn other_currency(
    connection: &mut SqliteConnection,
    id: &str,
    currency: &str,
) -> Op<Option<String>> {
    let last: Option<String> = sqlx::query_scalar(
        "SELECT currency FROM purchases
         WHERE connection = ?1 AND test = 0 AND state = 'confirmed' AND json_type(response, '$.amount') IS NOT NULL
         ORDER BY updated_at DESC, id DESC LIMIT 1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    Ok(last.filter(|last| last != currency))
}

/// The estimate, or what it would cost as dear as the last receipt for the same thing.
pub(super) async fn dearest(connection: &mut SqliteConnection, new: &NewPurchase) -> Op<Decimal> {
    let row = sqlx::query(
        "SELECT amount, quantity FROM purchases
         WHERE connection = ?1 AND test = 0 AND state = 'confirmed' AND json_type(response, '$.amount') IS NOT NULL
           AND currency = ?2 AND operation = ?3 AND json_extract(request, '$.country') IS ?4 AND quantity > 0
         ORDER BY updated_at DESC, id DESC LIMIT 1",
    )
    .bind(&new.connection)
    .bind(&new.currency)
    .bind(&new.operation)
    .bind(new.request.get("country").and_then(Value::as_str))
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else {
        return Ok(new.estimate);
    };
    let (amount, quantity): (i64, i64) = (row.try_get("amount")?, row.try_get("quantity")?);
    let each = decimal(amount).checked_div(decimal(quantity));
    let again = each.and_then(|each| each.checked_mul(new.quantity));
    let again = again.map(|again| {
        // Receipts are rounded to the penny.
        again.round_dp_with_strategy(6, RoundingStrategy::AwayFromZero)
    });
    Ok(again.map_or(new.estimate, |again| again.max(new.estimate)))
}
