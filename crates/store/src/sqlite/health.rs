//! How the program fares, part by part, and the alerts that follow from it.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::fault::Op;
use super::macros::{read, write};
use super::row::{Reader, micros};
use super::{SqliteStore, alerts, health, waiting};
use crate::delivery_store::UNKNOWN_LOCATION;
use crate::error::{Result, StoreError};
use crate::health_store::{
    ALERT_KINDS, HealthStore, Part, PartHealth, PartReport, PartState, Unread,
};
use crate::types::NewAlert;

/// So many failures in a row are told.
const TOLD: i64 = 2;

#[async_trait]
impl HealthStore for SqliteStore {
    async fn report_health(&self, reports: Vec<PartReport>, now: Timestamp) -> Result<()> {
        if reports.is_empty() {
            return Ok(());
        }
        write!(self, health::report(&reports, now))
    }

    async fn keep_parts(
        &self,
        location: &str,
        part: Part,
        names: Vec<String>,
        now: Timestamp,
    ) -> Result<()> {
        let location = location.to_owned();
        write!(self, health::keep(&location, part, &names, now))
    }

    async fn keep_places(&self, locations: Vec<String>, now: Timestamp) -> Result<()> {
        write!(self, health::keep_places(&locations, now))
    }

    fn trouble(&self) -> Option<StoreError> {
        Self::trouble(self)
    }

    async fn health(&self) -> Result<Vec<PartHealth>> {
        read!(self, health::all())
    }

    async fn unread(&self) -> Result<Vec<Unread>> {
        read!(self, waiting::unread())
    }

    async fn end_notices(&self, before: Timestamp, now: Timestamp) -> Result<u64> {
        write!(self, health::end_notices(before, now))
    }
}

async fn report(
    connection: &mut SqliteConnection,
    reports: &[PartReport],
    now: Timestamp,
) -> Op<()> {
    for report in reports {
        match &report.state {
            PartState::Good => good(connection, report, now).await?,
            PartState::Failing {
                cause,
                remedy,
                at_once,
            } => failing(connection, report, (cause, remedy, Some(*at_once)), now).await?,
            PartState::ToldElsewhere { cause, remedy } => {
                failing(connection, report, (cause, remedy, None), now).await?;
            }
        }
    }
    Ok(())
}

async fn good(connection: &mut SqliteConnection, report: &PartReport, now: Timestamp) -> Op<()> {
    sqlx::query(
        "INSERT INTO health (location, part, name, good_since, last_success, next_try, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?4)
         ON CONFLICT (location, part, name) DO UPDATE SET
             good_since = coalesce(good_since, ?4), failing_since = NULL, last_success = ?4, next_try = ?5,
             failures = 0, alerting = 0, cause = NULL, remedy = NULL, updated_at = ?4",
    )
    .bind(&report.location)
    .bind(report.part.as_str())
    .bind(&report.name)
    .bind(micros(now))
    .bind(report.next_try.map(micros))
    .execute(&mut *connection)
    .await?;
    let (location, kind) = (&report.location, report.part.as_str());
    alerts::resolve(connection, location, kind, &report.name, None, now).await?;
    Ok(())
}

