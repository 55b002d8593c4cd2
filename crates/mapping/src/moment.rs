//! Moments in the arguments of a trigger: `now`, `today`, `now+30d`, `now-1h`. Pure: the present is given.

use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use crate::file_error::nearest;

/// A moment relative to the present, or a fixed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It moves as time passes.
    Relative {
        /// Counted from the beginning of the present day, and not from now.
        today: bool,
        offset: SignedDuration,
    },
    Fixed(Timestamp),
}

/// A text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "is \"{text}\"; write a moment such as \"now\", \"today\", \"now+30d\", \"now-1h\" (units: m, h, d, w), or milliseconds{hint}"
)]
pub struct MomentError {
    text: String,
    hint: String,
}

impl MomentError {
    fn new(text: &str) -> Self {
        let near =
            near(text).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        Self {
            text: text.to_owned(),
            hint: near,
        }
    }
}

impl Moment {
    /// Reads a moment: relative, as milliseconds since 1970, or as RFC 3339.
    pub fn parse(text: &str) -> Result<Self, MomentError> {
        if let Ok(milliseconds) = text.parse::<i64>() {
            let fixed = Timestamp::from_millisecond(milliseconds);
            return fixed.map(Self::Fixed).map_err(|_| MomentError::new(text));
        }
        if let Ok(fixed) = text.parse::<Timestamp>() {
            return Ok(Self::Fixed(fixed));
        }
        relative(text).ok_or_else(|| MomentError::new(text))
    }

    /// Whether it moves as time passes.
    pub fn moves(self) -> bool {
        matches!(self, Self::Relative { .. })
    }

    /// Whether it depends on when the day begins.
    pub fn is_of_day(self) -> bool {
        matches!(self, Self::Relative { today: true, .. })
    }

    /// The instant that it means now. The day is that of the present's time zone.
    pub fn at(self, now: &ZonedDateTime) -> Timestamp {
        let (base, offset) = match self {
            Self::Fixed(fixed) => return fixed,
            Self::Relative {
                today: false,
                offset,
            } => (now.timestamp(), offset),
            Self::Relative {
                today: true,
                offset,
            } => {
                let days = SignedDuration::from_secs(offset.as_secs() / DAY * DAY);
                (day(now, days), offset - days)
            }
        };
        base.saturating_add(offset).unwrap_or(base)
    }
}

const DAY: i64 = 86_400;

/// When the day begins that is so many days away. By the calendar: one may have 23 or 25 hours.
fn day(now: &ZonedDateTime, days: SignedDuration) -> Timestamp {
    let day = now.date().saturating_add(days);
    let begins = day.to_zoned_datetime(now.time_zone().clone());
    begins.map_or_else(|_| now.timestamp(), |begins| begins.timestamp())
}

fn relative(text: &str) -> Option<Moment> {
    let (today, rest) = match (text.strip_prefix("now"), text.strip_prefix("today")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return None,
    };
    let offset = if rest.is_empty() {
        SignedDuration::ZERO
    } else {
        let (sign, rest) = match rest.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let unit = rest.chars().last().and_then(seconds)?;
        let count = rest.get(..rest.len() - 1)?;
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // A hundred years are enough for everybody, and no instant runs over.
        let count = count.parse::<i64>().ok()?;
        let offset = count
            .checked_mul(unit)
            .filter(|offset| *offset <= 3_155_760_000)?;
        SignedDuration::from_secs(sign * offset)
    };
    Some(Moment::Relative { today, offset })
}

fn seconds(unit: char) -> Option<i64> {
    match unit {
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(DAY),
        'w' => Some(7 * DAY),
        _ => None,
    }
}

/// The moment that somebody may have meant who wrote this: `Now + 30 days` is `now+30d`.
fn near(text: &str) -> Option<String> {
    let text: String = text.to_lowercase().split_whitespace().collect();
    let at = text.find(['+', '-']).unwrap_or(text.len());
    let (word, offset) = text.split_at(at);
    let word = nearest(word, ["now", "today"])?;
    if offset.is_empty() {
        return Some(word.to_owned());
    }
    let digits = offset.find(|c: char| c.is_ascii_digit())?;
    let unit = offset[digits..].find(|c: char| !c.is_ascii_digit());
    let (count, unit) = unit.map_or((&offset[digits..], "d"), |at| offset[digits..].split_at(at));
    let unit = unit
        .chars()
        .next()
        .filter(|unit| seconds(*unit).is_some())
        .unwrap_or('d');
    let moment = format!("{word}{}{count}{unit}", &offset[..1]);
    relative(&moment).map(|_| moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> String {
        at_in(text, "2026-03-04T05:06:07+00:00[UTC]")
    }

    fn at_in(text: &str, now: &str) -> String {
        let now: ZonedDateTime = now.parse().unwrap();
        Moment::parse(text).unwrap().at(&now).to_string()
    }

    #[test]
    fn a_day_begins_by_the_local_clock_however_many_hours_it_has() {
        // In London the clocks go forward on the 29th.
        let now = "2026-03-28T23:30:00+00:00[Europe/London]";
        assert_eq!(at_in("today", now), "2026-03-28T00:00:00Z");
        assert_eq!(at_in("today+1d", now), "2026-03-29T00:00:00Z");
        assert_eq!(at_in("today+2d", now), "2026-03-29T23:00:00Z");
        assert_eq!(at_in("today+49h", now), "2026-03-30T00:00:00Z");
        assert_eq!(at_in("now+1d", now), "2026-03-29T23:30:00Z");
        let west = "2026-03-28T23:30:00-07:00[America/Los_Angeles]";
        assert_eq!(at_in("today", west), "2026-03-28T07:00:00Z");
        assert_eq!(at_in("today-1w", west), "2026-03-21T07:00:00Z");
        assert_eq!(at_in("today-12h", west), "2026-03-27T19:00:00Z");
    }

    #[test]
    fn a_moment_is_counted_from_now_or_from_the_days_beginning() {
        assert_eq!(at("now"), "2026-03-04T05:06:07Z");
        assert_eq!(at("now+30d"), "2026-04-03T05:06:07Z");
        assert_eq!(at("now-1h"), "2026-03-04T04:06:07Z");
        assert_eq!(at("now+90m"), "2026-03-04T06:36:07Z");
        assert_eq!(at("today"), "2026-03-04T00:00:00Z");
        assert_eq!(at("today+2w"), "2026-03-18T00:00:00Z");
        assert_eq!(at("4102444800000"), "2100-01-01T00:00:00Z");
        assert_eq!(at("2100-01-01T00:00:00+01:00"), "2099-12-31T23:00:00Z");
        assert!(Moment::parse("now").unwrap().moves());
        assert!(!Moment::parse("4102444800000").unwrap().moves());
    }

    #[test]
    fn a_text_that_is_no_moment_names_the_nearest_one() {
        for (wrong, near) in [
            ("nw+30d", "now+30d"),
            ("Now + 30 days", "now+30d"),
            ("now+30", "now+30d"),
            ("now-2hours", "now-2h"),
            ("todya", "today"),
            ("now+1y", "now+1d"),
        ] {
            let error = Moment::parse(wrong).unwrap_err().to_string();
            assert!(
                error.contains(&format!("did you mean \"{near}\"?")),
                "{error}"
            );
        }
        for wrong in [
            "",
            "tomorrow evening",
            "now+",
            "now+-1d",
            "now+99999999999999w",
            "now+é",
        ] {
            let error = Moment::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("now+30d"), "{error}");
        }
    }
}
