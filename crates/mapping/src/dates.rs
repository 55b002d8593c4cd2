//! Times in templates.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use crate::control::duration;
use crate::values::{self, Mistake};
use crate::when::When;

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

/// What `date` reads where no zone is named.
pub(crate) const ZONE: &str = "location.timezone";

/// An argument that says that a time is read, and no day: put there where the expression shows it.
pub(crate) const TIME: &str = "canopy_time";

/// Whether a pattern of strftime writes more than the day.
fn shows_clock(pattern: &str) -> bool {
    pattern.split('%').skip(1).any(|part| {
        let flags = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '^' | '#' | ':' | '.');
        let letter = part.trim_start_matches(flags).chars().next();
        letter.is_some_and(|letter| "HIMSpPRTrXckfLlNsqQzZ".contains(letter))
    })
}

/// A day as `YYYY-MM-DD`, or written by a pattern of strftime.
fn day(
    state: &State<'_, '_>,
    value: &Value,
    how: Option<&str>,
    options: &Kwargs,
) -> Result<Value, Error> {
    let named: Option<&str> = options.get("zone")?;
    let pattern: Option<&str> = options.get("format")?;
    let is_time = options.get::<Option<bool>>(TIME)?.unwrap_or(false);
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
    // Who asks for a zone or a clock means a time, also where it is midnight UTC.
    let is_time = is_time || named.is_some() || pattern.is_some_and(shows_clock);
    let when = if is_time { when.as_time() } else { when };
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
    let from = values::json(value)
        .ok()
        .and_then(|plain| When::read(&plain));
    let from = from
        .and_then(|from| from.instant(&TimeZone::UTC))
        .ok_or_else(|| Mistake::new(value, "is neither a date nor a time"))?;
    let time = from
        .checked_add(by)
        .map_err(|_| Mistake::new(value, format!("no calendar reaches {by:#} after it")))?;
    Ok(Value::from(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::render;

    #[test]
    fn a_time_is_moved() {
        let context = json!({ "at": "2026-11-30T10:00:00.5+01:00", "day": "2026-12-31", "seconds": "1795919400", "word": "soon", "five": 5 });
        for (expression, expected) in [
            ("at | later('3d')", json!("2026-12-03T09:00:00Z")),
            ("day | later('90m')", json!("2026-12-31T01:30:00Z")),
            ("seconds | later('30m')", json!("2026-11-29T03:00:00Z")),
            ("nothing | later('1d')", json!(null)),
        ] {
            let value = json!(format!("{{{{ {expression} }}}}"));
            assert_eq!(render(&value, &context).unwrap(), expected, "{expression}");
        }
        for (expression, expected) in [
            ("at | later('soon')", "is no time"),
            ("'x' | later('1d')", "neither a date nor a time"),
            (
                "day.x | later('1d') ~ (word | later('1d'))",
                "word is \"soon\", and is neither a date nor a time",
            ),
            (
                "five | later('1d')",
                "five is 5, and is neither a date nor a time",
            ),
            ("five | date", "five is 5, and is neither a date nor a time"),
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

    /// 16:00 in Los Angeles is midnight UTC, as which HighLevel writes days as well.
    #[test]
    fn midnight_utc_is_a_time_where_a_time_is_read_or_asked_for() {
        let context = json!({
            "event": { "occurredAt": "2026-12-02T00:00:00Z" },
            "task": { "dueDate": "2026-12-02T00:00:00.000Z" },
            "appointment": { "startTime": "2026-12-01T16:00:00-08:00" },
            "contact": { "dateOfBirth": "1990-05-01T00:00:00.000Z", "dateAdded": "2026-12-02T00:00:00.000Z" },
            "invoice": { "dueDate": "2026-12-02T00:00:00.000Z" },
            "webhook": { "day": "2026-12-02T00:00:00Z", "millis": 1_796_169_600_000_i64 },
            "location": { "timezone": "America/Los_Angeles" },
        });
        for (expression, expected) in [
            ("event.occurredAt | date", "2026-12-01"),
            ("event['occurredAt'] | date", "2026-12-01"),
            ("event.occurredAt | date('%d %b %Y')", "01 Dec 2026"),
            ("event.occurredAt | date('%d %b %H:%M')", "01 Dec 16:00"),
            ("event.occurredAt | later('0s') | date", "2026-12-01"),
            ("webhook.day | later('1d') | date", "2026-12-02"),
            ("task.dueDate | date", "2026-12-01"),
            ("task.due_date", "2026-12-01"),
            ("appointment.startTime | date", "2026-12-01"),
            ("appointment.only_start_time", "4:00 PM"),
            ("contact.date_added", "2026-12-01"),
            ("webhook.day | date('%d %b %H:%M')", "01 Dec 16:00"),
            ("webhook.day | date('%-d %b, %-I %p')", "1 Dec, 4 PM"),
            ("webhook.day | date(zone='America/New_York')", "2026-12-01"),
            // Days are the same everywhere.
            ("webhook.day | date", "2026-12-02"),
            ("webhook.millis | date", "2026-12-02"),
            ("webhook.day | date('%d %b %Y')", "02 Dec 2026"),
            ("contact.dateOfBirth | date", "1990-05-01"),
            ("contact.date_of_birth", "1990-05-01"),
            ("invoice.due_date", "2026-12-02"),
        ] {
            let value = json!(format!("{{{{ {expression} }}}}"));
            assert_eq!(
                render(&value, &context).unwrap(),
                json!(expected),
                "{expression}"
            );
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
