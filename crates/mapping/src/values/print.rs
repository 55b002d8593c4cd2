//! How values read in texts.

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, Value};
use serde_json::Value as Json;

use super::json;
use super::mistake::Mistake;
use super::number::{is_blank, number, whole};

/// `a ~ b` as a call.
pub(super) const CONCAT: &str = "canopy concat";

/// Nothing for what is missing, `true` and `false`, whole numbers without a fraction, lists with commas, objects as JSON.
pub(crate) fn printed(value: &Value) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.to_owned(),
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Number if !value.is_integer() => {
            let float = f64::try_from(value.clone())?;
            whole(float).map_or_else(|| float.to_string(), |whole| whole.to_string())
        }
        ValueKind::Seq | ValueKind::Iterable => listed(value, ", ")?,
        ValueKind::Map => without_nulls(json(value).unwrap_or_default()).to_string(),
        ValueKind::Number | ValueKind::Bytes => value.to_string(),
        // A function, or what a loop knows of itself.
        _ => return Err(Mistake::new(value, "is no value that could be written").into()),
    })
}

/// The items of a list, without those that are missing or empty.
pub(super) fn listed(list: &Value, between: &str) -> Result<String, Error> {
    let mut texts = Vec::new();
    for item in list.try_iter()? {
        if !is_blank(&item) {
            texts.push(printed(&item)?);
        }
    }
    Ok(texts.join(between))
}

/// Objects without members that have no value, lists without such items.
pub(super) fn without_nulls(json: Json) -> Json {
    match json {
        Json::Array(items) => {
            let items = items.into_iter().filter(|item| !item.is_null());
            items.map(without_nulls).collect()
        }
        Json::Object(members) => {
            let members = members.into_iter().filter(|(_, member)| !member.is_null());
            members
                .map(|(name, member)| (name, without_nulls(member)))
                .collect()
        }
        other => other,
    }
}

/// The letters of a format's directives, such as `s` of `%s` and `f` of `%.2f`.
fn directives(format: &str) -> Vec<char> {
    let mut found = Vec::new();
    let mut rest = format;
    while let Some((_, after)) = rest.split_once('%') {
        let after = after.trim_start_matches(|c: char| !c.is_alphabetic() && c != '%');
        let Some(letter) = after.chars().next() else {
            break;
        };
        if letter != '%' {
            found.push(letter);
        }
        rest = &after[letter.len_utf8()..];
    }
    found
}

/// A text with values in the places of its directives.
pub(super) fn formatted(text: &str, values: &[Value]) -> Result<String, Error> {
    let letters = directives(text);
    let values = values.iter().enumerate().map(|(place, value)| {
        let is_number = |letter: &char| "diouxXeEfFgG".contains(*letter);
        match letters.get(place) {
            // A text that is a number is one where a number is written; nothing writes nothing.
            Some(letter) if is_number(letter) && !is_blank(value) => {
                number(value).ok_or_else(|| Error::from(Mistake::no_number(value)))
            }
            _ if value.kind() == ValueKind::Number => Ok(value.clone()),
            _ => printed(value).map(Value::from),
        }
    });
    let values = values.collect::<Result<Vec<_>, Error>>()?;
    minijinja::formatting::format(minijinja::formatting::FormatStyle::Printf, text, &values)
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.set_formatter(|out, _, value| {
        let text = printed(value)?;
        out.write_str(&text).map_err(Error::from)
    });
    environment.add_function(
        CONCAT,
        |left: &Value, right: &Value| -> Result<String, Error> {
            Ok(printed(left)? + &printed(right)?)
        },
    );
    environment.add_filter("string", |value: &Value| printed(value));
    // Texts may be put together of what is missing.
    environment.add_filter("format", |text: &str, values: Rest<Value>| {
        formatted(text, &values)
    });
    for name in ["tojson", "pprint"] {
        environment.add_filter(name, |value: &Value| {
            let json = without_nulls(json(value).unwrap_or_default());
            if json.is_null() {
                String::new()
            } else {
                json.to_string()
            }
        });
    }
}
