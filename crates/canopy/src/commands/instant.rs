//! Points in time as people write them on the command line.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// An instant (`2026-11-02T08:00:00Z`), a day (`2026-11-02`: its beginning, UTC), or a time ago (`30d`, `12h`).
pub(super) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    if let Ok(day) = text.parse::<Date>()
        && let Ok(day) = day.to_zoned_datetime(TimeZone::UTC)
    {
        return Ok(day.timestamp());
    }
    let ago = text
        .parse::<Span>()
        .ok()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        .filter(|ago| *ago >= SignedDuration::ZERO);
    ago.and_then(|ago| now.checked_sub(ago).ok()).ok_or_else(|| {
        format!("\"{text}\" is no time; write 2026-11-02, 2026-11-02T08:00:00Z, or how long ago: 30d, 12h")
    })
}

/// For clap: whether it can be read.
pub(super) fn check(text: &str) -> Result<String, String> {
    parse(text, Timestamp::now()).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_days_and_times_ago_are_understood() {
        let now: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-01T00:00:00+01:00", "2026-10-31T23:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2d", "2026-10-31T08:00:00Z"),
            ("12h", "2026-11-01T20:00:00Z"),
        ] {
            assert_eq!(parse(text, now), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "yesterday", "-2d", "30"] {
            assert!(parse(text, now).is_err(), "{text}");
        }
    }
}
