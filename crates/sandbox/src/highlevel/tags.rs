//! Tags of contacts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{add_tags, remove_tags};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::history::Change;
use crate::world::World;

pub fn add(world: &mut World, call: &Call<'_>) -> Handled {
    let tags = call.body_texts("tags");
    let contact = world.change_contact(call.argument(0), call.act(), |contact| {
        add_tags(contact, &tags);
    })?;
    Ok(Answer::created(json!({ "tags": contact.tags })))
}

pub fn remove(world: &mut World, call: &Call<'_>) -> Handled {
    let tags = call.body_texts("tags");
    let contact = world.change_contact(call.argument(0), call.act(), |contact| {
        remove_tags(contact, &tags);
    })?;
    Ok(Answer::ok(json!({ "tags": contact.tags })))
}

/// Adds or removes tags on many contacts; a contact that is not there is reported, the others are changed.
pub fn bulk(world: &mut World, call: &Call<'_>) -> Handled {
    let adds = match call.argument(0) {
        "add" => true,
        "remove" => false,
        _ => {
            return Err(Answer::invalid(vec![
                "type must be one of the following values: add, remove".to_owned(),
            ]));
        }
    };
    let tags = call.body_texts("tags");
    let removes_all = !adds && call.body.get("removeAllTags") == Some(&Value::Bool(true));
    let mut responses = Vec::new();
    let mut errors = 0;
    for id in call.body_texts("contacts") {
        let old = world.contacts.get(&id).map(|contact| contact.tags.clone());
        let changed = world.change_contact(&id, call.act(), |contact| {
            if removes_all {
                contact.tags.clear();
            }
            if adds {
                add_tags(contact, &tags);
            } else {
                remove_tags(contact, &tags);
            }
        });
        if let (Some(old), Ok(contact)) = (old, changed) {
            let new_ones: Vec<&String> = contact
                .tags
                .iter()
                .filter(|tag| !old.contains(tag))
                .collect();
            let gone: Vec<&String> = old
                .iter()
                .filter(|tag| !contact.tags.contains(tag))
                .collect();
            responses.push(json!({
                "contactId": id, "message": "Tags updated", "type": "success", "oldTags": old,
                "tagsAdded": new_ones, "tagsRemoved": gone,
            }));
        } else {
            errors += 1;
            let why = why_not(world, &id);
            responses.push(json!({ "contactId": id, "message": why, "type": "error" }));
        }
    }
    Ok(Answer::created(
        json!({ "succeded": true, "errorCount": errors, "responses": responses }),
    ))
}

/// Why there is no such contact, in the service's words.
fn why_not(world: &World, id: &str) -> &'static str {
    let deleted = |change: &Change| change.kind == "contact.deleted" && change.record_id == id;
    if world.history.since(0).iter().any(deleted) {
        "contact is deleted"
    } else if id.len() == 20 && id.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        "contact does not belong to location"
    } else {
        "contact id is not a valid firebase id"
    }
}

/// The location's tags: those that its contacts have.
pub fn of_location(world: &mut World, call: &Call<'_>) -> Handled {
    let names: BTreeSet<&String> = world
        .contacts
        .all()
        .flat_map(|contact| &contact.tags)
        .collect();
    let tags: Vec<Value> = names
        .into_iter()
        .map(|name| json!({ "id": name, "name": name, "locationId": call.argument(0) }))
        .collect();
    Ok(Answer::ok(json!({ "tags": tags })))
}
