//! Room on the disk of the store.

use std::path::Path;

use canopy_store::{Part, PartReport, PartState};

/// That less than `least` bytes are free there; `None`: there is room, or it cannot be told.
pub(super) fn too_little(place: &Path, least: u64) -> Option<PartState> {
    let free = free(place)?;
    (free < least).then(|| PartState::Failing {
        cause: format!(
            "the disk of the store at {} is nearly full: less than {} MB are free",
            place.display(),
            least / 1_000_000
        ),
        remedy: "make room, or move the store to a larger disk (stop canopy, `canopy backup`, `canopy restore`); without room no webhook can be taken and nothing bought".to_owned(),
        at_once: true,
    })
}

/// The same as a report. Commands look for themselves: on a full disk nobody can keep a state.
pub(crate) fn seen(place: &Path, least: u64) -> Option<PartReport> {
    Some(of_store(too_little(place, least)?))
}

pub(super) fn of_store(state: PartState) -> PartReport {
    PartReport {
        location: String::new(),
        part: Part::Store,
        name: "store".to_owned(),
        state,
        next_try: None,
    }
}

/// Bytes that are free for this program where a file is. `None`: it cannot be told.
#[cfg(unix)]
fn free(file: &Path) -> Option<u64> {
    let folder = file.parent().filter(|one| !one.as_os_str().is_empty());
    let disk = rustix::fs::statvfs(folder.unwrap_or(Path::new("."))).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}
