//! The older lists of contacts: by `startAfter`, and by business.

use std::sync::Arc;

use serde_json::{Value, json};

use super::paging::{self, Order, Place, Size};
use super::views;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::records::Contact;
use crate::world::World;

const SIZE: Size = Size {
    default: 20,
    most: 100,
};

/// Newest first; `startAfter` (milliseconds) and `startAfterId` are those of the last contact seen.
pub fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let matching = newest_first(world, call, |_| true);
    let page = paging::after(
        &matching,
        (Order::NewestFirst, |contact| key(contact)),
        call,
        "/contacts/",
        SIZE,
    )?;
    let contacts: Vec<Value> = page
        .items
        .iter()
        .map(|contact| views::listed(contact, &world.location))
        .collect();
    Ok(Answer::ok(
        json!({ "contacts": contacts, "count": matching.len(), "meta": page.meta }),
    ))
}

pub fn by_business(world: &mut World, call: &Call<'_>) -> Handled {
    let business = Some(call.argument(0).to_owned());
    let matching = newest_first(world, call, |contact| contact.business_id == business);
    let contacts: Vec<Value> = paging::skipping(&matching, call, "skip", SIZE)?
        .into_iter()
        .map(|contact| views::listed(contact, &world.location))
        .collect();
    Ok(Answer::ok(
        json!({ "contacts": contacts, "count": matching.len() }),
    ))
}

fn key(contact: &Contact) -> Place<'_> {
    (views::milliseconds(contact.date_added), &contact.id)
}

fn newest_first(
    world: &mut World,
    call: &Call<'_>,
    wanted: impl Fn(&Contact) -> bool,
) -> Vec<Arc<Contact>> {
    let text = call.query("query").map(str::to_lowercase);
    let lag = world.settings.search_lag();
    let mut matching: Vec<Arc<Contact>> = world
        .contacts
        .searchable(call.now, lag)
        .filter(|contact| {
            wanted(contact) && text.as_deref().is_none_or(|text| mentions(contact, text))
        })
        .cloned()
        .collect();
    Order::NewestFirst.sort(&mut matching, |contact| key(contact));
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
