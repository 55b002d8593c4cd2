//! How contacts look in answers: each operation shows them a little differently.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::iso;
use crate::records::{Contact, Location};

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

/// An item of the search; `searchAfter` is what continues after it.
pub fn found(contact: &Contact, location: &Location, search_after: Value) -> Value {
    let mut view = common(contact, location);
    lower_case_names(&mut view, contact);
    view.insert("additionalEmails".to_owned(), additional_emails(contact));
    view.insert("additionalPhones".to_owned(), json!([]));
    view.insert("followers".to_owned(), json!(contact.followers));
    view.insert("searchAfter".to_owned(), search_after);
    Value::Object(view)
}

/// An item of the older lists.
pub fn listed(contact: &Contact, location: &Location) -> Value {
    let mut view = common(contact, location);
    put(
        &mut view,
        "contactName",
        contact.name().map(|name| name.to_lowercase()),
    );
    view.insert("followers".to_owned(), json!(contact.followers));
    view.insert("additionalEmails".to_owned(), additional_emails(contact));
    view.insert("attributions".to_owned(), json!([]));
    Value::Object(view)
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
