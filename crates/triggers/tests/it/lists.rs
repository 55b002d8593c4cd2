//! Lists that are compared as a whole, lists that hang on other records, single records and answers.

use std::collections::BTreeSet;
use std::time::Duration;

use canopy_mapping::Source;
use canopy_store::{EventState, Store};
use canopy_triggers::{PlanError, PollOptions, PollSpec, Poller, Polls};
use serde_json::{Value, json};

use crate::support::{World, stored};

fn spec(operation: &str, arguments: &Value) -> PollSpec {
    PollSpec {
        operation: operation.to_owned(),
        arguments: arguments.as_object().unwrap().clone(),
        every: None,
        backfill: false,
    }
}

async fn world(contacts: u64) -> World {
    let world = World::new(contacts).await;
    world.same_time().await;
    world
}

fn poller(world: &World, specs: &[PollSpec], kinds: &[&str]) -> Poller {
    world.poller(PollOptions::default(), "test", specs, kinds)
}

async fn note(world: &World, contact: &str, body: &str) -> String {
    let arguments = json!({ "contactId": contact, "body": body });
    let note = world.call("create-note", arguments).await;
    note["note"]["id"].as_str().unwrap().to_owned()
}

/// Kinds of the events about a record, oldest first.
async fn told(world: &World, record: &str) -> Vec<String> {
    let events = world.events().await.into_iter();
    let of = events.filter(|(_, other)| other == record);
    of.map(|(kind, _)| kind).collect()
}

/// The next answer of an operation has these values.
async fn altered(world: &World, operation: &str, set: Value) {
    let fault = json!({ "kind": "alter", "operation": operation, "set": set, "times": 1 });
    world.control("/faults", fault).await;
}

#[tokio::test]
async fn what_is_no_record_is_neither_made_nor_deleted_and_is_told() {
    for (operation, items) in [
        ("get-calendars", "/calendars"),
        ("get-workflow", "/workflows"),
        ("get-campaigns", "/campaigns"),
        ("search-opportunity", "/opportunities"),
    ] {
        for odd in [
            json!(null),
            json!("x"),
            json!([]),
            json!({}),
            json!({ "error": "could not load" }),
            json!({ "name": "no id" }),
        ] {
            let world = world(3).await;
            for contact in world.books("/contacts").await {
                let pipeline = world.books("/records/pipelines").await[0]["id"].clone();
                let contact = contact["id"].clone();
                let deal = json!({ "name": "Deal", "pipelineId": pipeline, "contactId": contact, "status": "open" });
                world.control("/opportunities", deal).await;
                for path in [
                    "/records/calendars",
                    "/records/workflows",
                    "/records/campaigns",
                ] {
                    let body = json!({ "locationId": world.location(), "name": "Oaks" });
                    world.control(path, body).await;
                }
            }
            let poller = poller(&world, &[spec(operation, &json!({}))], &[]);
            let first = format!("{items}/0");
            world.advance(60).await;
            // Of a record that is hidden at the baseline nobody says later that it is new.
            altered(&world, operation, json!({ first.clone(): odd })).await;
            let error = poller.poll().await.unwrap_err().to_string();
            assert!(error.contains("1 element(s)"), "{operation}: {error}");
            world.delete("/faults").await;
            world.advance(600).await;
            poller.poll().await.unwrap();
            for _ in 0..3 {
                world.advance(600).await;
                altered(&world, operation, json!({ first.clone(): odd })).await;
                assert!(poller.poll().await.is_err(), "{operation}: {odd}");
                world.delete("/faults").await;
            }
            world.advance(600).await;
            poller.poll().await.unwrap();
            assert_eq!(world.events().await, [], "{operation}: {odd}");
        }
    }
}

#[tokio::test]
async fn a_contact_behind_what_is_no_record_is_told_when_it_shows() {
    let world = world(3).await;
    let poller = poller(&world, &[], &["contact.updated"]);
    assert!(poller.poll().await.unwrap().baseline);
    world.advance(600).await;
    let contacts = world.books("/contacts").await;
    let id = |place: usize| contacts[place]["id"].as_str().unwrap().to_owned();
    world.rename(&id(0), "Ada").await;
    world.advance(300).await;
    world.rename(&id(1), "Grace").await;
    for _ in 0..2 {
        world.advance(300).await;
        altered(
            &world,
            "search-contacts-advanced",
            json!({ "/contacts/0": null }),
        )
        .await;
        assert!(poller.poll().await.is_err() || !world.events().await.is_empty());
    }
    world.delete("/faults").await;
    world.advance(300).await;
    poller.poll().await.unwrap();
    for place in [0, 1] {
        assert_eq!(told(&world, &id(place)).await, ["contact.updated"]);
    }
}

