//! HighLevel's rate limits: calls in ten seconds and calls in a day, per app and location.

use std::collections::HashMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::access::Class;
use crate::answer::Answer;
use crate::settings::Settings;

const BURST_MILLISECONDS: i64 = 10_000;
const DAY_SECONDS: i64 = 86_400;

/// Calls counted so far. A token class is an app of its own, as a private integration is not the OAuth app.
#[derive(Debug, Default)]
pub struct Limits {
    used: HashMap<Class, Used>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Used {
    burst_since: Timestamp,
    burst: u32,
    day: i64,
    daily: u32,
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
        class: Class,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Left, Answer> {
        let used = self.used.entry(class).or_default();
        if now.duration_since(used.burst_since) >= SignedDuration::from_millis(BURST_MILLISECONDS) {
            used.burst_since = now;
            used.burst = 0;
        }
        let day = now.as_second().div_euclid(DAY_SECONDS);
        if day != used.day {
            used.day = day;
            used.daily = 0;
        }
        let over = used.burst >= settings.burst_limit || used.daily >= settings.daily_limit;
        if !over {
            used.burst += 1;
            used.daily += 1;
        }
        let left = Left {
            burst_limit: settings.burst_limit,
            burst: settings.burst_limit.saturating_sub(used.burst),
            daily_limit: settings.daily_limit,
            daily: settings.daily_limit.saturating_sub(used.daily),
        };
        if over {
            let refusal = Answer::refused(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
            return Err(left.onto(refusal));
        }
        Ok(left)
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
        for _ in 0..100 {
            limits.take(Class::LocationKey, start, &settings).unwrap();
        }
        let late = start + SignedDuration::from_millis(9_999);
        assert!(limits.take(Class::LocationKey, late, &settings).is_err());
        assert!(
            limits.take(Class::Location, late, &settings).is_ok(),
            "another app"
        );
        let next = start + SignedDuration::from_millis(10_000);
        let left = limits.take(Class::LocationKey, next, &settings).unwrap();
        assert_eq!((left.burst, left.daily), (99, 200_000 - 101));
    }
}
