//! Opportunities and the pipelines that they move through.

mod search;

use serde_json::{Value, json};

use super::access::Access::Location;
use super::fields;
use crate::answer::{Answer, Handled};
use crate::call::{Call, texts};
use crate::clock::iso;
use crate::collection::Record;
use crate::collections::{Change, Kind};
use crate::operations::Route;
use crate::webhooks::payload::{self, Event};
use crate::world::{Act, World};

const READ: Option<&str> = Some("opportunities.readonly");
const WRITE: Option<&str> = Some("opportunities.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/opportunities/pipelines", Location, READ, pipelines),
    Route::new("GET", "/opportunities/search", Location, READ, search::search),
    Route::new("POST", "/opportunities/", Location, WRITE, create),
    Route::new("POST", "/opportunities/upsert", Location, WRITE, upsert),
    Route::new("GET", "/opportunities/{id}", Location, READ, get),
    Route::new("PUT", "/opportunities/{id}", Location, WRITE, update),
    Route::new("DELETE", "/opportunities/{id}", Location, WRITE, delete),
    Route::new("PUT", "/opportunities/{id}/status", Location, WRITE, update_status),
    Route::new("POST", "/opportunities/{id}/followers", Location, WRITE, add_followers),
    Route::new("DELETE", "/opportunities/{id}/followers", Location, WRITE, remove_followers),
];

pub const KIND: Kind = Kind {
    collection: |all| &mut all.opportunities,
    created: "opportunity.created",
    updated: "opportunity.updated",
    deleted: "opportunity.deleted",
    events,
};

/// Members that are kept as written.
const MEMBERS: &[&str] = &[
    "name",
    "pipelineId",
    "pipelineStageId",
    "monetaryValue",
    "assignedTo",
    "source",
];

fn pipelines(world: &mut World, _call: &Call<'_>) -> Handled {
    let pipelines: Vec<Value> = world.records.pipelines.all().map(Record::json).collect();
    Ok(Answer::ok(json!({ "pipelines": pipelines })))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let opportunity = world.records.opportunities.get(call.argument(0))?;
    Ok(Answer::ok(
        json!({ "opportunity": view(world, opportunity) }),
    ))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    call.required("contactId")?;
    let opportunity = make(world, call.body, call.act())?;
    Ok(Answer::created(
        json!({ "opportunity": view(world, &opportunity) }),
    ))
}

/// Adds an opportunity; also for a user at HighLevel. Only an upsert leaves the contact out.
pub fn make(world: &mut World, body: &Value, act: Act) -> Result<Record, Answer> {
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    if text("name").is_none() {
        return Err(Answer::invalid(vec!["name should not be empty".to_owned()]));
    }
    let contact_id = text("contactId");
    if let Some(id) = contact_id {
        if world.contacts.get(id).is_none() {
            let message = format!("Contact with id {id} does not exist");
            return Err(Answer::bad_request(message));
        }
        let mut others = world.records.opportunities.with("contactId", id);
        if !world.settings.allow_duplicate_opportunities
            && others.any(|other| Some(other.member("pipelineId")) == body.get("pipelineId"))
        {
            return Err(Answer::bad_request(
                "Can not create duplicate opportunity for the contact.",
            ));
        }
    }
    let at = iso(act.at);
    let members = json!({
        "locationId": world.location.id, "status": "open",
        "monetaryValue": 0, "followers": [], "customFields": [],
        "lastStatusChangeAt": at, "lastStageChangeAt": at,
    });
    let mut opportunity = Record::new(world.ids.record(), act.at, members);
    opportunity.set("contactId", contact_id);
    write(world, &mut opportunity, body, act)?;
    world.add(&KIND, &opportunity, act);
    Ok(opportunity)
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let opportunity = edit(world, call.argument(0), call.body, call.act())?;
    Ok(Answer::ok(
        json!({ "opportunity": view(world, &opportunity) }),
    ))
}

