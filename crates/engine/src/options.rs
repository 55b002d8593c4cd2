//! How persistent the engine is. Every figure has a default that suits one operator.

use std::time::Duration;

use jiff::SignedDuration;

/// Retries of steps, and of reads of records: exponential with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOptions {
    /// Wait before the first retry; doubles from there. Default 5 s.
    pub base: Duration,
    /// Longest wait, also where a service names a longer one. Default 15 min.
    pub max: Duration,
    /// Failures in a row before which no run goes to the dead letters, however much time has passed. Default 10.
    pub max_attempts: u32,
    /// Time since the first failure in a row before which no run goes to the dead letters, however often it failed.
    /// Default 3 days.
    pub give_up_after: SignedDuration,
    /// How long a record must be missing before its event is gone: what was just made may not have been replicated yet.
    /// Default 15 min.
    pub gone_after: SignedDuration,
}

/// First wait before a record is read again. A read costs little, and what is missing is often there a moment later.
const FIRST_LOOK: Duration = Duration::from_secs(1);

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            max: Duration::from_mins(15),
            max_attempts: 10,
            give_up_after: SignedDuration::from_hours(3 * 24),
            gone_after: SignedDuration::from_mins(15),
        }
    }
}

impl RetryOptions {
    /// The wait before attempt number `attempts + 1`, with up to its own length of jitter, at most `max`.
    pub fn delay(&self, attempts: u32) -> SignedDuration {
        self.delay_from(self.base, attempts)
    }

    /// The same before another read of a record: it begins with a second.
    pub(crate) fn reading_delay(&self, attempts: u32) -> SignedDuration {
        self.delay_from(self.base.min(FIRST_LOOK), attempts)
    }

    fn delay_from(&self, first: Duration, attempts: u32) -> SignedDuration {
        use backon::BackoffBuilder;
        let wait = backon::ExponentialBuilder::default()
            .with_min_delay(first)
            .with_max_delay(self.max)
            .without_max_times()
            .with_jitter()
            .build()
            // Beyond so many doublings any wait is the longest.
            .nth(attempts.saturating_sub(1).min(64) as usize)
            .unwrap_or(self.max);
        let wait = wait.min(self.max);
        SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_mins(15))
    }

    /// What a service asks for is a hint: never below our own wait, never above `max`.
    pub(crate) fn within(&self, asked: Option<Duration>, own: SignedDuration) -> SignedDuration {
        let longest = SignedDuration::try_from(self.max).unwrap_or(own);
        let asked = asked.map_or(own, |asked| {
            SignedDuration::try_from(asked).unwrap_or(SignedDuration::MAX)
        });
        asked.min(longest).max(own)
    }

    /// Whether a run that has failed so often, since then, is to be given up.
    pub(crate) fn gives_up(&self, attempts: u32, failing: SignedDuration) -> bool {
        attempts >= self.max_attempts && failing >= self.give_up_after
    }
}

/// Options of an [`Engine`](crate::Engine).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub retry: RetryOptions,
    /// How long after the first sending a purchase without an answer is sent again under its key. After this it is made
    /// anew only where the account's totals show that it was not made; where they cannot tell, a person decides. Default
    /// 10 min.
    pub purchase_window: SignedDuration,
    /// How long Ecologi remembers a key at most, which is not documented. Default 24 h.
    pub key_memory: SignedDuration,
    /// How late the account's totals may be: Ecologi refreshes them about every ten minutes. Default 15 min.
    pub report_delay: SignedDuration,
    /// What a poll finds of before this much time, and a webhook that was made this much time before it came, wait for a
    /// person's approval: after a long stop nobody wants all that was missed to run by surprise. `None`: nothing waits. Default 24 h.
    pub max_age: Option<SignedDuration>,
    /// So many runs of one workflow for one contact may start within ten minutes; further ones are held, because a
    /// workflow that changes what it starts on would go on for ever. Default 20.
    pub most_runs: u32,
    /// How long a lease lasts without renewal. Default 60 s.
    pub lease: SignedDuration,
    /// Contacts worked on at the same time in one location, besides those that wait for a merged call. Default 8.
    pub concurrency: usize,
    /// Longest time between two looks for forgotten work. Default 30 s.
    pub sweep: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retry: RetryOptions::default(),
            purchase_window: SignedDuration::from_mins(10),
            key_memory: SignedDuration::from_hours(24),
            report_delay: SignedDuration::from_mins(15),
            max_age: Some(SignedDuration::from_hours(24)),
            most_runs: 20,
            lease: SignedDuration::from_secs(60),
            concurrency: 8,
            sweep: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = RetryOptions {
            base: Duration::from_secs(1),
            max: Duration::from_mins(1),
            ..RetryOptions::default()
        };
        for (attempts, least, most) in [(1, 1, 2), (2, 2, 4), (4, 8, 16), (30, 60, 60)] {
            let wait = retry.delay(attempts).as_secs();
            assert!(
                (least..=most).contains(&wait),
                "attempt {attempts}: {wait} s"
            );
        }
    }

    #[test]
    fn what_a_service_asks_for_is_kept_within_bounds() {
        let retry = RetryOptions {
            max: Duration::from_mins(1),
            ..RetryOptions::default()
        };
        let own = SignedDuration::from_secs(5);
        for (asked, expected) in [
            (None, 5),
            (Some(0), 5),
            (Some(20), 20),
            (Some(61), 60),
            (Some(1_000_000_000), 60),
            (Some(u64::MAX), 60),
        ] {
            let wait = retry.within(asked.map(Duration::from_secs), own);
            assert_eq!(wait, SignedDuration::from_secs(expected), "{asked:?}");
        }
    }

    #[test]
    fn a_run_is_given_up_by_count_and_time_together() {
        let retry = RetryOptions::default();
        let (day, week) = (
            SignedDuration::from_hours(24),
            SignedDuration::from_hours(168),
        );
        assert!(!retry.gives_up(10_000, day), "an outage of a day");
        assert!(!retry.gives_up(2, week), "the machine was asleep");
        assert!(retry.gives_up(10, week));
    }

    #[test]
    fn a_record_is_looked_for_again_within_seconds() {
        let wait = RetryOptions::default().reading_delay(1).as_secs_f64();
        assert!((1.0..=2.0).contains(&wait), "{wait}");
        assert!(RetryOptions::default().reading_delay(u32::MAX).as_mins() <= 15);
    }
}
