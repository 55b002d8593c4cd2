//! The steps that do nothing outside: `wait` and `stop`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::{Map, Value};

use crate::actions::ArgumentError;
use crate::template;
use crate::when::When;
use crate::zones;

/// The action that lets a run rest: `for` a time, or `until` a date.
pub const WAIT: &str = "wait";
/// The action that ends a run before its last step.
pub const STOP: &str = "stop";

const WAIT_TAKES: &[&str] = &["for", "until", "timezone"];
const STOP_TAKES: &[&str] = &["reason"];

/// Whether a wait ends at a day or a time on the location's clock, so that its zone has to be known: none is named.
pub fn waits_by_local_clock(arguments: &Map<String, Value>) -> bool {
    let until = arguments.get("until").and_then(When::read);
    !arguments.contains_key("timezone") && until.is_some_and(When::is_local)
}

/// The moment at which a wait that begins at `now` is over. `local`: the location's zone, in which days begin where no other
/// is named. The error says what is wrong with the arguments.
pub fn wait_until(
    arguments: &Map<String, Value>,
    now: Timestamp,
    local: &TimeZone,
) -> Result<Timestamp, String> {
    let named = match arguments.get("timezone").and_then(Value::as_str) {
        None => None,
        Some(name) => {
            Some(zones::zone(name).map_err(|problem| format!("\"timezone\": {problem}"))?)
        }
    };
    let zone = named.as_ref().unwrap_or(local);
    match (arguments.get("for"), arguments.get("until")) {
        (Some(text), None) => {
            let duration = text.as_str().and_then(duration).ok_or_else(|| {
                format!("\"for\" is {text} and must be a time, e.g. \"30m\", \"12h\" or \"3d\"")
            })?;
            now.checked_add(duration)
                .map_err(|_| format!("\"for\" is {text}, which no calendar reaches"))
        }
        (None, Some(value)) => {
            let when = When::read(value).and_then(|when| when.instant(zone));
            when.or_else(|| after(value, now)).ok_or_else(|| {
                format!("\"until\" is {value} and must be a date or a time, e.g. \"2026-12-01\" or \"2026-12-01T09:00:00Z\", or a length of time, e.g. \"12h\" or \"3d\"")
            })
        }
        (Some(_), Some(_)) => Err("it has both \"for\" and \"until\"; leave one out".to_owned()),
        (None, None) => Err(
            "it says neither \"for\" nor \"until\", or the value of its template is empty"
                .to_owned(),
        ),
    }
}

/// The end of a length of time: `wait = "{{ webhook.days }}d"` cannot tell before its run that it is one. What has a colon
/// is a time of a day that is not named.
fn after(value: &Value, now: Timestamp) -> Option<Timestamp> {
    let text = value.as_str().filter(|text| !text.contains(':'))?;
    now.checked_add(duration(text)?).ok()
}

/// The argument that a short form, `wait = ...`, gives: a literal time is `for`, everything else `until`.
pub(crate) fn wait_argument(value: &Value) -> &'static str {
    if value.as_str().is_some_and(|text| duration(text).is_some()) {
        "for"
    } else {
        "until"
    }
}

/// Days have 24 hours: a wait is a time, not a date.
pub(crate) fn duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.trim().parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (!duration.is_negative()).then_some(duration)
}

