//! What a value says of time: one reader for all that take dates and times.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use serde_json::Value;

/// A number below is no time: as seconds it would be before 1973.
const SECONDS: f64 = 1e8;
/// A number from here on is milliseconds: as seconds it would be after 2286, as milliseconds it is in April 1970.
const MILLISECONDS: f64 = 1e10;

/// How merge fields write times and days.
const PROSE_TIME: &str = "%A, %B %d, %Y %I:%M %p";
const PROSE_DAY: &str = "%A, %B %d, %Y";

/// What a text or number says of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// A day as such, wherever one is.
    Day(Date),
    /// Midnight UTC to the millisecond: so HighLevel writes days, and so does a time read that falls on it by chance.
    Midnight(Timestamp),
    /// A time on the location's clock.
    Local(DateTime),
    Instant(Timestamp),
}

impl When {
    /// Reads a date, a time, or seconds or milliseconds since 1970, in the forms that HighLevel and others give them.
    pub fn read(value: &Value) -> Option<Self> {
        if let Some(number) = value.as_f64() {
            return of_number(number).map(of_utc);
        }
        let text = value.as_str()?.trim();
        if let Ok(instant) = text.parse::<Timestamp>() {
            // Midnight somewhere else is a time.
            return Some(if text.ends_with(['Z', 'z']) || text.ends_with("+00:00") {
                of_utc(instant)
            } else {
                Self::Instant(instant)
            });
        }
        // `20261231` is a day.
        let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'.';
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.len() > 8 && digits.bytes().all(is_digit) {
            return of_number(text.parse().ok()?).map(of_utc);
        }
        // A date is read as its midnight, too.
        if text.len() <= 10 {
            return text.parse().ok().map(Self::Day);
        }
        let local = text.parse::<DateTime>();
        local
            .or_else(|_| text.replacen(' ', "T", 1).parse())
            .ok()
            .map(Self::Local)
            .or_else(|| of_prose(text))
    }

    /// Where a time is meant, midnight UTC is one like others.
    #[must_use]
    pub fn as_time(self) -> Self {
        match self {
            Self::Midnight(instant) => Self::Instant(instant),
            other => other,
        }
    }

    /// The day of it where the clocks show this zone's time.
    pub fn day(self, zone: &TimeZone) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Midnight(instant) => TimeZone::UTC.to_datetime(instant).date(),
            Self::Local(local) => local.date(),
            Self::Instant(instant) => zone.to_datetime(instant).date(),
        }
    }

    /// Whether its day depends on where one is.
    pub fn needs_zone(self) -> bool {
        matches!(self, Self::Instant(_))
    }

    /// As a time of this zone; a day begins at midnight.
    pub(crate) fn zoned(self, zone: &TimeZone) -> Option<ZonedDateTime> {
        let local = match self {
            Self::Instant(instant) => return Some(instant.to_zoned_datetime(zone.clone())),
            Self::Midnight(_) | Self::Day(_) => DateTime::from(self.day(zone)),
            Self::Local(local) => local,
        };
        shown(local, zone)
    }

    /// The instant of it; a day begins at midnight of this zone.
    pub fn instant(self, zone: &TimeZone) -> Option<Timestamp> {
        let zoned = self.as_time().zoned(zone)?;
        Some(zoned.timestamp())
    }

    /// Whether it names an instant only together with a zone.
    pub fn is_local(self) -> bool {
        matches!(self, Self::Day(_) | Self::Local(_))
    }
}

/// Whether a text is a time as merge fields write it.
pub(crate) fn is_prose(text: &str) -> bool {
    text.contains(", ") && of_prose(text).is_some()
}

/// Times as HighLevel's merge fields write them, `{{appointment.start_time}}` and `{{appointment.only_start_date}}`.
fn of_prose(text: &str) -> Option<When> {
    let time = DateTime::strptime(PROSE_TIME, text).map(When::Local);
    let day = || Date::strptime(PROSE_DAY, text).map(When::Day);
    time.or_else(|_| day()).ok()
}

/// When the clocks of a zone show a local time, as timetables take it: the first showing of one that they show twice, and of
/// one that they skip the end of the gap.
fn shown(local: DateTime, zone: &TimeZone) -> Option<ZonedDateTime> {
    let found = zone.to_ambiguous_zoned_datetime(local);
    if let AmbiguousOffset::Gap { after, .. } = found.offset() {
        // By the new offset a skipped time lies before the change.
        let before = after.to_timestamp(local).ok()?;
        let change = zone.following(before).next()?;
        return Some(change.timestamp().to_zoned_datetime(zone.clone()));
    }
    found.compatible().ok()
}

