//! The folder for what is thrown away: dry runs work on a copy of the store in it.

use std::path::Path;

use canopy_store::StoreError;
use tempfile::TempDir;

use crate::exit::Failure;

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

/// Megabytes that a copy of the store takes at most: what is in its log is in the copy as well, and what is played leaves a
/// log of its own.
fn room(store: &Path) -> u64 {
    let mut log = store.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let both = size(store) + size(Path::new(&log));
    both.saturating_mul(2).div_ceil(1024 * 1024) + 4
}

/// Says which room a dry run takes, before it takes it.
pub(crate) fn announce(folder: &Path, store: &Path) {
    let size = room(store);
    eprintln!(
        "a dry run works on a copy of the store: up to {size} MB in {}, which are free again at its end",
        folder.parent().unwrap_or(folder).display()
    );
}

/// Why a copy of the store could not be made.
pub(crate) fn full(folder: &Path, store: &Path, error: &StoreError) -> Failure {
    let size = room(store);
    Failure::Failed(format!(
        "the store cannot be copied to {} ({error}); a dry run works on a copy, which takes up to {size} MB there: make room, or name another folder by TMPDIR",
        folder.display()
    ))
}
