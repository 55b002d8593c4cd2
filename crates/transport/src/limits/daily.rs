//! The day's budget: a counter over a UTC day that only the service can correct, and only downwards.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{DailyBudget, DailyLimit, Exhausted, Priority, ServerLimits};

/// So many calls of others are worth a line in the log.
const NOTABLE: u32 = 100;

#[derive(Debug)]
pub(super) struct Daily {
    config: DailyLimit,
    /// The service's own limit, once it told.
    told: Option<u32>,
    /// By everybody.
    used: u32,
    /// By us.
    own: u32,
    /// Others' calls of which the log tells already.
    noticed: u32,
    /// Whether the service has told of this day.
    told_today: bool,
    resets_at: Timestamp,
}

impl Daily {
    /// `used` calls were already made today, by an earlier run of the program.
    pub fn new(config: DailyLimit, used: u32, now: Timestamp) -> Self {
        Self {
            config,
            told: None,
            used,
            own: used,
            noticed: 0,
            told_today: false,
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

    /// What the service told an earlier run of the program today.
    pub fn assume(&mut self, used: u32) {
        self.used = self.used.max(used);
    }

    pub fn count(&mut self) {
        self.used = self.used.saturating_add(1);
        self.own = self.own.saturating_add(1);
    }

    /// The service's count goes before ours: other programs draw on the same day. While `in_flight` other calls were out
    /// the service may have counted some of those already, so a number up to that much below ours is no news.
    pub fn obey(&mut self, server: &ServerLimits, in_flight: u32, now: Timestamp) {
        self.roll(now);
        if let Some(limit) = server.daily_limit.filter(|limit| *limit > 0) {
            self.told = Some(limit);
        }
        let Some(remaining) = server.daily_remaining else {
            return;
        };
        self.told_today = true;
        let theirs = self.limit().saturating_sub(remaining);
        if theirs > self.used || theirs.saturating_add(in_flight) < self.used {
            self.used = theirs;
            // The service began its day anew.
            self.own = self.own.min(theirs);
        }
        self.tell();
    }

    /// Tells of others' calls when there are twice as many as when it was told last.
    fn tell(&mut self) {
        let others = self.others();
        if others >= NOTABLE.max(self.noticed.saturating_mul(2)) {
            self.noticed = others;
            tracing::warn!(
                others,
                used = self.used,
                limit = self.limit(),
                "another program uses the same day's calls: all private tokens of a location share them"
            );
        }
    }

    fn others(&self) -> u32 {
        self.used.saturating_sub(self.own)
    }

    pub fn report(&mut self, now: Timestamp) -> DailyBudget {
        self.roll(now);
        let limit = self.limit();
        DailyBudget {
            limit,
            used: self.used,
            others: self.others(),
            told: self.told_today,
            remaining: limit.saturating_sub(self.used),
            resets_at: self.resets_at,
        }
    }

    fn limit(&self) -> u32 {
        self.told.unwrap_or(self.config.max)
    }

    fn roll(&mut self, now: Timestamp) {
        if now >= self.resets_at {
            (self.used, self.own, self.noticed) = (0, 0, 0);
            self.told_today = false;
            self.resets_at = next_midnight(now);
        }
        // A clock that was ahead and is set right: the day is the one that it is now, with what was used of it.
        self.resets_at = self.resets_at.min(next_midnight(now));
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
    fn a_clock_that_was_ahead_makes_no_day_longer() {
        let mut daily = daily(10, 0);
        (0..10).for_each(|_| daily.count());
        let ahead = at("2027-01-10T08:00:00Z");
        assert!(daily.check(Priority::Interactive, ahead).is_ok());
        (0..10).for_each(|_| daily.count());
        let right = at("2026-11-23T22:30:00Z");
        let refused = daily.check(Priority::Interactive, right).unwrap_err();
        assert_eq!(refused.retry_after(), Duration::from_mins(90));
        let next = at("2026-11-24T00:00:00Z");
        assert!(daily.check(Priority::Interactive, next).is_ok());
    }

    fn told(limit: u32, remaining: u32) -> ServerLimits {
        ServerLimits {
            daily_limit: Some(limit),
            daily_remaining: Some(remaining),
            ..ServerLimits::default()
        }
    }

    #[test]
    fn the_services_numbers_go_before_the_configured_ones_and_our_count() {
        let now = at("2026-11-23T22:00:00Z");
        for (limit, remaining, expected) in [
            (10_000, 9_000, (10_000, 1_000, 9_000, 995)),
            (500_000, 499_000, (500_000, 1_000, 499_000, 995)),
            // It counts less than we: it began its day at another hour.
            (200_000, 199_999, (200_000, 1, 199_999, 0)),
        ] {
            let mut daily = daily(200_000, 5);
            daily.obey(&told(limit, remaining), 0, now);
            let report = daily.report(now);
            let found = (report.limit, report.used, report.remaining, report.others);
            assert_eq!(found, expected, "{limit} {remaining}");
        }
    }

    #[test]
    fn what_the_service_has_not_counted_yet_is_no_news() {
        let now = at("2026-11-23T22:00:00Z");
        let mut daily = daily(1_000, 0);
        (0..10).for_each(|_| daily.count());
        daily.obey(&told(1_000, 997), 7, now);
        let report = daily.report(now);
        assert_eq!((report.used, report.others), (10, 0));
    }
}
