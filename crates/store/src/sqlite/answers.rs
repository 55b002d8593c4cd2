//! What accounts answered last: what things cost there, and in which currency.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::row::decimal;
use crate::types::NewPurchase;

/// The name of the fact which currency an account was seen to have: by a simulated order, or said by a person.
pub(super) fn seen(connection: &str) -> String {
    format!("currency of {connection}")
}

/// The currency of the last receipt of real money of a connection, where it is not this one, and the account was not seen
/// to have this one since.
pub(super) async fn other_currency(
    connection: &mut SqliteConnection,
    id: &str,
    currency: &str,
) -> Op<Option<String>> {
    let last: Option<String> = sqlx::query_scalar(
        "SELECT coalesce(nullif(upper(trim(json_extract(response, '$.currency'))), ''), currency) FROM purchases
         WHERE connection = ?1 AND test = 0 AND state = 'confirmed'
           AND (json_type(response, '$.amount') IS NOT NULL OR json_type(response, '$.currency') = 'text')
           AND NOT EXISTS (SELECT 1 FROM facts WHERE name = ?2 AND json_extract(value, '$') = ?3
                           AND facts.updated_at > purchases.updated_at)
         ORDER BY updated_at DESC, id DESC LIMIT 1",
    )
    .bind(id)
    .bind(seen(id))
    .bind(currency)
    .fetch_optional(connection)
    .await?;
    Ok(last.filter(|last| last != currency))
}

/// The estimate, or what it would cost as dear as the last receipt for the same thing: of this connection, or of the one
/// that bought it last in the same currency, because a price that one connection has met is known to all.
pub(super) async fn dearest(connection: &mut SqliteConnection, new: &NewPurchase) -> Op<Decimal> {
    let rows = sqlx::query(
        "SELECT * FROM (SELECT amount, quantity FROM purchases
         WHERE connection = ?1 AND test = 0 AND state = 'confirmed' AND json_type(response, '$.amount') IS NOT NULL
           AND currency = ?2 AND operation = ?3 AND json_extract(request, '$.country') IS ?4 AND quantity > 0
         ORDER BY updated_at DESC, id DESC LIMIT 1)
         UNION ALL
         SELECT * FROM (SELECT amount, quantity FROM purchases
         WHERE test = 0 AND state = 'confirmed' AND json_type(response, '$.amount') IS NOT NULL
           AND currency = ?2 AND operation = ?3 AND json_extract(request, '$.country') IS ?4 AND quantity > 0
         ORDER BY updated_at DESC, id DESC LIMIT 1)",
    )
    .bind(&new.connection)
    .bind(&new.currency)
    .bind(&new.operation)
    .bind(new.request.get("country").and_then(Value::as_str))
    .fetch_all(connection)
    .await?;
    let mut dearest = new.estimate;
    for row in rows {
        let (amount, quantity): (i64, i64) = (row.try_get("amount")?, row.try_get("quantity")?);
        let each = decimal(amount).checked_div(decimal(quantity));
        let again = each.and_then(|each| each.checked_mul(new.quantity));
        // Receipts are rounded to the penny.
        let again =
            again.map(|again| again.round_dp_with_strategy(6, RoundingStrategy::AwayFromZero));
        dearest = again.map_or(dearest, |again| again.max(dearest));
    }
    Ok(dearest)
}
