//! The folder for what is thrown away: dry runs work on a copy of the store in it.

use std::path::Path;

use canopy_store::StoreError;
use tempfile::TempDir;

use crate::exit::Failure;

const MB: u64 = 1024 * 1024;
/// What a store that is written to needs besides what is in it: its log grows to 4 MB before it is worked in.
const LOG: u64 = 8 * MB;

/// A new folder of our own in it. The error names where, and how to choose another.
pub(crate) fn folder() -> Result<TempDir, Failure> {
    tempfile::tempdir().map_err(|error| {
        let place = std::env::temp_dir();
        Failure::Failed(format!(
            "no folder can be made in {} ({error}); make room there, or name another folder by TMPDIR",
            place.display()
        ))
    })
}

/// A new folder with room for a store of its own. `what` takes it: `the demo`.
pub(crate) fn folder_for(what: &str, contacts: u32) -> Result<TempDir, Failure> {
    let folder = folder()?;
    // What a contact comes to with its events, runs and calls, generously.
    let needed = LOG + u64::from(contacts) * 64 * 1024;
    match free(folder.path()).filter(|free| *free < needed) {
        None => Ok(folder),
        Some(free) => Err(Failure::Failed(format!(
            "{what} needs {} MB in {}, where {} MB are free: make room, or name another folder by TMPDIR",
            needed.div_ceil(MB),
            place(folder.path()).display(),
            free / MB
        ))),
    }
}

/// So much room a dry run takes: the copy, what it would write, and the log of it.
fn needed(store: &Path) -> u64 {
    let mut log = store.as_os_str().to_owned();
    log.push("-wal");
    let size = |file: &Path| std::fs::metadata(file).map_or(0, |file| file.len());
    2 * (size(store) + size(Path::new(&log))) + LOG
}

/// Whether a copy of this store has room there. Told before anything is asked of the services.
pub(crate) fn has_room(folder: &Path, store: &Path) -> Result<(), Failure> {
    match free(folder).filter(|free| *free < needed(store)) {
        None => Ok(()),
        Some(free) => Err(full(folder, store, &format!("{} MB are free", free / MB))),
    }
}

/// Says which room a dry run takes, before it takes it.
pub(crate) fn announce(folder: &Path, store: &Path) {
    eprintln!(
        "a dry run works on a copy of the store: up to {} MB in {}, which are free again at its end",
        needed(store).div_ceil(MB),
        place(folder).display()
    );
}

/// Why a copy of the store could not be made, or not be worked on.
pub(crate) fn full(folder: &Path, store: &Path, why: &str) -> Failure {
    Failure::Failed(format!(
        "the store cannot be copied to {} ({why}); a dry run works on a copy, which takes up to {} MB there: make room, or name another folder by TMPDIR",
        place(folder).display(),
        needed(store).div_ceil(MB)
    ))
}

/// A failure of a dry run; where the copy's disk is full, with what to do about it.
pub(crate) fn failure(folder: &Path, store: &Path, failure: Failure) -> Failure {
    let text = failure.to_string();
    if ["disk is full", "No space left", "disk I/O error"]
        .iter()
        .any(|full| text.contains(full))
    {
        return full(folder, store, "the disk is full");
    }
    failure
}

/// Why a copy of the store could not be made.
pub(crate) fn not_copied(folder: &Path, store: &Path, error: &StoreError) -> Failure {
    full(folder, store, &error.to_string())
}

/// The folder that somebody can make room in: ours is gone when this is read.
fn place(folder: &Path) -> &Path {
    folder.parent().unwrap_or(folder)
}

/// So many bytes are free in a folder; `None` where it cannot be told.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}
