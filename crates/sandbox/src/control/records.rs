//! Doing what a user does in HighLevel with everything that is no contact: moving opportunities, booking, answering.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::people::act;
use super::{Answered, Body, Refused};
use crate::answer::Answer;
use crate::collection::Record;
use crate::highlevel::calendars::events;
use crate::highlevel::conversations::messages;
use crate::highlevel::{locations, opportunities};
use crate::shared::Shared;
use crate::world::{Act, World};

type Sandbox = State<Arc<Shared>>;

/// All records of a collection as they are kept, oldest first.
pub async fn list(State(shared): Sandbox, Path(name): Path<String>) -> Answered {
    let world = shared.world();
    let collection = world.records.find(&name);
    let collection = collection.ok_or_else(|| no_collection(&name))?;
    Ok(Json(collection.all().map(Record::json).collect()))
}

/// Keeps a record as it is given: for what nobody can make through the API.
pub async fn keep(
    State(shared): Sandbox,
    Path(name): Path<String>,
    Body(body): Body<Value>,
) -> Answered {
    let mut world = shared.world();
    let record = Record::new(world.ids.record(), shared.clock.now(), body);
    let collection = world.records.find_mut(&name);
    let collection = collection.ok_or_else(|| no_collection(&name))?;
    collection.put(record.clone());
    Ok(Json(record.json()))
}

/// Writes members of a record as they are given; null clears one.
pub async fn rewrite(
    State(shared): Sandbox,
    Path((name, id)): Path<(String, String)>,
    Body(body): Body<Map<String, Value>>,
) -> Answered {
    let mut world = shared.world();
    let collection = world.records.find_mut(&name);
    let collection = collection.ok_or_else(|| no_collection(&name))?;
    let mut record = collection.get(&id)?.clone();
    for (member, value) in body {
        record.set(&member, value);
    }
    record.updated_at = shared.clock.now();
    collection.put(record.clone());
    Ok(Json(record.json()))
}

/// Removes a record and nothing that belongs to it.
pub async fn forget(State(shared): Sandbox, Path((name, id)): Path<(String, String)>) -> Answered {
    let mut world = shared.world();
    let collection = world.records.find_mut(&name);
    let collection = collection.ok_or_else(|| no_collection(&name))?;
    Ok(Json(collection.remove(&id)?.json()))
}

fn no_collection(name: &str) -> Refused {
    let message = format!("there is no collection called {name}");
    Refused::new(StatusCode::NOT_FOUND, message)
}

pub async fn create_opportunity(State(shared): Sandbox, Body(body): Body<Value>) -> Answered {
    by_hand(&shared, |world, act| opportunities::make(world, &body, act))
}

pub async fn edit_opportunity(
    State(shared): Sandbox,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Answered {
    by_hand(&shared, |world, act| {
        opportunities::edit(world, &id, &body, act)
    })
}

pub async fn delete_opportunity(State(shared): Sandbox, Path(id): Path<String>) -> Answered {
    by_hand(&shared, |world, act| {
        world.remove(&opportunities::KIND, &id, act)
    })
}

pub async fn create_appointment(State(shared): Sandbox, Body(body): Body<Value>) -> Answered {
    by_hand(&shared, |world, act| events::book(world, &body, act))
}

pub async fn edit_appointment(
    State(shared): Sandbox,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Answered {
    by_hand(&shared, |world, act| events::rebook(world, &id, &body, act))
}

pub async fn delete_appointment(State(shared): Sandbox, Path(id): Path<String>) -> Answered {
    by_hand(&shared, |world, act| {
        let appointment = events::appointment(world, &id)?.clone();
        events::remove(world, &id, act)?;
        Ok(appointment)
    })
}

/// A message from the contact, or with `"direction": "outbound"` one that a user sends.
pub async fn create_message(State(shared): Sandbox, Body(body): Body<Value>) -> Answered {
    let direction = match body.get("direction").and_then(Value::as_str) {
        Some("outbound") => "outbound",
        Some("inbound") | None => "inbound",
        Some(_) => return Err(Refused::bad("`direction` is inbound or outbound")),
    };
    by_hand(&shared, |world, act| {
        messages::make(world, &body, direction, act)
    })
}

pub async fn edit_location(
    State(shared): Sandbox,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Answered {
    by_hand(&shared, |world, act| {
        world.change(&locations::KIND, &id, act, |location| {
            location.write(&body, locations::MEMBERS);
        })
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomFieldEdit {
    name: Option<String>,
    placeholder: Option<String>,
}

/// What a user can change of a custom field in the settings; its key and type stay.
pub async fn edit_custom_field(
    State(shared): Sandbox,
    Path(id): Path<String>,
    Body(edit): Body<CustomFieldEdit>,
) -> Answered {
    let mut world = shared.world();
    let location = world.location.id.clone();
    let field = world.custom_fields.iter_mut().find(|field| field.id == id);
    let field = field.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "no such custom field"))?;
    if let Some(name) = edit.name {
        field.name = name;
    }
    if let Some(placeholder) = edit.placeholder {
        field.placeholder = placeholder;
    }
    Ok(Json(field.json(&location)))
}

/// Does it, answers the record, and lets the webhooks go.
fn by_hand(
    shared: &Shared,
    work: impl FnOnce(&mut World, Act) -> Result<Record, Answer>,
) -> Result<Json<Value>, Refused> {
    let record = work(&mut shared.world(), act(shared))?;
    shared.wake.notify_one();
    Ok(Json(json!(record.json())))
}
