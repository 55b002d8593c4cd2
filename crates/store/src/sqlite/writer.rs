//! The one writer: takes every write that waits, runs them in one transaction and commits once.
//!
//! SQLite lets one connection write at a time and a durable commit costs a disk flush, so callers that write at the
//! same time share it. Each write has a savepoint of its own: one that is refused undoes only itself. A fault of the
//! database ends the whole transaction and tells all its callers, because SQLite may have rolled it back under us.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use futures::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::fault::{Fault, Op};
use super::identity::Identity;
use crate::error::{Result, StoreError};

/// Most writes in one transaction: enough to make the flush cheap, few enough to answer soon.
const BATCH: usize = 256;

/// One write, as a closure on the writer's connection.
pub(super) type Work<T> =
    Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Op<T>> + Send>;

/// What the writer's channel carries.
pub(super) enum Message {
    Write(Box<dyn Job>),
    /// Finish what waits, then stop.
    Close,
}

/// A write whose result's type is forgotten.
pub(super) trait Job: Send {
    /// Does the work. `Ok(false)`: it was refused and must be undone.
    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> BoxFuture<'a, Result<bool, sqlx::Error>>;
    /// Tells the caller, if it still listens.
    fn answer(self: Box<Self>, failure: Option<&StoreError>);
}

struct Write<T> {
    work: Option<Work<T>>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

/// A write for the channel, and where its result will arrive.
pub(super) fn write<T: Send + 'static>(work: Work<T>) -> (Message, oneshot::Receiver<Result<T>>) {
    let (reply, result) = oneshot::channel();
    (
        Message::Write(Box::new(Write {
            work: Some(work),
            result: None,
            reply,
        })),
        result,
    )
}

impl<T: Send> Job for Write<T> {
    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> BoxFuture<'a, Result<bool, sqlx::Error>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return Ok(false);
            };
            match work(connection).await {
                Ok(value) => {
                    self.result = Some(Ok(value));
                    Ok(true)
                }
                Err(Fault::Refused(error)) => {
                    self.result = Some(Err(error));
                    Ok(false)
                }
                Err(Fault::Database(error)) => Err(error),
            }
        })
    }

    fn answer(self: Box<Self>, failure: Option<&StoreError>) {
        // A refusal is not passed on when the transaction failed: it may rest on a write that was undone with it.
        let result = match failure {
            Some(error) => Err(error.clone()),
            None => self
                .result
                .unwrap_or_else(|| Err(StoreError::Conflict("the write did not run".into()))),
        };
        // The caller may have gone away; its write stands, as that of a caller that crashed after it.
        let _ = self.reply.send(result);
    }
}

/// Owner of the connection that writes.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) options: SqliteConnectOptions,
    pub(super) identity: Identity,
    pub(super) connection: Option<SqliteConnection>,
    pub(super) commits: Arc<AtomicU64>,
    pub(super) trouble: super::Trouble,
}

impl Writer {
    /// Serves the channel until it is closed and empty.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut batch = Vec::with_capacity(BATCH);
        while messages.recv_many(&mut batch, BATCH).await > 0 {
            let mut jobs = Vec::with_capacity(batch.len());
            for message in batch.drain(..) {
                match message {
                    Message::Write(job) => jobs.push(job),
                    Message::Close => messages.close(),
                }
            }
            self.fares(|fares| fares.at_work_since = Some(Instant::now()));
            let failure = self.commit(&mut jobs).await.err();
            let is_new = self.fares(|fares| {
                fares.at_work_since = None;
                if jobs.is_empty() {
                    return false;
                }
                let text = |error: &Option<StoreError>| error.as_ref().map(ToString::to_string);
                let is_new = text(&failure) != text(&fares.failed);
                fares.failed.clone_from(&failure);
                is_new
            });
            // Each write would say the same while the disk is full.
            match &failure {
                Some(error) if is_new => {
                    tracing::warn!(%error, writes = jobs.len(), "the store could not write");
                }
                Some(error) => {
                    tracing::debug!(%error, writes = jobs.len(), "the store could not write");
                }
                None if is_new => tracing::info!("the store writes again"),
                None => {}
            }
            for job in jobs {
                job.answer(failure.as_ref());
            }
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the store did not close cleanly; the next start recovers it");
        }
    }

    fn fares<T>(&self, change: impl FnOnce(&mut super::Fares) -> T) -> T {
        change(&mut self.trouble.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.identity.check()?;
        let committed = self.attempt(jobs).await;
        committed.map_err(|source| StoreError::Unavailable {
            path: self.path.display().to_string(),
            source: Arc::new(source),
        })
    }

    async fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        match transaction(&mut connection, jobs).await {
            Ok(()) => {
                self.connection = Some(connection);
                self.commits.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                // A connection that failed may be in any state, a fresh one is in none. Closing rolls back.
                let _ = connection.close_hard().await;
                Err(error)
            }
        }
    }
}

async fn transaction(
    connection: &mut SqliteConnection,
    jobs: &mut [Box<dyn Job>],
) -> Result<(), sqlx::Error> {
    // IMMEDIATE: what an operation reads cannot be changed by another process before it writes.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for job in jobs {
        let mut savepoint = transaction.begin().await?;
        if job.run(&mut savepoint).await? {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
    }
    transaction.commit().await
}
