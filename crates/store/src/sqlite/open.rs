//! Opening: first look, then touch. Nothing is written before the file is known to be ours, of a schema that this
//! version knows, and encrypted with the key that was given.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::fault::primary_code;
use super::secrets::{self, Sealed, Vault};
use crate::error::OpenError;
use crate::files;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// As set by the first migration.
const APPLICATION_ID: i32 = 1_130_458_736;
const PAGE: u64 = 4096;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// How long a write waits for another process that writes. Default: 5 s.
    pub busy_timeout: Duration,
    /// Most reads at the same time. Default: 4.
    pub readers: u32,
    /// Size of the file, in bytes, beyond which writes are refused as on a full disk. Default: none.
    pub max_size: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            max_size: None,
        }
    }
}

/// Options that all connections share.
fn base(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        // The file is created by `create`, with its mode; a connection never creates one where it was deleted.
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(options.busy_timeout)
        .statement_cache_capacity(256)
        // Statements at debug level would drown the log, and the driver's own are not ours to show.
        .disable_statement_logging()
}

pub(super) fn reading(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    base(path, options).read_only(true)
}

pub(super) fn writing(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    let writing = base(path, options)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // What is deleted is overwritten: names must not stay behind in free pages.
        .pragma("secure_delete", "ON");
    match options.max_size {
        Some(bytes) => writing.pragma("max_page_count", (bytes / PAGE).max(1).to_string()),
        None => writing,
    }
}

/// What a look at the file told.
struct Found {
    /// Newest migration that was applied; 0 in a new file.
    schema: i64,
    canary: Option<Sealed>,
}

/// Creates or opens the file and returns its writer's connection.
pub(super) async fn for_writing(
    path: &Path,
    options: &SqliteOptions,
    vault: &Vault,
) -> Result<SqliteConnection, OpenError> {
    if !path.exists() {
        begin(path, options, vault).await?;
    }
    not_emptied(path)?;
    let found = look(path, options).await?;
    check_not_newer(path, found.schema)?;
    check_key(path, vault, found.canary.as_ref())?;

    let failed = |error| explain(path, error);
    let mut connection = brought_up_to_date(path, options, vault).await?;
    let canary = secrets::canary(&mut connection).await.map_err(failed)?;
    check_key(path, vault, canary.as_ref())?;
    Ok(connection)
}

/// Connects, migrates, and writes by what the key is known again.
async fn brought_up_to_date(
    path: &Path,
    options: &SqliteOptions,
    vault: &Vault,
) -> Result<SqliteConnection, OpenError> {
    let failed = |error| explain(path, error);
    let mut connection = writing(path, options).connect().await.map_err(failed)?;
    MIGRATIONS
        .run(&mut connection)
        .await
        .map_err(|error| match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                explain(path, error)
            }
            source => OpenError::Migration {
                path: path.to_owned(),
                source,
            },
        })?;
    if let Some(canary) = vault.canary() {
        secrets::put_canary(&mut connection, canary)
            .await
            .map_err(failed)?;
    }
    Ok(connection)
}

/// Makes a new store beside its place and moves it there whole: a file at the path that is empty, or without tables, is
/// never one that we left.
async fn begin(path: &Path, options: &SqliteOptions, vault: &Vault) -> Result<(), OpenError> {
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // Left by a start that was killed. Nothing was ever in it.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    create(&new)?;
    let connection = brought_up_to_date(&new, options, vault).await?;
    // The last connection folds its log into the file.
    connection
        .close()
        .await
        .map_err(|error| explain(path, error))?;
    files::put_in_place(&new, path).map_err(failed)
}

pub(super) fn not_emptied(path: &Path) -> Result<(), OpenError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => Err(OpenError::Emptied {
            path: path.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Checks that the file is a store that this version or one before it wrote, and tells its schema.
pub(super) async fn for_copying(path: &Path, options: &SqliteOptions) -> Result<i64, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing {
            path: path.to_owned(),
        });
    }
    not_emptied(path)?;
    let found = look(path, options).await?.schema;
    check_not_newer(path, found)?;
    Ok(found)
}

/// Checks that the file can be read as it is.
pub(super) async fn for_reading(path: &Path, options: &SqliteOptions) -> Result<(), OpenError> {
    let found = for_copying(path, options).await?;
    let known = newest_known();
    if found < known {
        return Err(OpenError::TooOld {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

fn create(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        files::create_private_folder(folder).map_err(failed)?;
    }
    // SQLite gives its -wal and -shm files the mode of this one.
    match files::private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

async fn look(path: &Path, options: &SqliteOptions) -> Result<Found, OpenError> {
    let failed = |error| explain(path, error);
    let mut connection = reading(path, options).connect().await.map_err(failed)?;
    let found = inspect(&mut connection).await.map_err(failed)?;
    // Closed before the writer opens: a file without other connections can be recovered and changed to WAL.
    connection.close().await.map_err(failed)?;
    found.ok_or_else(|| OpenError::Foreign {
        path: path.to_owned(),
    })
}

/// `None`: another program's tables.
async fn inspect(connection: &mut SqliteConnection) -> Result<Option<Found>, sqlx::Error> {
    let application: i32 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await?;
    // The table of migrations is made before the first migration: alone it is left by a start that was killed.
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut *connection)
    .await?;
    if application != APPLICATION_ID {
        let new = application == 0 && tables.iter().all(|table| table == "_sqlx_migrations");
        return Ok(new.then_some(Found {
            schema: 0,
            canary: None,
        }));
    }
    let schema = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await?;
    let canary = if tables.iter().any(|table| table == "canary") {
        secrets::canary(connection).await?
    } else {
        None
    };
    Ok(Some(Found { schema, canary }))
}

fn newest_known() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

fn check_not_newer(path: &Path, found: i64) -> Result<(), OpenError> {
    let known = newest_known();
    if found > known {
        return Err(OpenError::TooNew {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

fn check_key(path: &Path, vault: &Vault, canary: Option<&Sealed>) -> Result<(), OpenError> {
    if canary.is_none_or(|canary| vault.knows(canary)) {
        return Ok(());
    }
    Err(OpenError::WrongKey {
        path: path.to_owned(),
    })
}

pub(super) fn explain(path: &Path, error: sqlx::Error) -> OpenError {
    const BUSY: i32 = 5;
    const CORRUPT: i32 = 11;
    const NOT_A_DATABASE: i32 = 26;
    let path: PathBuf = path.to_owned();
    match primary_code(&error) {
        Some(BUSY) => OpenError::Locked { path },
        Some(CORRUPT) => OpenError::Damaged {
            path,
            source: error,
        },
        Some(NOT_A_DATABASE) => OpenError::NotAStore { path },
        _ => OpenError::Unwritable {
            path,
            source: error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_committed_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canopy.db");
        create(&path).unwrap();
        let mut connection = writing(&path, &SqliteOptions::default())
            .connect()
            .await
            .unwrap();
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(journal, "wal");
        let numbers = [
            ("PRAGMA synchronous", 2),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA busy_timeout", 5000),
        ];
        for (pragma, expected) in numbers {
            let found: i64 = sqlx::query_scalar(pragma)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            assert_eq!(found, expected, "{pragma}");
        }
    }
}
