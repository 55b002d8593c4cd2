//! How persistent the engine is. Every figure has a default that suits one operator.

use std::time::Duration;

use jiff::SignedDuration;

/// Retries of steps, and of reads of records: exponential with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOptions {
    /// Wait before the first retry; doubles from there. Default 5 s.
    pub base: Duration,
    /// Longest wait. Default 15 min.
    pub max: Duration,
    /// Attempts in all, after which a run goes to the dead letters. Default 10.
    pub max_attempts: u32,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            max: Duration::from_mins(15),
            max_attempts: 10,
        }
    }
}

impl RetryOptions {
    /// The wait before attempt number `attempts + 1`, with up to its own length of jitter.
    pub fn delay(&self, attempts: u32) -> SignedDuration {
        use backon::BackoffBuilder;
        let wait = backon::ExponentialBuilder::default()
            .with_min_delay(self.base)
            .with_max_delay(self.max)
            .without_max_times()
            .with_jitter()
            .build()
            .nth(attempts.saturating_sub(1) as usize)
            .unwrap_or(self.max);
        SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_mins(15))
    }
}

/// Options of an [`Engine`](crate::Engine).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub retry: RetryOptions,
    /// How long after the first sending a purchase without an answer is sent again under its key. How long Ecologi
    /// remembers keys is not documented; after this the purchase waits for a person. Default 12 h.
    pub purchase_window: SignedDuration,
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
            purchase_window: SignedDuration::from_hours(12),
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
            max_attempts: 10,
        };
        for (attempts, least, most) in [(1, 1, 2), (2, 2, 4), (4, 8, 16), (30, 60, 120)] {
            let wait = retry.delay(attempts).as_secs();
            assert!(
                (least..=most).contains(&wait),
                "attempt {attempts}: {wait} s"
            );
        }
    }
}
