//! The short window, by governor's GCRA on tokio's clock (so tests can pause it).

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::{Quota, RateLimiter};

use super::{ServerLimits, SharedPace, WindowBudget, WindowLimit};

#[derive(Debug, Clone, Copy)]
pub(super) struct TokioClock;

impl Clock for TokioClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

type Gcra = RateLimiter<
    governor::state::NotKeyed,
    governor::state::InMemoryState,
    TokioClock,
    governor::middleware::NoOpMiddleware<Instant>,
>;

/// A quota that keeps *every* stretch of 1.05 windows at or below the limit.
///
/// GCRA with burst `b` and one permit per `t` gives at most `b + w/t` permits in a stretch of length `w`. A fifth of the limit
/// is the burst; the rest is spread over the window and a twentieth more, because calls reach the service less evenly
/// than they leave here.
pub(super) fn quota(limit: WindowLimit) -> Quota {
    let max = limit.max.get();
    let burst = NonZeroU32::new(max / 5).unwrap_or(NonZeroU32::MIN);
    let spread = (max - burst.get()).max(1);
    // A period of zero means no limit; governor has no such quota, the shortest it knows stands for it.
    let period = ((limit.per + limit.per / 20) / spread).max(Duration::from_nanos(1));
    Quota::with_period(period)
        .expect("the period is at least a nanosecond")
        .allow_burst(burst)
}

#[derive(Debug)]
pub(super) struct Window {
    limit: WindowLimit,
    gcra: Gcra,
    shared: Option<Arc<dyn SharedPace>>,
    /// When the last permits were given, for the report only.
    recent: VecDeque<Instant>,
}

impl Window {
    pub fn new(limit: WindowLimit) -> Self {
        Self {
            limit,
            gcra: RateLimiter::direct_with_clock(quota(limit), TokioClock),
            shared: None,
            recent: VecDeque::new(),
        }
    }

    /// Other processes draw on the same window.
    pub fn share(&mut self, pace: Arc<dyn SharedPace>) {
        self.shared = Some(pace);
    }

    /// Takes a permit, or tells how long to wait for one.
    pub fn take(&mut self) -> Result<(), Duration> {
        let now = TokioClock.now();
        let quota = quota(self.limit);
        let (period, burst) = (quota.replenish_interval(), quota.burst_size().get());
        let shared = self.shared.as_ref();
        let taken = shared.and_then(|pace| pace.take(period, burst));
        let taken = taken.unwrap_or_else(|| {
            let own = self.gcra.check();
            own.map_err(|not_until| not_until.wait_time_from(now))
        });
        match taken {
            Ok(()) => {
                self.forget(now);
                self.recent.push_back(now);
                Ok(())
            }
            // A timer's grain is a millisecond: never wake just before the permit.
            Err(wait) => Err(wait.max(Duration::from_millis(1))),
        }
    }

    /// The service's own numbers go before the configured ones.
    pub fn obey(&mut self, server: &ServerLimits) {
        let max = server.max.and_then(NonZeroU32::new);
        let per = server.interval.filter(|per| !per.is_zero());
        let told = WindowLimit {
            max: max.unwrap_or(self.limit.max),
            per: per.unwrap_or(self.limit.per),
        };
        if told != self.limit {
            self.gcra = RateLimiter::direct_with_clock(quota(told), TokioClock);
            self.limit = told;
        }
    }

    pub fn report(&mut self) -> WindowBudget {
        self.forget(TokioClock.now());
        let max = self.limit.max.get();
        let used = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        WindowBudget {
            max,
            per: self.limit.per,
            used,
            remaining: max.saturating_sub(used),
        }
    }

    fn forget(&mut self, now: Instant) {
        while self
            .recent
            .front()
            .is_some_and(|at| now.duration_since(*at) >= self.limit.per)
        {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the callers' pauses are, no window ever holds more permits than the limit.
        #[test]
        fn no_stretch_holds_more_than_the_limit(
            max in 1_u32..300,
            per_ms in 100_u64..60_000,
            pauses in prop::collection::vec(0_u64..2_000, 1..1_500),
        ) {
            let per = Duration::from_millis(per_ms);
            let limit = WindowLimit { max: NonZeroU32::new(max).unwrap(), per };
            let clock = FakeRelativeClock::default();
            let gcra = RateLimiter::direct_with_clock(quota(limit), clock.clone());
            let mut now = Duration::ZERO;
            let mut given: Vec<Duration> = Vec::new();
            for pause in pauses {
                // Mostly impatient callers, sometimes an idle time that refills the burst.
                let pause = if pause > 1_900 { per / 3 } else { per / 400 * u32::try_from(pause % 4).unwrap() };
                clock.advance(pause);
                now += pause;
                while gcra.check().is_ok() {
                    given.push(now);
                }
            }
            for (index, start) in given.iter().enumerate() {
                let inside = given[index..].iter().take_while(|at| **at <= *start + per).count();
                prop_assert!(inside <= max as usize, "{inside} permits within {per:?} of {start:?}");
            }
        }
    }

    #[test]
    fn the_default_limit_still_gives_most_of_the_budget() {
        let limit = WindowLimit {
            max: NonZeroU32::new(100).unwrap(),
            per: Duration::from_secs(10),
        };
        let clock = FakeRelativeClock::default();
        let gcra = RateLimiter::direct_with_clock(quota(limit), clock.clone());
        let mut given = 0;
        for _ in 0..6_000 {
            while gcra.check().is_ok() {
                given += 1;
            }
            clock.advance(Duration::from_millis(10));
        }
        // A minute: six windows of 100 would be 600.
        assert!((460..=480).contains(&given), "{given}");
    }
}