fn update_status(world: &mut World, call: &Call<'_>) -> Handled {
    edit(world, call.argument(0), call.body, call.act())?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

/// Changes an opportunity; also for a user at HighLevel.
pub fn edit(world: &mut World, id: &str, body: &Value, act: Act) -> Result<Record, Answer> {
    let mut after = world.records.opportunities.get(id)?.clone();
    write(world, &mut after, body, act)?;
    world.change(&KIND, id, act, |opportunity| *opportunity = after)
}

fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    world.remove(&KIND, call.argument(0), call.act())?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

/// Changes the opportunity with the body's `id`, or adds one without.
fn upsert(world: &mut World, call: &Call<'_>) -> Handled {
    let known = call.body_text("id");
    let opportunity = match known {
        Some(id) => edit(world, id, call.body, call.act())?,
        None => make(world, call.body, call.act())?,
    };
    let removes_all = call.body.get("isRemoveAllFollowers") == Some(&Value::Bool(true));
    let named = call.body_texts("followers");
    let removes = call.body_text("followersActionType") == Some("remove");
    let opportunity = world.change(&KIND, &opportunity.id, call.act(), |opportunity| {
        let mut followers = texts(opportunity.members.get("followers"));
        if removes_all {
            followers.clear();
        }
        followers.retain(|id| !named.contains(id));
        if !removes {
            followers.extend(named);
        }
        opportunity.set("followers", followers);
    })?;
    Ok(Answer::ok(json!({
        "opportunity": view(world, &opportunity), "new": known.is_none(),
    })))
}

fn add_followers(world: &mut World, call: &Call<'_>) -> Handled {
    let named = call.body_texts("followers");
    let mut added = Vec::new();
    let opportunity = world.change(&KIND, call.argument(0), call.act(), |opportunity| {
        let mut followers = texts(opportunity.members.get("followers"));
        for id in named {
            if !followers.contains(&id) {
                followers.push(id.clone());
                added.push(id);
            }
        }
        opportunity.set("followers", followers);
    })?;
    Ok(Answer::created(json!({
        "followers": opportunity.member("followers"), "followersAdded": added,
    })))
}

fn remove_followers(world: &mut World, call: &Call<'_>) -> Handled {
    let named = call.body_texts("followers");
    let all = call.query("isRemoveAllFollowers") == Some("true");
    let mut removed = Vec::new();
    let opportunity = world.change(&KIND, call.argument(0), call.act(), |opportunity| {
        let followers = texts(opportunity.members.get("followers"));
        let (gone, left): (Vec<String>, Vec<String>) = followers
            .into_iter()
            .partition(|id| all || named.contains(id));
        removed = gone;
        opportunity.set("followers", left);
    })?;
    Ok(Answer::ok(json!({
        "followers": opportunity.member("followers"), "followersRemoved": removed,
    })))
}

/// Writes what the body has. Without a stage of its own pipeline an opportunity is in the first one.
fn write(world: &World, opportunity: &mut Record, body: &Value, act: Act) -> Result<(), Answer> {
    let before = opportunity.clone();
    opportunity.write(body, MEMBERS);
    opportunity.write(body, &["lostReasonId"]);
    if let Some(status) = body.get("status").and_then(Value::as_str) {
        if status == "all" {
            // A word of the search, which the description allows here too.
            return Err(Answer::invalid(vec![
                "status must be one of the following values: open, won, lost, abandoned".to_owned(),
            ]));
        }
        opportunity.set("status", status);
    }
    let pipeline_id = opportunity.text("pipelineId").unwrap_or_default();
    let pipeline = world.records.pipelines.named(pipeline_id)?;
    let stages = pipeline.list("stages");
    let stage = opportunity.member("pipelineStageId");
    if !stages.iter().any(|known| known["id"] == *stage) {
        if body.get("pipelineStageId").is_some() {
            return Err(Answer::bad_request("The pipeline stage id is invalid"));
        }
        let first = stages.first().map(|stage| stage["id"].clone());
        opportunity.set("pipelineStageId", first.unwrap_or_default());
    }
    if let Some(fields) = body.get("customFields").and_then(Value::as_array) {
        let merged = fields::merged(
            opportunity.list("customFields"),
            fields,
            &world.custom_fields,
        );
        opportunity.set("customFields", merged);
    }
    for (member, moved) in [
        ("status", "lastStatusChangeAt"),
        ("pipelineStageId", "lastStageChangeAt"),
    ] {
        if opportunity.member(member) != before.member(member) {
            opportunity.set(moved, iso(act.at));
        }
    }
    Ok(())
}

/// A contact's opportunities as the search of contacts shows them.
pub fn of_contact(world: &World, contact_id: &str) -> Vec<Value> {
    let own = world.records.opportunities.with("contactId", contact_id);
    own.map(|opportunity| {
        let mut view = json!({ "id": opportunity.id });
        let shown = ["pipelineId", "pipelineStageId", "monetaryValue", "status"];
        payload::copy(&mut view, opportunity, &shown);
        view
    })
    .collect()
}

/// An opportunity with what is shown of its contact.
fn view(world: &World, opportunity: &Record) -> Value {
    let mut view = opportunity.json();
    view["createdAt"] = iso(opportunity.created_at).into();
    view["updatedAt"] = iso(opportunity.updated_at).into();
    view["lastActionDate"] = iso(opportunity.updated_at).into();
    for member in [
        "notes",
        "tasks",
        "calendarEvents",
        "relations",
        "attributions",
    ] {
        view[member] = json!([]);
    }
    // As seen live: what has no value is null.
    for member in ["assignedTo", "source", "lostReasonId"] {
        view[member] = opportunity.member(member).clone();
    }
    view["pipelineStageUId"] = opportunity.member("pipelineStageId").clone();
    let contact = opportunity.text("contactId");
    if let Some(contact) = contact.and_then(|id| world.contacts.get(id)) {
        view["contact"] = json!({
            "id": contact.id, "name": contact.name(), "companyName": contact.text("companyName"),
            "email": contact.text("email"), "phone": contact.text("phone"), "tags": contact.tags,
        });
        view["relations"] = json!([{
            "associationId": "OPPORTUNITIES_CONTACTS_ASSOCIATION", "relationId": opportunity.id, "primary": true,
            "objectKey": "contact", "recordId": contact.id, "fullName": contact.name(),
            "contactName": contact.name(), "companyName": contact.text("companyName"),
            "email": contact.text("email"), "phone": contact.text("phone"), "tags": contact.tags,
        }]);
    }
    view
}

/// Any change is told as one, and those of a status, stage, value or owner once more.
fn events(_: &World, change: Change<'_>) -> Vec<Event> {
    let mut names = match change {
        Change::Created(_) => vec!["OpportunityCreate"],
        Change::Updated(..) => vec!["OpportunityUpdate"],
        Change::Deleted(_) => vec!["OpportunityDelete"],
    };
    if let Change::Updated(_, changed) = change {
        let special = [
            ("status", "OpportunityStatusUpdate"),
            ("pipelineStageId", "OpportunityStageUpdate"),
            ("monetaryValue", "OpportunityMonetaryValueUpdate"),
            ("assignedTo", "OpportunityAssignedToUpdate"),
        ];
        let told = |member: &str| changed.iter().any(|changed| changed == member);
        names.extend(
            special
                .iter()
                .filter(|(member, _)| told(member))
                .map(|(_, name)| name),
        );
    }
    let opportunity = change.record();
    let event = |name: &'static str| {
        let mut body = json!({ "type": name, "locationId": opportunity.member("locationId") });
        body["id"] = opportunity.id.clone().into();
        payload::copy(
            &mut body,
            opportunity,
            &[
                "assignedTo",
                "contactId",
                "monetaryValue",
                "name",
                "pipelineId",
                "pipelineStageId",
                "source",
                "status",
            ],
        );
        body["dateAdded"] = iso(opportunity.created_at).into();
        Event::new(name, &opportunity.id, body)
    };
    names.into_iter().map(event).collect()
}
