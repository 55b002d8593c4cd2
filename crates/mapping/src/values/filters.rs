//! Filters for texts, which take any value as it is printed: nothing of nothing is nothing, and not a failed run.

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, State, Value, filters};

use super::is_missing;
use super::print::printed;

/// What a filter makes of a text.
type OfText = fn(&str) -> Value;

fn of_text(value: &Value, filter: OfText) -> Result<Value, Error> {
    if is_missing(value) {
        return Ok(Value::UNDEFINED);
    }
    printed(value).map(|text| filter(&text))
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    let simple: [(&'static str, OfText); 4] = [
        ("upper", |text| text.to_uppercase().into()),
        ("lower", |text| text.to_lowercase().into()),
        ("title", |text| filters::title(text.into()).into()),
        ("lines", |text| {
            text.lines().map(Value::from).collect::<Vec<_>>().into()
        }),
    ];
    for (name, filter) in simple {
        environment.add_filter(name, move |value: &Value| of_text(value, filter));
    }
    environment.add_filter("capitalize", |state: &State<'_, '_>, value: &Value| {
        if is_missing(value) {
            return Ok(Value::UNDEFINED);
        }
        let text = Value::from(printed(value)?);
        minijinja::value::StringInput::new(state, &text).map(filters::capitalize)
    });
    environment.add_filter(
        "trim",
        |value: &Value, letters: Option<&str>| -> Result<Value, Error> {
            if is_missing(value) {
                return Ok(Value::UNDEFINED);
            }
            let text = printed(value)?;
            Ok(Value::from(match letters {
                None => text.trim(),
                Some(letters) => text.trim_matches(|letter| letters.contains(letter)),
            }))
        },
    );
    environment.add_filter(
        "replace",
        |value: &Value, from: &Value, to: &Value, most: Option<usize>| -> Result<Value, Error> {
            if is_missing(value) {
                return Ok(Value::UNDEFINED);
            }
            let (text, from, to) = (printed(value)?, printed(from)?, printed(to)?);
            Ok(Value::from(match most {
                None => text.replace(&from, &to),
                Some(most) => text.replacen(&from, &to, most),
            }))
        },
    );
    environment.add_filter(
        "indent",
        |state: &State<'_, '_>, value: &Value, width: Option<usize>, options: Kwargs| {
            if is_missing(value) {
                return Ok(Value::UNDEFINED);
            }
            let text = Value::from(printed(value)?);
            let text = minijinja::value::StringInput::new(state, &text)?;
            filters::indent(text, width, None, None, options)
        },
    );
    environment.add_filter("attr", |value: &Value, name: &Value| {
        value.get_item(name).unwrap_or_default()
    });
}
