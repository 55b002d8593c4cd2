//! The conditions of a search, and the values of contacts that they compare.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::records::Contact;

/// A value of a contact in a form that compares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Missing,
    Number(i64),
    Text(String),
}

impl Key {
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Missing,
            Value::Bool(flag) => Self::Number(i64::from(*flag)),
            Value::Number(number) => number
                .as_i64()
                .map_or_else(|| Self::Text(number.to_string()), Self::Number),
            Value::String(text) => Self::Text(text.to_lowercase()),
            other => Self::Text(other.to_string()),
        }
    }

    /// A filter's value for a field that holds times: milliseconds, a day, or a time.
    fn time(value: &Value) -> Result<Self, Answer> {
        if let Some(number) = value.as_i64() {
            return Ok(Self::Number(number));
        }
        let text = value.as_str().unwrap_or_default();
        let time = text.parse::<Timestamp>().ok().or_else(|| {
            let day: Date = text.parse().ok()?;
            TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
        });
        time.map(|time| Self::Number(time.as_millisecond()))
            .ok_or_else(|| invalid(format!("{value} is not a date")))
    }

    pub fn json(&self) -> Value {
        match self {
            Self::Missing => Value::Null,
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
        }
    }
}

pub fn holds_all(contact: &Contact, filters: &[Value]) -> Result<bool, Answer> {
    let mut all = true;
    for filter in filters {
        all &= holds(contact, filter)?;
    }
    Ok(all)
}

fn holds(contact: &Contact, filter: &Value) -> Result<bool, Answer> {
    if let Some(group) = filter.get("group").and_then(Value::as_str) {
        let none = Vec::new();
        let inner = filter
            .get("filters")
            .and_then(Value::as_array)
            .unwrap_or(&none);
        return match group {
            "AND" => holds_all(contact, inner),
            "OR" => {
                let mut any = inner.is_empty();
                for filter in inner {
                    any |= holds(contact, filter)?;
                }
                Ok(any)
            }
            _ => Err(invalid(
                "group must be one of the following values: AND, OR".to_owned(),
            )),
        };
    }
    let text = |name: &str| {
        filter
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(format!("filters.{name} must be a string")))
    };
    let field = text("field")?;
    let actual = values(contact, field)?;
    let wanted = filter.get("value").unwrap_or(&Value::Null);
    let key = |value: &Value| {
        if is_time(field) {
            Key::time(value)
        } else {
            Ok(Key::of(value))
        }
    };
    match text("operator")? {
        "eq" => is_one_of(&actual, wanted, key),
        "not_eq" => is_one_of(&actual, wanted, key).map(|found| !found),
        "contains" => contains(&actual, wanted),
        "not_contains" => contains(&actual, wanted).map(|found| !found),
        "exists" => Ok(!actual.is_empty()),
        "not_exists" => Ok(actual.is_empty()),
        "range" => in_range(&actual, wanted, key),
        other => Err(invalid(format!(
            "{other} is not an operator: use eq, not_eq, contains, not_contains, exists, not_exists or range"
        ))),
    }
}

/// Equal to the value, or to one of a list of values.
fn is_one_of(
    actual: &[Key],
    wanted: &Value,
    key: impl Fn(&Value) -> Result<Key, Answer>,
) -> Result<bool, Answer> {
    let wanted: Vec<Key> = match wanted {
        Value::Array(values) => values.iter().map(key).collect::<Result<_, _>>()?,
        value => vec![key(value)?],
    };
    Ok(actual.iter().any(|actual| wanted.contains(actual)))
}

fn contains(actual: &[Key], wanted: &Value) -> Result<bool, Answer> {
    let parts: Vec<String> = match wanted {
        Value::String(text) => vec![text.to_lowercase()],
        Value::Array(texts) => texts
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_lowercase)
            .collect(),
        _ => {
            return Err(invalid(
                "the value of contains must be a string or a list of them".to_owned(),
            ));
        }
    };
    let holds = |key: &Key, part: &String| matches!(key, Key::Text(text) if text.contains(part));
    Ok(actual
        .iter()
        .any(|key| parts.iter().any(|part| holds(key, part))))
}

