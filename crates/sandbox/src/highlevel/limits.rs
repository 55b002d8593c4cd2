//! HighLevel's rate limits: calls in ten seconds per app or private integration, calls in a day per app, or for all
//! private integrations of the location together.

use std::collections::HashMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::access::{Caller, Class};
use crate::answer::Answer;
use crate::settings::Settings;

const BURST_MILLISECONDS: i64 = 10_000;
const DAY_SECONDS: i64 = 86_400;

/// What a trial or sandbox account has for its private integrations, all together.
const TRIAL: (u32, u32) = (25, 10_000);

/// Calls counted so far.
#[derive(Debug, Default)]
pub struct Limits {
    bursts: HashMap<(Class, u64), Burst>,
    days: HashMap<Class, Day>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Burst {
    since: Timestamp,
    used: u32,
}

#[derive(Debug, Default, Clone, Copy)]
struct Day {
    day: i64,
    used: u32,
}

/// What is left after a call; becomes the answer's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    burst_limit: u32,
    burst: u32,
    daily_limit: u32,
    daily: u32,
}

impl Left {
    pub fn onto(self, answer: Answer) -> Answer {
        answer
            .with_header("x-ratelimit-limit-daily", self.daily_limit)
            .with_header("x-ratelimit-daily-remaining", self.daily)
            .with_header("x-ratelimit-interval-milliseconds", BURST_MILLISECONDS)
            .with_header("x-ratelimit-max", self.burst_limit)
            .with_header("x-ratelimit-remaining", self.burst)
    }
}

impl Limits {
    /// Counts a call, or refuses it.
    pub fn take(
        &mut self,
        caller: Caller,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Left, Answer> {
        let is_trial = settings.trial_account && caller.class.is_private();
        let (burst_limit, daily_limit) = if is_trial {
            TRIAL
        } else {
            (settings.burst_limit, settings.daily_limit)
        };
        let counter = if is_trial { 0 } else { caller.integration };
        let day = self.day(caller.class, now);
        let daily = day.used;
        let burst = self.bursts.entry((caller.class, counter)).or_default();
        if now.duration_since(burst.since) >= SignedDuration::from_millis(BURST_MILLISECONDS) {
            *burst = Burst {
                since: now,
                used: 0,
            };
        }
        let over = burst.used >= burst_limit || daily >= daily_limit;
        if !over {
            burst.used += 1;
        }
        let burst = burst.used;
        let daily = self.day(caller.class, now);
        if !over {
            daily.used += 1;
        }
        let left = Left {
            burst_limit,
            burst: burst_limit.saturating_sub(burst),
            daily_limit,
            daily: daily_limit.saturating_sub(daily.used),
        };
        if over {
            let refusal = Answer::refused(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
            return Err(left.onto(refusal));
        }
        Ok(left)
    }

    /// Counts calls of somebody else who shares the day: another private integration of the location.
    pub fn neighbour(&mut self, class: Class, calls: u32, now: Timestamp) {
        let day = self.day(class, now);
        day.used = day.used.saturating_add(calls);
    }

    fn day(&mut self, class: Class, now: Timestamp) -> &mut Day {
        let today = now.as_second().div_euclid(DAY_SECONDS);
        let day = self.days.entry(class).or_default();
        if day.day != today {
            *day = Day {
                day: today,
                used: 0,
            };
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_101st_call_in_ten_seconds_is_refused_and_the_next_window_is_free() {
        let mut limits = Limits::default();
        let settings = Settings::default();
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let key = caller(Class::LocationKey, 0);
        for _ in 0..100 {
            limits.take(key, start, &settings).unwrap();
        }
        let late = start + SignedDuration::from_millis(9_999);
        assert!(limits.take(key, late, &settings).is_err());
        let app = caller(Class::Location, 0);
        assert!(limits.take(app, late, &settings).is_ok(), "another app");
        let next = start + SignedDuration::from_millis(10_000);
        let left = limits.take(key, next, &settings).unwrap();
        assert_eq!((left.burst, left.daily), (99, 200_000 - 101));
    }

    fn caller(class: Class, integration: u64) -> Caller {
        Caller { class, integration }
    }

    #[test]
    fn private_integrations_share_the_day_and_on_trial_the_ten_seconds_too() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let ours = caller(Class::LocationKey, 0);
        let neighbour = caller(Class::LocationKey, 1);
        let mut limits = Limits::default();
        let mut settings = Settings::default();
        limits.take(neighbour, start, &settings).unwrap();
        limits.neighbour(Class::LocationKey, 1_000, start);
        let left = limits.take(ours, start, &settings).unwrap();
        assert_eq!((left.burst, left.daily), (99, 200_000 - 1_002));

        settings.trial_account = true;
        let mut limits = Limits::default();
        limits.take(neighbour, start, &settings).unwrap();
        let left = limits.take(ours, start, &settings).unwrap();
        assert_eq!((left.burst, left.daily), (23, 10_000 - 2));
        let app = caller(Class::Location, 0);
        let left = limits.take(app, start, &settings).unwrap();
        assert_eq!(left.burst, 99, "apps are not on trial");
    }
}
