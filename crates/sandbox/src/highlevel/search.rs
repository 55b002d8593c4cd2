//! `POST /contacts/search`: filters, sort, and the two ways of paging.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::listing::mentions;
use super::views;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::records::{Contact, PLAIN_MEMBERS};
use crate::world::World;

const PAGE_LIMIT: u64 = 500;
const PAGE_DEFAULT: u64 = 20;
/// As far as `page` reaches; beyond it only `searchAfter` does.
const WINDOW: u64 = 10_000;
const QUERY_LENGTH: usize = 75;

/// A value of a contact in a form that compares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Missing,
    Number(i64),
    Text(String),
}

impl Key {
    fn of(value: &Value) -> Self {
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

    fn json(&self) -> Value {
        match self {
            Self::Missing => Value::Null,
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
        }
    }
}

struct Sort {
    field: String,
    descending: bool,
}

pub fn search(world: &mut World, call: &Call<'_>) -> Handled {
    let body = call.body;
    let limit = whole(body, "pageLimit", PAGE_DEFAULT)?;
    if !(1..=PAGE_LIMIT).contains(&limit) {
        return Err(invalid(format!(
            "pageLimit must be between 1 and {PAGE_LIMIT}"
        )));
    }
    let after = body
        .get("searchAfter")
        .and_then(Value::as_array)
        .filter(|after| !after.is_empty());
    if after.is_some() && body.get("page").is_some() {
        return Err(invalid(
            "page should not exist beside searchAfter".to_owned(),
        ));
    }
    let page = whole(body, "page", 1)?;
    if page == 0 {
        return Err(invalid("page must not be less than 1".to_owned()));
    }
    if page.saturating_mul(limit) > WINDOW {
        return Err(Answer::bad_request(format!(
            "page * pageLimit must not exceed {WINDOW}: continue with searchAfter"
        )));
    }
    let sorts = sorts(body)?;
    let matching = matching(world, call)?;
    let total = matching.len();
    let mut keyed: Vec<(Vec<Key>, Arc<Contact>)> = matching
        .into_iter()
        .map(|contact| (sort_key(&contact, &sorts), contact))
        .collect();
    keyed.sort_by(|left, right| compare(&left.0, &right.0, &sorts));
    let start = match after {
        Some(after) => {
            let after: Vec<Key> = after.iter().map(Key::of).collect();
            if after.len() != sorts.len() + 1 {
                return Err(invalid(
                    "searchAfter must be the value of the last contact".to_owned(),
                ));
            }
            // Ids compare as they are written, not in lower case.
            let after = with_exact_id(after, body);
            keyed.partition_point(|(key, _)| compare(key, &after, &sorts) != Ordering::Greater)
        }
        None => usize::try_from((page - 1) * limit).unwrap_or(usize::MAX),
    };
    let contacts: Vec<Value> = keyed
        .iter()
        .skip(start)
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .map(|(key, contact)| {
            let search_after = key.iter().map(Key::json).collect();
            views::found(contact, &world.location, search_after)
        })
        .collect();
    Ok(Answer::ok(json!({ "contacts": contacts, "total": total })))
}

fn matching(world: &mut World, call: &Call<'_>) -> Result<Vec<Arc<Contact>>, Answer> {
    let text = call
        .body_text("query")
        .filter(|text| !text.is_empty())
        .map(str::to_lowercase);
    if text
        .as_ref()
        .is_some_and(|text| text.chars().count() > QUERY_LENGTH)
    {
        return Err(invalid(format!(
            "query must be shorter than or equal to {QUERY_LENGTH} characters"
        )));
    }
    let none = Vec::new();
    let filters = call
        .body
        .get("filters")
        .and_then(Value::as_array)
        .unwrap_or(&none);
    // A wrong filter is refused also when there is no contact to try it on.
    holds_all(&Contact::new(String::new(), call.now), filters)?;
    let lag = world.settings.search_lag_seconds;
    let mut matching = Vec::new();
    for contact in world.contacts.searchable(call.now, lag) {
        if text.as_deref().is_none_or(|text| mentions(contact, text))
            && holds_all(contact, filters)?
        {
            matching.push(Arc::clone(contact));
        }
    }
    Ok(matching)
}

fn holds_all(contact: &Contact, filters: &[Value]) -> Result<bool, Answer> {
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

/// The values of a contact's field; none when it is empty.
fn values(contact: &Contact, field: &str) -> Result<Vec<Key>, Answer> {
    let lower = |text: Option<&str>| {
        text.map(|text| Key::Text(text.to_lowercase()))
            .into_iter()
            .collect()
    };
    let keys = match field {
        "id" => vec![Key::Text(contact.id.to_lowercase())],
        "dateAdded" => vec![Key::Number(contact.date_added.as_millisecond())],
        "dateUpdated" => vec![Key::Number(contact.date_updated.as_millisecond())],
        "dateOfBirth" => contact
            .members
            .get(field)
            .map(Key::time)
            .transpose()?
            .into_iter()
            .collect(),
        "firstNameLowerCase" => lower(contact.text("firstName")),
        "lastNameLowerCase" => lower(contact.text("lastName")),
        "name" | "contactName" | "fullNameLowerCase" => lower(contact.name().as_deref()),
        "tags" => contact
            .tags
            .iter()
            .map(|tag| Key::Text(tag.to_lowercase()))
            .collect(),
        "followers" => contact
            .followers
            .iter()
            .map(|id| Key::Text(id.to_lowercase()))
            .collect(),
        "businessId" => lower(contact.business_id.as_deref()),
        "dnd" => vec![Key::Number(i64::from(contact.dnd()))],
        "address" => lower(contact.text("address1")),
        member if PLAIN_MEMBERS.contains(&member) => contact
            .members
            .get(member)
            .map(Key::of)
            .into_iter()
            .collect(),
        other => match other.strip_prefix("customFields.") {
            Some(id) => contact
                .custom_fields
                .get(id)
                .map(Key::of)
                .into_iter()
                .collect(),
            None => {
                return Err(invalid(format!(
                    "{other} is not a field that contacts can be searched by"
                )));
            }
        },
    };
    Ok(keys)
}

/// The orders asked for; the newest first when none is.
fn sorts(body: &Value) -> Result<Vec<Sort>, Answer> {
    let asked = body.get("sort").and_then(Value::as_array);
    let mut sorts = Vec::new();
    for sort in asked.into_iter().flatten() {
        let field = sort
            .get("field")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        values(&Contact::new(String::new(), Timestamp::UNIX_EPOCH), &field)?;
        let descending = match sort.get("direction").and_then(Value::as_str) {
            Some("desc") => true,
            Some("asc") | None => false,
            Some(_) => {
                return Err(invalid(
                    "direction must be one of the following values: asc, desc".to_owned(),
                ));
            }
        };
        sorts.push(Sort { field, descending });
    }
    if sorts.is_empty() {
        sorts.push(Sort {
            field: "dateAdded".to_owned(),
            descending: true,
        });
    }
    Ok(sorts)
}

/// The sorted fields' values, and the id to tell equals apart.
fn sort_key(contact: &Contact, sorts: &[Sort]) -> Vec<Key> {
    let first = |sort: &Sort| {
        let values = values(contact, &sort.field).unwrap_or_default();
        values.into_iter().next().unwrap_or(Key::Missing)
    };
    let mut key: Vec<Key> = sorts.iter().map(first).collect();
    key.push(Key::Text(contact.id.clone()));
    key
}

fn with_exact_id(mut after: Vec<Key>, body: &Value) -> Vec<Key> {
    let id = body["searchAfter"]
        .as_array()
        .and_then(|after| after.last())
        .and_then(Value::as_str);
    if let (Some(last), Some(id)) = (after.last_mut(), id) {
        *last = Key::Text(id.to_owned());
    }
    after
}

fn compare(left: &[Key], right: &[Key], sorts: &[Sort]) -> Ordering {
    for (place, (left, right)) in left.iter().zip(right).enumerate() {
        let order = match sorts.get(place) {
            Some(sort) if sort.descending => right.cmp(left),
            _ => left.cmp(right),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn whole(body: &Value, name: &str, default: u64) -> Result<u64, Answer> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_u64()
            .ok_or_else(|| invalid(format!("{name} must be an integer number"))),
    }
}

fn invalid(message: String) -> Answer {
    Answer::invalid(vec![message])
}
