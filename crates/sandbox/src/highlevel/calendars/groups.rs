//! Groups of calendars.

use serde_json::{Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::collections::{Kind, silent};
use crate::highlevel::access::Access::Location;
use crate::operations::Route;
use crate::world::World;

const READ: Option<&str> = Some("calendars/groups.readonly");
const WRITE: Option<&str> = Some("calendars/groups.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/calendars/groups", Location, READ, list),
    Route::new("POST", "/calendars/groups", Location, WRITE, create),
    Route::new("POST", "/calendars/groups/validate-slug", Location, WRITE, validate_slug),
    Route::new("PUT", "/calendars/groups/{groupId}", Location, WRITE, update),
    Route::new("DELETE", "/calendars/groups/{groupId}", Location, WRITE, delete),
    Route::new("PUT", "/calendars/groups/{groupId}/status", Location, WRITE, set_status),
];

const KIND: Kind = Kind {
    collection: |all| &mut all.calendar_groups,
    created: "calendar_group.created",
    updated: "calendar_group.updated",
    deleted: "calendar_group.deleted",
    events: silent,
};

const MEMBERS: &[&str] = &["name", "description", "slug", "isActive"];

fn list(world: &mut World, _call: &Call<'_>) -> Handled {
    let groups: Vec<Value> = world
        .records
        .calendar_groups
        .all()
        .map(Record::json)
        .collect();
    Ok(Answer::ok(json!({ "groups": groups })))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    call.required("name")?;
    refuse_taken_slug(world, call, None)?;
    let members = json!({ "locationId": world.location.id, "isActive": true });
    let mut group = Record::new(world.ids.record(), call.now, members);
    group.write(call.body, MEMBERS);
    world.add(&KIND, &group, call.act());
    Ok(Answer::created(json!({ "group": group.json() })))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.calendar_groups.get(id)?;
    refuse_taken_slug(world, call, Some(id))?;
    let group = world.change(&KIND, id, call.act(), |group| {
        group.write(call.body, MEMBERS);
    })?;
    Ok(Answer::ok(json!({ "group": group.json() })))
}

/// Its calendars stay, in no group.
fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.remove(&KIND, id, call.act())?;
    for calendar in world.records.calendars.ids_with("groupId", id) {
        world.change(&super::KIND, &calendar, call.act(), |calendar| {
            calendar.set("groupId", Value::Null);
        })?;
    }
    Ok(Answer::ok(json!({ "success": true })))
}

fn set_status(world: &mut World, call: &Call<'_>) -> Handled {
    world.change(&KIND, call.argument(0), call.act(), |group| {
        group.write(call.body, &["isActive"]);
    })?;
    Ok(Answer::ok(json!({ "success": true })))
}

fn validate_slug(world: &mut World, call: &Call<'_>) -> Handled {
    let is_taken = is_taken(world, call.required("slug")?, None);
    Ok(Answer::ok(json!({ "available": !is_taken })))
}

fn refuse_taken_slug(world: &World, call: &Call<'_>, own: Option<&str>) -> Result<(), Answer> {
    match call.body_text("slug") {
        Some(slug) if is_taken(world, slug, own) => {
            Err(Answer::bad_request("The slug is taken by another group"))
        }
        _ => Ok(()),
    }
}

fn is_taken(world: &World, slug: &str, own: Option<&str>) -> bool {
    let mut groups = world.records.calendar_groups.with("slug", slug);
    groups.any(|group| Some(group.id.as_str()) != own)
}
