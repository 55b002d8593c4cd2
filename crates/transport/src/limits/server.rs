//! What the service's answers say of its limits.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use tokio::time::Instant;

/// The limit headers of one answer; absent or unreadable ones are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerLimits {
    pub daily_limit: Option<u32>,
    pub daily_remaining: Option<u32>,
    pub interval: Option<Duration>,
    pub max: Option<u32>,
    pub remaining: Option<u32>,
    /// `Retry-After`, from now.
    pub retry_after: Option<Duration>,
}

impl ServerLimits {
    pub fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        Self {
            daily_limit: number(headers, "x-ratelimit-limit-daily"),
            daily_remaining: number(headers, "x-ratelimit-daily-remaining"),
            interval: number(headers, "x-ratelimit-interval-milliseconds")
                .map(|ms| Duration::from_millis(u64::from(ms))),
            max: number(headers, "x-ratelimit-max"),
            remaining: number(headers, "x-ratelimit-remaining"),
            retry_after: retry_after(headers, now),
        }
    }

    /// The same with no time longer than `longest`: what a service says of time is a hint, and one wrong number must not
    /// put everything to sleep.
    #[must_use]
    pub fn within(self, longest: Duration) -> Self {
        let bounded = |time: Option<Duration>| time.map(|time| time.min(longest));
        Self {
            interval: bounded(self.interval),
            retry_after: bounded(self.retry_after),
            ..self
        }
    }

    /// How long the service wants nothing more to be sent.
    pub fn pause(&self, status: StatusCode) -> Option<Duration> {
        match status {
            StatusCode::TOO_MANY_REQUESTS => self.retry_after.or(self.interval),
            StatusCode::SERVICE_UNAVAILABLE => self.retry_after,
            _ => None,
        }
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// `Retry-After` as seconds or as an HTTP date, from now.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value)
        .ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

/// What the service says remains in its current window. It matters when others use the same budget.
#[derive(Debug, Default)]
pub(super) struct ServerWindow {
    left: Option<(u32, Instant)>,
}

impl ServerWindow {
    /// How long to wait before the next permit, if the service's window is used up.
    pub fn wait(&mut self, now: Instant) -> Option<Duration> {
        match self.left {
            Some((_, until)) if now >= until => {
                self.left = None;
                None
            }
            Some((0, until)) => Some(until - now),
            _ => None,
        }
    }

    pub fn take(&mut self) {
        if let Some((left, _)) = &mut self.left {
            *left = left.saturating_sub(1);
        }
    }

    /// An answer came while `in_flight` other calls were out. The service has counted some of those already, so a number
    /// between what we think and that plus `in_flight` is no news. Below: somebody else draws on the budget. Above: the
    /// service's window moved on. Both are taken over, less what is on its way.
    pub fn obey(&mut self, server: &ServerLimits, in_flight: u32, now: Instant) {
        let (Some(remaining), Some(interval)) = (server.remaining, server.interval) else {
            return;
        };
        if let Some((left, until)) = self.left
            && now < until
            && (left..=left.saturating_add(in_flight)).contains(&remaining)
        {
            return;
        }
        self.left = Some((remaining.saturating_sub(in_flight), now + interval));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        for (value, expected) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("Mon, 23 Nov 2026 10:00:30 GMT", Some(30)),
            ("Mon, 23 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
        ] {
            let found = retry_after(&headers(&[("retry-after", value)]), now);
            assert_eq!(found, expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn a_pause_follows_from_status_and_headers() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let interval = ("x-ratelimit-interval-milliseconds", "10000");
        for (status, pairs, expected) in [
            (429, &[("retry-after", "3"), interval][..], Some(3)),
            (429, &[interval], Some(10)),
            (429, &[], None),
            (503, &[("retry-after", "3")], Some(3)),
            (503, &[interval], None),
            (200, &[("retry-after", "3"), interval], None),
        ] {
            let server = ServerLimits::read(&headers(pairs), now);
            let found = server.pause(StatusCode::from_u16(status).unwrap());
            assert_eq!(
                found,
                expected.map(Duration::from_secs),
                "{status} {pairs:?}"
            );
        }
    }

    #[test]
    fn what_a_service_says_of_time_is_bounded() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let longest = Duration::from_mins(15);
        for value in [
            "999999999",
            "18446744073709551615",
            "Wed, 01 Dec 9999 23:59:59 GMT",
        ] {
            let headers = headers(&[
                ("retry-after", value),
                ("x-ratelimit-interval-milliseconds", "4294967295"),
            ]);
            let server = ServerLimits::read(&headers, now).within(longest);
            assert_eq!(server.retry_after, Some(longest), "{value}");
            assert_eq!(server.interval, Some(longest));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_used_up_window_is_waited_for() {
        let mut window = ServerWindow::default();
        let told = |remaining| ServerLimits {
            remaining: Some(remaining),
            interval: Some(Duration::from_secs(10)),
            ..ServerLimits::default()
        };
        window.obey(&told(2), 1, Instant::now());
        assert_eq!(window.wait(Instant::now()), None);
        window.take();
        assert_eq!(window.wait(Instant::now()), Some(Duration::from_secs(10)));
        // Counted already or not: no news.
        window.obey(&told(1), 1, Instant::now());
        assert_eq!(window.wait(Instant::now()), Some(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(window.wait(Instant::now()), None);
    }
}
