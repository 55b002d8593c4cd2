//! What a poll reports, and what it does not.

use canopy_mapping::Source;
use canopy_store::Store;
use canopy_triggers::{PollError, PollOptions, PollSpec};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{World, stored};

/// The live form of the search has no `dndSettings`: whoever changed is read.
#[tokio::test]
async fn who_blocks_a_channel_is_told_from_answers_that_do_not_show_it_with_a_call_for_each_change()
{
    let world = World::new(20).await;
    let options = PollOptions::default();
    let poll = world.poller(options, "test", &[], &["contact.dnd_updated"]);
    poll.poll().await.unwrap();
    let ada = world.create("Ada").await;
    let bob = world.create("Bob").await;
    poll.poll().await.unwrap();
    let told = async || {
        let events = world.events().await.into_iter();
        let dnd = events.filter(|(kind, _)| kind == "contact.dnd_updated");
        dnd.map(|(_, contact)| contact).collect::<Vec<_>>()
    };
    assert!(told().await.is_empty(), "nothing is blocked");
    let blocks = |status: &str| json!({ "dndSettings": { "SMS": { "status": status } } });
    let edit = async |contact: &str, body: Value| {
        world.advance_sandbox(120).await;
        world.control(&format!("/contacts/{contact}"), body).await;
        let calls = world.books("/requests").await.len();
        poll.poll().await.unwrap();
        world.books("/requests").await.len() - calls
    };
    // A search, and a read of the contact that changed.
    assert_eq!(edit(&ada, blocks("active")).await, 2);
    assert_eq!(told().await, [&*ada]);
    edit(&ada, json!({ "firstName": "Eve" })).await;
    assert_eq!(told().await, [&*ada]);
    edit(&ada, blocks("inactive")).await;
    assert_eq!(told().await, [&*ada, &*ada]);
    edit(&bob, blocks("inactive")).await;
    assert_eq!(told().await, [&*ada, &*ada], "he never blocked anything");
    // Somebody whom nobody read before.
    let history = world.books("/contacts").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    edit(&history, blocks("permanent")).await;
    assert_eq!(told().await, [&*ada, &*ada, &*history]);
    // Who answers a message with STOP: no webhook tells of it.
    let stop =
        json!({ "inboundDndSettings": { "all": { "status": "active", "message": "STOP" } } });
    edit(&bob, stop).await;
    assert_eq!(told().await, [&*ada, &*ada, &*history, &*bob]);
}

/// A webhook's event that somebody blocked SMS, or of another change, with the contact as it was read then.
async fn told_blocked(world: &World, kind: &str, contact: &str) {
    let now = canopy_store::clock::Clock::now(&*world.clock);
    let read = world
        .call("get-contact", json!({ "contactId": contact }))
        .await;
    let event = canopy_store::NewEvent {
        source: Source::Webhook,
        kind: kind.to_owned(),
        location: world.location().to_owned(),
        contact: Some(contact.to_owned()),
        record: contact.to_owned(),
        occurred_at: now,
        version: Some(now.to_string()),
        delivery: None,
        payload: read["contact"].clone(),
        trace: canopy_mapping::Trace::default(),
    };
    world.store.insert_events(vec![event], now).await.unwrap();
}

