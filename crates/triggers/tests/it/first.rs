//! What a first poll tells of records of which the store was told before, and what one wrong clock does.

use canopy_mapping::{FIRST_POLL, Source, Trace};
use canopy_store::{InboxRow, NewEvent, Store};
use canopy_triggers::{PollOptions, PollSpec, Poller};
use serde_json::{Map, Value, json};

use crate::support::World;

const KINDS: &[&str] = &["opportunity.created", "opportunity.status_updated"];

async fn world() -> World {
    let world = World::new(3).await;
    world.same_time().await;
    world
}

fn poller(world: &World, specs: &[PollSpec]) -> Poller {
    world.poller(PollOptions::default(), "test", specs, KINDS)
}

async fn deal(world: &World, number: usize) -> Value {
    let pipeline = world.books("/records/pipelines").await[0]["id"].clone();
    let contact = world.books("/contacts").await[number]["id"].clone();
    let deal =
        json!({ "name": "Deal", "pipelineId": pipeline, "contactId": contact, "status": "open" });
    world.control("/opportunities", deal).await
}

/// A webhook tells of the deal's creation.
async fn told(world: &World, deal: &Value) {
    let now = canopy_store::clock::Clock::now(&*world.clock);
    let payload = json!({ "type": "OpportunityCreate", "id": deal["id"], "contactId": deal["contactId"],
        "name": "Deal", "status": "open", "dateAdded": now.to_string() });
    let event = NewEvent {
        source: Source::Webhook,
        kind: "opportunity.created".into(),
        location: world.location().to_owned(),
        contact: deal["contactId"].as_str().map(str::to_owned),
        record: deal["id"].as_str().unwrap().to_owned(),
        occurred_at: now,
        version: Some("created".into()),
        delivery: None,
        payload,
        trace: Trace::default(),
    };
    world.store.insert_events(vec![event], now).await.unwrap();
}

async fn win(world: &World, deal: &Value) {
    let path = format!("/opportunities/{}", deal["id"].as_str().unwrap());
    world.control(&path, json!({ "status": "won" })).await;
}

async fn rows(world: &World, kind: &str, deal: &Value) -> Vec<InboxRow> {
    let mut rows = world.store.recent_events(100).await.unwrap();
    rows.retain(|row| row.event.kind == kind && deal["id"] == *row.event.record);
    rows
}

/// The change is told once, to everybody who waits for its kind.
async fn is_told_as_won(world: &World, deal: &Value) {
    let told = rows(world, "opportunity.status_updated", deal).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let event = &told[0].event;
    assert_eq!(event.source, Source::Poll, "{event:?}");
    assert!(!event.trace.found_by.iter().any(|mark| mark == FIRST_POLL));
}

