//! Room on the disk of the store.

use std::path::Path;

/// Bytes that are free for this program where a file is. `None`: it cannot be told.
#[cfg(unix)]
pub(super) fn free(file: &Path) -> Option<u64> {
    let folder = file.parent().filter(|one| !one.as_os_str().is_empty());
    let disk = rustix::fs::statvfs(folder.unwrap_or(Path::new("."))).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
pub(super) fn free(_: &Path) -> Option<u64> {
    None
}
