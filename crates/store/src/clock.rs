//! The time, injected: only the binary hands out the real clock.

use std::fmt::Debug;
use std::sync::{LazyLock, Mutex};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::random;

/// Tells the time.
pub trait Clock: Send + Sync + Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// The present moment by clocks that nobody sets.
    fn moment(&self) -> Moment;
}

/// A moment by clocks that run evenly and are never set: the process's, and the machine's since it was started, where it
/// tells. What lies between two moments has really passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    process: Running,
    machine: Option<Running>,
}

/// How long something has been running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    /// Names the process or the start of the machine.
    since: String,
    milliseconds: i64,
}

impl Moment {
    /// What has passed since an earlier moment at least; nothing is known to have where neither clock ran all the time.
    pub fn since(&self, earlier: &Self) -> SignedDuration {
        self.known_since(earlier).unwrap_or_default()
    }

    /// Whether a later process can tell what passed since: only where the machine tells how long it has been running.
    pub fn outlives_the_process(&self) -> bool {
        self.machine.is_some()
    }

    /// The same as [`Moment::since`]; `None`: neither clock ran all the time.
    pub fn known_since(&self, earlier: &Self) -> Option<SignedDuration> {
        let passed = |now: &Running, then: &Running| {
            let is_same = now.since == then.since;
            is_same.then(|| now.milliseconds - then.milliseconds)
        };
        let machine = self.machine.as_ref().zip(earlier.machine.as_ref());
        let both = [
            passed(&self.process, &earlier.process),
            machine.and_then(|(now, then)| passed(now, then)),
        ];
        let most = both.into_iter().flatten().max()?;
        Some(SignedDuration::from_millis(most.max(0)))
    }
}

/// When this process first asked, and its name.
static PROCESS: LazyLock<(Instant, String)> = LazyLock::new(|| (Instant::now(), random::name()));

/// The machine's own count, where there is one: Linux tells it in files.
fn machine() -> Option<Running> {
    let since = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, parts) = uptime.split_whitespace().next()?.split_once('.')?;
    let seconds: i64 = seconds.parse().ok()?;
    let hundredths: i64 = parts.get(..2)?.parse().ok()?;
    Some(Running {
        since: since.trim().to_owned(),
        milliseconds: seconds.checked_mul(1000)? + hundredths * 10,
    })
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn moment(&self) -> Moment {
        let (began, name) = &*PROCESS;
        Moment {
            process: Running {
                since: name.clone(),
                milliseconds: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
            },
            machine: machine(),
        }
    }
}

/// A clock that tests move by hand.
#[derive(Debug)]
pub struct ManualClock(Mutex<Hands>);

#[derive(Debug, Clone, Copy)]
struct Hands {
    now: Timestamp,
    passed: SignedDuration,
    starts: u32,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(Hands {
            now: start,
            passed: SignedDuration::ZERO,
            starts: 0,
        }))
    }

    /// Lets time pass.
    pub fn advance(&self, by: SignedDuration) {
        self.change(|hands| {
            hands.now += by;
            hands.passed += by;
        });
    }

    /// Sets the clock ahead (or back) without any time passing.
    pub fn jump(&self, by: SignedDuration) {
        self.change(|hands| hands.now += by);
    }

    /// The process is started again, so that nothing runs on but the time of day.
    pub fn restart(&self) {
        self.change(|hands| hands.starts += 1);
    }

    fn change(&self, change: impl FnOnce(&mut Hands)) {
        let hands = self.0.lock();
        change(&mut hands.unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    fn hands(&self) -> Hands {
        let hands = self.0.lock();
        *hands.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands().now
    }

    fn moment(&self) -> Moment {
        let Hands { passed, starts, .. } = self.hands();
        let milliseconds = passed.as_millis();
        Moment {
            process: Running {
                since: format!("by hand {starts}"),
                milliseconds: i64::try_from(milliseconds).unwrap_or(i64::MAX),
            },
            machine: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_lets_no_time_pass() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let before = clock.moment();
        clock.jump(SignedDuration::from_hours(2));
        assert_eq!(clock.moment().since(&before), SignedDuration::ZERO);
        clock.advance(SignedDuration::from_mins(1));
        assert_eq!(clock.moment().since(&before), SignedDuration::from_mins(1));
    }

    #[test]
    fn the_machine_tells_what_passed_over_a_restart_of_the_process_and_no_other_machine_does() {
        let mut earlier = SystemClock.moment();
        let mut now = SystemClock.moment();
        earlier.process.since = "the process before".to_owned();
        earlier.process.milliseconds = 0;
        let on = |since: &str, milliseconds| {
            let since = since.to_owned();
            Some(Running {
                since,
                milliseconds,
            })
        };
        (earlier.machine, now.machine) = (on("a", 1000), on("a", 61_000));
        assert_eq!(now.since(&earlier), SignedDuration::from_mins(1));
        now.machine = on("b", 61_000);
        assert_eq!(now.since(&earlier), SignedDuration::ZERO);
    }
}