fn of_utc(instant: Timestamp) -> When {
    if TimeZone::UTC.to_datetime(instant).time() == Time::midnight() {
        When::Midnight(instant)
    } else {
        When::Instant(instant)
    }
}

/// Seconds or milliseconds, told by how large the number is.
fn of_number(number: f64) -> Option<Timestamp> {
    let seconds = match number.abs() {
        size if size >= MILLISECONDS => number / 1000.0,
        size if size >= SECONDS => number,
        _ => return None,
    };
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    // To the millisecond: a floating point number has no more.
    let millis = i64::try_from(since.as_millis()).ok()?;
    Timestamp::from_millisecond(millis).ok()
}

/// Members that are times to the second, by their names in HighLevel's API and here. Midnight UTC is one of them.
pub(crate) fn is_time(path: &str) -> bool {
    let names = || path.split(|c: char| !c.is_alphanumeric() && c != '_');
    let member = names().rfind(|name| !name.is_empty()).unwrap_or_default();
    let root = names().next().unwrap_or_default();
    match member {
        "dueDate" => root != "invoice",
        "dateAdded" | "dateUpdated" | "dateCreated" | "dateModified" | "lastActivity" => true,
        _ => member.ends_with("At") || member.ends_with("Time"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn seconds_and_milliseconds_are_told_by_their_size() {
        let at = |text: &str| Some(When::Instant(text.parse().unwrap()));
        for (value, right) in [
            (json!(1_795_919_400), at("2026-11-29T02:30:00Z")),
            (json!("1795919400"), at("2026-11-29T02:30:00Z")),
            (json!(1_795_919_400_000_i64), at("2026-11-29T02:30:00Z")),
            (json!("1795919400000"), at("2026-11-29T02:30:00Z")),
            (json!(1_795_919_400.25), at("2026-11-29T02:30:00.25Z")),
            (json!("1795919400.25"), at("2026-11-29T02:30:00.25Z")),
            (json!(-631_108_800_001_i64), at("1950-01-01T11:59:59.999Z")),
            (
                json!(641_520_000_000_i64),
                Some(When::Midnight("1990-05-01T00:00:00Z".parse().unwrap())),
            ),
            (
                json!("20261231"),
                Some(When::Day("2026-12-31".parse().unwrap())),
            ),
            (
                json!("Tuesday, December 1, 2026 9:30 AM"),
                Some(When::Local("2026-12-01T09:30:00".parse().unwrap())),
            ),
            (
                json!("Tuesday, December 1, 2026"),
                Some(When::Day("2026-12-01".parse().unwrap())),
            ),
            (json!(0), None),
            (json!(5), None),
            (json!("5"), None),
            (json!(20_261_231), None),
            (json!(1e30), None),
            (json!("1795919400000000000000"), None),
            (json!("12.50"), None),
            (json!(true), None),
            (json!([1_795_919_400]), None),
        ] {
            assert_eq!(When::read(&value), right, "{value}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_the_end_of_the_gap_as_in_timetables() {
        for (text, zone, right) in [
            (
                "2027-03-28T01:30:00",
                "Europe/London",
                "2027-03-28T01:00:00Z",
            ),
            ("2027-03-28 01:00", "Europe/London", "2027-03-28T01:00:00Z"),
            (
                "2027-03-28T02:00:00",
                "Europe/London",
                "2027-03-28T01:00:00Z",
            ),
            (
                "2027-10-31T01:30:00",
                "Europe/London",
                "2027-10-31T00:30:00Z",
            ),
            // The day begins with the gap.
            (
                "2027-04-30T00:30:00",
                "Africa/Cairo",
                "2027-04-29T22:00:00Z",
            ),
            ("2027-04-30", "Africa/Cairo", "2027-04-29T22:00:00Z"),
            (
                "2027-10-03T02:10:00",
                "Australia/Lord_Howe",
                "2027-10-02T15:30:00Z",
            ),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let at = When::read(&json!(text)).unwrap().instant(&zone);
            assert_eq!(
                at.map(|at| at.to_string()).as_deref(),
                Some(right),
                "{text}"
            );
        }
    }

    #[test]
    fn members_that_are_times_are_known_by_their_names() {
        for path in [
            "event.occurredAt",
            "task.dueDate",
            "record['dueDate']",
            "contact.dateAdded",
            "contact['dateUpdated']",
            "appointment.startTime",
            "steps.task.task.dueDate",
            "profile.createdAt",
        ] {
            assert!(is_time(path), "{path}");
        }
        for path in [
            "contact.dateOfBirth",
            "invoice.dueDate",
            "invoice.issueDate",
            "custom.due",
            "webhook.day",
            "",
        ] {
            assert!(!is_time(path), "{path}");
        }
    }
}
