//! Webhooks have the described form.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::described::{Described, WEBHOOKS};
use crate::harness::{Receiver, World, send, settled};

/// Kinds of events of what the sandbox does not play, or the start of them, and why.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("app.", "the marketplace installs apps, no operation does"),
    (
        "campaign.",
        "campaigns send by themselves, in their own time",
    ),
    (
        "conversation.merged",
        "conversations of two contacts are never merged",
    ),
    ("email.", "nobody opens or bounces the e-mails of a sandbox"),
    ("invoice.", "no invoices are kept"),
    (
        "knowledge_base",
        "no knowledge bases, files, questions and pages are kept",
    ),
    (
        "message.delivery_requested",
        "no conversation provider is installed",
    ),
    ("object_schema.", "objects are not defined"),
    ("order.", "nobody buys in a shop"),
    ("price.", "no prices are kept"),
    ("product.", "no products are kept"),
    ("record.", "records of objects are not kept"),
    ("saas_plan.", "no plans are sold"),
    ("support_ticket.", "nobody asks for support"),
    // Users are played, but not these.
    ("user.deleted", "the vendor shows no payload of it"),
    ("user.updated", "the vendor shows no payload of it"),
    ("voice_ai_call.", "no agent takes calls"),
];

#[tokio::test]
async fn every_webhook_of_what_is_played_is_sent_in_its_form() {
    let world = settled().await;
    let hooks = Receiver::start(Vec::new()).await;
    let target = json!({ "url": hooks.url });
    world.control("POST", "/webhook-target", target).await;
    let contact = world
        .contact(
            json!({ "firstName": "Ada", "email": "w@example.com", "phone": "+12015550777",
            "dateOfBirth": "1990-09-25" }),
        )
        .await;
    sales(&world, &contact).await;
    calendar(&world, &contact).await;
    links(&world, &contact).await;
    talk(&world, &contact).await;
    agency(&world).await;
    contacts(&world, &contact).await;

    let sent = world.control("GET", "/webhooks", Value::Null).await;
    let described = Described::new(WEBHOOKS);
    let events = described.document["events"].as_object().unwrap();
    let mut seen = BTreeSet::new();
    for webhook in sent.as_array().unwrap() {
        let (name, payload) = (webhook["event"].as_str().unwrap(), &webhook["payload"]);
        let event = events
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not described"));
        let faults = described.faults(&event["payload"], payload);
        assert!(faults.is_empty(), "{name}: {faults:?} in {payload}");
        for place in ["record", "contact"] {
            // As reported of the service; the record is read for it.
            if (name, place) == ("TaskCreate", "contact") {
                assert_eq!(payload.get("contactId"), None);
                continue;
            }
            if let Some(pointer) = event[place].as_str() {
                // A message's payload may name its conversation only.
                let meanwhile = event["listed"]["meanwhile"].as_str();
                let id = payload
                    .pointer(pointer)
                    .or_else(|| payload.pointer(meanwhile?));
                assert!(id.is_some_and(Value::is_string), "{name} names its {place}");
            }
        }
        let told = payload["type"].as_str();
        assert!(told.is_none_or(|told| told == name), "{name}: {payload}");
        seen.insert(name.to_owned());
    }
    let is_played = |event: &Value| {
        let kind = event["kind"].as_str().unwrap();
        !NOT_PLAYED.iter().any(|(start, _)| kind.starts_with(start))
    };
    let missing: Vec<&String> = events
        .iter()
        .filter(|(name, event)| is_played(event) && !seen.contains(*name))
        .map(|(name, _)| name)
        .collect();
    assert!(missing.is_empty(), "not sent: {missing:?}");
    for (start, reason) in NOT_PLAYED {
        let mut kinds = events.values().filter_map(|event| event["kind"].as_str());
        assert!(
            kinds.any(|kind| kind.starts_with(start)),
            "no event is {start} ({reason})"
        );
        let played = seen
            .iter()
            .find(|name| events[*name]["kind"].as_str().unwrap().starts_with(start));
        assert_eq!(played, None, "is sent although {reason}");
    }
}

async fn change(world: &World, method: &str, path: &str, body: Value) -> Value {
    let reply = world.call(method, path, body).await;
    assert!(reply.status < 300, "{method} {path}: {}", reply.body);
    reply.body
}

