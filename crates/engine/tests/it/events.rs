//! Which events start runs, and which do not.

use canopy_store::{EventState, Store};

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
    assert_eq!(
        states(&world).await,
        [("contact.updated".to_owned(), EventState::Gone)]
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_read_now_is_read_later() {
    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    let refusal =
        serde_json::json!({ "kind": "status", "status": 401, "operation": "get-contact" });
    world.control("/faults", refusal).await;
    world.hint(&contact, "d1").await;
    world.drain().await;
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.state, EventState::Pending);
    assert!(row.next_attempt_at.is_some() && row.error.is_some());
    world.clear_faults().await;
    world.wait(jiff::SignedDuration::from_mins(1));
    world.drain().await;
    assert_eq!(world.store.summary().await.unwrap().runs_done, 1);
}

#[tokio::test]
async fn what_we_wrote_ourselves_starts_nothing_but_a_later_change_does() {
    let workflow = r#"
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
    let world = World::new(workflow).await;
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

#[tokio::test]
async fn what_a_poll_finds_too_late_waits_for_a_person_who_is_told() {
    let world = World::new(crate::support::TREE_ONLY).await;
    let contact = world.create("Ada").await;
    // Nobody polled for two days, so it happened long ago when it is found.
    let happened = canopy_store::clock::Clock::now(&*world.clock);
    let late = canopy_store::NewEvent {
        source: canopy_mapping::Source::Poll,
        kind: "contact.created".into(),
        location: world.location.clone(),
        contact: Some(contact.clone()),
        record: contact,
        occurred_at: happened,
        version: Some("created".into()),
        delivery: None,
        payload: serde_json::json!({}),
        trace: canopy_mapping::Trace::default(),
    };
    world.wait(jiff::SignedDuration::from_hours(48));
    let now = canopy_store::clock::Clock::now(&*world.clock);
    world.store.insert_events(vec![late], now).await.unwrap();
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
