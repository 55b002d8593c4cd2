//! The steps that do nothing outside: `wait` and `stop`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::{Map, Value};

use crate::actions::ArgumentError;
use crate::template;

/// The action that lets a run rest: `for` a time, or `until` a date.
pub const WAIT: &str = "wait";
/// The action that ends a run before its last step.
pub const STOP: &str = "stop";

const WAIT_TAKES: &[&str] = &["for", "until", "timezone"];
const STOP_TAKES: &[&str] = &["reason"];

/// The moment at which a wait that begins at `now` is over. The error says what is wrong with the arguments.
pub fn wait_until(arguments: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, String> {
    let zone = match arguments.get("timezone").and_then(Value::as_str) {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name)
            .map_err(|_| format!("\"timezone\": there is no time zone \"{name}\""))?,
    };
    match (arguments.get("for"), arguments.get("until")) {
        (Some(text), None) => {
            let duration = text.as_str().and_then(duration).ok_or_else(|| {
                format!("\"for\" is {text} and must be a time, e.g. \"30m\", \"12h\" or \"3d\"")
            })?;
            now.checked_add(duration)
                .map_err(|_| format!("\"for\" is {text}, which no calendar reaches"))
        }
        (None, Some(value)) => instant(value, &zone).ok_or_else(|| {
            format!("\"until\" is {value} and must be a date or a time, e.g. \"2026-12-01\" or \"2026-12-01T09:00:00Z\" (a length of time is written like \"3d\")")
        }),
        (Some(_), Some(_)) => Err("it has both \"for\" and \"until\"; leave one out".to_owned()),
        (None, None) => Err(
            "it says neither \"for\" nor \"until\", or the value of its template is empty".to_owned(),
        ),
    }
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

/// A date, a time, or milliseconds since 1970, in the forms that HighLevel gives them.
pub(crate) fn instant(value: &Value, zone: &TimeZone) -> Option<Timestamp> {
    if let Some(millis) = value.as_i64() {
        return Timestamp::from_millisecond(millis).ok();
    }
    let text = value.as_str()?.trim();
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let local = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(DateTime::from))
        .ok()?;
    local
        .to_zoned_datetime(zone.clone())
        .ok()
        .map(|zoned| zoned.timestamp())
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
    } else if let Err(problem) = wait_until(&given, Timestamp::UNIX_EPOCH) {
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
        wait_until(arguments.as_object().unwrap(), now).map(|until| until.to_string())
    }

    #[test]
    fn a_wait_lasts_for_a_time_or_until_a_date() {
        for (arguments, expected) in [
            (json!({ "for": "3d" }), "2026-11-28T12:00:00Z"),
            (json!({ "for": "90 minutes" }), "2026-11-25T13:30:00Z"),
            (json!({ "until": "2026-12-01" }), "2026-12-01T00:00:00Z"),
            (
                json!({ "until": "2026-12-01T09:00:00-08:00" }),
                "2026-12-01T17:00:00Z",
            ),
            (
                json!({ "until": "2026-07-01T09:00", "timezone": "Europe/London" }),
                "2026-07-01T08:00:00Z",
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
