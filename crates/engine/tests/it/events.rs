//! Which events start runs, and which do not.

use canopy_mapping::{Source, Trace};
use canopy_store::{EventState, NewEvent, Store};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::World;

const NOTE: &str = r#"
id = "greet"
title = "Greet"
on = ["contact.created", "contact.updated", "note.created"]
when = "contact.firstName != 'Nobody'"

[[do]]
id = "note"
action = "create-note"
with = { contactId = "{{ contact.id }}", body = "Hello {{ contact.firstName }}" }
"#;

const MARK: &str = r#"
id = "mark"
title = "Mark"
on = ["contact.created", "contact.updated"]

[[do]]
id = "fields"
action = "update-contact"
with = { contactId = "{{ contact.id }}" }

[do.custom_fields]
"Greeting" = { value = "Hello {{ contact.firstName }}" }
"#;

async fn states(world: &World) -> Vec<(String, EventState)> {
    let mut rows = world.store.recent_events(100).await.unwrap();
    rows.reverse();
    rows.into_iter()
        .map(|row| (row.event.kind, row.state))
        .collect()
}

#[tokio::test]
async fn the_same_change_by_webhook_and_by_poll_is_one_event() {
    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    world.rename(&contact, "Grace").await;
    world.hint(&contact, "d1").await;
    world.poll.poll().await.unwrap();
    world.drain().await;
    let started = states(&world)
        .await
        .into_iter()
        .filter(|(_, state)| *state == EventState::Started);
    assert_eq!(started.count(), 2, "the creation and one update");
    let summary = world.store.summary().await.unwrap();
    assert_eq!((summary.runs_done, summary.runs_open), (2, 0));
}

#[tokio::test]
async fn there_and_back_again_is_three_events() {
    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    for name in ["Grace", "Ada", "Grace"] {
        world.rename(&contact, name).await;
        // The payloads of the first and the third change are the same bytes.
        world.hint(&contact, name).await;
        world.drain().await;
    }
    assert_eq!(world.store.summary().await.unwrap().runs_done, 4);
}

#[tokio::test]
async fn a_record_that_we_created_is_an_echo_and_one_that_a_person_created_is_not() {
    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let ours = world.notes(&contact).await.remove(0);
    world
        .note_webhook(&contact, ours["id"].as_str().unwrap())
        .await;
    world.drain().await;
    assert_eq!(
        states(&world).await[1],
        ("note.created".to_owned(), EventState::Echo)
    );
    let theirs = world.create_note(&contact, "Call back").await;
    world.note_webhook(&contact, &theirs).await;
    world.drain().await;
    assert_eq!(
        states(&world).await[2],
        ("note.created".to_owned(), EventState::Started)
    );
    assert_eq!(world.notes(&contact).await.len(), 3);
}

#[tokio::test]
async fn a_condition_keeps_a_run_from_starting() {
    let world = World::new(NOTE).await;
    world.create("Nobody").await;
    world.poll_and_drain().await;
    assert_eq!(
        states(&world).await,
        [("contact.created".to_owned(), EventState::NoMatch)]
    );
}

