//! What webhooks lost, polls find, and it is counted.

use canopy_store::Store as _;
use canopy_store::clock::Clock as _;
use canopy_triggers::missed_by_webhooks;
use jiff::SignedDuration;
use serde_json::json;

use super::{Told, kinds};

/// Kind, events and those that webhooks missed.
async fn counted(told: &Told) -> Vec<(String, u64, u64)> {
    let rows = missed_by_webhooks(&told.world.store, told.world.clock.now());
    let rows = rows.await.unwrap().into_iter();
    rows.map(|row| (row.kind, row.events, row.missed)).collect()
}

fn row(kind: &str, events: u64, missed: u64) -> (String, u64, u64) {
    (kind.to_owned(), events, missed)
}

#[tokio::test]
async fn polls_find_what_webhooks_lost_and_the_share_is_told() {
    let mut told = Told::new(&["contact.created", "contact.updated", "opportunity.won"]).await;
    let first = told.contact().await;
    assert_eq!(told.arrive("ContactCreate").await, 1);
    told.drain().await;
    told.later().await;
    told.drain().await;

    // Of nine creations each third one is lost.
    let mut contacts = vec![first];
    for number in 0..9 {
        if number % 3 == 0 {
            let lose = json!({ "kind": "lose_webhooks", "event": "ContactCreate", "times": 1 });
            told.world.control("/faults", lose).await;
        }
        contacts.push(told.contact().await);
    }
    assert_eq!(told.arrive("ContactCreate").await, 6);
    told.drain().await;
    told.later().await;
    told.drain().await;
    let started = told.started().await;
    for contact in &contacts {
        assert_eq!(kinds(&started, contact), ["contact.created"]);
    }
    assert_eq!(started.len(), 10);
    // A webhook may still come.
    assert_eq!(counted(&told).await, [row("contact.created", 1, 0)]);
    told.world.wait(SignedDuration::from_mins(20));
    assert_eq!(counted(&told).await, [row("contact.created", 10, 3)]);
    let rows = told
        .world
        .store
        .missed(jiff::Timestamp::UNIX_EPOCH, told.world.clock.now());
    assert_eq!(rows.await.unwrap()[0].percent().to_string(), "30");
}

#[tokio::test]
async fn a_webhook_that_comes_after_the_poll_was_not_lost() {
    let mut told = Told::new(&["contact.created", "contact.updated"]).await;
    let contact = told.contact().await;
    told.arrive("ContactCreate").await;
    told.drain().await;
    told.later().await;
    told.world.rename(&contact, "Grace").await;
    told.later().await;
    told.drain().await;
    // An hour late.
    told.world.wait(SignedDuration::from_hours(1));
    let expected = [row("contact.created", 1, 0), row("contact.updated", 1, 1)];
    assert_eq!(counted(&told).await, expected);
    assert_eq!(told.arrive("ContactUpdate").await, 1);
    told.drain().await;
    let expected = [row("contact.created", 1, 0), row("contact.updated", 1, 0)];
    assert_eq!(counted(&told).await, expected);
    assert_eq!(told.started().await.len(), 2);
}

#[tokio::test]
async fn what_no_webhook_tells_of_is_not_missed() {
    let mut told = Told::new(&["contact.created", "opportunity.won"]).await;
    let contact = told.contact().await;
    told.arrive("ContactCreate").await;
    told.drain().await;
    told.later().await;
    let location = json!({ "locationId": told.world.location });
    let pipeline = told.call("get-pipelines", location).await["pipelines"][0].clone();
    let body = json!({ "pipelineId": pipeline["id"], "pipelineStageId": pipeline["stages"][0]["id"],
        "locationId": told.world.location, "contactId": contact, "name": "Deal", "status": "won" });
    told.world.control("/opportunities", body).await;
    assert_eq!(told.arrive("OpportunityCreate").await, 1);
    told.later().await;
    told.drain().await;
    told.world.wait(SignedDuration::from_mins(20));
    let kinds: Vec<_> = counted(&told).await.into_iter().map(|row| row.0).collect();
    assert!(
        !kinds.iter().any(|kind| kind == "opportunity.won"),
        "{kinds:?}"
    );
    assert!(
        told.started()
            .await
            .iter()
            .any(|(kind, _)| kind == "opportunity.won")
    );
}
