//! The call log, and the figures of the summary.

use jiff::Timestamp;
use rust_decimal::Decimal;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::Op;
use super::row::{Reader, decimal, micros};
use super::withheld::TO_CARRY_OUT;
use crate::types::{CallEntry, DayOfCalls, InTest, Summary};

fn read(row: &SqliteRow) -> Op<CallEntry> {
    let id: i64 = row.try_get("id")?;
    let row = Reader::new(row, "calls", id);
    Ok(CallEntry {
        at: row.instant("at")?,
        service: row.text("service")?,
        location: row.text("location")?,
        operation: row.text("operation")?,
        method: row.text("method")?,
        status: row.maybe_narrow("status")?,
        elapsed_ms: row.narrow("elapsed_ms")?,
        attempt: row.narrow("attempt")?,
        trace_id: row.maybe_text("trace_id")?,
        error: row.maybe_text("error")?,
        day_limit: row.maybe_narrow("day_limit")?,
        day_used: row.maybe_narrow("day_used")?,
    })
}

pub(super) async fn insert(connection: &mut SqliteConnection, calls: &[CallEntry]) -> Op<()> {
    for call in calls {
        sqlx::query(
            "INSERT INTO calls (at, service, location, operation, method, status, elapsed_ms, attempt, trace_id, error,
                                day_limit, day_used)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .bind(micros(call.at))
        .bind(&call.service)
        .bind(&call.location)
        .bind(&call.operation)
        .bind(&call.method)
        .bind(call.status)
        .bind(i64::try_from(call.elapsed_ms).unwrap_or(i64::MAX))
        .bind(call.attempt)
        .bind(&call.trace_id)
        .bind(&call.error)
        .bind(call.day_limit)
        .bind(call.day_used)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn prune(connection: &mut SqliteConnection, before: Timestamp) -> Op<u64> {
    let done = sqlx::query("DELETE FROM calls WHERE at < ?1")
        .bind(micros(before))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

pub(super) async fn since(
    connection: &mut SqliteConnection,
    location: &str,
    service: &str,
    since: Timestamp,
) -> Op<u64> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM calls WHERE location = ?1 AND service = ?2 AND at >= ?3",
    )
    .bind(location)
    .bind(service)
    .bind(micros(since))
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

pub(super) async fn days(
    connection: &mut SqliteConnection,
    service: &str,
    since: Timestamp,
) -> Op<Vec<DayOfCalls>> {
    let rows = sqlx::query(
        "SELECT told.location, told.day_limit, told.day_used,
                (SELECT count(*) FROM calls AS own
                 WHERE own.location = told.location AND own.service = told.service
                   AND own.at >= ?2 AND own.id <= told.id) AS own
         FROM calls AS told
         WHERE told.id IN (SELECT max(id) FROM calls
                           WHERE service = ?1 AND at >= ?2 AND day_used IS NOT NULL GROUP BY location)
         ORDER BY told.location",
    )
    .bind(service)
    .bind(micros(since))
    .fetch_all(connection)
    .await?;
    let read = |row: &SqliteRow| {
        let row = Reader::new(row, "calls", "days");
        Ok(DayOfCalls {
            location: row.text("location")?,
            limit: row.narrow("day_limit")?,
            used: row.narrow("day_used")?,
            own: row.narrow("own")?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn recent(connection: &mut SqliteConnection, limit: u32) -> Op<Vec<CallEntry>> {
    let rows = sqlx::query("SELECT * FROM calls ORDER BY at DESC, id DESC LIMIT ?1")
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn summary(
    connection: &mut SqliteConnection,
    location: Option<&str>,
) -> Op<Summary> {
    let here = if location.is_some() {
        "location = ?1"
    } else {
        "1"
    };
    // One statement: all figures are of the same moment.
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT (SELECT count(*) FROM inbox WHERE {here}) AS events,
                (SELECT count(*) FROM inbox WHERE {here} AND state = 'pending') AS events_pending,
                (SELECT count(*) FROM inbox WHERE {here} AND state = 'pending' AND next_attempt_at IS NOT NULL) AS events_waiting,
                (SELECT count(*) FROM inbox WHERE {here} AND state = 'held') AS events_held,
                (SELECT count(*) FROM inbox WHERE {here} AND state = 'echo') AS events_echo,
                (SELECT count(*) FROM profiles WHERE {here}) AS profiles,
                (SELECT count(*) FROM purchases WHERE {here} AND state = 'confirmed' AND test = 0) AS purchases,
                (SELECT count(*) FROM purchases WHERE {here} AND state = 'confirmed' AND test = 1) AS purchases_test,
                (SELECT count(*) FROM purchases WHERE {here} AND state IN ('intended', 'sent')) AS purchases_open,
                (SELECT count(*) FROM purchases WHERE {here} AND state = 'unknown') AS purchases_unknown,
                (SELECT coalesce(sum(quantity), 0) FROM purchases WHERE {here}
                 AND state = 'confirmed' AND test = 0 AND unit = 'trees') AS trees,
                (SELECT coalesce(sum(quantity), 0) FROM purchases WHERE {here}
                 AND state = 'confirmed' AND test = 1 AND unit = 'trees') AS trees_test,
                (SELECT json_group_array(json_array(currency, cost)) FROM
                    (SELECT currency, sum(amount) AS cost FROM purchases WHERE {here}
                     AND state = 'confirmed' AND test = 0 GROUP BY currency)) AS cost,
                (SELECT json_group_array(json_array(currency, cost)) FROM
                    (SELECT currency, sum(amount) AS cost FROM purchases WHERE {here}
                     AND state = 'confirmed' AND test = 1 GROUP BY currency)) AS cost_test,
                (SELECT count(*) FROM steps WHERE {here} AND withheld = 1) AS withheld,
                (SELECT count(*) FROM runs WHERE {here} AND {TO_CARRY_OUT}) AS to_carry_out,
                (SELECT count(*) FROM runs WHERE {here} AND state = 'done') AS runs_done,
                (SELECT count(*) FROM runs WHERE {here} AND state IN ('ready', 'waiting')) AS runs_open,
                (SELECT count(*) FROM runs WHERE {here} AND state = 'waiting') AS runs_waiting,
                (SELECT count(*) FROM runs WHERE {here} AND state = 'held') AS runs_held,
                (SELECT count(*) FROM runs WHERE {here} AND state = 'dead') AS runs_dead,
                (SELECT count(*) FROM alerts WHERE {here} AND resolved_at IS NULL) AS alerts,
                (SELECT count(*) FROM calls WHERE {here}) AS calls"
    )))
    .bind(location)
    .fetch_one(connection)
    .await?;
    let row = Reader::new(&row, "purchases", "sums");
    let cost = |name: &str| -> Op<Vec<(String, Decimal)>> {
        let mut sums: Vec<(String, i64)> = row.json(name)?;
        sums.sort();
        let sums = sums.into_iter();
        Ok(sums
            .map(|(currency, millionths)| (currency, decimal(millionths)))
            .collect())
    };
    Ok(Summary {
        events: row.narrow("events")?,
        events_pending: row.narrow("events_pending")?,
        events_waiting: row.narrow("events_waiting")?,
        events_held: row.narrow("events_held")?,
        events_echo: row.narrow("events_echo")?,
        profiles: row.narrow("profiles")?,
        purchases: row.narrow("purchases")?,
        purchases_open: row.narrow("purchases_open")?,
        purchases_unknown: row.narrow("purchases_unknown")?,
        trees: row.decimal("trees")?,
        cost: cost("cost")?,
        test: InTest {
            purchases: row.narrow("purchases_test")?,
            trees: row.decimal("trees_test")?,
            cost: cost("cost_test")?,
            withheld: row.narrow("withheld")?,
            runs: row.narrow("to_carry_out")?,
        },
        runs_done: row.narrow("runs_done")?,
        runs_open: row.narrow("runs_open")?,
        runs_waiting: row.narrow("runs_waiting")?,
        runs_held: row.narrow("runs_held")?,
        runs_dead: row.narrow("runs_dead")?,
        alerts: row.narrow("alerts")?,
        calls: row.narrow("calls")?,
    })
}
