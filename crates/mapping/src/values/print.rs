//! How values read in texts.

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, Value};
use serde_json::Value as Json;

use super::number::whole;
use super::{is_missing, json};

/// `a ~ b` as a call.
pub(super) const CONCAT: &str = "canopy concat";

/// Nothing for what is missing, `true` and `false`, whole numbers without a fraction, lists with commas, objects as JSON.
pub(crate) fn printed(value: &Value) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.to_owned(),
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Number if !value.is_integer() => {
            let number = f64::try_from(value.clone())?;
            whole(number).map_or_else(|| number.to_string(), |whole| whole.to_string())
        }
        ValueKind::Seq | ValueKind::Iterable => listed(value, ", ")?,
        ValueKind::Map => without_nulls(json(value).unwrap_or_default()).to_string(),
        _ => value.to_string(),
    })
}

/// The items of a list, without those that are missing.
pub(super) fn listed(list: &Value, between: &str) -> Result<String, Error> {
    let mut texts = Vec::new();
    for item in list.try_iter()? {
        if !is_missing(&item) {
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
        let values = values.iter().map(|value| match value.kind() {
            ValueKind::Number | ValueKind::String => Ok(value.clone()),
            _ => printed(value).map(Value::from),
        });
        let values = values.collect::<Result<Vec<_>, Error>>()?;
        minijinja::formatting::format(minijinja::formatting::FormatStyle::Printf, text, &values)
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
