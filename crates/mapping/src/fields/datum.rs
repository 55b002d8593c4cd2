//! A field's value with its type, and the notations in which both sides write it.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Number, Value, json};

/// The type of a contact's field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `collapse`: words are parted by single spaces, as the service does with names.
    Text {
        collapse: bool,
    },
    /// Numbers and money, with so many decimal places.
    Number {
        places: u32,
    },
    Date,
    /// On or off; where the field has a box with a name, that name means on.
    Flag(Option<String>),
    /// One of these words; any, where there is none.
    One(Vec<String>),
    Many(Vec<String>),
}

/// A value that is there. That nothing is there is `None`, which a [`Kind::Flag`] never is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Datum {
    Text(String),
    Number(Decimal),
    Date(Date),
    Flag(bool),
    Many(BTreeSet<String>),
}

/// JSON numbers are exact up to so many digits.
const DIGITS: u32 = 15;

impl Kind {
    /// What a JSON value says as a value of this type; the error says why it says nothing.
    pub fn read(
        &self,
        value: &Value,
        tidy: &dyn Fn(&str) -> String,
    ) -> Result<Option<Datum>, String> {
        if let Self::Flag(option) = self {
            return flag(value, option.as_deref()).map(|on| Some(Datum::Flag(on)));
        }
        if let Self::Many(options) = self {
            return many(value, options, tidy);
        }
        let text = match value {
            Value::Null => return Ok(None),
            Value::String(text) => tidy(text),
            Value::Number(number) => number.to_string(),
            Value::Bool(on) => on.to_string(),
            // Some forms write a single choice as a list.
            Value::Array(items) => match items.as_slice() {
                [] => return Ok(None),
                [Value::String(one)] => tidy(one),
                // As lists read in texts.
                _ if matches!(self, Self::Text { .. }) => {
                    tidy(&crate::template::as_text(value).unwrap_or_default())
                }
                _ => return Err(self.unfit(value)),
            },
            Value::Object(_) => return Err(self.unfit(value)),
        };
        let is_empty = match self {
            Self::Text { collapse: false } => text.is_empty(),
            _ => text.trim().is_empty(),
        };
        if is_empty {
            return Ok(None);
        }
        let datum = match self {
            Self::Text { collapse: true } => Some(Datum::Text(
                text.split_whitespace().collect::<Vec<_>>().join(" "),
            )),
            Self::Number { places } => decimal(text.trim(), *places).map(Datum::Number),
            Self::Date => date(text.trim()).map(Datum::Date),
            Self::One(options) => choice(text.trim(), options).map(Datum::Text),
            Self::Text { .. } | Self::Flag(_) | Self::Many(_) => Some(Datum::Text(text)),
        };
        datum.map(Some).ok_or_else(|| self.unfit(value))
    }

    fn unfit(&self, value: &Value) -> String {
        match self {
            Self::One(options) | Self::Many(options) if !options.is_empty() => {
                format!("{value} is none of {}", options.join(", "))
            }
            _ => format!("{value} is no {}", self.word()),
        }
    }

    pub fn word(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Number { places: 2 } => "amount of money",
            Self::Number { .. } => "number",
            Self::Date => "date (write YYYY-MM-DD)",
            Self::Flag(_) => "true or false",
            Self::One(_) => "word",
            Self::Many(_) => "list of words",
        }
    }

    /// How a contact's custom field takes the value; an empty text empties it.
    pub fn custom(&self, datum: Option<&Datum>) -> Value {
        match (self, datum) {
            (Self::Flag(Some(option)), Some(Datum::Flag(true))) => json!([option]),
            (Self::Flag(Some(_)), _) | (_, None) => json!(""),
            (_, Some(datum)) => datum.json(),
        }
    }
}

impl Datum {
    /// In the notation that has the value's own type.
    pub fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => number_json(*number),
            Self::Date(date) => json!(date.to_string()),
            Self::Flag(on) => json!(on),
            Self::Many(words) => json!(words),
        }
    }

    /// As texts, for a table of words.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Many(words) => words.iter().cloned().collect(),
            other => vec![match other.json() {
                Value::String(text) => text,
                value => value.to_string(),
            }],
        }
    }
}

fn number_json(number: Decimal) -> Value {
    if let Some(whole) = number
        .to_i64()
        .filter(|whole| Decimal::from(*whole) == number)
    {
        return json!(whole);
    }
    let float = number.to_string().parse().ok().and_then(Number::from_f64);
    float.map_or(Value::Null, Value::Number)
}

fn decimal(text: &str, places: u32) -> Option<Decimal> {
    let number = Decimal::from_str(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()?;
    let exact = number.round_dp(places).round_sf(DIGITS)?.normalize();
    (exact.abs() < Decimal::from(10_i64.pow(DIGITS))).then_some(exact)
}

/// A date as the service writes it: the day, an instant, or milliseconds.
fn date(text: &str) -> Option<Date> {
    let day = text.get(..10).and_then(|day| day.parse().ok());
    let rest = text.get(10..).unwrap_or_default();
    let day: Option<Date> = day.filter(|_| rest.is_empty() || rest.starts_with(['T', ' ']));
    let found = day.or_else(|| {
        let millis = text.parse().ok().filter(|_| text.len() > 8)?;
        let instant = jiff::Timestamp::from_millisecond(millis).ok()?;
        Some(instant.to_zoned_datetime(TimeZone::UTC).date())
    })?;
    (found.year() > 0).then_some(found)
}

fn flag(value: &Value, option: Option<&str>) -> Result<bool, String> {
    let text = match value {
        Value::Null => return Ok(false),
        Value::Bool(on) => return Ok(*on),
        Value::Array(items) => return Ok(!items.is_empty()),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Object(_) => return Err(format!("{value} is neither true nor false")),
    };
    if option.is_some_and(|option| option.eq_ignore_ascii_case(&text)) {
        return Ok(true);
    }
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "" | "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("{value} is neither true nor false")),
    }
}

fn many(
    value: &Value,
    options: &[String],
    tidy: &dyn Fn(&str) -> String,
) -> Result<Option<Datum>, String> {
    let unfit = || Kind::Many(options.to_vec()).unfit(value);
    let words: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::Array(items) => {
            let word = |item: &Value| match item {
                Value::String(text) => Some(tidy(text)),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            items
                .iter()
                .map(word)
                .collect::<Option<_>>()
                .ok_or_else(unfit)?
        }
        Value::String(text) if options.iter().any(|option| option == text.trim()) => {
            vec![text.clone()]
        }
        Value::String(text) => text.split(',').map(tidy).collect(),
        _ => return Err(unfit()),
    };
    let mut set = BTreeSet::new();
    for word in words {
        let word = word.trim();
        if !word.is_empty() {
            set.insert(choice(word, options).ok_or_else(unfit)?);
        }
    }
    Ok((!set.is_empty()).then_some(Datum::Many(set)))
}

/// The option that is meant, in its own spelling.
fn choice(text: &str, options: &[String]) -> Option<String> {
    if options.is_empty() {
        return Some(text.to_owned());
    }
    let same = options.iter().find(|option| *option == text);
    let lower = text.to_lowercase();
    same.or_else(|| options.iter().find(|option| option.to_lowercase() == lower))
        .cloned()
}
