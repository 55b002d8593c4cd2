//! A store is opened by one process at a time, and never begun anew where there was one.

use std::fs::File;
use std::path::{Path, PathBuf};

use canopy_engine::account::Copied;
use canopy_store::clock::SystemClock;
use canopy_store::{Age, SqliteStore, StoreError};

use crate::config::{self, Loaded};
use crate::environment::Environment;
use crate::exit::Failure;

/// Opens the store for writing; creates it, and its key, where there never was one.
pub(crate) async fn open_store(
    loaded: &Loaded,
    environment: &Environment,
) -> Result<SqliteStore, Failure> {
    refuse_lost(loaded, environment)?;
    let (path, config, folder) = (loaded.store_path(), &loaded.config, &loaded.folder);
    let key = if path.exists() {
        config::store_key(&path, config, folder, environment)?
    } else {
        config::new_store_key(config, folder, environment)?
    };
    let store = SqliteStore::open(&path, &key)
        .await
        .map_err(|error| Failure::opening(&error))?;
    config::settle_key_file(&folder.join(&config.key_file))?;
    mark(&lock_path(loaded))?;
    follow(&store, &mark_path(loaded))
        .await
        .map_err(|error| Failure::failed(&error))?;
    Ok(store)
}

/// Notices an older copy in the store's place, and marks the store from now on.
async fn follow(store: &SqliteStore, mark: &Path) -> Result<(), StoreError> {
    let (how, certain) = match store.age(mark).await? {
        Age::Older => (
            "it lacks what was written last at its place, so an older copy was put there, or its -wal file was removed; noticed",
            true,
        ),
        Age::Parted => (
            "it was copied to its place without the file that ends in .mark, so nobody knows how old it is; noticed",
            false,
        ),
        Age::Current | Age::Unmarked => return store.follow(mark).await,
    };
    // Before it is marked: a start that is killed in between notices it again.
    Copied::note(store, how, certain, &SystemClock).await?;
    tracing::warn!(store = %store.path().display(), "the store: {how} now. Real purchases wait until it is known what it has forgotten; `canopy budget` and `canopy alerts` show them");
    store.follow(mark).await
}

/// The file by which an older copy in the store's place is noticed.
pub(crate) fn mark_path(loaded: &Loaded) -> PathBuf {
    beside_store(loaded, ".mark")
}

/// Refuses where a store was, and is no more.
pub(crate) fn refuse_lost(loaded: &Loaded, environment: &Environment) -> Result<(), Failure> {
    let (store, lock) = (loaded.store_path(), lock_path(loaded));
    let trace =
        config::trace_of_a_store(&store, &lock, &loaded.config, &loaded.folder, environment)?;
    match trace {
        None => Ok(()),
        Some(trace) => Err(Failure::BadInput(format!(
            "there was a store at {store}, as {trace} shows, and it is gone; put it back (the file with its -wal file, or a \
             backup by `canopy restore FILE`). To begin anew, with a store that knows nothing of earlier purchases and \
             may buy them again, delete {trace}",
            store = store.display(),
            trace = trace.display(),
        ))),
    }
}

/// Leaves a trace beside the store, by which it is missed when it is gone.
fn mark(lock: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::Failed(format!("{} cannot be written: {error}", lock.display()));
    if std::fs::metadata(lock).is_ok_and(|lock| lock.len() > 0) {
        return Ok(());
    }
    std::fs::write(
        lock,
        "locked by the one process that works on the store beside this file\n",
    )
    .map_err(failed)
}

/// Opens the store if there is one.
pub(crate) async fn existing_store(
    loaded: &Loaded,
    environment: &Environment,
) -> Result<Option<SqliteStore>, Failure> {
    if loaded.store_path().exists() {
        return open_store(loaded, environment).await.map(Some);
    }
    Ok(None)
}

/// Ending of the lock of the one process that works on a store.
const LOCK: &str = ".lock";

fn lock_path(loaded: &Loaded) -> PathBuf {
    beside_store(loaded, LOCK)
}

fn beside_store(loaded: &Loaded, ending: &str) -> PathBuf {
    let mut path = loaded.store_path().into_os_string();
    path.push(ending);
    path.into()
}

/// One process at a time works on a store: it owns all locations, and may take over from one that was killed.
pub(crate) fn lock(loaded: &Loaded) -> Result<File, Failure> {
    exclusive(loaded, LOCK)?.ok_or_else(|| {
        Failure::Failed(format!(
            "another canopy is running on {}; stop it first",
            loaded.store_path().display()
        ))
    })
}

/// Held by commands that take part in the work beside a running `canopy run`, in its name (the lease is the owner's, not
/// the process's). One at a time: two imports of the same people would not see each other's contacts.
pub(crate) fn job_lock(loaded: &Loaded) -> Result<File, Failure> {
    let held = exclusive(loaded, ".jobs.lock")?;
    if !loaded.store_path().exists() {
        // A `canopy run` that starts just now makes a store and its key as well.
        drop(lock(loaded)?);
    }
    held.ok_or_else(|| {
        Failure::Failed(format!(
            "another canopy is filling or importing into {}; wait for it",
            loaded.store_path().display()
        ))
    })
}

/// The lock beside the store with this ending; `None`: another process holds it.
fn exclusive(loaded: &Loaded, ending: &str) -> Result<Option<File>, Failure> {
    let path = beside_store(loaded, ending);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::failed(&error))?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| {
            Failure::Failed(format!("{} cannot be opened: {error}", path.display()))
        })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(Failure::failed(&error)),
    }
}