#[tokio::test]
async fn notes_are_read_for_contacts_that_changed() {
    let world = world(3).await;
    let contacts = world.books("/contacts").await;
    let contact = contacts[0]["id"].as_str().unwrap().to_owned();
    let old = note(&world, &contact, "before the baseline").await;
    world.advance(1).await;
    let poller = poller(
        &world,
        &[],
        &["note.created", "note.updated", "note.deleted"],
    );
    assert!(poller.poll().await.unwrap().baseline);
    world.advance(600).await;
    let new = note(&world, &contact, "new").await;
    world.rename(&contact, "Ada").await;
    poller.poll().await.unwrap();
    assert_eq!(told(&world, &new).await, ["note.created"]);
    assert_eq!(told(&world, &old).await, [""; 0]);

    world.advance(600).await;
    for (id, body) in [(&new, "once more"), (&old, "changed")] {
        let arguments = json!({ "contactId": contact, "id": id, "body": body });
        world.call("update-note", arguments).await;
    }
    world.rename(&contact, "Grace").await;
    poller.poll().await.unwrap();
    assert_eq!(told(&world, &new).await, ["note.created", "note.updated"]);
    assert_eq!(told(&world, &old).await, ["note.updated"]);

    world.advance(600).await;
    let arguments = json!({ "contactId": contact, "id": new });
    world.call("delete-note", arguments).await;
    world.rename(&contact, "Ada").await;
    assert!(stored(poller.poll().await.unwrap()) >= 2);
    assert_eq!(
        told(&world, &new).await,
        ["note.created", "note.updated", "note.deleted"]
    );
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    let deleted = world.store.recent_events(1).await.unwrap().remove(0).event;
    assert_eq!(deleted.contact.as_ref(), Some(&contact));
    assert_eq!(deleted.version.as_deref(), Some("deleted"));
}

#[tokio::test]
async fn notes_that_were_there_are_history_to_all_but_the_trigger_that_asks_for_them() {
    let world = world(1).await;
    let contacts = world.books("/contacts").await;
    let contact = contacts[0]["id"].as_str().unwrap();
    let old = note(&world, contact, "there before").await;
    world.advance(60).await;
    let spec = PollSpec {
        backfill: true,
        ..spec("get-all-notes", &json!({}))
    };
    let poller = poller(&world, &[spec], &["note.created"]);
    poller.poll().await.unwrap();
    world.advance(600).await;
    let new = note(&world, contact, "new").await;
    world.rename(contact, "Ada").await;
    poller.poll().await.unwrap();
    let rows = world.store.recent_events(20).await.unwrap();
    let of = |note: &String| {
        let row = rows.iter().find(|row| row.event.record == *note);
        let event = row.unwrap().event.clone();
        (event.source, event.trace.found_by)
    };
    let poll = "get-all-notes".to_owned();
    let mark = canopy_mapping::FIRST_POLL.to_owned();
    assert_eq!(of(&old), (Source::Manual, vec![poll.clone(), mark]));
    assert_eq!(of(&new), (Source::Poll, vec![poll]));
}

#[tokio::test]
async fn an_idle_poll_of_notes_reads_no_contact_and_a_sweep_finds_what_moved_none() {
    let world = world(3).await;
    let contacts = world.books("/contacts").await;
    let poller = poller(&world, &[], &["note.created"]);
    poller.poll().await.unwrap();
    world.advance(600).await;
    poller.poll().await.unwrap();
    let before = world.books("/requests").await.len();
    world.advance(600).await;
    poller.poll().await.unwrap();
    assert_eq!(world.books("/requests").await.len() - before, 1);

    let mut notes = Vec::new();
    for contact in &contacts {
        notes.push(note(&world, contact["id"].as_str().unwrap(), "quiet").await);
    }
    for _ in 0..8 {
        world.advance(24 * 3600).await;
        poller.poll().await.unwrap();
    }
    for note in notes {
        assert_eq!(told(&world, &note).await, ["note.created"]);
    }
}

#[tokio::test]
async fn a_task_that_is_completed_is_told_as_that() {
    let world = world(1).await;
    let contacts = world.books("/contacts").await;
    let contact = contacts[0]["id"].as_str().unwrap();
    let arguments = json!({ "contactId": contact });
    let poller = poller(
        &world,
        &[spec("get-all-tasks", &arguments)],
        &["task.completed"],
    );
    poller.poll().await.unwrap();
    let task = json!({ "contactId": contact, "title": "Call", "dueDate": "2100-02-01T00:00:00Z", "completed": false });
    let task = world.call("create-task", task).await;
    let task = task["task"]["id"].as_str().unwrap().to_owned();
    poller.poll().await.unwrap();
    let done = json!({ "contactId": contact, "taskId": task, "completed": true });
    world.call("update-task-completed", done).await;
    poller.poll().await.unwrap();
    let expected = ["task.created", "task.updated", "task.completed"];
    assert_eq!(told(&world, &task).await, expected);
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    let events = world.store.recent_events(10).await.unwrap();
    for row in &events {
        let named = !row.event.trace.found_by.is_empty();
        // The trigger's workflow is started by the change itself, not by each name that it has.
        assert_eq!(
            named,
            row.event.kind != "task.completed" && row.event.kind.starts_with("task.")
        );
    }
}

