//! Relations: two records, associated.

use serde_json::{Value, json};

use super::access::Access::Location;
use super::paging::{self, Size};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::collections::{Change, Kind};
use crate::operations::Route;
use crate::webhooks::payload::{self, Event};
use crate::world::World;

const READ: Option<&str> = Some("associations/relation.readonly");
const WRITE: Option<&str> = Some("associations/relation.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("POST", "/associations/relations", Location, WRITE, create),
    Route::new("GET", "/associations/relations/{recordId}", Location, READ, of_record),
    Route::new("DELETE", "/associations/relations/{relationId}", Location, WRITE, delete),
];

pub const KIND: Kind = Kind {
    collection: |all| &mut all.relations,
    created: "relation.created",
    updated: "relation.updated",
    deleted: "relation.deleted",
    events,
};

const SIZE: Size = Size {
    default: 100,
    most: 100,
};

const RECORDS: [&str; 2] = ["firstRecordId", "secondRecordId"];

fn of_record(world: &mut World, call: &Call<'_>) -> Handled {
    let record = call.argument(0);
    let asked = call.queries("associationIds");
    let relations = world.records.relations.all().filter(|relation| {
        RECORDS.iter().any(|side| relation.has(side, record))
            && (asked.is_empty() || asked.iter().any(|id| relation.has("associationId", id)))
    });
    let relations: Vec<&Record> = relations.collect();
    let page = paging::skipping(&relations, call, "skip", SIZE)?;
    let page: Vec<Value> = page.into_iter().map(|relation| relation.json()).collect();
    Ok(Answer::ok(
        json!({ "relations": page, "total": relations.len() }),
    ))
}

/// Records of contacts must exist; those of other objects are not played here and are taken as they come.
fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let association = world
        .records
        .associations
        .named(call.required("associationId")?)?
        .clone();
    let mut members = json!({
        "locationId": world.location.id, "associationId": association.id,
    });
    payload::copy(
        &mut members,
        &association,
        &["firstObjectKey", "secondObjectKey"],
    );
    for (record, object) in [
        ("firstRecordId", "firstObjectKey"),
        ("secondRecordId", "secondObjectKey"),
    ] {
        let id = call.required(record)?;
        if association.has(object, "contact") && world.contacts.get(id).is_none() {
            let message = format!("{record}: contact with id {id} does not exist");
            return Err(Answer::bad_request(message));
        }
        members[record] = id.into();
    }
    let known = world
        .records
        .relations
        .with("associationId", &association.id);
    let mut known = known.filter(|relation| {
        let same = |side: &&str| relation.member(side) == &members[*side];
        RECORDS.iter().all(same)
    });
    let is_known = known.next().is_some();
    drop(known);
    if is_known {
        return Err(Answer::bad_request("The relation already exists"));
    }
    let relation = Record::new(world.ids.object(), call.now, members);
    world.add(&KIND, &relation, call.act());
    Ok(Answer::created(relation.json()))
}

fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let relation = world.remove(&KIND, call.argument(0), call.act())?;
    Ok(Answer::ok(relation.json()))
}

/// As documented, these payloads have no `type`.
fn events(_: &World, change: Change<'_>) -> Vec<Event> {
    let name = match change {
        Change::Created(_) => "RelationCreate",
        Change::Updated(..) => return Vec::new(),
        Change::Deleted(_) => "RelationDelete",
    };
    let relation = change.record();
    vec![Event::new(name, &relation.id, relation.json())]
}