fn in_range(
    actual: &[Key],
    wanted: &Value,
    key: impl Fn(&Value) -> Result<Key, Answer>,
) -> Result<bool, Answer> {
    let Some(bounds) = wanted.as_object().filter(|bounds| !bounds.is_empty()) else {
        return Err(invalid(
            "the value of range must be an object of gt, gte, lt, lte".to_owned(),
        ));
    };
    let mut holds = !actual.is_empty();
    for (name, bound) in bounds {
        let bound = key(bound)?;
        let accepts: fn(Ordering) -> bool = match name.as_str() {
            "gt" => Ordering::is_gt,
            "gte" => Ordering::is_ge,
            "lt" => Ordering::is_lt,
            "lte" => Ordering::is_le,
            _ => return Err(invalid(format!("property {name} should not exist"))),
        };
        holds &= actual.iter().any(|actual| accepts(actual.cmp(&bound)));
    }
    Ok(holds)
}

fn is_time(field: &str) -> bool {
    matches!(field, "dateAdded" | "dateUpdated" | "dateOfBirth")
}

/// Fields that are compared as they are kept.
const PLAIN: &[&str] = &[
    "email",
    "phone",
    "city",
    "state",
    "postalCode",
    "country",
    "website",
    "source",
    "companyName",
    "timezone",
    "assignedTo",
];

/// Channels of `dndSettings.CHANNEL.status`.
const CHANNELS: [&str; 3] = ["Email", "SMS", "Call"];

/// The values of a contact's field; none when it is empty. What is no field of the search is refused.
pub fn values(contact: &Contact, field: &str) -> Result<Vec<Key>, Answer> {
    let lower = |text: Option<&str>| {
        text.map(|text| Key::Text(text.to_lowercase()))
            .into_iter()
            .collect()
    };
    let all = |texts: &[String]| -> Vec<Key> {
        let texts = texts.iter();
        texts.map(|text| Key::Text(text.to_lowercase())).collect()
    };
    let keys = match field {
        "id" => vec![Key::Text(contact.id.to_lowercase())],
        "dateAdded" => vec![Key::Number(contact.date_added.as_millisecond())],
        "dateUpdated" => vec![Key::Number(contact.date_updated.as_millisecond())],
        "dateOfBirth" => {
            let born = contact.members.get(field).map(Key::time).transpose()?;
            born.into_iter().collect()
        }
        "firstName" | "firstNameLowerCase" => lower(contact.text("firstName")),
        "lastName" | "lastNameLowerCase" => lower(contact.text("lastName")),
        "contactName" | "fullNameLowerCase" => lower(contact.name().as_deref()),
        "type" => vec![Key::Text("lead".to_owned())],
        "validEmail" => contact
            .text("email")
            .map(|_| Key::Number(1))
            .into_iter()
            .collect(),
        "tags" => all(&contact.tags),
        "followers" => all(&contact.followers),
        "businessId" => lower(contact.business_id.as_deref()),
        "dnd" => vec![Key::Number(i64::from(contact.dnd()))],
        "address" => lower(contact.text("address1")),
        member if PLAIN.contains(&member) => {
            let value = contact.members.get(member).map(Key::of);
            value.into_iter().collect()
        }
        other => {
            if let Some(id) = other.strip_prefix("customFields.") {
                let value = contact.custom_fields.get(id).map(Key::of);
                value.into_iter().collect()
            } else if let Some(status) = do_not_disturb(contact, other) {
                status
            } else {
                return Err(Answer::bad_request(format!("Invalid field {other}")));
            }
        }
    };
    Ok(keys)
}

/// `dndSettings.Email.status` and its like, and `inboundDndSettings.all.status`.
fn do_not_disturb(contact: &Contact, field: &str) -> Option<Vec<Key>> {
    let (member, rest) = field.split_once('.')?;
    let channel = rest.strip_suffix(".status")?;
    let is_known = match member {
        "dndSettings" => CHANNELS.contains(&channel),
        "inboundDndSettings" => channel == "all",
        _ => false,
    };
    let status = contact.members.get(member);
    let status = status.and_then(|settings| settings[channel].get("status"));
    is_known.then(|| status.map(Key::of).into_iter().collect())
}

pub fn invalid(message: String) -> Answer {
    Answer::invalid(vec![message])
}