async fn contacts(world: &World, id: &str) {
    let contact = format!("/contacts/{id}");
    let dnd = json!({ "dnd": true, "tags": ["a"], "dndSettings": { "SMS": { "status": "active", "message": "no", "code": "1" } } });
    change(world, "PUT", &contact, dnd).await;
    let notes = format!("{contact}/notes");
    let note = change(world, "POST", &notes, json!({ "body": "x" })).await;
    let note = format!("{notes}/{}", note["note"]["id"].as_str().unwrap());
    change(world, "PUT", &note, json!({ "body": "y" })).await;
    change(world, "DELETE", &note, Value::Null).await;
    let tasks = format!("{contact}/tasks");
    let task =
        json!({ "title": "t", "body": "b", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = change(world, "POST", &tasks, task).await;
    let task = format!("{tasks}/{}", task["task"]["id"].as_str().unwrap());
    let done = json!({ "completed": true });
    change(world, "PUT", &format!("{task}/completed"), done).await;
    change(world, "DELETE", &task, Value::Null).await;
    change(world, "DELETE", &contact, Value::Null).await;
}

async fn sales(world: &World, contact: &str) {
    let pipeline = world.first("pipelines").await;
    let order = json!({ "locationId": world.info().location_id, "pipelineId": pipeline["id"], "name": "Hedge",
        "status": "open", "contactId": contact });
    let made = change(world, "POST", "/opportunities/", order).await;
    let own = format!(
        "/opportunities/{}",
        made["opportunity"]["id"].as_str().unwrap()
    );
    let all = json!({ "status": "won", "pipelineStageId": pipeline["stages"][1]["id"], "monetaryValue": 5,
        "assignedTo": world.first("users").await["id"] });
    change(world, "PUT", &own, all).await;
    change(world, "DELETE", &own, Value::Null).await;
}

async fn calendar(world: &World, contact: &str) {
    let calendar = world.first("calendars").await["id"].clone();
    let path = "/calendars/events/appointments";
    let order = json!({ "locationId": world.info().location_id, "calendarId": calendar, "contactId": contact,
        "startTime": "2027-03-01T09:00:00Z", "ignoreFreeSlotValidation": true });
    let made = change(world, "POST", path, order).await;
    let id = made["id"].as_str().unwrap();
    let update = json!({ "title": "Moved" });
    change(world, "PUT", &format!("{path}/{id}"), update).await;
    let own = format!("/calendars/events/{id}");
    change(world, "DELETE", &own, Value::Null).await;
}

async fn links(world: &World, contact: &str) {
    let location = &world.info().location_id;
    let order = json!({ "locationId": location, "key": "k", "firstObjectLabel": "a", "firstObjectKey": "contact",
        "secondObjectLabel": "b", "secondObjectKey": "custom_objects.tree" });
    let made = change(world, "POST", "/associations/", order).await;
    let id = made["id"].as_str().unwrap();
    let own = format!("/associations/{id}");
    let labels = json!({ "firstObjectLabel": "c", "secondObjectLabel": "d" });
    change(world, "PUT", &own, labels).await;
    let relation = json!({ "locationId": location, "associationId": id, "firstRecordId": contact, "secondRecordId": "oak" });
    change(world, "POST", "/associations/relations", relation).await;
    change(world, "DELETE", &own, Value::Null).await;
}

async fn talk(world: &World, contact: &str) {
    for kind in ["SMS", "Email", "CALL"] {
        let message = json!({ "contactId": contact, "type": kind, "message": "hello" });
        world.control("POST", "/messages", message).await;
    }
    for kind in ["SMS", "Email"] {
        let message = json!({ "contactId": contact, "type": kind, "message": "hello" });
        change(world, "POST", "/conversations/messages", message).await;
    }
}

async fn agency(world: &World) {
    let (location, company) = (&world.info().location_id, &world.info().company_id);
    for kind in ["account", "agency"] {
        let user = json!({ "companyId": company, "firstName": "Ann", "lastName": "Arbor", "password": "not kept 1",
            "email": format!("{kind}@example.com"), "type": kind, "role": "user", "locationIds": [location] });
        let user = change(world, "POST", "/users/", user).await;
        let path = format!("/users/{}", user["id"].as_str().unwrap());
        change(world, "PUT", &path, json!({ "firstName": "Anna" })).await;
        change(world, "DELETE", &path, Value::Null).await;
    }
    let token = json!({ "class": "agency_key" });
    let token = world.control("POST", "/tokens", token).await["token"].clone();
    let order = json!({ "companyId": company, "name": "North" });
    let request = world.request_as(token.as_str().unwrap(), "POST", "/locations/", &order);
    send(request).await.unwrap().expect(200);
    let path = format!("/locations/{location}");
    let name = json!({ "name": "South" });
    world.control("POST", &path, name).await;
}
