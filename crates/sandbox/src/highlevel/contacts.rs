//! Contacts: create, read, change, delete, create-or-change.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::fields::{Rules, write_members};
use super::views;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::records::Contact;
use crate::world::World;

pub fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let mut contact = Contact::new(world.ids.record(), call.now);
    write_members(&mut contact, call.body, &Rules::of(world));
    refuse_duplicate(world, &contact)?;
    let answer = json!({ "contact": views::created(&contact, &world.location) });
    world.add_contact(contact, call.act());
    Ok(Answer::created(answer))
}

pub fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let contact = world.contact(call.argument(0))?;
    Ok(Answer::ok(
        json!({ "contact": views::full(contact, &world.location) }),
    ))
}

pub fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let rules = Rules::of(world);
    let mut preview = Contact::clone(world.contact(call.argument(0))?);
    write_members(&mut preview, call.body, &rules);
    refuse_duplicate(world, &preview)?;
    let contact = world.change_contact(call.argument(0), call.act(), |contact| {
        write_members(contact, call.body, &rules);
    })?;
    Ok(Answer::ok(
        json!({ "succeded": true, "contact": views::full(&contact, &world.location) }),
    ))
}

pub fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    world.delete_contact(call.argument(0), call.act())?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

/// Finds the contact by e-mail address, else by phone number, and changes it; creates it otherwise. `gender` is
/// dropped without a word, as the live service does.
pub fn upsert(world: &mut World, call: &Call<'_>) -> Handled {
    let mut body = call.body.clone();
    if let Value::Object(members) = &mut body {
        for name in &world.settings.upsert_drops {
            members.shift_remove(name);
        }
    }
    let allow_new = body.get("createNewIfDuplicateAllowed") == Some(&Value::Bool(true))
        && world.settings.allow_duplicate_contacts;
    let known = if allow_new { None } else { find(world, &body) };
    let is_new = known.is_none();
    let contact = if let Some(known) = known {
        let rules = Rules::of(world);
        // A number that is another contact's is not added, without a word: as live.
        let owner = body["phone"]
            .as_str()
            .and_then(|phone| world.contacts.by_phone(&rules.phone(phone)));
        let is_anothers = owner.is_some_and(|owner| owner.id != known.id);
        if let (true, Value::Object(members)) = (
            is_anothers && !world.settings.allow_duplicate_contacts,
            &mut body,
        ) {
            members.shift_remove("phone");
        }
        world.change_contact(&known.id, call.act(), |contact| {
            write_members(contact, &body, &rules);
            // Found by an additional address, it becomes the first one, and the first one is lost: as live.
            let first = contact.text("email").map(str::to_lowercase);
            contact
                .additional_emails
                .retain(|email| Some(email.to_lowercase()) != first);
        })?
    } else {
        let mut contact = Contact::new(world.ids.record(), call.now);
        write_members(&mut contact, &body, &Rules::of(world));
        world.add_contact(contact.clone(), call.act());
        Arc::new(contact)
    };
    Ok(Answer::ok(
        json!({ "new": is_new, "contact": views::full(&contact, &world.location) }),
    ))
}

pub fn duplicate(world: &mut World, call: &Call<'_>) -> Handled {
    let by_email = call
        .query("email")
        .and_then(|email| world.contacts.by_email(email));
    let contact = by_email.or_else(|| {
        call.query("number")
            .and_then(|number| world.contacts.by_phone(&Rules::of(world).phone(number)))
    });
    let contact = contact.map(|contact| views::full(contact, &world.location));
    Ok(Answer::ok(json!({ "contact": contact })))
}

fn find(world: &World, body: &Value) -> Option<Arc<Contact>> {
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let by_email = text("email").and_then(|email| world.contacts.by_email(email));
    let by_phone =
        || text("phone").and_then(|phone| world.contacts.by_phone(&Rules::of(world).phone(phone)));
    by_email.or_else(by_phone).cloned()
}

/// One contact per e-mail address and phone number, unless the location allows more.
fn refuse_duplicate(world: &World, contact: &Contact) -> Result<(), Answer> {
    if world.settings.allow_duplicate_contacts {
        return Ok(());
    }
    let by_email = contact
        .text("email")
        .and_then(|email| world.contacts.by_email(email));
    let by_phone = contact
        .text("phone")
        .and_then(|phone| world.contacts.by_phone(phone));
    for (found, field) in [(by_email, "email"), (by_phone, "phone")] {
        if let Some(other) = found
            && other.id != contact.id
        {
            let mut refusal = Answer::refused(
                StatusCode::BAD_REQUEST,
                "This location does not allow duplicated contacts.",
            );
            refusal.body["meta"] = json!({ "contactId": other.id, "contactName": other.name(), "matchingField": field });
            return Err(refusal);
        }
    }
    Ok(())
}
