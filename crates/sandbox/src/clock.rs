//! The sandbox's own time: starts at the machine's time, runs with it, and can be pushed ahead or stopped.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that never goes back. Everything the sandbox dates or times out uses it, so that tests need not wait.
#[derive(Debug)]
pub struct Clock {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    base: Timestamp,
    anchor: Instant,
    frozen: bool,
}

impl State {
    fn now(&self) -> Timestamp {
        if self.frozen {
            return self.base;
        }
        let elapsed =
            SignedDuration::try_from(self.anchor.elapsed()).unwrap_or(SignedDuration::MAX);
        self.base.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn rebase(&mut self, base: Timestamp) {
        self.base = base;
        self.anchor = Instant::now();
    }
}

impl Clock {
    pub fn starting_at(base: Timestamp) -> Self {
        Self {
            state: Mutex::new(State {
                base,
                anchor: Instant::now(),
                frozen: false,
            }),
        }
    }

    /// The time, in whole milliseconds as both services write it.
    pub fn now(&self) -> Timestamp {
        whole_milliseconds(self.state().now())
    }

    pub fn is_frozen(&self) -> bool {
        self.state().frozen
    }

    /// Pushes the clock ahead.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let mut state = self.state();
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let target = state.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        state.rebase(target);
        whole_milliseconds(target)
    }

    /// Sets the clock to a later time; `false` when `to` lies in its past.
    pub fn set(&self, to: Timestamp) -> bool {
        let mut state = self.state();
        if to < state.now() {
            return false;
        }
        state.rebase(to);
        true
    }

    /// Stops the clock (it then moves only when told to) or lets it run again.
    pub fn freeze(&self, frozen: bool) {
        let mut state = self.state();
        let now = state.now();
        state.rebase(now);
        state.frozen = frozen;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid after every statement, so a panic elsewhere cannot have left it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// `2026-01-31T08:15:00.000Z`, as HighLevel writes times.
pub fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn runs_with_time_and_stops_when_frozen() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(start);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(iso(clock.now()), "2026-01-01T00:00:05.000Z");
        clock.freeze(true);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(iso(clock.now()), "2026-01-01T00:00:05.000Z");
        clock.advance(Duration::from_secs(10));
        assert_eq!(iso(clock.now()), "2026-01-01T00:00:15.000Z");
        assert!(!clock.set(start), "the clock must not go back");
    }
}
