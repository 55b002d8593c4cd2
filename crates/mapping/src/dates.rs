//! Times in templates.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use crate::control::{duration, instant};
use crate::values::{self, Mistake};

/// `{{ event.occurredAt | later('3d') }}`: a time some time after another, as HighLevel writes times.
/// `{{ event.occurredAt | date }}`: the day of it in the location's zone, or in one that is named.
pub(crate) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("later", |value: &Value, by: &str| later(value, by));
    environment.add_filter(
        "date",
        |state: &State<'_, '_>, value: &Value, how: Option<&str>, options: Kwargs| {
            day(state, value, how, &options)
        },
    );
}

fn wrong(problem: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, problem)
}

/// What a text or number says of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// A day as such, wherever one is. Also midnight UTC to the millisecond: so HighLevel writes dates.
    Day(Date),
    /// A time on the location's clock.
    Local(DateTime),
    Instant(Timestamp),
}

impl When {
    /// Reads a date, a time, or milliseconds since 1970, in the forms that HighLevel gives them.
    pub fn read(value: &serde_json::Value) -> Option<Self> {
        let of_instant = |instant: Timestamp| {
            let utc = instant.to_zoned_datetime(TimeZone::UTC).datetime();
            if utc.time() == Time::midnight() {
                Self::Day(utc.date())
            } else {
                Self::Instant(instant)
            }
        };
        let of_millis = |millis: i64| Timestamp::from_millisecond(millis).ok().map(of_instant);
        if let Some(millis) = value.as_i64() {
            return of_millis(millis);
        }
        let text = value.as_str()?.trim();
        if let Ok(instant) = text.parse::<Timestamp>() {
            // Midnight somewhere else is a time.
            return Some(if text.ends_with(['Z', 'z']) || text.ends_with("+00:00") {
                of_instant(instant)
            } else {
                Self::Instant(instant)
            });
        }
        if text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return of_millis(text.parse().ok()?);
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
    }

    /// The day of it where the clocks show this zone's time.
    pub fn day(self, zone: &TimeZone) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Local(local) => local.date(),
            Self::Instant(instant) => instant.to_zoned_datetime(zone.clone()).date(),
        }
    }

    /// Whether its day depends on where one is.
    pub fn needs_zone(self) -> bool {
        matches!(self, Self::Instant(_))
    }

    /// As a time of this zone; a day begins at midnight.
    fn zoned(self, zone: &TimeZone) -> Option<ZonedDateTime> {
        let local = match self {
            Self::Instant(instant) => return Some(instant.to_zoned_datetime(zone.clone())),
            Self::Day(day) => DateTime::from(day),
            Self::Local(local) => local,
        };
        local.to_zoned_datetime(zone.clone()).ok()
    }
}

/// What `date` reads where no zone is named.
pub(crate) const ZONE: &str = "location.timezone";

/// A day as `YYYY-MM-DD`, or written by a pattern of strftime.
fn day(
    state: &State<'_, '_>,
    value: &Value,
    how: Option<&str>,
    options: &Kwargs,
) -> Result<Value, Error> {
    let named: Option<&str> = options.get("zone")?;
    let pattern: Option<&str> = options.get("format")?;
    options.assert_all_used()?;
    let (pattern, named) = match how {
        Some(how) if how.contains('%') => (Some(how), named),
        Some(zone) => (pattern, Some(zone)),
        None => (pattern, named),
    };
    if values::is_blank(value) {
        return Ok(Value::UNDEFINED);
    }
    let json = values::json(value).map_err(wrong)?;
    let when =
        When::read(&json).ok_or_else(|| Mistake::new(value, "is neither a date nor a time"))?;
    let zone = match named {
        Some(name) => TimeZone::get(name)
            .map_err(|_| wrong(format!("date: there is no time zone \"{name}\"")))?,
        None if !when.needs_zone() => TimeZone::UTC,
        None => {
            let location = state.lookup("location").unwrap_or_default();
            let name = values::at(&location, "timezone");
            let zone = name.as_str().and_then(|name| TimeZone::get(name).ok());
            zone.ok_or_else(|| wrong("date: the location's time zone is not known; name one: | date(zone='Europe/London')".to_owned()))?
        }
    };
    let Some(pattern) = pattern else {
        return Ok(Value::from(when.day(&zone).to_string()));
    };
    let time = when
        .zoned(&zone)
        .ok_or_else(|| Mistake::new(value, "is on no calendar"))?;
    let text = jiff::fmt::strtime::format(pattern, &time)
        .map_err(|error| wrong(format!("date: \"{pattern}\" is no pattern: {error}")))?;
    Ok(Value::from(text))
}