#[tokio::test]
async fn opportunities_are_compared_across_pages() {
    let world = world(131).await;
    let contacts = world.books("/contacts").await;
    let location = world.location().to_owned();
    let pipelines = world
        .call("get-pipelines", json!({ "locationId": location }))
        .await;
    let pipeline = &pipelines["pipelines"][0];
    let (pipeline, stage) = (pipeline["id"].clone(), pipeline["stages"][0]["id"].clone());
    let make = async |number: usize| {
        let body = json!({ "pipelineId": pipeline, "pipelineStageId": stage, "locationId": location,
            "contactId": contacts[number]["id"], "name": "Deal", "status": "open" });
        let made = world.control("/opportunities", body).await;
        made["id"].as_str().unwrap().to_owned()
    };
    let mut ids = Vec::new();
    for number in 0..130 {
        ids.push(make(number).await);
    }
    let kinds = [
        "opportunity.created",
        "opportunity.updated",
        "opportunity.deleted",
        "opportunity.status_updated",
    ];
    let poller = poller(&world, &[], &kinds);
    poller.poll().await.unwrap();
    world.advance(60).await;
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    let new = make(130).await;
    world
        .control(
            &format!("/opportunities/{}", ids[7]),
            json!({ "status": "won" }),
        )
        .await;
    assert_eq!(stored(poller.poll().await.unwrap()), 3);
    assert_eq!(told(&world, &new).await, ["opportunity.created"]);
    assert_eq!(
        told(&world, &ids[7]).await,
        ["opportunity.updated", "opportunity.status_updated"]
    );
}

#[tokio::test]
async fn a_single_record_and_an_answer_fire_when_they_change() {
    let world = world(0).await;
    let contact = world.create("Ada").await;
    world
        .control(
            &format!("/contacts/{contact}"),
            json!({ "email": "ada@example.com" }),
        )
        .await;
    let poller = poller(
        &world,
        &[
            spec("get-contact", &json!({ "contactId": contact })),
            spec(
                "get-duplicate-contact",
                &json!({ "email": "eve@example.com" }),
            ),
        ],
        &[],
    );
    poller.poll().await.unwrap();
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    world.advance(60).await;
    world.rename(&contact, "Grace").await;
    assert_eq!(stored(poller.poll().await.unwrap()), 1);
    assert_eq!(told(&world, &contact).await, ["contact.updated"]);
    // A to B to A are three.
    for email in ["eve@example.com", "ada@example.com", "eve@example.com"] {
        world.advance(60).await;
        world
            .control(&format!("/contacts/{contact}"), json!({ "email": email }))
            .await;
        poller.poll().await.unwrap();
    }
    let events = world.store.recent_events(20).await.unwrap();
    let changed: Vec<_> = events
        .iter()
        .filter(|row| row.event.kind == "duplicate_contact.changed")
        .collect();
    assert_eq!(changed.len(), 3);
    assert!(changed.iter().all(|row| row.state == EventState::Pending));
}

#[tokio::test]
async fn a_preview_stores_nothing() {
    let world = world(2).await;
    let poller = poller(&world, &[], &["contact.created", "contact.updated"]);
    let polls = poller.polls();
    let poll = polls.iter().next().unwrap();
    let first = poller.preview(poll).await.unwrap();
    assert!(first.baseline);
    assert_eq!(first.events.len(), 2);
    poller.poll().await.unwrap();
    let new = world.create("Ada").await;
    for _ in 0..2 {
        let preview = poller.preview(poll).await.unwrap();
        assert!(!preview.baseline);
        let records: Vec<_> = preview.events.iter().map(|event| &event.record).collect();
        assert_eq!(records, [&new]);
    }
    assert_eq!(world.events().await, []);
}

#[test]
fn triggers_on_the_same_list_share_a_poll_and_parents_come_first() {
    let options = PollOptions::default();
    let often = PollSpec {
        every: Some(Duration::from_mins(2)),
        ..spec("get-all-notes", &json!({}))
    };
    let specs = [
        spec("get-all-notes", &json!({})),
        often,
        spec("get-all-notes", &json!({ "contactId": "c" })),
    ];
    let kinds = ["note.created", "invoice.paid"].map(str::to_owned).into();
    let polls = Polls::new(&specs, &kinds, &options).unwrap();
    let every: Vec<_> = polls
        .iter()
        .map(|poll| (poll.operation.name, poll.every.as_secs()))
        .collect();
    assert_eq!(
        every,
        [
            ("search-contacts-advanced", 300),
            ("get-all-notes", 120),
            ("get-all-notes", 300)
        ]
    );
}

#[test]
fn a_trigger_that_cannot_be_polled_is_refused() {
    let options = PollOptions::default();
    let new = |spec: PollSpec| Polls::new(&[spec], &BTreeSet::new(), &options).unwrap_err();
    assert!(matches!(
        new(spec("create-note", &json!({}))),
        PlanError::NoTrigger { .. }
    ));
    let missing = new(spec("get-contact", &json!({})));
    assert!(missing.to_string().contains("contactId"), "{missing}");
    let often = PollSpec {
        every: Some(Duration::from_secs(30)),
        ..spec("get-calendars", &json!({}))
    };
    assert!(matches!(new(often), PlanError::Interval { .. }));
}