#[tokio::test]
async fn a_deal_that_a_webhook_told_and_that_was_won_before_the_first_poll_is_told_as_won() {
    for backfill in [false, true] {
        let world = world().await;
        let (known, unknown) = (deal(&world, 0).await, deal(&world, 1).await);
        told(&world, &known).await;
        world.advance(60).await;
        win(&world, &known).await;
        win(&world, &unknown).await;
        let spec = PollSpec {
            operation: "search-opportunity".to_owned(),
            arguments: Map::new(),
            every: None,
            backfill: true,
        };
        let specs = if backfill { vec![spec] } else { Vec::new() };
        let poller = poller(&world, &specs);
        poller.poll().await.unwrap();
        is_told_as_won(&world, &known).await;
        // What nobody told of is history, to all but the trigger that asks for it.
        for row in world.store.recent_events(100).await.unwrap() {
            let of_other = unknown["id"] == *row.event.record;
            assert!(
                !of_other
                    || row
                        .event
                        .trace
                        .found_by
                        .iter()
                        .any(|mark| mark == FIRST_POLL),
                "{row:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_was_told_while_the_list_could_not_be_read_is_no_history_however_long_that_was() {
    let world = world().await;
    let deal = deal(&world, 0).await;
    let page = json!({ "kind": "status", "operation": "search-opportunity", "status": 200, "body": "<html>", "content_type": "text/html" });
    world.control("/faults", page).await;
    let poller = poller(&world, &[]);
    assert!(poller.poll().await.is_err());
    told(&world, &deal).await;
    world.advance(60).await;
    win(&world, &deal).await;
    for _ in 0..15 {
        world.advance(600).await;
        assert!(poller.poll().await.is_err());
    }
    world.delete("/faults").await;
    poller.poll().await.unwrap();
    is_told_as_won(&world, &deal).await;
}

#[tokio::test]
async fn one_answer_whose_clock_is_ahead_makes_nothing_look_old() {
    for first in [true, false] {
        let world = world().await;
        let poller = poller(&world, &[]);
        if !first {
            poller.poll().await.unwrap();
            world.advance(300).await;
        }
        let now = canopy_store::clock::Clock::now(&*world.clock);
        let ahead = now + jiff::SignedDuration::from_hours(1);
        let date = ahead.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let answer = json!({ "kind": "status", "operation": "search-opportunity", "status": 200,
            "body": { "opportunities": [], "meta": {} }, "headers": { "Date": date } });
        world.control("/faults", answer).await;
        poller.poll().await.unwrap();
        world.delete("/faults").await;
        world.advance(300).await;
        let deal = deal(&world, 0).await;
        world.advance(300).await;
        poller.poll().await.unwrap();
        let created = rows(&world, "opportunity.created", &deal).await;
        assert_eq!(created.len(), 1, "{first}");
    }
}

/// The next answer of an operation, by a clock that is an hour ahead.
async fn an_hour_ahead(world: &World, operation: &str, body: Value) {
    let now = canopy_store::clock::Clock::now(&*world.clock);
    let ahead = now + jiff::SignedDuration::from_hours(1);
    let date = ahead.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let answer = json!({ "kind": "status", "operation": operation, "status": 200, "body": body, "headers": { "Date": date } });
    world.control("/faults", answer).await;
}

#[tokio::test]
async fn nor_does_one_such_answer_make_the_notes_of_a_contact_look_old() {
    let world = world().await;
    let kinds = &["note.created", "contact.updated"];
    let poller = world.poller(PollOptions::default(), "test", &[], kinds);
    let contact = world.books("/contacts").await.remove(0);
    let id = contact["id"].as_str().unwrap().to_owned();
    poller.poll().await.unwrap();
    world.advance(300).await;
    world.rename(&id, "Ada").await;
    world.advance(300).await;
    an_hour_ahead(&world, "get-all-notes", json!({ "notes": [] })).await;
    poller.poll().await.unwrap();
    world.delete("/faults").await;
    world.advance(300).await;
    world.note(&id, "by a person").await;
    world.rename(&id, "Grace").await;
    world.advance(300).await;
    poller.poll().await.unwrap();
    let events = world.events().await.into_iter();
    let notes: Vec<_> = events
        .map(|(kind, _)| kind)
        .filter(|kind| kind.starts_with("note."))
        .collect();
    assert_eq!(notes, ["note.created"]);
}

#[tokio::test]
async fn nor_whoever_comes_to_a_location_that_was_empty() {
    let world = World::new(0).await;
    world.same_time().await;
    let poller = world.poll();
    let body = json!({ "contacts": [], "total": 0 });
    an_hour_ahead(&world, "search-contacts-advanced", body).await;
    poller.poll().await.unwrap();
    world.delete("/faults").await;
    world.advance(300).await;
    let contact = world.create("Ada").await;
    world.advance(300).await;
    poller.poll().await.unwrap();
    let created = ("contact.created".to_owned(), contact);
    assert!(world.events().await.contains(&created));
}

#[tokio::test]
async fn whoever_was_there_is_no_news_where_the_first_answer_was_empty_and_told_no_time() {
    let world = World::new(0).await;
    world.same_time().await;
    let contact = world.create("Ada").await;
    world.advance(3600).await;
    let poller = world.poll();
    let answer = json!({ "kind": "status", "operation": "search-contacts-advanced", "status": 200,
        "body": { "contacts": [], "total": 0 }, "headers": { "Date": "today" } });
    world.control("/faults", answer).await;
    poller.poll().await.unwrap();
    world.delete("/faults").await;
    for _ in 0..2 {
        world.advance(300).await;
        poller.poll().await.unwrap();
    }
    assert_eq!(world.events().await, []);
    // And who comes now is.
    let new = world.create("Grace").await;
    world.advance(300).await;
    poller.poll().await.unwrap();
    let told = world.events().await;
    assert!(told.contains(&("contact.created".to_owned(), new)));
    assert!(!told.iter().any(|(_, record)| *record == contact));
}
