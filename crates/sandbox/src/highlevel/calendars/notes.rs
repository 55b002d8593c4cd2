//! Notes of an appointment.

use serde_json::{Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::collection::Record;
use crate::collections::{Kind, silent};
use crate::highlevel::access::Access::Location;
use crate::highlevel::paging::{self, Size};
use crate::operations::Route;
use crate::world::World;

const READ: Option<&str> = Some("calendars/events.readonly");
const WRITE: Option<&str> = Some("calendars/events.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/calendars/appointments/{appointmentId}/notes", Location, READ, list),
    Route::new("POST", "/calendars/appointments/{appointmentId}/notes", Location, WRITE, create),
    Route::new("PUT", "/calendars/appointments/{appointmentId}/notes/{noteId}", Location, WRITE, update),
    Route::new("DELETE", "/calendars/appointments/{appointmentId}/notes/{noteId}", Location, WRITE, delete),
];

/// The webhooks about notes speak of those of contacts; there is none about these.
pub const KIND: Kind = Kind {
    collection: |all| &mut all.appointment_notes,
    created: "appointment_note.created",
    updated: "appointment_note.updated",
    deleted: "appointment_note.deleted",
    events: silent,
};

const SIZE: Size = Size {
    default: 10,
    most: 20,
};

/// The newest first.
fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let appointment = super::events::appointment(world, call.argument(0))?;
    let all = world.records.appointment_notes.all().rev();
    let all: Vec<&Record> = all
        .filter(|note| note.has("appointmentId", &appointment.id))
        .collect();
    let page = paging::skipping(&all, call, "offset", SIZE)?;
    let seen = call.number("offset", 0_usize)?.saturating_add(page.len());
    let notes: Vec<Value> = page.into_iter().map(|note| view(world, note)).collect();
    Ok(Answer::ok(
        json!({ "notes": notes, "hasMore": seen < all.len() }),
    ))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let appointment = super::events::appointment(world, call.argument(0))?;
    let members = json!({
        "appointmentId": appointment.id, "contactId": appointment.member("contactId"),
        "body": call.required("body")?,
    });
    check(world, call)?;
    let mut note = Record::new(world.ids.record(), call.now, members);
    note.write(call.body, &["userId"]);
    world.add(&KIND, &note, call.act());
    Ok(Answer::created(json!({ "note": view(world, &note) })))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let id = find(world, call)?.id.clone();
    check(world, call)?;
    let note = world.change(&KIND, &id, call.act(), |note| {
        note.write(call.body, &["body", "userId"]);
    })?;
    Ok(Answer::ok(json!({ "note": view(world, &note) })))
}

fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let id = find(world, call)?.id.clone();
    world.remove(&KIND, &id, call.act())?;
    Ok(Answer::ok(json!({ "success": true })))
}

fn check(world: &World, call: &Call<'_>) -> Result<(), Answer> {
    if let Some(id) = call.body_text("userId") {
        world.records.users.named(id)?;
    }
    Ok(())
}

fn find<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Record, Answer> {
    let (appointment, id) = (call.argument(0), call.argument(1));
    super::events::appointment(world, appointment)?;
    let note = world.records.appointment_notes.get(id)?;
    if note.has("appointmentId", appointment) {
        Ok(note)
    } else {
        Err(Answer::not_found(format!("Note with id {id} not found")))
    }
}

fn view(world: &World, note: &Record) -> Value {
    let mut view = json!({
        "id": note.id, "body": note.member("body"), "dateAdded": iso(note.created_at),
    });
    for member in ["contactId", "userId"] {
        if let Some(id) = note.text(member) {
            view[member] = id.into();
        }
    }
    let user = note.text("userId");
    if let Some(user) = user.and_then(|id| world.records.users.get(id).ok()) {
        view["createdBy"] = json!({ "id": user.id, "name": user.member("name") });
    }
    view
}
