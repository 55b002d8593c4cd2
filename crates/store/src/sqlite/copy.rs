//! The file as a whole: a copy to try things out on, and a log without a past.

use std::path::Path;

use sqlx::ConnectOptions as _;

use super::{SqliteOptions, SqliteStore, open};
use crate::error::Result;

impl SqliteStore {
    /// Writes the store as it is at one moment to a new file; `self` may be opened read-only, and others may go on
    /// writing to it. The copy opens with the same key.
    pub async fn copy_to(&self, path: &Path) -> Result<()> {
        let mut connection = self.reader().await?;
        sqlx::query("VACUUM INTO ?1")
            .bind(path.display().to_string())
            .execute(&mut *connection)
            .await
            .map_err(|error| self.unavailable(error))?;
        Ok(())
    }

    /// Folds the log into the file and empties it, so that what was deleted is in neither. `false`: another process
    /// reads just now, and the log is emptied later by itself.
    pub async fn fold_log(&self) -> Result<bool> {
        let failed = |error| self.unavailable(error);
        let options = open::writing(self.path(), &SqliteOptions::default());
        let mut connection = options.connect().await.map_err(failed)?;
        let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        sqlx::Connection::close(connection).await.map_err(failed)?;
        Ok(busy == 0)
    }
}
