//! Whether the file that was opened is still the one at its path. SQLite goes on writing to a file that was deleted or
//! moved away, and all of that is gone with the process.

use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// The file that was opened.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    path: PathBuf,
    #[cfg(unix)]
    number: (u64, u64),
}

impl Identity {
    /// Looks at the file as it is now.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        #[cfg(not(unix))]
        let _ = metadata;
        Ok(Self {
            path: path.to_owned(),
            #[cfg(unix)]
            number: number(&metadata),
        })
    }

    /// Refuses when the file is not there, is another one, or has nothing in it.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let gone = |what| StoreError::Gone {
            path: self.path.display().to_string(),
            what,
        };
        let metadata = std::fs::metadata(&self.path).map_err(|_| gone("is not there any more"))?;
        #[cfg(unix)]
        if number(&metadata) != self.number {
            return Err(gone("is not the file that was opened"));
        }
        if metadata.len() == 0 {
            return Err(gone("is empty"));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn number(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}
