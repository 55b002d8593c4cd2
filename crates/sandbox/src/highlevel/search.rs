//! `POST /contacts/search`: sort, and the two ways of paging.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::Rules;
use super::filters::{Key, holds_all, invalid, values};
use super::listing::mentions;
use super::{opportunities, views};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::records::Contact;
use crate::world::World;

const PAGE_LIMIT: u64 = 500;
const PAGE_DEFAULT: u64 = 20;
/// As far as `page` reaches; beyond it only `searchAfter` does.
const WINDOW: u64 = 10_000;
const QUERY_LENGTH: usize = 75;

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
            let after = place(after);
            if after.len() != sorts.len() + 1 {
                return Err(invalid(
                    "searchAfter must be the value of the last contact".to_owned(),
                ));
            }
            keyed.partition_point(|(key, _)| compare(key, &after, &sorts) != Ordering::Greater)
        }
        None => usize::try_from((page - 1) * limit).unwrap_or(usize::MAX),
    };
    let contacts: Vec<Value> = keyed
        .iter()
        .skip(start)
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .map(|(key, contact)| {
            let search_after: Value = key.iter().map(Key::json).collect();
            let business = contact.business_id.as_deref();
            let business = business.and_then(|id| world.records.businesses.get(id).ok());
            let business = business.and_then(|business| business.text("name"));
            let mut view = views::found(contact, &world.location, business, &search_after);
            if world.settings.search_shows_dnd_channels {
                view["dndSettings"] = json!(contact.members.get("dndSettings"));
            }
            view["opportunities"] = opportunities::of_contact(world, &contact.id).into();
            view
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
    let filters = &with_kept_phones(filters, &Rules::of(world));
    // A wrong filter is refused also when there is no contact to try it on.
    holds_all(&Contact::new(String::new(), call.now), filters)?;
    let lag = world.settings.search_lag();
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

/// The place that `searchAfter` names. Texts compare in lower case, ids as they are written.
fn place(after: &[Value]) -> Vec<Key> {
    let Some((id, sorted)) = after.split_last() else {
        return Vec::new();
    };
    let id = Key::Text(id.as_str().unwrap_or_default().to_owned());
    sorted.iter().map(Key::of).chain([id]).collect()
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

/// A number that is asked for in another notation is the one that is kept.
fn with_kept_phones(filters: &[Value], rules: &Rules) -> Vec<Value> {
    let kept = |value: &Value| match value {
        Value::String(text) => rules.phone(text).into(),
        other => other.clone(),
    };
    let filter = |filter: &Value| {
        let mut filter = filter.clone();
        if let Some(inner) = filter.get("filters").and_then(Value::as_array) {
            filter["filters"] = with_kept_phones(inner, rules).into();
        }
        let is_equal = filter["operator"] == "eq" || filter["operator"] == "not_eq";
        if filter["field"] == "phone" && is_equal {
            filter["value"] = match &filter["value"] {
                Value::Array(several) => several.iter().map(kept).collect(),
                one => kept(one),
            };
        }
        filter
    };
    filters.iter().map(filter).collect()
}
