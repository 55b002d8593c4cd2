//! What our writes move besides what they write.

use canopy_engine::Options;
use canopy_mapping::{Source, Trace};
use canopy_store::{EventState, NewEvent, Store};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::World;

const NOTE: &str = r#"
id = "note"
title = "A note for each edit"
on = ["contact.updated"]

[[do]]
id = "note"
action = "create-note"
once = "event"
with = { contactId = "{{ contact.id }}", body = "Now {{ contact.firstName }}" }
"#;

const TASK: &str = r#"
id = "task"
title = "A task for each edit"
on = ["contact.updated"]

[[do]]
id = "task"
action = "create-task"
once = "event"
with = { contactId = "{{ contact.id }}", title = "Look at {{ contact.firstName }}", dueDate = "2026-12-01T10:00:00Z", completed = false }
"#;

/// A sandbox in which what belongs to a contact moves it.
async fn moving(workflow: &str) -> World {
    let world = World::with(workflow, |_| {}, Options::default()).await;
    let moves = json!({ "note_moves_contact": true, "task_moves_contact": true });
    world.control("/settings", moves).await;
    world
}

async fn made(world: &World, contact: &str) -> usize {
    let tasks = world
        .invoke("get-all-tasks", json!({ "contactId": contact }))
        .await;
    world.notes(contact).await.len() + tasks["tasks"].as_array().unwrap().len()
}

#[tokio::test]
async fn one_edit_by_a_person_leads_to_one_note_or_task_over_many_polls() {
    for workflow in [NOTE, TASK] {
        let world = moving(workflow).await;
        let contact = world.create("Ada").await;
        world.poll_and_drain().await;
        for (edits, name) in [(1, "Grace"), (2, "Ada"), (3, "Grace")] {
            world.rename(&contact, name).await;
            for _ in 0..10 {
                world.wait(SignedDuration::from_mins(1));
                world.poll_and_drain().await;
            }
            assert_eq!(made(&world, &contact).await, edits, "{name}");
        }
    }
}

#[tokio::test]
async fn an_edit_that_comes_between_is_not_taken_for_our_own_write() {
    let world = moving(NOTE).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    world.rename(&contact, "Grace").await;
    let fault = json!({ "kind": "status", "status": 503, "operation": "create-note", "headers": { "Retry-After": "0" }, "times": 20 });
    world.control("/faults", fault).await;
    world.poll_and_drain().await;
    assert_eq!(made(&world, &contact).await, 0);
    world.clear_faults().await;
    // Nobody has told of this edit when the first note is written at last.
    world.rename(&contact, "Mary").await;
    world.wait(SignedDuration::from_mins(1));
    world.drain().await;
    for _ in 0..10 {
        world.wait(SignedDuration::from_mins(1));
        world.poll_and_drain().await;
    }
    let mut bodies: Vec<_> = world.notes(&contact).await;
    bodies.sort_by_key(|note| note["body"].to_string());
    let bodies: Vec<_> = bodies.iter().map(|note| note["body"].clone()).collect();
    assert_eq!(bodies, ["Now Grace", "Now Mary"]);
}

#[tokio::test]
async fn a_persons_tag_is_told_although_a_note_of_ours_moved_the_contact() {
    let both = NOTE.replace(
        "\"contact.updated\"",
        "\"contact.updated\", \"contact.tags_updated\"",
    );
    let world = moving(&both).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    world
        .control(&format!("/contacts/{contact}"), json!({ "tags": ["vip"] }))
        .await;
    world.hint(&contact, "d1").await;
    let mut row = world.store.recent_events(1).await.unwrap().remove(0).event;
    row.kind = "contact.tags_updated".into();
    let event = canopy_store::NewEvent {
        source: row.source,
        kind: row.kind,
        location: row.location,
        contact: row.contact,
        record: row.record,
        occurred_at: row.occurred_at,
        version: None,
        delivery: Some("d2".into()),
        payload: row.payload,
        trace: row.trace,
    };
    world.insert(event).await;
    world.drain().await;
    let rows = world.store.recent_events(10).await.unwrap();
    let tagged = rows
        .iter()
        .find(|row| row.event.kind == "contact.tags_updated");
    assert_eq!(tagged.unwrap().state, EventState::Started);
}

const WAITS: &str = r#"
id = "waits"
title = "Waits"
on = ["opportunity.created"]

[[do]]
id = "rest"
wait = "1h"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }
when = "opportunity.status == 'open'"
"#;

#[tokio::test]
async fn after_a_wait_nothing_is_judged_on_a_record_that_is_not_there() {
    for (is_deleted, bought) in [(Some(true), 0), (Some(false), 0), (None, 1)] {
        let world = World::with(WAITS, |_| {}, Options::default()).await;
        let contact = world.create("Ada").await;
        let deal = world.opportunity(&contact).await["id"].clone();
        let now = world.now();
        let event = NewEvent {
            source: Source::Webhook,
            kind: "opportunity.created".into(),
            location: world.location.clone(),
            contact: Some(contact),
            record: deal.as_str().unwrap().to_owned(),
            occurred_at: now,
            version: Some("created".to_owned()),
            delivery: None,
            payload: json!({ "id": deal }),
            trace: Trace::default(),
        };
        world.insert(event).await;
        world.drain().await;
        if is_deleted == Some(true) {
            world
                .invoke("delete-opportunity", json!({ "id": deal }))
                .await;
        }
        if is_deleted == Some(false) {
            let lost = json!({ "id": deal, "status": "lost" });
            world.invoke("update-opportunity-status", lost).await;
        }
        // The first read after the wait says that it is not there.
        let body = json!({ "statusCode": 404, "message": "Opportunity not found" });
        let absent = json!({ "kind": "status", "operation": "get-opportunity", "times": 1, "status": 404, "body": body });
        world.control("/faults", absent).await;
        for _ in 0..8 {
            world.wait(SignedDuration::from_mins(20));
            world.drain().await;
        }
        assert_eq!(world.bought().await.len(), bought, "{is_deleted:?}");
    }
}
