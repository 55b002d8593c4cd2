//! What was spent, against what may be.

use rust_decimal::Decimal;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use super::fault::Op;
use super::row::{decimal, micros};
use crate::types::{Cap, CapScope, NewPurchase};

/// The first cap that `estimate` more would go over, and how much of it is used. Must run in the transaction that
/// writes the purchase.
pub(super) async fn exceeded(
    connection: &mut SqliteConnection,
    location: &str,
    new: &NewPurchase,
    estimate: i64,
    caps: Vec<Cap>,
) -> Op<Option<(Cap, Decimal)>> {
    for cap in caps {
        let used = decimal(used(connection, location, new, &cap).await?);
        if used + decimal(estimate) > cap.limit {
            return Ok(Some((cap, used)));
        }
    }
    Ok(None)
}

/// Real money: what was charged where that is known, else the estimate. A negative charge makes no room.
macro_rules! sum_where {
    ($scope:literal) => {
        concat!(
            "SELECT coalesce(sum(max(coalesce(amount, estimate), 0)), 0) FROM purchases
             WHERE test = 0 AND state <> 'refused' AND counted_at >= ?1 AND counted_at < ?2 AND ",
            $scope
        )
    };
}

async fn used(
    connection: &mut SqliteConnection,
    location: &str,
    new: &NewPurchase,
    cap: &Cap,
) -> Op<i64> {
    let sum = match cap.scope {
        CapScope::Connection => period(sum_where!("connection = ?3"), cap).bind(&new.connection),
        CapScope::Workflow => period(sum_where!("connection = ?3 AND workflow = ?4"), cap)
            .bind(&new.connection)
            .bind(&new.workflow),
        // `IS`, so that what belongs to no contact counts together instead of not at all.
        CapScope::Contact => period(sum_where!("location = ?3 AND contact IS ?4"), cap)
            .bind(location)
            .bind(&new.contact),
        CapScope::All => period(sum_where!("currency = ?3"), cap).bind(&new.currency),
    };
    Ok(sum.fetch_one(connection).await?)
}

type Sum<'q> = sqlx::query::QueryScalar<'q, Sqlite, i64, SqliteArguments>;

fn period<'q>(sql: &'static str, cap: &Cap) -> Sum<'q> {
    sqlx::query_scalar(sql)
        .bind(micros(cap.from))
        .bind(micros(cap.until))
}
