//! Which location belongs to which connection.

use super::SqliteStore;
use crate::error::Result;

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
}