async fn failing(
    connection: &mut SqliteConnection,
    report: &PartReport,
    (cause, remedy, at_once): (&str, &str, Option<bool>),
    now: Timestamp,
) -> Op<()> {
    let told = if at_once.is_some() { TOLD } else { i64::MAX };
    let at_once = at_once.unwrap_or(false);
    // A look that finds what the last one found is no further failure.
    let same: Option<bool> = sqlx::query_scalar(
        "SELECT alerting AND ?4 AND cause = ?5 FROM health WHERE location = ?1 AND part = ?2 AND name = ?3",
    )
    .bind(&report.location)
    .bind(report.part.as_str())
    .bind(&report.name)
    .bind(at_once)
    .bind(cause)
    .fetch_optional(&mut *connection)
    .await?
    .flatten();
    let same = same.unwrap_or(false);
    let alerting: bool = sqlx::query_scalar(
        "INSERT INTO health (location, part, name, failing_since, next_try, failures, alerting, cause, remedy, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?4)
         ON CONFLICT (location, part, name) DO UPDATE SET
             good_since = NULL, failing_since = coalesce(failing_since, ?4), next_try = ?5,
             failures = CASE WHEN ?10 THEN failures ELSE failures + 1 END,
             alerting = ?9 < 9223372036854775807 AND (alerting OR ?6 OR failures + 1 >= ?9), cause = ?7, remedy = ?8, updated_at = ?4
         RETURNING alerting",
    )
    .bind(&report.location)
    .bind(report.part.as_str())
    .bind(&report.name)
    .bind(micros(now))
    .bind(report.next_try.map(micros))
    .bind(at_once)
    .bind(cause)
    .bind(remedy)
    .bind(told)
    .bind(same)
    .fetch_one(&mut *connection)
    .await?;
    if alerting {
        let alert = NewAlert {
            location: report.location.clone(),
            kind: report.part.as_str().to_owned(),
            subject: report.name.clone(),
            message: format!("{cause}; {remedy}"),
        };
        if same {
            // Only where a person took it for mended.
            alerts::open(connection, &alert, now).await?;
        } else {
            alerts::raise(connection, &alert, now).await?;
        }
    }
    Ok(())
}

async fn keep(
    connection: &mut SqliteConnection,
    location: &str,
    part: Part,
    names: &[String],
    now: Timestamp,
) -> Op<()> {
    let known: Vec<String> =
        sqlx::query_scalar("SELECT name FROM health WHERE location = ?1 AND part = ?2")
            .bind(location)
            .bind(part.as_str())
            .fetch_all(&mut *connection)
            .await?;
    for name in known.iter().filter(|name| !names.contains(name)) {
        sqlx::query("DELETE FROM health WHERE location = ?1 AND part = ?2 AND name = ?3")
            .bind(location)
            .bind(part.as_str())
            .bind(name)
            .execute(&mut *connection)
            .await?;
        alerts::resolve(connection, location, part.as_str(), name, None, now).await?;
    }
    Ok(())
}

async fn keep_places(
    connection: &mut SqliteConnection,
    locations: &[String],
    now: Timestamp,
) -> Op<()> {
    let known: Vec<String> = sqlx::query_scalar("SELECT DISTINCT location FROM health")
        .fetch_all(&mut *connection)
        .await?;
    for location in known {
        let is_kept = ["", UNKNOWN_LOCATION].contains(&location.as_str());
        if is_kept || locations.contains(&location) {
            continue;
        }
        for part in Part::ALL {
            keep(connection, &location, part, &[], now).await?;
        }
    }
    Ok(())
}

async fn all(connection: &mut SqliteConnection) -> Op<Vec<PartHealth>> {
    let rows = sqlx::query("SELECT * FROM health ORDER BY location, part, name")
        .fetch_all(connection)
        .await?;
    rows.iter().map(row).collect()
}

fn row(row: &SqliteRow) -> Op<PartHealth> {
    let name: String = row.try_get("name")?;
    let row = Reader::new(row, "health", &name);
    Ok(PartHealth {
        location: row.text("location")?,
        part: row.word("part")?,
        good_since: row.maybe_instant("good_since")?,
        failing_since: row.maybe_instant("failing_since")?,
        last_success: row.maybe_instant("last_success")?,
        next_try: row.maybe_instant("next_try")?,
        failures: row.narrow("failures")?,
        alerting: row.flag("alerting")?,
        cause: row.maybe_text("cause")?,
        remedy: row.maybe_text("remedy")?,
        updated_at: row.instant("updated_at")?,
        name: name.clone(),
    })
}

async fn end_notices(
    connection: &mut SqliteConnection,
    before: Timestamp,
    now: Timestamp,
) -> Op<u64> {
    let mut ended = 0;
    for notice in ALERT_KINDS.iter().filter(|known| known.notice) {
        let update = sqlx::query(
            "UPDATE alerts SET resolved_at = ?3, updated_at = ?3
             WHERE kind = ?1 AND resolved_at IS NULL AND updated_at < ?2",
        )
        .bind(notice.kind)
        .bind(micros(before))
        .bind(micros(now));
        ended += update.execute(&mut *connection).await?.rows_affected();
    }
    Ok(ended)
}
