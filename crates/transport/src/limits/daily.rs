//! The day's budget: a counter over a UTC day that only the service can correct, and only downwards.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{DailyBudget, DailyLimit, Exhausted, Priority, ServerLimits};

#[derive(Debug)]
pub(super) struct Daily {
    config: DailyLimit,
    /// The service's own limit, once it told.
    told: Option<u32>,
    used: u32,
    resets_at: Timestamp,
}

impl Daily {
    /// `used` calls were already made today, by an earlier run of the program.
    pub fn new(config: DailyLimit, used: u32, now: Timestamp) -> Self {
        Self {
            config,
            told: None,
            used,
            resets_at: next_midnight(now),
        }
    }

    pub fn check(&mut self, priority: Priority, now: Timestamp) -> Result<(), Exhausted> {
        self.roll(now);
        let limit = self.limit();
        let reserve = u64::from(limit) * u64::from(self.config.reserves.percent(priority)) / 100;
        if u64::from(self.used) + reserve < u64::from(limit) {
            return Ok(());
        }
        Err(Exhausted::Day {
            limit,
            used: self.used,
            priority,
            resets_at: self.resets_at,
            retry_after: Duration::try_from(self.resets_at.duration_since(now)).unwrap_or_default(),
        })
    }

    pub fn count(&mut self) {
        self.used = self.used.saturating_add(1);
    }

    /// Less remains than we thought: others use the same budget. More is not believed, as the answer may be an old one.
    pub fn obey(&mut self, server: &ServerLimits, now: Timestamp) {
        self.roll(now);
        if let Some(limit) = server.daily_limit {
            self.told = Some(limit);
        }
        if let Some(remaining) = server.daily_remaining {
            // The service counts down from its own limit, which may be above or below the configured one.
            let theirs = self.told.unwrap_or(self.config.max);
            self.used = self.used.max(theirs.saturating_sub(remaining));
        }
    }

    pub fn report(&mut self, now: Timestamp) -> DailyBudget {
        self.roll(now);
        let limit = self.limit();
        DailyBudget {
            limit,
            used: self.used,
            remaining: limit.saturating_sub(self.used),
            resets_at: self.resets_at,
        }
    }

    fn limit(&self) -> u32 {
        self.told
            .map_or(self.config.max, |told| told.min(self.config.max))
    }

    fn roll(&mut self, now: Timestamp) {
        if now >= self.resets_at {
            self.used = 0;
            self.resets_at = next_midnight(now);
        }
    }
}

fn next_midnight(now: Timestamp) -> Timestamp {
    now.to_zoned_datetime(TimeZone::UTC)
        .start_of_day()
        .and_then(|day| day.checked_add(1.day()))
        .map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Reserves;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn daily(max: u32, used: u32) -> Daily {
        let reserves = Reserves {
            workflow: 10,
            poll: 20,
            backfill: 50,
        };
        Daily::new(
            DailyLimit { max, reserves },
            used,
            at("2026-11-23T22:00:00Z"),
        )
    }

    #[test]
    fn less_urgent_calls_stop_at_their_reserve() {
        use Priority::{Backfill, Interactive, Poll, Workflow};
        let now = at("2026-11-23T22:00:00Z");
        for (used, admitted) in [
            (49, &[Interactive, Workflow, Poll, Backfill][..]),
            (50, &[Interactive, Workflow, Poll]),
            (80, &[Interactive, Workflow]),
            (90, &[Interactive]),
            (100, &[]),
        ] {
            let mut daily = daily(100, used);
            for priority in [Interactive, Workflow, Poll, Backfill] {
                assert_eq!(
                    daily.check(priority, now).is_ok(),
                    admitted.contains(&priority),
                    "{used} {priority:?}"
                );
            }
        }
    }

    #[test]
    fn a_refusal_tells_when_the_day_starts_again_and_then_it_does() {
        let mut daily = daily(10, 10);
        let refused = daily
            .check(Priority::Interactive, at("2026-11-23T22:00:00Z"))
            .unwrap_err();
        assert_eq!(refused.retry_after(), Duration::from_hours(2));
        assert!(
            daily
                .check(Priority::Interactive, at("2026-11-24T00:00:00Z"))
                .is_ok()
        );
        assert_eq!(daily.report(at("2026-11-24T00:00:00Z")).used, 0);
    }

    #[test]
    fn the_service_lowers_what_remains_and_never_raises_it() {
        let now = at("2026-11-23T22:00:00Z");
        let mut daily = daily(200_000, 5);
        daily.obey(
            &ServerLimits {
                daily_limit: Some(10_000),
                daily_remaining: Some(9_000),
                ..ServerLimits::default()
            },
            now,
        );
        let report = daily.report(now);
        assert_eq!(
            (report.limit, report.used, report.remaining),
            (10_000, 1_000, 9_000)
        );
        daily.obey(
            &ServerLimits {
                daily_limit: Some(10_000),
                daily_remaining: Some(9_999),
                ..ServerLimits::default()
            },
            now,
        );
        assert_eq!(daily.report(now).used, 1_000);
    }
}
