//! Notes of a contact.

use serde_json::{Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::described::with_nulls;
use crate::records::Note;
use crate::world::World;

pub fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let contact_id = call.argument(0);
    world.contact(contact_id)?;
    Ok(Answer::ok(json!({ "notes": views(world, contact_id) })))
}

/// A contact's notes, the newest first.
pub fn views(world: &World, contact_id: &str) -> Vec<Value> {
    let notes = world.notes.get(contact_id).into_iter().flatten().rev();
    notes.map(|note| view(note, contact_id)).collect()
}

pub fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let (contact_id, id) = (call.argument(0), call.argument(1));
    let note = find(world, contact_id, id)?;
    Ok(Answer::ok(json!({ "note": view(note, contact_id) })))
}

pub fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let contact_id = call.argument(0);
    world.contact(contact_id)?;
    let mut note = Note {
        id: world.ids.record(),
        body: call.required("body")?.to_owned(),
        title: None,
        user_id: None,
        color: None,
        pinned: false,
        date_added: call.now,
    };
    write(&mut note, call);
    world
        .notes
        .entry(contact_id.to_owned())
        .or_default()
        .push(note.clone());
    world.note_event("NoteCreate", "note.created", contact_id, &note, call.act());
    Ok(Answer::created(json!({ "note": view(&note, contact_id) })))
}

pub fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let (contact_id, id) = (call.argument(0), call.argument(1));
    let note = find(world, contact_id, id)?;
    let before = note.clone();
    write(note, call);
    let note = note.clone();
    if note != before {
        world.note_event("NoteUpdate", "note.updated", contact_id, &note, call.act());
    }
    Ok(Answer::ok(json!({ "note": view(&note, contact_id) })))
}

pub fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let (contact_id, id) = (call.argument(0), call.argument(1));
    let note = find(world, contact_id, id)?.clone();
    if let Some(notes) = world.notes.get_mut(contact_id) {
        notes.retain(|other| other.id != id);
    }
    world.note_event("NoteDelete", "note.deleted", contact_id, &note, call.act());
    Ok(Answer::ok(json!({ "succeded": true })))
}

fn find<'w>(world: &'w mut World, contact_id: &str, id: &str) -> Result<&'w mut Note, Answer> {
    world.contact(contact_id)?;
    let notes = world.notes.get_mut(contact_id).into_iter().flatten();
    notes
        .into_iter()
        .find(|note| note.id == id)
        .ok_or_else(|| Answer::not_found(format!("Note with id {id} not found")))
}

fn write(note: &mut Note, call: &Call<'_>) {
    if let Some(body) = call.body_text("body") {
        body.clone_into(&mut note.body);
    }
    for (member, slot) in [
        ("title", &mut note.title),
        ("userId", &mut note.user_id),
        ("color", &mut note.color),
    ] {
        if let Some(text) = call.body_text(member) {
            *slot = Some(text.to_owned());
        }
    }
    if let Some(pinned) = call.body.get("pinned").and_then(Value::as_bool) {
        note.pinned = pinned;
    }
}

fn view(note: &Note, contact_id: &str) -> Value {
    let view = json!({
        "id": note.id, "body": note.body, "contactId": contact_id, "dateAdded": iso(note.date_added),
        "pinned": note.pinned, "title": note.title, "userId": note.user_id, "color": note.color,
    });
    with_nulls("Note", &[], view)
}
