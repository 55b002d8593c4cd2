//! How much the machine lets the listeners have.

use canopy_web::Bounds;

/// Files that everything else may need at the same time: the store, calls to both services, the page.
const OTHERS: u64 = 200;
/// Fewer connections would be too few even for one sender.
const LEAST: u64 = 64;

/// Bounds within the number of files that the process may have open, which is raised as far as the system lets it.
pub(crate) fn bounds() -> Bounds {
    let usual = Bounds::default();
    let Some(files) = open_files() else {
        return usual;
    };
    let room = files.saturating_sub(OTHERS).max(LEAST);
    Bounds {
        connections: usual
            .connections
            .min(usize::try_from(room).unwrap_or(usize::MAX)),
        ..usual
    }
}

#[cfg(unix)]
fn open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

#[cfg(not(unix))]
fn open_files() -> Option<u64> {
    None
}
