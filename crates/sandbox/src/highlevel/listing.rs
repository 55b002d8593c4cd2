//! The older lists of contacts: by `startAfter`, and by business.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::{Value, json};

use super::views;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::records::Contact;
use crate::world::World;

const LIST_LIMIT: usize = 100;
const LIST_DEFAULT: usize = 20;

/// Newest first; `startAfter` (milliseconds) and `startAfterId` are those of the last contact seen.
pub fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let limit = number(call, "limit", LIST_DEFAULT)?;
    if !(1..=LIST_LIMIT).contains(&limit) {
        return Err(Answer::invalid(vec![format!(
            "limit must not be greater than {LIST_LIMIT} or less than 1"
        )]));
    }
    let matching = newest_first(world, call, |_| true);
    let total = matching.len();
    let start = match (call.query("startAfter"), call.query("startAfterId")) {
        (Some(after), id) => {
            let after: i64 = after
                .parse()
                .map_err(|_| Answer::invalid(vec!["startAfter must be a number".to_owned()]))?;
            let last = (Reverse(after), id.unwrap_or_default());
            matching.partition_point(|contact| key(contact) <= last)
        }
        (None, Some(id)) => matching
            .iter()
            .position(|contact| contact.id == id)
            .map_or(0, |at| at + 1),
        (None, None) => 0,
    };
    let page: Vec<&Arc<Contact>> = matching.iter().skip(start).take(limit).collect();
    let last = page.last().filter(|_| start + page.len() < total);
    let next_page_url = last.map(|last| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("locationId", &world.location.id);
        query.append_pair("limit", &limit.to_string());
        query.append_pair(
            "startAfter",
            &views::milliseconds(last.date_added).to_string(),
        );
        query.append_pair("startAfterId", &last.id);
        if let Some(text) = call.query("query") {
            query.append_pair("query", text);
        }
        format!("{}/contacts/?{}", call.base_url, query.finish())
    });
    let page_number = start / limit + 1;
    let meta = json!({
        "total": total,
        "nextPageUrl": next_page_url,
        "startAfterId": page.last().map(|last| &last.id),
        "startAfter": page.last().map(|last| views::milliseconds(last.date_added)),
        "currentPage": page_number,
        "nextPage": last.map(|_| page_number + 1),
        "prevPage": (page_number > 1).then(|| page_number - 1),
    });
    let contacts: Vec<Value> = page
        .into_iter()
        .map(|contact| views::listed(contact, &world.location))
        .collect();
    Ok(Answer::ok(
        json!({ "contacts": contacts, "count": total, "meta": meta }),
    ))
}

pub fn by_business(world: &mut World, call: &Call<'_>) -> Handled {
    let limit = number(call, "limit", LIST_DEFAULT)?.min(LIST_LIMIT);
    let skip = number(call, "skip", 0)?;
    let business = Some(call.argument(0).to_owned());
    let matching = newest_first(world, call, |contact| contact.business_id == business);
    let contacts: Vec<Value> = matching
        .iter()
        .skip(skip)
        .take(limit)
        .map(|contact| views::listed(contact, &world.location))
        .collect();
    Ok(Answer::ok(
        json!({ "contacts": contacts, "count": matching.len() }),
    ))
}

fn key(contact: &Contact) -> (Reverse<i64>, &str) {
    (
        Reverse(views::milliseconds(contact.date_added)),
        &contact.id,
    )
}

fn newest_first(
    world: &mut World,
    call: &Call<'_>,
    wanted: impl Fn(&Contact) -> bool,
) -> Vec<Arc<Contact>> {
    let text = call.query("query").map(str::to_lowercase);
    let lag = world.settings.search_lag_seconds;
    let mut matching: Vec<Arc<Contact>> = world
        .contacts
        .searchable(call.now, lag)
        .filter(|contact| {
            wanted(contact) && text.as_deref().is_none_or(|text| mentions(contact, text))
        })
        .cloned()
        .collect();
    matching.sort_by(|left, right| key(left).cmp(&key(right)));
    matching
}

/// Whether a lower-case text is part of the contact's name, address, number, company or tags.
pub fn mentions(contact: &Contact, text: &str) -> bool {
    let members =
        ["email", "phone", "companyName"].map(|member| contact.text(member).map(str::to_lowercase));
    let name = contact.name().map(|name| name.to_lowercase());
    let mut texts = members.into_iter().chain([name]).flatten();
    texts.any(|value| value.contains(text))
        || contact
            .tags
            .iter()
            .any(|tag| tag.to_lowercase().contains(text))
}

fn number(call: &Call<'_>, name: &str, default: usize) -> Result<usize, Answer> {
    match call.query(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| Answer::invalid(vec![format!("{name} must be a number")])),
    }
}
