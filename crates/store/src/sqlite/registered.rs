//! Which location belongs to which connection.

use sqlx::Row as _;

use super::SqliteStore;
use crate::error::Result;

/// What waits at a location: events to be read or approved, and runs that are not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtLocation {
    pub location: String,
    pub connection: String,
    pub events: u64,
    pub runs: u64,
}

impl SqliteStore {
    /// The location that a connection was begun to be used for last.
    pub async fn location_of(&self, connection: &str) -> Result<Option<String>> {
        let mut reader = self.reader().await?;
        sqlx::query_scalar("SELECT location FROM locations WHERE connection = ?1 ORDER BY registered_at DESC LIMIT 1")
            .bind(connection)
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| self.unavailable(error))
    }

    /// The connection that a location has been used by.
    pub async fn connection_of(&self, location: &str) -> Result<Option<String>> {
        let mut reader = self.reader().await?;
        sqlx::query_scalar("SELECT connection FROM locations WHERE location = ?1")
            .bind(location)
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| self.unavailable(error))
    }

    /// What waits at each location that a connection was ever used for.
    pub async fn waiting_at(&self) -> Result<Vec<AtLocation>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT location, connection,
                    (SELECT count(*) FROM inbox WHERE inbox.location = locations.location
                        AND state IN ('pending', 'held')) AS events,
                    (SELECT count(*) FROM runs WHERE runs.location = locations.location
                        AND state IN ('ready', 'waiting', 'held')) AS runs
             FROM locations ORDER BY registered_at",
        );
        let rows = rows.fetch_all(&mut *reader).await;
        let rows = rows.map_err(|error| self.unavailable(error))?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let count = |name: &str| -> std::result::Result<u64, sqlx::Error> {
                Ok(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0))
            };
            Ok(AtLocation {
                location: row.try_get("location")?,
                connection: row.try_get("connection")?,
                events: count("events")?,
                runs: count("runs")?,
            })
        };
        let read: std::result::Result<Vec<_>, sqlx::Error> = rows.iter().map(read).collect();
        read.map_err(|error| self.unavailable(error))
    }
}
