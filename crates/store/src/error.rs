//! What can go wrong, by phase: with the key, while opening, while working.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the store could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another owner holds the location: stop working on it.
    #[error("location {location} has a new owner; this process lost its lease (epoch {epoch})")]
    Fenced { location: String, epoch: i64 },
    /// Disk full, read-only, locked, closed: nothing of this call was written, and it may be tried again.
    #[error(
        "the store at {path} is unavailable: {source}; check the disk's free space and the permissions of the file and its folder"
    )]
    Unavailable {
        path: String,
        /// Shared by all writes of the transaction that failed.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// A connection id was changed; it is part of every purchase key.
    #[error(
        "location {location} is known as connection \"{known}\", the config now says \"{given}\"; ids of connections \
         never change, because purchases are recognised by them"
    )]
    ConnectionChanged {
        location: String,
        known: String,
        given: String,
    },
    /// A row that this version cannot read.
    #[error("{table} row {id} cannot be read: {reason}")]
    Corrupt {
        table: &'static str,
        id: String,
        reason: String,
    },
    /// A transition that the book does not allow, e.g. confirming a purchase that was never sent.
    #[error("{0}")]
    Conflict(String),
    /// A value that the store cannot keep exactly, e.g. a negative estimate.
    #[error("{what} {value} cannot be stored: {reason}")]
    Invalid {
        what: &'static str,
        value: String,
        reason: &'static str,
    },
    /// Somebody deleted, replaced or emptied the file while it was in use: nothing more is written, as it would be lost.
    #[error(
        "the store at {path} {what}; stop canopy and put the store back: the file itself, or a backup by `canopy restore`"
    )]
    Gone { path: String, what: &'static str },
    /// The store was opened read-only, which needs no key and therefore reads no secrets.
    #[error("the secrets of the store at {path} cannot be read: it was opened without its key")]
    NoKey { path: String },
}

impl StoreError {
    /// Whether the same call may succeed later without anybody changing anything but the disk.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// What the methods of [`crate::Store`] return.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why a store could not be opened. Nothing has been written to it, unless a migration failed half-way.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing there to be read.
    #[error("there is no store at {path}; the first `canopy run` creates it")]
    Missing { path: PathBuf },
    /// The file or its folder could not be created or opened.
    #[error(
        "the store at {path} cannot be created or opened: {source}; check the path and its permissions"
    )]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Opened, but reads or writes fail.
    #[error(
        "the store at {path} cannot be written: {source}; check the disk's free space and the permissions of the file and its folder"
    )]
    Unwritable {
        path: PathBuf,
        #[source]
        source: sqlx::Error,
    },
    /// There, with nothing in it. A store that is in the making has another name, so this one was emptied.
    #[error(
        "the store at {path} is empty (0 bytes), which canopy never leaves behind; put a backup in its place with \
         `canopy restore`, or, if there never was a store, delete the file"
    )]
    Emptied { path: PathBuf },
    /// Another process keeps it locked for longer than the busy time-out.
    #[error(
        "the store at {path} is locked by another process; stop that one first, or wait for it"
    )]
    Locked { path: PathBuf },
    /// Not SQLite at all.
    #[error(
        "{path} is not a canopy store (it is not an SQLite file); name another path, or move the file away"
    )]
    NotAStore { path: PathBuf },
    /// SQLite, but somebody else's.
    #[error("{path} is an SQLite file of another program; name another path for the store")]
    Foreign { path: PathBuf },
    /// SQLite found damage.
    #[error(
        "the store at {path} is damaged: {source}; restore it from a backup together with its -wal file"
    )]
    Damaged {
        path: PathBuf,
        #[source]
        source: sqlx::Error,
    },
    /// Written by a newer version of this program.
    #[error(
        "the store at {path} was written by a newer canopy (schema {found}; this one knows {known}); update canopy"
    )]
    TooNew {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    /// Read-only, and an older version wrote it.
    #[error(
        "the store at {path} has schema {found}, this canopy reads {known}; `canopy run` brings it up to date"
    )]
    TooOld {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("the schema of the store at {path} could not be brought up to date: {source}")]
    Migration {
        path: PathBuf,
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The secrets were encrypted with another key.
    #[error(
        "the store at {path} was encrypted with another key; give the key that it was created with"
    )]
    WrongKey { path: PathBuf },
}

impl OpenError {
    /// Whether a person has to give another file, key or version: the same call finds the same however often it is made.
    pub const fn is_bad_input(&self) -> bool {
        match self {
            Self::Emptied { .. }
            | Self::NotAStore { .. }
            | Self::Foreign { .. }
            | Self::TooNew { .. }
            | Self::WrongKey { .. } => true,
            Self::Missing { .. }
            | Self::File { .. }
            | Self::Unwritable { .. }
            | Self::Locked { .. }
            | Self::Damaged { .. }
            | Self::TooOld { .. }
            | Self::Migration { .. } => false,
        }
    }
}

/// Why a key could not be loaded or created. Never shows any part of the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Others could read the file.
    #[error("the key file {path} can be read by others (mode {mode:04o}); run: chmod 600 {path}")]
    Exposed { path: PathBuf, mode: u32 },
    /// The file could not be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A key is never overwritten: secrets that were encrypted with it would be lost.
    #[error("the key file {path} exists already and is not overwritten")]
    Exists { path: PathBuf },
    /// Not 32 bytes in base64.
    #[error("{origin} does not hold a key: expected 32 bytes in base64 (44 characters)")]
    Malformed { origin: String },
}