/// Of somebody who was there before anything was known the search shows no channels.
#[tokio::test]
async fn a_block_that_a_webhook_told_is_not_told_again_with_the_next_change_and_one_that_nobody_told_is_told_once()
 {
    // What was told, whether that was told as a block, and what is told beside it then.
    for (kind, told, then) in [
        ("contact.dnd_updated", 1, 0),
        ("contact.updated", 0, 1),
        ("contact.dnd_updated", 1, 1),
    ] {
        let world = World::new(2).await;
        world.same_time().await;
        let options = PollOptions::default();
        let poll = world.poller(options, "test", &[], &["contact.dnd_updated"]);
        poll.poll().await.unwrap();
        let contact = world.books("/contacts").await[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/contacts/{contact}");
        let blocks = |status: &str| json!({ "dndSettings": { "SMS": { "status": status } } });
        world.advance(120).await;
        world.control(&path, blocks("active")).await;
        told_blocked(&world, kind, &contact).await;
        world.advance(120).await;
        // It is lifted again before the poll reads it, or only the name changes.
        let lifted = told + then == 2;
        let edit = if lifted {
            blocks("inactive")
        } else {
            json!({ "firstName": "Eve" })
        };
        world.control(&path, edit).await;
        for _ in 0..2 {
            world.advance(300).await;
            poll.poll().await.unwrap();
        }
        let events = world.events().await.into_iter();
        let dnd = events.filter(|(kind, _)| kind == "contact.dnd_updated");
        assert_eq!(dnd.count(), told + then, "{kind}");
    }
}

#[tokio::test]
async fn the_first_poll_is_a_baseline_and_an_idle_poll_costs_one_call() {
    let world = World::new(100_000).await;
    let poll = world.poll();
    assert!(poll.poll().await.unwrap().baseline);
    world.advance_sandbox(600).await;
    let before = world.books("/requests").await.len();
    assert_eq!(stored(poll.poll().await.unwrap()), 0);
    assert_eq!(world.books("/requests").await.len() - before, 1);
    assert_eq!(world.events().await, []);
}

#[tokio::test]
async fn new_and_changed_contacts_are_reported_once() {
    let world = World::new(3).await;
    let old = world.books("/contacts").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let poll = world.poll();
    poll.poll().await.unwrap();
    let new = world.create("Ada").await;
    world.rename(&old, "Changed").await;
    assert_eq!(stored(poll.poll().await.unwrap()), 2);
    assert_eq!(stored(poll.poll().await.unwrap()), 0, "within the overlap");
    world.advance_sandbox(600).await;
    world.rename(&new, "Grace").await;
    assert_eq!(stored(poll.poll().await.unwrap()), 1);
    let mut events = world.events().await;
    events[..2].sort();
    let expected = [
        ("contact.created", &new),
        ("contact.updated", &old),
        ("contact.updated", &new),
    ];
    let expected = expected.map(|(kind, id)| (kind.to_owned(), id.clone()));
    assert_eq!(events, expected);
}

#[tokio::test]
async fn a_change_within_a_second_of_the_creation_is_reported() {
    let world = World::new(0).await;
    let poll = world.poll();
    poll.poll().await.unwrap();
    let contact = world.create("Ada").await;
    assert_eq!(stored(poll.poll().await.unwrap()), 1);
    world.rename(&contact, "Grace").await;
    assert_eq!(stored(poll.poll().await.unwrap()), 1);
}

#[tokio::test]
async fn what_the_search_shows_late_is_not_missed() {
    let world = World::new(2).await;
    world
        .control("/settings", json!({ "search_lag_seconds": 20 }))
        .await;
    world.advance_sandbox(30).await;
    let poll = world.poll();
    poll.poll().await.unwrap();
    world.create("Slow").await;
    world.advance_sandbox(15).await;
    world.create("Later").await;
    world.advance_sandbox(10).await;
    // The first is visible by now, the second not yet.
    assert_eq!(stored(poll.poll().await.unwrap()), 1);
    world.advance_sandbox(15).await;
    assert_eq!(stored(poll.poll().await.unwrap()), 1);
    assert_eq!(world.events().await.len(), 2);
}

#[tokio::test]
async fn the_overlap_covers_a_search_that_shows_some_changes_later_than_others() {
    let world = World::new(0).await;
    world.same_time().await;
    let lag = json!({ "search_lag_seconds": 59, "search_lag_uneven": true });
    world.control("/settings", lag).await;
    let poll = world.poll();
    poll.poll().await.unwrap();
    let mut made = std::collections::BTreeSet::new();
    for number in 0..40 {
        made.insert(world.create(&format!("{number}")).await);
        world.advance(3).await;
        poll.poll().await.unwrap();
    }
    world.advance(60).await;
    poll.poll().await.unwrap();
    let told: Vec<_> = world.events().await;
    assert!(told.iter().all(|(kind, _)| kind == "contact.created"));
    let records: Vec<_> = told.iter().map(|(_, record)| record).collect();
    assert_ne!(
        records,
        made.iter().collect::<Vec<_>>(),
        "they did not show up in order"
    );
    assert_eq!(records.len(), made.len(), "each once");
    let told: std::collections::BTreeSet<_> = records.into_iter().cloned().collect();
    assert_eq!(told, made);
}

#[tokio::test]
async fn many_changes_at_one_instant_cross_page_borders() {
    let world = World::new(0).await;
    let poll = world.poll();
    poll.poll().await.unwrap();
    world.control("/clock", json!({ "frozen": true })).await;
    world
        .control("/seed", json!({ "contacts": 1234, "webhooks": false }))
        .await;
    assert_eq!(stored(poll.poll().await.unwrap()), 1234);
    assert_eq!(stored(poll.poll().await.unwrap()), 0);
    let records: std::collections::HashSet<_> = world
        .events()
        .await
        .into_iter()
        .map(|(_, record)| record)
        .collect();
    assert_eq!(records.len(), 1234);
}

#[tokio::test]
async fn backfill_reports_what_was_there() {
    let world = World::new(5).await;
    let options = PollOptions {
        backfill: true,
        ..PollOptions::default()
    };
    assert_eq!(
        stored(world.poll_with(options, "test").poll().await.unwrap()),
        5
    );
}

#[tokio::test]
async fn what_was_there_is_history_until_it_also_arrives_by_itself() {
    let world = World::new(0).await;
    let (early, late) = (world.create("Ada").await, world.create("Grace").await);
    crate::receive::deliver(&world, "ContactCreate", &early)
        .await
        .unwrap();
    let spec = PollSpec {
        operation: "search-contacts-advanced".to_owned(),
        arguments: serde_json::Map::new(),
        every: None,
        backfill: true,
    };
    let poll = world.poller(PollOptions::default(), "test", &[spec], &[]);
    poll.poll().await.unwrap();
    let row = async |record: &str| {
        let rows = world.store.recent_events(10).await.unwrap();
        assert_eq!(rows.len(), 2);
        let row = rows.into_iter().find(|row| row.event.record == record);
        row.unwrap().event
    };
    let mark = canopy_mapping::FIRST_POLL.to_owned();
    let found_by = ["search-contacts-advanced".to_owned(), mark];
    let told = row(&early).await;
    assert_eq!(told.source, Source::Webhook);
    assert_eq!(
        told.trace.found_by, found_by,
        "the trigger starts on it, too"
    );
    let told = row(&late).await;
    assert_eq!(
        (told.source, told.trace.found_by),
        (Source::Manual, found_by.to_vec())
    );
    crate::receive::deliver(&world, "ContactCreate", &late)
        .await
        .unwrap();
    assert_eq!(row(&late).await.source, Source::Webhook);
}

#[tokio::test]
async fn a_restart_goes_on_where_the_cursor_is() {
    let world = World::new(1).await;
    world.poll().poll().await.unwrap();
    world.create("While it was down").await;
    assert_eq!(stored(world.poll().poll().await.unwrap()), 1);
}

#[tokio::test]
async fn a_failed_poll_moves_nothing() {
    let world = World::new(0).await;
    let poll = world.poll();
    poll.poll().await.unwrap();
    world.create("Ada").await;
    let refusal = json!({ "kind": "status", "status": 401, "operation": "search-contacts-advanced", "times": 1 });
    world.control("/faults", refusal).await;
    assert!(matches!(poll.poll().await, Err(PollError::Service { .. })));
    assert_eq!(stored(poll.poll().await.unwrap()), 1);
}

#[tokio::test]
async fn only_the_owner_of_the_location_polls() {
    let world = World::new(0).await;
    world.poll().poll().await.unwrap();
    let before = world.books("/requests").await.len();
    let other = world.poll_with(PollOptions::default(), "another process");
    assert!(!other.poll().await.unwrap().owner);
    assert_eq!(world.books("/requests").await.len(), before);
    world.clock.advance(SignedDuration::from_secs(61));
    assert!(other.poll().await.unwrap().owner, "the lease has run out");
}

#[tokio::test]
async fn a_webhook_and_a_poll_of_a_creation_are_one_event() {
    let world = World::new(0).await;
    let poll = world.poll();
    poll.poll().await.unwrap();
    let contact = world.create("Ada").await;
    crate::receive::deliver(&world, "ContactCreate", &contact)
        .await
        .unwrap();
    let polled = poll.poll().await.unwrap();
    assert_eq!((polled.stored, polled.duplicates), (0, 1));
    let events = world
        .store
        .pending_events(world.location(), world_now(&world), 0, 10)
        .await
        .unwrap();
    assert_eq!(events.len(), 1);
}

fn world_now(world: &World) -> jiff::Timestamp {
    canopy_store::clock::Clock::now(&*world.clock)
}

#[tokio::test]
async fn a_wrong_date_in_the_future_does_not_blind_later_polls() {
    let world = World::new(0).await;
    let poll = world.poll();
    poll.poll().await.unwrap();
    world
        .control("/clock", json!({ "set": "2200-01-01T00:00:00Z" }))
        .await;
    world.create("From the future").await;
    assert_eq!(stored(poll.poll().await.unwrap()), 1);
    let cursor = world
        .store
        .cursor(world.location(), "search-contacts-advanced")
        .await
        .unwrap()
        .unwrap();
    let since: jiff::Timestamp = cursor.state["since"].as_str().unwrap().parse().unwrap();
    assert!(
        since <= world_now(&world),
        "later polls ask from {since} on"
    );
    assert_eq!(
        stored(poll.poll().await.unwrap()),
        0,
        "and know what they have seen"
    );
}
