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

/// Why a copy of the store could not be made.
pub(crate) fn full(folder: &Path, store: &Path, error: &StoreError) -> Failure {
    let size = std::fs::metadata(store)
        .map_or(0, |file| file.len())
        .div_ceil(1024 * 1024);
    Failure::Failed(format!(
        "the store cannot be copied to {} ({error}); a dry run works on a copy, which takes up to {size} MB there: make room, or name another folder by TMPDIR",
        folder.display()
    ))
}
