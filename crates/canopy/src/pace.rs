//! The pace that all processes on one store keep together: a command beside `canopy run` draws on the same calls.
//!
//! A file beside the store holds one number, the moment up to which calls are spread already (the "theoretical arrival time"
//! of the generic cell rate algorithm). Whoever wants to call locks it, looks, and moves it on; that takes microseconds.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use canopy_highlevel::SharedPace;

/// The pace of one location.
#[derive(Debug)]
pub(crate) struct Pace {
    path: PathBuf,
    /// Without it nothing is written: there may never be one.
    store: PathBuf,
    file: Mutex<Option<File>>,
}

impl Pace {
    /// Beside the store, in a file of the location's own.
    pub fn new(store: PathBuf, location: &str) -> Self {
        let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
        let location: String = location.chars().filter(is_plain).collect();
        let mut path = store.clone().into_os_string();
        path.push(format!(".{location}.pace"));
        Self {
            path: path.into(),
            store,
            file: Mutex::new(None),
        }
    }

    fn take_at(
        &self,
        now: Duration,
        period: Duration,
        burst: u32,
    ) -> std::io::Result<Result<(), Duration>> {
        let mut held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            let mut options = File::options();
            options.create(true).truncate(false).read(true).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            *held = Some(options.open(&self.path)?);
        }
        let Some(file) = held.as_mut() else {
            return Ok(Ok(()));
        };
        file.lock()?;
        let moved = move_on(file, now, period, burst);
        file.unlock()?;
        moved
    }
}

fn move_on(
    file: &mut File,
    now: Duration,
    period: Duration,
    burst: u32,
) -> std::io::Result<Result<(), Duration>> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    let ahead = period.saturating_mul(burst);
    let spread = text
        .trim()
        .parse()
        .map_or(Duration::ZERO, Duration::from_nanos);
    // A clock that was ahead is no reason to wait for it.
    let spread = if spread > now + ahead + period {
        now
    } else {
        spread
    };
    let next = spread.max(now) + period;
    let early = next.saturating_sub(now + ahead);
    if !early.is_zero() {
        return Ok(Err(early));
    }
    let nanos = u64::try_from(next.as_nanos()).unwrap_or(u64::MAX);
    file.rewind()?;
    // As wide as any number of it, so that nothing of an older one stays behind.
    write!(file, "{nanos:020}")?;
    Ok(Ok(()))
}

impl SharedPace for Pace {
    fn take(&self, period: Duration, burst: u32) -> Option<Result<(), Duration>> {
        if !self.store.exists() {
            return None;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        match self.take_at(now, period, burst) {
            Ok(taken) => Some(taken),
            Err(error) => {
                tracing::debug!(%error, path = %self.path.display(), "the common pace cannot be kept; this process keeps its own");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(100);

    #[test]
    fn two_processes_together_make_no_more_calls_than_one_may() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("canopy.db");
        let both = [Pace::new(store.clone(), "loc"), Pace::new(store, "loc")];
        let mut granted = 0;
        let mut now = Duration::from_secs(1_000_000);
        // Each asks every ten milliseconds for ten seconds.
        for step in 0..2_000_usize {
            if both[step % 2].take_at(now, PERIOD, 20).unwrap().is_ok() {
                granted += 1;
            }
            now += Duration::from_millis(5);
        }
        assert_eq!(granted, 20 + 99, "the burst, and one for each period");
    }

    #[test]
    fn who_is_refused_is_told_when_to_come_again_and_a_clock_set_back_silences_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let pace = Pace::new(folder.path().join("canopy.db"), "a/b");
        let now = Duration::from_secs(2_000_000);
        assert_eq!(pace.take_at(now, PERIOD, 1).unwrap(), Ok(()));
        assert_eq!(pace.take_at(now, PERIOD, 1).unwrap(), Err(PERIOD));
        assert_eq!(pace.take_at(now + PERIOD, PERIOD, 1).unwrap(), Ok(()));
        let back = Duration::from_secs(1_000_000);
        assert_eq!(pace.take_at(back, PERIOD, 1).unwrap(), Ok(()));
        // Another location has a pace of its own.
        let other = Pace::new(folder.path().join("canopy.db"), "c");
        assert_eq!(other.take_at(now, PERIOD, 1).unwrap(), Ok(()));
        // Without a store nothing is written, and each process keeps its own pace.
        assert_eq!(pace.take(PERIOD, 1), None);
    }
}
