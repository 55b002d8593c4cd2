//! A key never goes out with two requests. The sandbox refuses one that does.

use canopy_store::{PurchaseState, RunState, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::purchases::with_consent;
use crate::support::{TREE_ONLY, World};

async fn mail(world: &World, enabled: bool) {
    let setting = json!({ "recipient_email_enabled": enabled });
    world.control("/settings", setting).await;
}

/// The keys of the requests for trees, in order.
async fn keys(world: &World) -> Vec<String> {
    let requests = world.requests().await;
    let trees = requests
        .iter()
        .filter(|one| one["operation"] == "buy-trees");
    trees
        .map(|one| one["idempotency_key"].as_str().unwrap().to_owned())
        .collect()
}

async fn drop_answers(world: &World) {
    let fault = json!({ "kind": "drop_answer", "service": "ecologi" });
    world.control("/faults", fault).await;
}

#[tokio::test]
async fn a_refused_mail_does_not_cost_the_tree() {
    let world = World::new(&with_consent()).await;
    let ada = world.create("Ada").await;
    world.poll_and_drain().await;
    let book = world.bought().await;
    assert_eq!(book.len(), 1);
    assert!(book[0]["recipient_email"].is_null());
    let keys = keys(&world).await;
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1], "another request, another key");
    assert_eq!(book[0]["key"], keys[1]);
    let purchases = world.store.purchases(10).await.unwrap();
    let told: Vec<_> = purchases
        .iter()
        .map(|one| (&one.key, &one.slot, one.state))
        .collect();
    assert_eq!(
        told,
        [
            (&keys[1], &keys[0], PurchaseState::Confirmed),
            (&keys[0], &keys[0], PurchaseState::Refused),
        ]
    );
    let step = world.store.steps(purchases[0].run).await.unwrap().remove(0);
    let note = step.output.unwrap()["note"].to_string();
    assert!(note.contains("recipientEmail was left out"), "{note}");
    // Whoever comes next finds it, also when the account may mail by then.
    mail(&world, true).await;
    world.rename(&ada, "Ada").await;
    world
        .control(&format!("/contacts/{ada}"), json!({ "lastName": "L" }))
        .await;
    world.poll_and_drain().await;
    assert_eq!(world.store.summary().await.unwrap().runs_done, 2);
    assert_eq!(
        (world.bought().await.len(), self::keys(&world).await.len()),
        (1, 2)
    );
}

#[tokio::test]
async fn a_mail_that_is_refused_after_an_unanswered_attempt_is_not_left_out() {
    let world = World::new(&with_consent()).await;
    mail(&world, true).await;
    drop_answers(&world).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert_eq!(
        world.bought().await.len(),
        1,
        "bought with the mail, and not heard of"
    );
    world.clear_faults().await;
    mail(&world, false).await;
    world.wait(SignedDuration::from_mins(5));
    world.drain().await;
    let purchase = world.store.purchases(10).await.unwrap();
    assert_eq!(purchase.len(), 1, "{purchase:?}");
    assert_eq!(purchase[0].state, PurchaseState::Sent, "in doubt as before");
    let run = world.run_in(RunState::Waiting).await;
    assert!(run.error.unwrap().contains("403"));
    // Once the account may mail again, the key tells.
    mail(&world, true).await;
    world.wait(SignedDuration::from_mins(1));
    world.drain().await;
    assert_eq!(
        world.store.purchases(10).await.unwrap()[0].state,
        PurchaseState::Confirmed
    );
    let book = world.bought().await;
    assert_eq!(
        (book.len(), &book[0]["recipient_email"]),
        (1, &json!("Ada@example.com"))
    );
    let mut keys = keys(&world).await;
    keys.dedup();
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn a_refusal_in_the_same_call_as_a_lost_answer_does_not_forget_the_doubt() {
    let world = World::new(&with_consent()).await;
    // The transport repeats the call by itself: first no answer, then 403.
    let lost = json!({ "kind": "drop_answer", "service": "ecologi", "times": 1 });
    world.control("/faults", lost).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let purchases = world.store.purchases(10).await.unwrap();
    assert_eq!(purchases.len(), 1, "{purchases:?}");
    assert_eq!(purchases[0].state, PurchaseState::Sent);
    assert!(world.bought().await.is_empty());
}

#[tokio::test]
async fn what_is_corrected_after_a_refusal_goes_out_under_another_key() {
    let world = World::new(TREE_ONLY).await;
    let refusal = json!({ "kind": "status", "status": 400, "service": "ecologi", "times": 1,
        "body": { "responseCode": 400, "message": "number is too small today" } });
    world.control("/faults", refusal).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let run = world.run_in(RunState::Dead).await;
    let definition: Value = serde_json::from_str(&run.definition).unwrap();
    let corrected = definition
        .to_string()
        .replace("\"number\":1", "\"number\":2");
    assert_ne!(corrected, definition.to_string());
    let now = world.now();
    assert!(
        world
            .store
            .requeue_run_with(run.id, &corrected, now)
            .await
            .unwrap()
    );
    world.drain().await;
    let book = world.bought().await;
    assert_eq!((book.len(), &book[0]["quantity"]), (1, &json!(2)));
    let keys = keys(&world).await;
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    // The same again keeps its key.
    let world = World::new(TREE_ONLY).await;
    let refusal = json!({ "kind": "status", "status": 429, "service": "ecologi", "times": 6 });
    world.control("/faults", refusal).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1);
    let mut keys = self::keys(&world).await;
    keys.dedup();
    assert_eq!(keys.len(), 1);
}