#[tokio::test]
async fn a_contact_that_is_gone_ends_its_event() {
    let world = World::new(NOTE).await;
    world.hint("nobodyknowsthiscontact", "d1").await;
    world.drain().await;
    world.wait(SignedDuration::from_mins(15));
    world.drain().await;
    assert_eq!(
        states(&world).await,
        [("contact.updated".to_owned(), EventState::Gone)]
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_read_now_is_read_later() {
    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    let refusal = json!({ "kind": "status", "status": 401, "operation": "get-contact" });
    world.control("/faults", refusal).await;
    world.hint(&contact, "d1").await;
    world.drain().await;
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.state, EventState::Pending);
    assert!(row.next_attempt_at.is_some() && row.error.is_some());
    world.clear_faults().await;
    world.wait(SignedDuration::from_mins(1));
    world.drain().await;
    assert_eq!(world.store.summary().await.unwrap().runs_done, 1);
}

#[tokio::test]
async fn what_we_wrote_ourselves_starts_nothing_but_a_later_change_does() {
    let world = World::new(MARK).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    world.hint(&contact, "d1").await;
    world.drain().await;
    assert_eq!(
        states(&world).await,
        [
            ("contact.created".to_owned(), EventState::Started),
            ("contact.updated".to_owned(), EventState::Echo),
        ]
    );
    world.rename(&contact, "Grace").await;
    world.hint(&contact, "d2").await;
    world.drain().await;
    assert_eq!(world.store.summary().await.unwrap().runs_done, 2);
    // And the write of that run is an echo again.
    world.hint(&contact, "d3").await;
    world.drain().await;
    assert_eq!(world.store.summary().await.unwrap().runs_done, 2);
}

/// An event of a contact as a poll tells of it.
fn found_by_poll(world: &World, kind: &str, contact: &str, happened: Timestamp) -> NewEvent {
    NewEvent {
        source: Source::Poll,
        kind: kind.into(),
        location: world.location.clone(),
        contact: Some(contact.to_owned()),
        record: contact.to_owned(),
        occurred_at: happened,
        version: kind.ends_with(".created").then(|| "created".to_owned()),
        delivery: None,
        payload: json!({}),
        trace: Trace::default(),
    }
}

#[tokio::test]
async fn what_we_wrote_ourselves_needs_no_approval_however_late_a_poll_finds_it() {
    let world = World::new(MARK).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    assert_eq!(world.store.summary().await.unwrap().runs_done, 1);
    let ours = found_by_poll(&world, "contact.updated", &contact, world.now());
    world.wait(SignedDuration::from_hours(48));
    world.insert(ours).await;
    world.drain().await;
    assert_eq!(
        states(&world).await[1],
        ("contact.updated".to_owned(), EventState::Echo)
    );
    assert!(world.store.alerts(true, 10).await.unwrap().is_empty());

    // What a person wrote waits as ever.
    world.rename(&contact, "Grace").await;
    let theirs = found_by_poll(&world, "contact.updated", &contact, world.now());
    world.wait(SignedDuration::from_hours(48));
    world.insert(theirs).await;
    world.drain().await;
    assert_eq!(
        states(&world).await[2],
        ("contact.updated".to_owned(), EventState::Held)
    );
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!((alerts.len(), &*alerts[0].kind), (1, "approval"));
    assert_eq!(world.store.summary().await.unwrap().runs_done, 1);
}

#[tokio::test]
async fn a_record_that_we_created_needs_no_approval_either() {
    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let note = world.notes(&contact).await.remove(0);
    let theirs = world.create_note(&contact, "Call back").await;
    let found = |note: &str| NewEvent {
        record: note.to_owned(),
        ..found_by_poll(&world, "note.created", &contact, world.now())
    };
    let late = [found(note["id"].as_str().unwrap()), found(&theirs)];
    world.wait(SignedDuration::from_hours(48));
    for event in late {
        world.insert(event).await;
    }
    world.drain().await;
    let states: Vec<_> = states(&world).await.into_iter().map(|row| row.1).collect();
    let expected = [EventState::Started, EventState::Echo, EventState::Held];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn what_a_poll_finds_too_late_waits_for_a_person_who_is_told() {
    let world = World::new(crate::support::TREE_ONLY).await;
    let contact = world.create("Ada").await;
    // Nobody polled for two days, so it happened long ago when it is found.
    let happened = world.now();
    let late = found_by_poll(&world, "contact.created", &contact, happened);
    world.wait(SignedDuration::from_hours(48));
    let now = world.now();
    world.insert(late).await;
    world.drain().await;
    assert!(
        world.bought().await.is_empty(),
        "history buys nothing by surprise"
    );
    let held = world.store.events_in(EventState::Held, 10).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(
        world.store.alerts(true, 10).await.unwrap()[0].kind,
        "approval"
    );

    assert!(
        world
            .store
            .approve_event(held[0].event.id, now)
            .await
            .unwrap()
    );
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1);
}
