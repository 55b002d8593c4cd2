//! Associations: the kinds of relation that records of two objects can have.

use serde_json::{Value, json};

use super::access::Access::Location;
use super::paging::{self, Size};
use super::relations;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::collections::{Change, Kind};
use crate::operations::Route;
use crate::webhooks::payload::{self, Event};
use crate::world::World;

const READ: Option<&str> = Some("associations.readonly");
const WRITE: Option<&str> = Some("associations.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/associations/", Location, READ, list),
    Route::new("POST", "/associations/", Location, WRITE, create),
    Route::new("GET", "/associations/{associationId}", Location, READ, get),
    Route::new("PUT", "/associations/{associationId}", Location, WRITE, update),
    Route::new("DELETE", "/associations/{associationId}", Location, WRITE, delete),
    Route::new("GET", "/associations/key/{key_name}", Location, READ, by_key),
    Route::new("GET", "/associations/objectKey/{objectKey}", Location, READ, by_object),
];

pub const KIND: Kind = Kind {
    collection: |all| &mut all.associations,
    created: "association.created",
    updated: "association.updated",
    deleted: "association.deleted",
    events,
};

const SIZE: Size = Size {
    default: 100,
    most: 100,
};

const LABELS: &[&str] = &["firstObjectLabel", "secondObjectLabel"];
const KEYS: [&str; 2] = ["firstObjectKey", "secondObjectKey"];

fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let all: Vec<&Record> = world.records.associations.all().collect();
    let page = paging::skipping(&all, call, "skip", SIZE)?;
    let page: Vec<Value> = page.into_iter().map(|found| found.json()).collect();
    Ok(Answer::ok(
        json!({ "associations": page, "total": all.len() }),
    ))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let association = world.records.associations.get(call.argument(0))?;
    Ok(Answer::ok(association.json()))
}

fn by_key(world: &mut World, call: &Call<'_>) -> Handled {
    let key = call.argument(0);
    let mut found = world.records.associations.with("key", key);
    let found = found.next().map(Record::json).map(Answer::ok);
    found.ok_or_else(|| Answer::not_found(format!("Association with key {key} not found")))
}

/// The first association in which an object takes part.
fn by_object(world: &mut World, call: &Call<'_>) -> Handled {
    let object = call.argument(0);
    let mut found = world.records.associations.all();
    found
        .find(|association| KEYS.iter().any(|key| association.has(key, object)))
        .map(Record::json)
        .map(Answer::ok)
        .ok_or_else(|| Answer::not_found(format!("Association of object {object} not found")))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let key = call.required("key")?;
    if world.records.associations.with("key", key).next().is_some() {
        let message = format!("An association with the key {key} already exists");
        return Err(Answer::bad_request(message));
    }
    let members = json!({
        "locationId": world.location.id, "key": key, "associationType": "USER_DEFINED",
    });
    let mut association = Record::new(world.ids.object(), call.now, members);
    association.write(call.body, LABELS);
    association.write(call.body, &KEYS);
    world.add(&KIND, &association, call.act());
    Ok(Answer::created(association.json()))
}

/// Labels can be changed; what is associated cannot.
fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let association = world.change(&KIND, call.argument(0), call.act(), |association| {
        association.write(call.body, LABELS);
    })?;
    Ok(Answer::ok(association.json()))
}

fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.associations.get(id)?;
    world.remove_with(&relations::KIND, "associationId", id, call.act());
    world.remove(&KIND, id, call.act())?;
    Ok(Answer::ok(json!({
        "deleted": true, "id": id, "message": "The association was deleted",
    })))
}

/// As documented, these payloads have no `type`.
fn events(_: &World, change: Change<'_>) -> Vec<Event> {
    let (name, tells_cardinality) = match change {
        Change::Created(_) => ("AssociationCreate", false),
        Change::Updated(..) => ("AssociationUpdate", true),
        Change::Deleted(_) => ("AssociationDelete", true),
    };
    let association = change.record();
    let mut body = json!({ "id": association.id });
    payload::copy(
        &mut body,
        association,
        &["associationType", "key", "locationId"],
    );
    payload::copy(&mut body, association, LABELS);
    payload::copy(&mut body, association, &KEYS);
    if tells_cardinality {
        for side in [
            "firstObjectToSecondObjectCardinality",
            "secondObjectToFirstObjectCardinality",
        ] {
            body[side] = "MANY_TO_MANY".into();
        }
    }
    vec![Event::new(name, &association.id, body)]
}
