//! What goes wrong inside an operation, before it is told to the caller.

use crate::error::StoreError;

/// Result of the functions that work on a connection.
pub(super) type Op<T> = Result<T, Fault>;

/// An operation failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The operation is at fault; others of the same transaction are not concerned.
    Refused(StoreError),
    /// The database is: SQLite may have rolled back the whole transaction.
    Database(sqlx::Error),
}

impl Fault {
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::Refused(StoreError::Conflict(message.into()))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        // These undo their own statement only, and say that the operation contradicts what is stored.
        const CONSTRAINT: i32 = 19;
        if primary_code(&error) == Some(CONSTRAINT) {
            return Self::conflict(format!("it contradicts what is stored: {error}"));
        }
        Self::Database(error)
    }
}

/// SQLite's primary result code.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
