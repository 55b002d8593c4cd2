//! The store in one SQLite file: write-ahead log, `synchronous=FULL`, one writer, several readers.

mod alerts;
mod answers;
mod approvals;
mod attempts;
mod backup;
mod breaker_impl;
mod breakers;
mod calls;
mod caps;
mod clock_change;
mod copy;
mod deliveries;
mod fault;
mod fence;
mod health;
mod identity;
mod imports;
mod inbox;
mod intend;
mod intends;
mod ledger;
mod looks;
mod macros;
mod mark;
mod missed;
mod modes;
mod open;
mod polls;
mod profile_impl;
mod profile_records;
mod profiles;
mod queue;
mod records;
mod registered;
mod row;
mod runs;
mod secrets;
mod seen;
mod steps;
mod switched;
mod trait_impl;
mod waiting;
mod withheld;
mod writer;
mod written;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

pub use self::backup::{Confirmed, Inventory, prove, snapshot};
use self::fault::{Fault, Op};
use self::fence::Held;
use self::identity::Identity;
pub use self::mark::Age;
pub use self::open::SqliteOptions;
pub use self::registered::AtLocation;
use self::secrets::Vault;
use self::writer::{Message, Writer};
use crate::error::{OpenError, Result, StoreError};
use crate::key::SecretKey;
use crate::types::Fence;

/// Writes that may wait; callers beyond it wait for room.
const WAITING: usize = 1024;

/// A store in an SQLite file. Clones are handles on the same one.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    readers: SqlitePool,
    /// `None`: opened read-only.
    writing: Option<Writing>,
    writer: Mutex<Option<JoinHandle<()>>>,
    commits: Arc<AtomicU64>,
    trouble: Trouble,
    /// A transaction that takes longer is trouble: the disk hangs.
    longest: Duration,
    mark: Mutex<Option<mark::Place>>,
}

/// How the writer fares, for those who ask while it is busy.
#[derive(Debug, Default)]
struct Fares {
    /// Why the newest transaction could not be written. `None`: it could.
    failed: Option<StoreError>,
    /// Since when it has been at the one that it is at.
    at_work_since: Option<Instant>,
}

type Trouble = Arc<std::sync::Mutex<Fares>>;

/// What a store has that was opened for writing.
struct Writing {
    vault: Vault,
    queue: mpsc::Sender<Message>,
    identity: Identity,
}

impl SqliteStore {
    /// Opens the store at `path`, or creates it: missing folders with mode 0700, the file with mode 0600.
    ///
    /// Must be called on the tokio runtime that stays for as long as the store is used.
    pub async fn open(path: &Path, key: &SecretKey) -> Result<Self, OpenError> {
        Self::open_with(path, key, &SqliteOptions::default()).await
    }

    /// As [`Self::open`], with options.
    pub async fn open_with(
        path: &Path,
        key: &SecretKey,
        options: &SqliteOptions,
    ) -> Result<Self, OpenError> {
        let vault = Vault::new(key);
        let connection = open::for_writing(path, options, &vault).await?;
        let identity = Identity::of(path).map_err(|source| OpenError::File {
            path: path.to_owned(),
            source,
        })?;
        let commits = Arc::new(AtomicU64::new(0));
        let trouble = Trouble::default();
        let writer = Writer {
            path: path.to_owned(),
            options: open::writing(path, options),
            identity: identity.clone(),
            connection: Some(connection),
            commits: Arc::clone(&commits),
            trouble: Arc::clone(&trouble),
        };
        let (queue, messages) = mpsc::channel(WAITING);
        let writer = tokio::spawn(writer.run(messages));
        Ok(Self::new(
            path,
            options,
            Some(Writing {
                vault,
                queue,
                identity,
            }),
            Some(writer),
            (commits, trouble),
        ))
    }

