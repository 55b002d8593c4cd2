//! Blocked time: events without a contact, of a calendar or of one of its users.

use serde_json::json;

use super::events::{is_block, parse, view};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::collection::Record;
use crate::collections::{Kind, silent};
use crate::highlevel::access::Access::Location;
use crate::operations::Route;
use crate::world::World;

const WRITE: Option<&str> = Some("calendars/events.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("POST", "/calendars/events/block-slots", Location, WRITE, create),
    Route::new("PUT", "/calendars/events/block-slots/{eventId}", Location, WRITE, update),
];

/// HighLevel documents no webhook about blocked time.
pub const KIND: Kind = Kind {
    collection: |all| &mut all.events,
    created: "blocked_slot.created",
    updated: "blocked_slot.updated",
    deleted: "blocked_slot.deleted",
    events: silent,
};

const MEMBERS: &[&str] = &["title", "calendarId", "assignedUserId"];

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    for time in ["startTime", "endTime"] {
        call.required(time)?;
    }
    let members = json!({ "locationId": world.location.id, "isBlock": true, "title": "" });
    let mut block = Record::new(world.ids.record(), call.now, members);
    write(world, &mut block, call)?;
    world.add(&KIND, &block, call.act());
    Ok(Answer::created(view(world, &block)))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    let mut after = world.records.events.get(id)?.clone();
    if !is_block(&after) {
        return Err(Answer::not_found(format!(
            "Blocked slot with id {id} not found"
        )));
    }
    write(world, &mut after, call)?;
    let block = world.change(&KIND, id, call.act(), |block| *block = after)?;
    // The service answers 201 here too.
    Ok(Answer::created(view(world, &block)))
}

fn write(world: &World, block: &mut Record, call: &Call<'_>) -> Result<(), Answer> {
    block.write(call.body, MEMBERS);
    world
        .records
        .calendars
        .named(block.text("calendarId").unwrap_or_default())?;
    if let Some(id) = block.text("assignedUserId") {
        world.records.users.named(id)?;
    }
    for member in ["startTime", "endTime"] {
        if let Some(time) = call.body.get(member) {
            block.set(member, iso(parse(world, member, time)?));
        }
    }
    if block.time("endTime") <= block.time("startTime") {
        let message = "endTime must be after startTime".to_owned();
        return Err(Answer::invalid(vec![message]));
    }
    Ok(())
}
