//! What was spent, against what may be.

use jiff::Timestamp;
use rust_decimal::Decimal;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::queue::{self, Place};
use super::row::{decimal, micros};
use crate::money_store::{CapOf, CapUse};
use crate::types::{Cap, CapScope, NewPurchase};

/// A purchase that asks whether it may go.
pub(super) struct Asking<'a> {
    pub slot: &'a str,
    pub of: CapOf,
    /// Millionths.
    pub estimate: i64,
    /// Its place among those that wait.
    pub place: Place,
}

impl CapOf {
    pub(super) fn new(location: &str, new: &NewPurchase) -> Self {
        Self {
            location: location.to_owned(),
            connection: new.connection.clone(),
            workflow: new.workflow.clone(),
            contact: new.contact.clone(),
            currency: new.currency.clone(),
        }
    }
}

/// The first cap that the purchase would go over, or at which others wait before it, and how much of it is used. Must run
/// in the transaction that writes the purchase.
pub(super) async fn exceeded(
    connection: &mut SqliteConnection,
    asking: &Asking<'_>,
    caps: Vec<Cap>,
) -> Op<Option<(Cap, Decimal)>> {
    for cap in caps {
        let used = of(connection, &cap, &asking.of, (asking.slot, asking.place)).await?;
        let used = used.spent + used.reserved;
        if used + decimal(asking.estimate) > cap.limit {
            return Ok(Some((cap, used)));
        }
        if queue::is_behind(connection, asking, &cap).await? {
            return Ok(Some((cap, used)));
        }
    }
    Ok(None)
}

/// Real money in the cap's currency: what was charged where that is known, else the estimate, and what waiting purchases
/// that may go before it will cost. A negative charge makes no room. What is still on its way counts in every day and month until it
/// is answered: nobody knows in which it will be charged. What was charged in another currency counts as was expected in the
/// cap's; what was not even expected in it is no part of the sum (see [`elsewhere`]).
macro_rules! sum_where {
    ($scope:literal) => {
        concat!(
            "SELECT coalesce(sum(spent), 0) AS spent, coalesce(sum(reserved), 0) AS reserved FROM (
             SELECT CASE WHEN currency = ?7 THEN max(coalesce(amount, 0), 0) WHEN amount IS NULL THEN 0 ELSE estimate END
                    AS spent,
                    CASE WHEN amount IS NULL THEN estimate ELSE 0 END AS reserved
             FROM purchases
             WHERE test = 0 AND state <> 'refused' AND (currency = ?7 OR expected_in = ?7) AND counted_at < ?2
               AND (counted_at >= ?1 OR state IN ('intended', 'sent')) AND ",
            $scope,
            " UNION ALL
             SELECT 0, estimate FROM waiting
             WHERE freed = 1 AND slot <> ?8 AND currency = ?7 AND (happened, event) <= (?9, ?10)
               AND EXISTS (SELECT 1 FROM runs WHERE runs.id = waiting.run AND runs.state IN ('ready', 'waiting')) AND ",
            $scope,
            ")"
        )
    };
}

/// How much of a cap is used, without what is reserved for this slot or for what waits behind it.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    cap: &Cap,
    of: &CapOf,
    (slot, place): (&str, Place),
) -> Op<CapUse> {
    let sql = match cap.scope {
        CapScope::Connection => sum_where!("connection = ?3"),
        CapScope::Workflow => sum_where!("connection = ?3 AND workflow = ?4"),
        // `IS`, so that what belongs to no contact counts together instead of not at all.
        CapScope::Contact => {
            sum_where!("location = ?5 AND contact IS ?6")
        }
        CapScope::All => sum_where!("1"),
    };
    let row = sqlx::query(sql)
        .bind(micros(cap.from))
        .bind(micros(cap.until))
        .bind(&of.connection)
        .bind(&of.workflow)
        .bind(&of.location)
        .bind(&of.contact)
        .bind(&of.currency)
        .bind(slot)
        .bind(place.happened)
        .bind(place.event)
        .fetch_one(connection)
        .await?;
    Ok(CapUse {
        spent: decimal(row.try_get("spent")?),
        reserved: decimal(row.try_get("reserved")?),
    })
}

/// What a connection was charged from a moment on in money that caps in `currency` do not count, by its currency.
pub(super) async fn elsewhere(
    connection: &mut SqliteConnection,
    id: &str,
    currency: &str,
    from: Timestamp,
) -> Op<Vec<(String, Decimal)>> {
    let rows = sqlx::query(
        "SELECT currency, sum(coalesce(amount, estimate)) AS total FROM purchases
         WHERE connection = ?1 AND test = 0 AND state <> 'refused' AND currency <> ?2 AND expected_in <> ?2
           AND counted_at >= ?3
         GROUP BY currency ORDER BY currency",
    )
    .bind(id)
    .bind(currency)
    .bind(micros(from))
    .fetch_all(connection)
    .await?;
    let one = |row: &SqliteRow| Ok((row.try_get("currency")?, decimal(row.try_get("total")?)));
    rows.iter().map(one).collect()
}
