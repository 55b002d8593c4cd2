//! What was spent, against what may be.

use rust_decimal::Decimal;
use sqlx::SqliteConnection;

use super::fault::Op;
use super::row::{decimal, micros};
use crate::types::Cap;

/// The first cap that `estimate` more would go over, and how much of it is used. Must run in the transaction that
/// writes the purchase.
pub(super) async fn exceeded(
    connection: &mut SqliteConnection,
    account: &str,
    estimate: i64,
    caps: Vec<Cap>,
) -> Op<Option<(Cap, Decimal)>> {
    for cap in caps {
        let used = decimal(used(connection, account, &cap).await?);
        if used + decimal(estimate) > cap.limit {
            return Ok(Some((cap, used)));
        }
    }
    Ok(None)
}

/// Real money, in whichever currency the account has: what was charged where that is known, else the estimate. A
/// negative charge makes no room.
async fn used(connection: &mut SqliteConnection, account: &str, cap: &Cap) -> Op<i64> {
    Ok(sqlx::query_scalar(
        "SELECT coalesce(sum(max(coalesce(amount, estimate), 0)), 0) FROM purchases
         WHERE connection = ?1 AND test = 0 AND state <> 'refused' AND counted_at >= ?2 AND counted_at < ?3",
    )
    .bind(account)
    .bind(micros(cap.from))
    .bind(micros(cap.until))
    .fetch_one(connection)
    .await?)
}
