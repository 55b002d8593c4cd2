//! Times in templates.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use crate::control::duration;
use crate::values::{self, Mistake};
use crate::when::When;
use crate::zones;

/// `{{ event.occurredAt | later('3d') }}`: a time some time after another, as HighLevel writes times.
/// `{{ event.occurredAt | date }}`: the day of it in the location's zone, or in one that is named.
pub(crate) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("later", |state: &State<'_, '_>, value: &Value, by: &str| {
        later(state, value, by)
    });
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

/// Whether a pattern of strftime has one of these directives.
fn shows(pattern: &str, letters: &str) -> bool {
    pattern.replace("%%", "").split('%').skip(1).any(|part| {
        let flags = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '^' | '#' | ':' | '.');
        let letter = part.trim_start_matches(flags).chars().next();
        letter.is_some_and(|letter| letters.contains(letter))
    })
}

/// Directives that write more than the day.
const CLOCK: &str = "HIMSpPRTrXckfLlNsqQzZ";
/// Directives that write the zone, or count from an instant.
const OF_ZONE: &str = "sqQzZ";

/// The location's zone, where it was read.
pub(crate) fn zone(state: &State<'_, '_>) -> Option<TimeZone> {
    let location = state.lookup("location").unwrap_or_default();
    let name = values::at(&location, "timezone");
    name.as_str().and_then(|name| TimeZone::get(name).ok())
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Whether a time this long is a number of days. A day, that many days later, is a day.
pub(crate) fn is_whole_days(by: &str) -> bool {
    duration(by).is_some_and(|by| by.as_nanos() % DAY.as_nanos() == 0)
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
    // A zone that is nothing is none that is named, as of a contact without one.
    let named = named.filter(|name| !name.trim().is_empty());
    if values::is_blank(value) {
        return Ok(Value::UNDEFINED);
    }
    let json = values::json(value).map_err(wrong)?;
    let when =
        When::read(&json).ok_or_else(|| Mistake::new(value, "is neither a date nor a time"))?;
    // Who asks for a zone or a clock means a time, also where it is midnight UTC.
    let is_time =
        is_time || named.is_some() || pattern.is_some_and(|pattern| shows(pattern, CLOCK));
    let when = if is_time { when.as_time() } else { when };
    let named = named.map(|name| {
        // Where a pattern may be meant, the hint has one.
        let problem = match how {
            Some(_) => format!("there is no time zone \"{name}\""),
            None => format!("there is no time zone \"{name}\"; {}", zones::fix(name)),
        };
        zones::get(name).ok_or_else(|| wrong(format!("date: {problem}")))
    });
    let named = named.transpose()?;
    let shows_zone = pattern.is_some_and(|pattern| shows(pattern, OF_ZONE));
    let unknown = || {
        wrong(
            "date: the location's time zone is not known; name one: | date(zone='Europe/London')"
                .to_owned(),
        )
    };
    let zone = match (named, when) {
        // On the location's clock; where that is not known, the zone that is named is the location's.
        (Some(named), When::Local(_)) => match self::zone(state) {
            Some(own) => {
                let time = when.instant(&own);
                let time = time.ok_or_else(|| Mistake::new(value, "is on no calendar"))?;
                return written(value, When::Instant(time), &named, pattern);
            }
            None => named,
        },
        (Some(named), _) => named,
        (None, _) if when.needs_zone() || shows_zone => self::zone(state).ok_or_else(unknown)?,
        (None, _) => TimeZone::UTC,
    };
    written(value, when, &zone, pattern)
}

/// What is read, in a zone.
fn written(
    value: &Value,
    when: When,
    zone: &TimeZone,
    pattern: Option<&str>,
) -> Result<Value, Error> {
    let Some(pattern) = pattern else {
        return Ok(Value::from(when.day(zone).to_string()));
    };
    let time = when
        .zoned(zone)
        .ok_or_else(|| Mistake::new(value, "is on no calendar"))?;
    // Each country has its own; without one jiff 0.2 writes `2026 M11 30`.
    if let Some(letter) = ["c", "x"].into_iter().find(|letter| shows(pattern, letter)) {
        return Err(wrong(format!(
            "date: \"%{letter}\" means another form in each country; write the form that you mean, e.g. '%d/%m/%Y' or '%d %B %Y, %H:%M'"
        )));
    }
    let text = jiff::fmt::strtime::format(pattern, &time)
        .map_err(|error| wrong(format!("date: \"{pattern}\" is no pattern: {error}")))?;
    Ok(Value::from(text))
}

fn later(state: &State<'_, '_>, value: &Value, by: &str) -> Result<Value, Error> {
    if values::is_blank(value) {
        return Ok(Value::UNDEFINED);
    }
    let length: SignedDuration = duration(by).ok_or_else(|| {
        wrong(format!(
            "later: \"{by}\" is no time; write e.g. \"12h\" or \"3d\""
        ))
    })?;
    let from = values::json(value)
        .ok()
        .and_then(|plain| When::read(&plain));
    let from = from.ok_or_else(|| Mistake::new(value, "is neither a date nor a time"))?;
    let too_late = |_| Mistake::new(value, format!("no calendar reaches {length:#} after it"));
    if let When::Day(day) = from
        && is_whole_days(by)
    {
        // A day stays one: as midnight of UTC it would be the evening before in America, where a time is meant.
        let day = day.checked_add(length).map_err(too_late)?;
        return Ok(Value::from(day.to_string()));
    }
    let zone = match from {
        When::Instant(_) | When::Midnight(_) => Some(TimeZone::UTC),
        When::Day(_) | When::Local(_) => zone(state),
    };
    let zone = zone.ok_or_else(|| {
        Mistake::new(
            value,
            "names no time zone, and the location's is not known: give the token the scope locations.readonly, or have it sent with its zone",
        )
    })?;
    let from = from
        .instant(&zone)
        .ok_or_else(|| Mistake::new(value, "is on no calendar"))?;
    let time = from.checked_add(length).map_err(too_late)?;
    Ok(Value::from(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

#[cfg(test)]
mod tests;
