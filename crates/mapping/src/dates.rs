//! Times in templates.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::control::{duration, instant};

/// `{{ event.occurredAt | later('3d') }}`: a time some time after another, as HighLevel writes times.
pub(crate) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("later", |value: &Value, by: &str| later(value, by));
}

fn later(value: &Value, by: &str) -> Result<Value, Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(value.clone());
    }
    let wrong = |problem: String| Error::new(ErrorKind::InvalidOperation, problem);
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
}