    /// Opens an existing store for status commands: needs no key, reads no secrets, refuses every write, and may be
    /// used while another process writes.
    pub async fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteOptions::default();
        open::for_reading(path, &options).await?;
        Ok(Self::new(path, &options, None, None, Default::default()))
    }

    fn new(
        path: &Path,
        options: &SqliteOptions,
        writing: Option<Writing>,
        writer: Option<JoinHandle<()>>,
        (commits, trouble): (Arc<AtomicU64>, Trouble),
    ) -> Self {
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .connect_lazy_with(open::reading(path, options));
        let path = path.to_owned();
        Self {
            shared: Arc::new(Shared {
                path,
                readers,
                writing,
                writer: Mutex::new(writer),
                commits,
                trouble,
                // Waiting for another process ends by itself before.
                longest: options.busy_timeout.saturating_mul(2),
                mark: Mutex::new(None),
            }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Whether the file at its path is still the one that was opened. Each write looks before; this is for whoever
    /// wants to know although nothing is written.
    pub fn check_file(&self) -> Result<()> {
        match &self.shared.writing {
            Some(writing) => writing.identity.check(),
            None => Ok(()),
        }
    }

    /// Transactions committed since it was opened. Under load far fewer than writes.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Why nothing can be written: the newest transaction failed, as on a full disk, or it does not come back, as on one that
    /// hangs. `None`: it was written, or nothing was yet.
    pub fn trouble(&self) -> Option<StoreError> {
        let trouble = self.shared.trouble.lock();
        let trouble = trouble.unwrap_or_else(PoisonError::into_inner);
        let since = trouble.at_work_since.map(|since| since.elapsed());
        if since.is_some_and(|since| since > self.shared.longest) {
            // No figure that grows: who tells of it again and again looks whether it is news.
            let text = format!(
                "a write has not come back for more than {} s",
                self.shared.longest.as_secs()
            );
            let hangs = std::io::Error::new(std::io::ErrorKind::TimedOut, text);
            return Some(self.unavailable(sqlx::Error::Io(hangs)));
        }
        trouble.failed.clone()
    }

    /// Finishes the writes that wait and closes the file. Later calls, on any clone, find the store unavailable.
    pub async fn close(&self) {
        self.close_mark().await;
        // First the readers: the last connection folds the log into the file, and a reading one cannot.
        self.shared.readers.close().await;
        if let Some(writing) = &self.shared.writing {
            // An error means that it is closed already.
            let _ = writing.queue.send(Message::Close).await;
        }
        if let Some(writer) = self.shared.writer.lock().await.take()
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the store's writer ended abnormally");
        }
    }

    /// Hands a write to the writer and waits until it is durable. A caller that goes away meanwhile leaves a write
    /// which either happens as a whole or not at all.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Op<T>> + Send + 'static,
    {
        let Some(writing) = &self.shared.writing else {
            let reason = std::io::Error::other("it was opened read-only");
            return Err(self.unavailable(sqlx::Error::Io(reason)));
        };
        let (message, result) = writer::write(Box::new(work));
        writing
            .queue
            .send(message)
            .await
            .map_err(|_| self.unavailable(sqlx::Error::PoolClosed))?;
        result
            .await
            .map_err(|_| self.unavailable(sqlx::Error::WorkerCrashed))?
    }

    /// A write that happens only while the lease is held.
    async fn fenced<T, F>(&self, fence: &Fence, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Held<'c>) -> BoxFuture<'c, Op<T>> + Send + 'static,
    {
        let fence = fence.clone();
        self.write(move |connection| {
            Box::pin(async move { work(Held::check(connection, fence).await?).await })
        })
        .await
    }

    async fn reader(&self) -> Result<PoolConnection<Sqlite>> {
        self.shared
            .readers
            .acquire()
            .await
            .map_err(|error| self.unavailable(error))
    }

    /// What a read told.
    fn told<T>(&self, result: Op<T>) -> Result<T> {
        result.map_err(|fault| match fault {
            Fault::Refused(error) => error,
            Fault::Database(error) => self.unavailable(error),
        })
    }

    fn unavailable(&self, source: sqlx::Error) -> StoreError {
        StoreError::Unavailable {
            path: self.shared.path.display().to_string(),
            source: Arc::new(source),
        }
    }

    fn vault(&self) -> Result<&Vault> {
        let path = || self.shared.path.display().to_string();
        self.shared
            .writing
            .as_ref()
            .map(|writing| &writing.vault)
            .ok_or_else(|| StoreError::NoKey { path: path() })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    #[tokio::test]
    async fn a_write_that_does_not_come_back_is_told_and_its_end_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions {
            busy_timeout: Duration::from_millis(1),
            ..SqliteOptions::default()
        };
        let path = folder.path().join("canopy.db");
        let key = SecretKey::generate();
        let store = SqliteStore::open_with(&path, &key, &options).await.unwrap();
        assert!(store.trouble().is_none());
        let (go_on, hangs) = tokio::sync::oneshot::channel::<()>();
        let writer = store.clone();
        let write = tokio::spawn(async move {
            writer
                .write(move |_| {
                    Box::pin(async move {
                        let _ = hangs.await;
                        Ok(())
                    })
                })
                .await
        });
        let told = loop {
            if let Some(told) = store.trouble() {
                break told;
            }
            tokio::task::yield_now().await;
        };
        assert!(told.is_retryable());
        assert!(told.to_string().contains("has not come back"), "{told}");
        go_on.send(()).unwrap();
        write.await.unwrap().unwrap();
        assert!(store.trouble().is_none());
        store.close().await;
    }
}
