//! Rooms and equipment.

use serde_json::{Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::collections::{Kind, silent};
use crate::highlevel::access::Access::Location;
use crate::highlevel::paging::{self, Size};
use crate::operations::Route;
use crate::world::World;

const READ: Option<&str> = Some("calendars/resources.readonly");
const WRITE: Option<&str> = Some("calendars/resources.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/calendars/resources/{resourceType}", Location, READ, list),
    Route::new("POST", "/calendars/resources/{resourceType}", Location, WRITE, create),
    Route::new("GET", "/calendars/resources/{resourceType}/{id}", Location, READ, get),
    Route::new("PUT", "/calendars/resources/{resourceType}/{id}", Location, WRITE, update),
    Route::new("DELETE", "/calendars/resources/{resourceType}/{id}", Location, WRITE, delete),
];

const KIND: Kind = Kind {
    collection: |all| &mut all.calendar_resources,
    created: "calendar_resource.created",
    updated: "calendar_resource.updated",
    deleted: "calendar_resource.deleted",
    events: silent,
};

const SIZE: Size = Size {
    default: 20,
    most: 100,
};

const MEMBERS: &[&str] = &[
    "name",
    "description",
    "quantity",
    "outOfService",
    "capacity",
    "calendarIds",
    "isActive",
];

fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let kind = kind(call)?;
    let resources = world.records.calendar_resources.with("resourceType", kind);
    let page = paging::skipping(resources, call, "skip", SIZE)?;
    Ok(Answer::ok(page.into_iter().map(view).collect()))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    find(world, call).map(|resource| Answer::ok(view(resource)))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let members = json!({
        "locationId": world.location.id, "resourceType": kind(call)?, "isActive": true,
    });
    check(world, call)?;
    let mut resource = Record::new(world.ids.object(), call.now, members);
    resource.write(call.body, MEMBERS);
    world.add(&KIND, &resource, call.act());
    Ok(Answer::created(view(&resource)))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let id = find(world, call)?.id.clone();
    check(world, call)?;
    let resource = world.change(&KIND, &id, call.act(), |resource| {
        resource.write(call.body, MEMBERS);
    })?;
    Ok(Answer::ok(view(&resource)))
}

fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let id = find(world, call)?.id.clone();
    world.remove(&KIND, &id, call.act())?;
    Ok(Answer::ok(json!({ "success": true })))
}

/// Calendars that are named must exist.
fn check(world: &World, call: &Call<'_>) -> Result<(), Answer> {
    for id in call.body_texts("calendarIds") {
        world.records.calendars.named(&id)?;
    }
    Ok(())
}

fn kind<'a>(call: &Call<'a>) -> Result<&'a str, Answer> {
    match call.argument(0) {
        kind @ ("rooms" | "equipments") => Ok(kind),
        _ => Err(Answer::invalid(vec![
            "resourceType must be one of the following values: equipments, rooms".to_owned(),
        ])),
    }
}

fn find<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Record, Answer> {
    let (kind, id) = (kind(call)?, call.argument(1));
    let resource = world.records.calendar_resources.get(id)?;
    if resource.has("resourceType", kind) {
        Ok(resource)
    } else {
        Err(Answer::not_found(format!(
            "Resource with id {id} not found"
        )))
    }
}

/// Resources call their id `_id`.
fn view(resource: &Record) -> Value {
    resource.json_as("_id")
}
