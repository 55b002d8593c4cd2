//! Records that a list does not show any more: which of them are told as deleted, when, and what a person hears meanwhile.

use canopy_store::Store;
use canopy_triggers::{PollOptions, PollSpec, Poller};
use serde_json::{Map, Value, json};

use crate::support::World;

/// A list of the location with a read of its records, and one without.
const LISTS: [(&str, &str, Option<&str>); 2] = [
    ("get-calendars", "calendars", Some("get-calendar")),
    ("get-campaigns", "campaigns", None),
];

/// A location with so many records on the list, that were polled once.
async fn polled(operation: &str, items: &str, records: usize) -> (World, Poller, Vec<String>) {
    let world = World::new(0).await;
    world.same_time().await;
    for there in world.books(&format!("/records/{items}")).await {
        let id = there["id"].as_str().unwrap();
        world.delete(&format!("/records/{items}/{id}")).await;
    }
    let mut ids = Vec::new();
    for number in 0..records {
        let body = json!({ "locationId": world.location(), "name": format!("Oak {number}"), "status": "published" });
        let made = world.control(&format!("/records/{items}"), body).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let spec = PollSpec {
        operation: operation.to_owned(),
        arguments: Map::new(),
        every: None,
        backfill: false,
    };
    let poller = world.poller(PollOptions::default(), "test", &[spec], &[]);
    poller.poll().await.unwrap();
    (world, poller, ids)
}

/// Kinds and records that the next poll tells, in order.
async fn poll(world: &World, poller: &Poller) -> Vec<(String, String)> {
    let before = world.events().await.len();
    world.advance(600).await;
    poller.poll().await.unwrap();
    let mut told = world.events().await.split_off(before);
    told.sort();
    told
}

async fn hides(world: &World, operation: &str, places: &[String]) {
    let fault = json!({ "kind": "alter", "operation": operation, "remove": places });
    world.control("/faults", fault).await;
}

/// Messages of the alerts that a large part of a list has gone.
async fn doubts(world: &World) -> Vec<String> {
    let alerts = world.store.alerts(true, 10).await.unwrap().into_iter();
    alerts
        .filter(|alert| alert.kind == "list")
        .map(|alert| alert.message)
        .collect()
}

#[tokio::test]
async fn nothing_is_told_of_a_large_part_that_goes_at_once_until_the_next_poll_agrees_and_an_alert_says_so()
 {
    for (operation, items, _) in LISTS {
        // Of four records so many are hidden.
        for hidden in [4, 2] {
            let (world, poller, ids) = polled(operation, items, 4).await;
            let places: Vec<_> = (0..hidden).map(|_| format!("/{items}/0")).collect();
            hides(&world, operation, &places).await;
            assert_eq!(poll(&world, &poller).await, [], "{operation} {hidden}");
            let told = doubts(&world).await;
            let says = format!("shows {hidden} of 4 records no longer");
            assert!(told[0].contains(&says), "{told:?}");
            world.delete("/faults").await;
            // They are there again, and nothing was the matter.
            assert_eq!(poll(&world, &poller).await, [], "{operation} {hidden}");
            assert_eq!(doubts(&world).await, [""; 0]);
            // Somebody deletes as many.
            let mut gone = Vec::new();
            for id in &ids[..hidden] {
                world.delete(&format!("/records/{items}/{id}")).await;
                gone.push((format!("{}.deleted", &items[..items.len() - 1]), id.clone()));
            }
            gone.sort();
            assert_eq!(poll(&world, &poller).await, [], "{operation} {hidden}");
            assert_eq!(doubts(&world).await.len(), 1);
            assert_eq!(poll(&world, &poller).await, gone, "{operation} {hidden}");
            assert_eq!(doubts(&world).await, [""; 0]);
            assert_eq!(poll(&world, &poller).await, []);
        }
    }
}

#[tokio::test]
async fn a_record_that_falls_off_is_deleted_only_when_its_read_says_so_in_the_services_form() {
    let (operation, items, read) = LISTS[0];
    let read = read.unwrap();
    let foreign = [
        json!({ "kind": "answer", "status": 404, "content_type": "text/html", "text": "<html>nginx</html>" }),
        json!({ "kind": "answer", "status": 404, "text": "" }),
        json!({ "kind": "answer", "status": 200, "content_type": "text/html", "text": "<html></html>" }),
        json!({ "kind": "answer", "status": 200, "body": null }),
        json!({ "kind": "answer", "status": 200, "body": { "calendar": { "id": "another" } } }),
        json!({ "kind": "status", "status": 503 }),
    ];
    let (world, poller, ids) = polled(operation, items, 6).await;
    for mut fault in foreign {
        hides(&world, operation, &[format!("/{items}/0")]).await;
        fault["operation"] = json!(read);
        world.control("/faults", fault.clone()).await;
        for _ in 0..4 {
            assert_eq!(poll(&world, &poller).await, [], "{fault}");
        }
        world.delete("/faults").await;
        assert_eq!(poll(&world, &poller).await, [], "{fault}");
    }
    // It is there, says its read, however often the list does not show it.
    hides(&world, operation, &[format!("/{items}/0")]).await;
    for _ in 0..4 {
        assert_eq!(poll(&world, &poller).await, []);
    }
    world.delete("/faults").await;
    poll(&world, &poller).await;
    world.delete(&format!("/records/{items}/{}", ids[5])).await;
    let gone = ("calendar.deleted".to_owned(), ids[5].clone());
    assert_eq!(poll(&world, &poller).await, [gone]);
}

#[tokio::test]
async fn a_record_without_a_read_is_deleted_when_a_later_poll_agrees() {
    let (operation, items, _) = LISTS[1];
    let (world, poller, ids) = polled(operation, items, 6).await;
    for _ in 0..3 {
        hides(&world, operation, &[format!("/{items}/0")]).await;
        assert_eq!(poll(&world, &poller).await, []);
        world.delete("/faults").await;
        assert_eq!(poll(&world, &poller).await, [], "it is there again");
    }
    world.delete(&format!("/records/{items}/{}", ids[0])).await;
    assert_eq!(poll(&world, &poller).await, []);
    let gone = ("campaign.deleted".to_owned(), ids[0].clone());
    assert_eq!(poll(&world, &poller).await, [gone]);
    assert_eq!(doubts(&world).await, [""; 0], "one is no large part");
}

/// An unreadable answer agrees with nothing.
#[tokio::test]
async fn an_unreadable_poll_between_two_is_no_second_opinion() {
    let (operation, items, _) = LISTS[1];
    let (world, poller, _) = polled(operation, items, 6).await;
    hides(&world, operation, &[format!("/{items}/0")]).await;
    assert_eq!(poll(&world, &poller).await, []);
    world.delete("/faults").await;
    let page: Value = json!({ "kind": "answer", "operation": operation, "status": 200, "content_type": "text/html", "text": "<html></html>" });
    world.control("/faults", page).await;
    for _ in 0..3 {
        world.advance(600).await;
        assert!(poller.poll().await.is_err());
    }
    world.delete("/faults").await;
    assert_eq!(poll(&world, &poller).await, []);
    assert_eq!(world.events().await, []);
}

/// A contact whose list of notes was never read, its id, and polls of contacts and notes.
async fn told_of(world: &World, kinds: &[&str]) -> (String, Poller) {
    let poller = world.poller(PollOptions::default(), "test", &[], kinds);
    poller.poll().await.unwrap();
    world.advance(300).await;
    let contact = world.books("/contacts").await.remove(0);
    (contact["id"].as_str().unwrap().to_owned(), poller)
}

fn not_there(operation: &str, status: u16) -> Value {
    json!({ "kind": "status", "operation": operation, "times": 1, "status": status,
        "body": { "statusCode": status, "message": "Contact not found" } })
}

#[tokio::test]
async fn one_404_on_the_list_of_a_contact_loses_no_note() {
    for status in [404, 422] {
        let world = World::new(2).await;
        world.same_time().await;
        let (contact, poller) = told_of(&world, &["note.created", "contact.updated"]).await;
        for number in 1..3 {
            world.note(&contact, "by a person").await;
            world.rename(&contact, &format!("Ada {number}")).await;
            world
                .control("/faults", not_there("get-all-notes", status))
                .await;
            for _ in 0..2 {
                world.advance(300).await;
                poller.poll().await.unwrap();
            }
            let events = world.events().await.into_iter();
            let notes = events.filter(|(kind, _)| kind == "note.created").count();
            assert_eq!(notes, number, "{status}");
            world.delete("/faults").await;
        }
    }
}

#[tokio::test]
async fn one_404_on_a_contact_that_changed_loses_no_block() {
    let world = World::new(2).await;
    world.same_time().await;
    let (contact, poller) = told_of(&world, &["contact.dnd_updated"]).await;
    let blocks = json!({ "dndSettings": { "SMS": { "status": "active" } } });
    world.control(&format!("/contacts/{contact}"), blocks).await;
    world
        .control("/faults", not_there("get-contact", 404))
        .await;
    for _ in 0..3 {
        world.advance(300).await;
        poller.poll().await.unwrap();
    }
    let events = world.events().await.into_iter();
    let told = events.filter(|(kind, _)| kind == "contact.dnd_updated");
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn a_deal_that_is_gone_is_told_with_whose_it_was() {
    let world = World::new(5).await;
    world.same_time().await;
    let pipeline = world.books("/records/pipelines").await[0]["id"].clone();
    let mut deals = Vec::new();
    for contact in world.books("/contacts").await {
        let deal = json!({ "name": "Deal", "pipelineId": pipeline, "contactId": contact["id"], "status": "open" });
        deals.push(world.control("/opportunities", deal).await);
    }
    let poller = world.poller(
        PollOptions::default(),
        "test",
        &[],
        &["opportunity.deleted"],
    );
    poller.poll().await.unwrap();
    world
        .delete(&format!(
            "/opportunities/{}",
            deals[0]["id"].as_str().unwrap()
        ))
        .await;
    world.advance(300).await;
    poller.poll().await.unwrap();
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.event.kind, "opportunity.deleted");
    assert_eq!(row.event.contact.as_deref(), deals[0]["contactId"].as_str());
}
