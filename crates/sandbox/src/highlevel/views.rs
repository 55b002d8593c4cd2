//! How contacts look in answers: each operation shows them a little differently.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::clock::iso;
use crate::described::contact_members;
use crate::records::{Contact, Location};

/// What the search does not show of what is written; the address has another name there.
const NOT_FOUND: [&str; 4] = ["name", "address1", "timezone", "dndSettings"];
/// What the older lists show only where it is set.
const NOT_LISTED: [&str; 3] = ["name", "dndSettings", "inboundDndSettings"];

/// One contact in full (get, update, upsert).
pub fn full(contact: &Contact, location: &Location) -> Value {
    let mut view = common(contact, location);
    put(&mut view, "name", contact.name());
    put(
        &mut view,
        "emailLowerCase",
        contact.text("email").map(str::to_lowercase),
    );
    lower_case_names(&mut view, contact);
    view.insert("lastActivity".to_owned(), iso(contact.date_updated).into());
    Value::Object(view)
}

/// The answer to a creation.
pub fn created(contact: &Contact, location: &Location) -> Value {
    let mut view = common(contact, location);
    put(
        &mut view,
        "emailLowerCase",
        contact.text("email").map(str::to_lowercase),
    );
    lower_case_names(&mut view, contact);
    for (name, value) in [
        ("deleted", json!(false)),
        ("bounceEmail", json!(false)),
        ("unsubscribeEmail", json!(false)),
        ("offers", json!([])),
        ("products", json!([])),
    ] {
        view.insert(name.to_owned(), value);
    }
    Value::Object(view)
}

/// An item of the search; `searchAfter` is what continues after it. Unlike other answers it has `address`, the day of
/// birth in milliseconds, null where there is no value, and neither time zone nor `dndSettings`.
pub fn found(
    contact: &Contact,
    location: &Location,
    business: Option<&str>,
    search_after: &Value,
) -> Value {
    let born = contact.text("dateOfBirth").and_then(day);
    let email = contact.text("email");
    let mut view = json!({
        "id": contact.id, "locationId": location.id, "contactName": contact.name(),
        "address": contact.text("address1"), "dateOfBirth": born,
        "validEmail": email.map(|_| true), "phoneLabel": contact.text("phone").map(|_| "Mobile"),
        "businessId": contact.business_id, "businessName": business, "type": "lead",
        "tags": contact.tags, "dnd": contact.dnd(), "followers": contact.followers,
        "inboundDndSettings": contact.members.get("inboundDndSettings"),
        "customFields": contact.custom_fields_json(), "attributionSource": null, "lastAttributionSource": null,
        "attributions": [], "additionalEmails": additional_emails(contact), "additionalPhones": [],
        "dateAdded": iso(contact.date_added), "dateUpdated": iso(contact.date_updated),
        "searchAfter": search_after,
    });
    if let Value::Object(members) = &mut view {
        for member in contact_members().filter(|member| !NOT_FOUND.contains(member)) {
            let value = contact.members.get(member).cloned();
            members.entry(member).or_insert(value.unwrap_or_default());
        }
        lower_case_names(members, contact);
    }
    view
}

/// An item of the older lists: names in lower case, as they were written in `...Raw`, null where there is no value.
pub fn listed(contact: &Contact, location: &Location) -> Value {
    let lower = |text: Option<&str>| text.map(str::to_lowercase);
    let mut view = common(contact, location);
    for member in contact_members().filter(|member| !NOT_LISTED.contains(member)) {
        view.entry(member).or_insert(Value::Null);
    }
    for (member, value) in [
        ("firstNameRaw", json!(contact.text("firstName"))),
        ("lastNameRaw", json!(contact.text("lastName"))),
        ("firstName", json!(lower(contact.text("firstName")))),
        ("lastName", json!(lower(contact.text("lastName")))),
        ("contactName", json!(lower(contact.name().as_deref()))),
        ("businessId", json!(contact.business_id)),
        ("followers", json!(contact.followers)),
        ("additionalEmails", additional_emails(contact)),
        ("attributions", json!([])),
    ] {
        view.insert(member.to_owned(), value);
    }
    Value::Object(view)
}

/// The milliseconds of a day, or of a time, as contacts keep their day of birth.
fn day(text: &str) -> Option<i64> {
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let day: Date = text
            .get(..10)
            .unwrap_or(text)
            .replace(['/', '.', '_'], "-")
            .parse()
            .ok()?;
        TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
    });
    time.map(Timestamp::as_millisecond)
}

fn additional_emails(contact: &Contact) -> Value {
    let all = contact.additional_emails.iter();
    all.map(|email| json!({ "email": email })).collect()
}

pub fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond()
}

fn common(contact: &Contact, location: &Location) -> Map<String, Value> {
    let mut view = Map::new();
    view.insert("id".to_owned(), contact.id.clone().into());
    view.insert("locationId".to_owned(), location.id.clone().into());
    for (name, value) in &contact.members {
        view.insert(name.clone(), value.clone());
    }
    view.insert("type".to_owned(), "lead".into());
    view.insert("dnd".to_owned(), contact.dnd().into());
    view.insert("tags".to_owned(), json!(contact.tags));
    view.insert("customFields".to_owned(), contact.custom_fields_json());
    put(&mut view, "businessId", contact.business_id.clone());
    view.insert("dateAdded".to_owned(), iso(contact.date_added).into());
    view.insert("dateUpdated".to_owned(), iso(contact.date_updated).into());
    view
}

fn lower_case_names(view: &mut Map<String, Value>, contact: &Contact) {
    for (name, value) in [
        (
            "firstNameLowerCase",
            contact.text("firstName").map(str::to_lowercase),
        ),
        (
            "lastNameLowerCase",
            contact.text("lastName").map(str::to_lowercase),
        ),
        (
            "fullNameLowerCase",
            contact.name().map(|name| name.to_lowercase()),
        ),
    ] {
        put(view, name, value);
    }
}

fn put(view: &mut Map<String, Value>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        view.insert(name.to_owned(), value.into());
    }
}
