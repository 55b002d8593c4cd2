//! Whole copies of a store that may be in use, and the proof that a copy is one.

use std::path::Path;

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::{SqliteOptions, SqliteStore, open};
use crate::error::{OpenError, Result};

/// What a store holds, counted: by it a person sees whether a copy is whole, and how old it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inventory {
    pub events: u64,
    pub runs: u64,
    pub profiles: u64,
    /// Real ones, whatever became of them.
    pub purchases: u64,
    /// Those of test mode.
    pub simulated: u64,
    /// Entries of the append-only book; it only ever grows.
    pub ledger_entries: u64,
    pub secrets: u64,
    /// What was confirmed, apart by currency and by test and real.
    pub confirmed: Vec<Confirmed>,
}

/// Confirmed purchases in one currency, all test or all real.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirmed {
    pub currency: String,
    pub test: bool,
    pub purchases: u64,
    pub amount: Decimal,
}

impl SqliteStore {
    /// Counts what is in the store.
    pub async fn inventory(&self) -> Result<Inventory> {
        let mut connection = self.reader().await?;
        count(&mut connection)
            .await
            .map_err(|error| self.unavailable(error))
    }
}

/// Writes the store at `from`, as it is at one moment and whatever version wrote it, to `to`, which is not there or empty.
/// Others may go on writing to it.
pub async fn snapshot(from: &Path, to: &Path) -> Result<(), OpenError> {
    let options = SqliteOptions::default();
    open::for_copying(from, &options).await?;
    let failed = |error| open::explain(from, error);
    let mut connection = open::reading(from, &options)
        .connect()
        .await
        .map_err(failed)?;
    sqlx::query("VACUUM INTO ?1")
        .bind(to.display().to_string())
        .execute(&mut connection)
        .await
        .map_err(|error| open::explain(to, error))?;
    connection.close().await.map_err(failed)
}

/// Reads the whole file and tells what is in it. Damage anywhere in it is an error: [`OpenError::Damaged`].
pub async fn prove(path: &Path) -> Result<Inventory, OpenError> {
    let options = SqliteOptions::default();
    open::for_copying(path, &options).await?;
    let failed = |error| open::explain(path, error);
    let mut connection = open::reading(path, &options)
        .connect()
        .await
        .map_err(failed)?;
    let verdict = verdict(&mut connection).await.map_err(failed)?;
    let counted = count(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    match verdict {
        Some(damage) => Err(OpenError::Damaged {
            path: path.to_owned(),
            source: sqlx::Error::Protocol(damage),
        }),
        None => Ok(counted),
    }
}

/// `None`: every page, index and reference is as it should be.
async fn verdict(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut *connection)
        .await?;
    if found != "ok" {
        return Ok(Some(found));
    }
    let loose = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(&mut *connection)
        .await?;
    Ok(loose.map(|row| {
        let table: String = row.try_get(0).unwrap_or_default();
        format!("a row of {table} names another row that is not there")
    }))
}

async fn count(connection: &mut SqliteConnection) -> Result<Inventory, sqlx::Error> {
    // One transaction, so that the numbers belong to one moment.
    let mut moment = connection.begin().await?;
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM runs), (SELECT count(*) FROM profiles),
                (SELECT count(*) FROM purchases WHERE test = 0), (SELECT count(*) FROM ledger), (SELECT count(*) FROM secrets),
                (SELECT count(*) FROM purchases WHERE test = 1)",
    )
    .fetch_one(&mut *moment)
    .await?;
    let number = |column| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
    let confirmed = sqlx::query(
        "SELECT currency, test, count(*), sum(amount) FROM purchases
          WHERE state = 'confirmed' GROUP BY currency, test ORDER BY currency, test",
    )
    .fetch_all(&mut *moment)
    .await?;
    let confirmed = confirmed.iter().map(|row| {
        Ok(Confirmed {
            currency: row.try_get(0)?,
            test: row.try_get(1)?,
            purchases: row.try_get::<i64, _>(2)?.unsigned_abs(),
            amount: Decimal::new(row.try_get(3)?, 6).normalize(),
        })
    });
    let inventory = Inventory {
        events: number(0)?,
        runs: number(1)?,
        profiles: number(2)?,
        purchases: number(3)?,
        simulated: number(6)?,
        ledger_entries: number(4)?,
        secrets: number(5)?,
        confirmed: confirmed.collect::<Result<_, sqlx::Error>>()?,
    };
    moment.rollback().await?;
    Ok(inventory)
}
