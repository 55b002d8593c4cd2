//! The mark: a file beside the store that says what was written to it last, so that an older copy in its place (or one
//! without its log) is told from the store.
//!
//! It is written after what it speaks of is durable, so a store is never behind its mark, whenever the process was killed.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::{Row as _, SqliteConnection};

use super::SqliteStore;
use super::fault::Op;
use crate::error::Result;
use crate::{files, random};

/// So many names of marks are kept; a mark that could not be written for longer than that is taken for another store's.
const KEPT: i64 = 1000;

/// How a store stands to the mark beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It was never marked: it is new, or of an earlier version.
    Unmarked,
    /// It has all that the mark speaks of.
    Current,
    /// It lacks what the mark speaks of: it is an older copy, or another store.
    Older,
    /// It was marked, and the mark is not there: it was copied to here, or the mark was deleted.
    Parted,
}

/// What the file says.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    note: String,
    /// Kept in the store, too.
    name: String,
    /// The ledger's newest entry, and what it says.
    entry: i64,
    digest: String,
}

/// Where the mark of an open store is, and its present name.
#[derive(Debug)]
pub(super) struct Place {
    file: PathBuf,
    name: String,
    /// The name and the ledger's entry that the file speaks of.
    written: Option<(String, i64)>,
}

impl SqliteStore {
    /// How the store stands to the mark in this file.
    pub async fn age(&self, file: &Path) -> Result<Age> {
        // First the file: the store may only go on meanwhile.
        let said = std::fs::read_to_string(file).ok();
        let said: Option<Mark> = said.and_then(|text| serde_json::from_str(&text).ok());
        let mut reader = self.reader().await?;
        self.told(age(&mut reader, said).await)
    }

    /// Marks the store with this file from now on: at once, with each purchase that goes out or is answered, and when it is
    /// closed.
    pub async fn follow(&self, file: &Path) -> Result<()> {
        let name = random::name();
        self.name_mark(&name).await?;
        let place = Place {
            file: file.to_owned(),
            name,
            written: None,
        };
        *self.shared.mark.lock().await = Some(place);
        self.keep_mark().await;
        Ok(())
    }

    /// A copy from before the closing lacks this name.
    pub(super) async fn close_mark(&self) {
        if self.shared.mark.lock().await.is_none() {
            return;
        }
        let name = random::name();
        if self.name_mark(&name).await.is_ok() {
            if let Some(place) = &mut *self.shared.mark.lock().await {
                place.name = name;
            }
            self.keep_mark().await;
        }
    }

    async fn name_mark(&self, mark: &str) -> Result<()> {
        let mark = mark.to_owned();
        self.write(move |connection| Box::pin(async move { name(connection, &mark).await }))
            .await
    }

    /// Brings the mark up to date. Where that fails, less is noticed later, and nothing else is wrong.
    pub(super) async fn keep_mark(&self) {
        let mut place = self.shared.mark.lock().await;
        let Some(place) = &mut *place else {
            return;
        };
        let kept = async {
            let mut reader = self.reader().await?;
            let (entry, digest) = self.told(newest(&mut reader).await)?;
            drop(reader);
            let mark = Mark {
                note: "what the store beside this file wrote last; by it an older copy of the store is noticed"
                    .to_owned(),
                name: place.name.clone(),
                entry,
                digest,
            };
            Ok::<_, crate::error::StoreError>(mark)
        };
        let mark = match kept.await {
            Ok(mark) => mark,
            Err(error) => return tracing::debug!(%error, "the store's mark was not kept"),
        };
        // Of several that wait here one writes for all.
        let speaks_of = Some((mark.name.clone(), mark.entry));
        if place.written == speaks_of {
            return;
        }
        let file = place.file.clone();
        let written = tokio::task::spawn_blocking(move || put(&file, &mark)).await;
        match written {
            Ok(Ok(())) => place.written = speaks_of,
            Ok(Err(error)) => {
                tracing::warn!(%error, file = %place.file.display(), "the store's mark cannot be written, so an older copy in its place would not be noticed");
            }
            Err(error) => tracing::debug!(%error, "the store's mark was not written"),
        }
    }
}

/// Puts the mark in place whole.
fn put(file: &Path, mark: &Mark) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    // Others that work on the store write theirs.
    name.push(format!(".{}", std::process::id()));
    let new = PathBuf::from(name);
    let text = serde_json::to_string_pretty(mark).map_err(io::Error::other)?;
    let options = &mut OpenOptions::new();
    let mut open = files::private(options.write(true).create(true).truncate(true)).open(&new)?;
    writeln!(open, "{text}")?;
    open.sync_all()?;
    drop(open);
    std::fs::rename(&new, file)
}

async fn age(connection: &mut SqliteConnection, said: Option<Mark>) -> Op<Age> {
    let marks: i64 = sqlx::query_scalar("SELECT count(*) FROM marks")
        .fetch_one(&mut *connection)
        .await?;
    let Some(said) = said else {
        return Ok(if marks == 0 {
            Age::Unmarked
        } else {
            Age::Parted
        });
    };
    let named: Option<i64> = sqlx::query_scalar("SELECT id FROM marks WHERE mark = ?1")
        .bind(&said.name)
        .fetch_optional(&mut *connection)
        .await?;
    let is_there = entry(connection, said.entry).await? == said.digest;
    Ok(if named.is_some() && is_there {
        Age::Current
    } else {
        Age::Older
    })
}

async fn name(connection: &mut SqliteConnection, mark: &str) -> Op<()> {
    sqlx::query("INSERT INTO marks (mark) VALUES (?1)")
        .bind(mark)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM marks WHERE id <= (SELECT max(id) FROM marks) - ?1")
        .bind(KEPT)
        .execute(connection)
        .await?;
    Ok(())
}

async fn newest(connection: &mut SqliteConnection) -> Op<(i64, String)> {
    let newest: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM ledger")
        .fetch_one(&mut *connection)
        .await?;
    Ok((newest, entry(connection, newest).await?))
}

/// What an entry of the ledger says, in short; empty: it is not there.
async fn entry(connection: &mut SqliteConnection, seq: i64) -> Op<String> {
    let row = sqlx::query("SELECT key, state, at FROM ledger WHERE seq = ?1")
        .bind(seq)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(String::new());
    };
    let (key, state): (String, String) = (row.try_get("key")?, row.try_get("state")?);
    let at: i64 = row.try_get("at")?;
    Ok(hex::encode(Sha256::digest(format!("{key} {state} {at}"))))
}