/// All that is wrong with the arguments of a `wait` or `stop` in a file.
pub fn check_control(action: &str, given: &Map<String, Value>) -> Vec<ArgumentError> {
    let takes = if action == WAIT {
        WAIT_TAKES
    } else {
        STOP_TAKES
    };
    let unknown = given.keys().filter(|name| !takes.contains(&name.as_str()));
    let mut found: Vec<_> = unknown
        .map(|name| {
            let near = crate::file_error::nearest(name, takes.iter().copied());
            ArgumentError::unknown(name, near.map(str::to_owned), takes)
        })
        .collect();
    if action != WAIT {
        let reason = given.get("reason").filter(|reason| !reason.is_string());
        found.extend(reason.map(|_| {
            ArgumentError::wrong(
                "reason",
                "must be a text; in the short form, also true for none",
            )
        }));
        return found;
    }
    if !found.is_empty() {
        return found;
    }
    let neither = !given.contains_key("for") && !given.contains_key("until");
    // What a template gives is known only in a run; the others must be right in any case.
    let given: Map<String, Value> = given
        .iter()
        .map(|(name, value)| {
            let is_template = value.is_string() && template::is_dynamic(value);
            let sample = match name.as_str() {
                "for" => "1d",
                "until" => "2026-12-01",
                _ => "UTC",
            };
            let value = if is_template {
                sample.into()
            } else {
                value.clone()
            };
            (name.clone(), value)
        })
        .collect();
    if given.get("timezone").is_some_and(|zone| !zone.is_string()) {
        found.push(ArgumentError::wrong("timezone", "must be a text"));
    } else if let Some(length) = given
        .get("until")
        .and_then(Value::as_str)
        .filter(|text| duration(text).is_some())
    {
        let problem = format!("is a length of time; write for = \"{length}\"");
        found.push(ArgumentError::wrong("until", &problem));
    } else if let Err(problem) = wait_until(&given, Timestamp::UNIX_EPOCH, &TimeZone::UTC) {
        let field = if given.contains_key("until") {
            "until"
        } else {
            "for"
        };
        let problem = problem
            .trim_start_matches(&format!("\"{field}\" "))
            .to_owned();
        found.push(if neither {
            ArgumentError::missing("for")
        } else {
            ArgumentError::wrong(field, &problem)
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(arguments: &Value) -> Result<String, String> {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let local = TimeZone::get("America/New_York").unwrap();
        wait_until(arguments.as_object().unwrap(), now, &local).map(|until| until.to_string())
    }

    #[test]
    fn a_length_that_a_file_writes_is_for() {
        let wrong = json!({ "until": "5m" });
        let found = check_control(WAIT, wrong.as_object().unwrap());
        let told: Vec<_> = found.iter().map(|error| error.problem.as_str()).collect();
        assert!(
            told.len() == 1 && told[0].contains("write for = \"5m\""),
            "{told:?}"
        );
        for right in [
            json!({ "for": "5m" }),
            json!({ "until": "{{ webhook.n }}m" }),
        ] {
            assert!(
                check_control(WAIT, right.as_object().unwrap()).is_empty(),
                "{right}"
            );
        }
    }

    #[test]
    fn the_locations_zone_is_needed_for_days_and_local_times_alone() {
        for (arguments, needed) in [
            (json!({ "until": "2026-12-01" }), true),
            (json!({ "until": "2026-12-01T09:00" }), true),
            (
                json!({ "until": "2026-12-01", "timezone": "Europe/London" }),
                false,
            ),
            (json!({ "until": "2026-12-01T00:00:00Z" }), false),
            (json!({ "until": 1_796_169_600 }), false),
            (json!({ "for": "3d" }), false),
        ] {
            let found = waits_by_local_clock(arguments.as_object().unwrap());
            assert_eq!(found, needed, "{arguments}");
        }
    }

    #[test]
    fn a_wait_lasts_for_a_time_or_until_a_date() {
        for (arguments, expected) in [
            (json!({ "for": "3d" }), "2026-11-28T12:00:00Z"),
            (json!({ "for": "90 minutes" }), "2026-11-25T13:30:00Z"),
            // A day begins where the location is.
            (json!({ "until": "2026-12-01" }), "2026-12-01T05:00:00Z"),
            (
                json!({ "until": "2026-12-01 09:00" }),
                "2026-12-01T14:00:00Z",
            ),
            (
                json!({ "until": "2026-12-01T00:00:00Z" }),
                "2026-12-01T00:00:00Z",
            ),
            (json!({ "until": "1796169600" }), "2026-12-02T00:00:00Z"),
            (json!({ "until": 1_796_169_600 }), "2026-12-02T00:00:00Z"),
            (json!({ "until": "1796169600000" }), "2026-12-02T00:00:00Z"),
            (
                json!({ "until": "2026-12-01T09:00:00-08:00" }),
                "2026-12-01T17:00:00Z",
            ),
            (
                json!({ "until": "2026-07-01T09:00", "timezone": "Europe/London" }),
                "2026-07-01T08:00:00Z",
            ),
            // What a template of the short form gave.
            (json!({ "until": "5d" }), "2026-11-30T12:00:00Z"),
            (json!({ "until": " 90 minutes " }), "2026-11-25T13:30:00Z"),
            (
                json!({ "until": "Tuesday, December 1, 2026 9:30 AM" }),
                "2026-12-01T14:30:00Z",
            ),
            (
                json!({ "until": 1_780_000_000_000_i64 }),
                "2026-05-28T20:26:40Z",
            ),
        ] {
            assert_eq!(at(&arguments).unwrap(), expected, "{arguments}");
        }
        for (arguments, expected) in [
            (json!({ "for": "soon" }), "must be a time"),
            (json!({ "for": "-3d" }), "must be a time"),
            (json!({ "for": "9000000d" }), "must be a time"),
            (json!({ "until": "tomorrow" }), "must be a date"),
            (json!({ "until": 5 }), "must be a date"),
            (json!({ "until": "5" }), "must be a date"),
            (json!({ "until": "d" }), "must be a date"),
            (json!({ "until": "-3d" }), "must be a date"),
            (json!({ "until": "1,000d" }), "must be a date"),
            (json!({ "until": "9:00" }), "must be a date"),
            (json!({ "until": "09:00:00" }), "must be a date"),
            (
                json!({ "for": "1d", "until": "2026-12-01" }),
                "leave one out",
            ),
            (json!({}), "neither"),
            (
                json!({ "until": "2026-12-01", "timezone": "Mars" }),
                "no time zone \"Mars\"",
            ),
        ] {
            let told = at(&arguments).unwrap_err();
            assert!(told.contains(expected), "{arguments}: {told}");
        }
    }
}