fn later(value: &Value, by: &str) -> Result<Value, Error> {
    if values::is_blank(value) {
        return Ok(Value::UNDEFINED);
    }
    let by: SignedDuration = duration(by).ok_or_else(|| {
        wrong(format!(
            "later: \"{by}\" is no time; write e.g. \"12h\" or \"3d\""
        ))
    })?;
    let plain = serde_json::to_value(value).unwrap_or_default();
    let from = instant(&plain, &TimeZone::UTC)
        .ok_or_else(|| wrong(format!("later: {value:?} is neither a date nor a time")))?;
    let time = from
        .checked_add(by)
        .map_err(|_| wrong(format!("later: no calendar reaches {by:#} after {value:?}")))?;
    Ok(Value::from(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::render;

    #[test]
    fn a_time_is_moved() {
        let context =
            json!({ "at": "2026-11-30T10:00:00.5+01:00", "day": "2026-12-31", "millis": 0 });
        for (expression, expected) in [
            ("at | later('3d')", json!("2026-12-03T09:00:00Z")),
            ("day | later('90m')", json!("2026-12-31T01:30:00Z")),
            ("millis | later('0s')", json!("1970-01-01T00:00:00Z")),
            ("nothing | later('1d')", json!(null)),
        ] {
            let value = json!(format!("{{{{ {expression} }}}}"));
            assert_eq!(render(&value, &context).unwrap(), expected, "{expression}");
        }
        for (expression, expected) in [
            ("at | later('soon')", "is no time"),
            ("'x' | later('1d')", "neither a date nor a time"),
        ] {
            let told = render(&json!(format!("{{{{ {expression} }}}}")), &context).unwrap_err();
            assert!(told.to_string().contains(expected), "{told}");
        }
    }

    #[test]
    fn a_time_is_a_day_in_the_locations_zone_or_in_the_one_that_is_named() {
        let context = json!({
            // Evening in New York, the next day in UTC.
            "at": "2026-11-30T02:30:00Z", "millis": 1_795_919_400_000_i64, "text": "1795919400000",
            "day": "2026-12-31", "born": "1990-05-01T00:00:00.000Z", "local": "2026-11-29 23:00:00", "empty": "",
            "location": { "timezone": "America/New_York" },
        });
        for (expression, expected) in [
            ("at | date", json!("2026-11-29")),
            ("millis | date", json!("2026-11-28")),
            ("text | date", json!("2026-11-28")),
            ("at | date('Europe/London')", json!("2026-11-30")),
            ("at | date(zone='Asia/Tokyo')", json!("2026-11-30")),
            ("at | date('%d.%m.%Y')", json!("29.11.2026")),
            (
                "at | date('%d %B, %H:%M', zone='Europe/London')",
                json!("30 November, 02:30"),
            ),
            // Dates are days wherever one is.
            ("day | date", json!("2026-12-31")),
            ("born | date", json!("1990-05-01")),
            ("local | date", json!("2026-11-29")),
            ("empty | date", json!(null)),
            ("missing | date", json!(null)),
        ] {
            let value = json!(format!("{{{{ {expression} }}}}"));
            assert_eq!(render(&value, &context).unwrap(), expected, "{expression}");
        }
        for (expression, context, expected) in [
            (
                "at | date",
                json!({ "at": "2026-11-30T02:30:00Z" }),
                "the location's time zone is not known; name one",
            ),
            (
                "at | date('Mars')",
                context.clone(),
                "no time zone \"Mars\"",
            ),
            (
                "at | date",
                json!({ "at": "soon" }),
                "at is \"soon\", and is neither a date nor a time",
            ),
        ] {
            let told = render(&json!(format!("{{{{ {expression} }}}}")), &context).unwrap_err();
            assert!(told.to_string().contains(expected), "{told}");
        }
    }

    #[test]
    fn a_date_without_a_zone_reads_the_locations() {
        for (value, reads) in [
            ("{{ at | date }}", true),
            ("on {{ at|date('%d.%m.') }}", true),
            ("{{ at | date(zone='Europe/London') }}", false),
            ("{{ at | date('Europe/London') }}", false),
            ("{{ update }} and {{ at | datebook }}", false),
        ] {
            let names = crate::template::names(&json!(value));
            assert_eq!(names.contains("location.timezone"), reads, "{value}");
        }
    }
}
