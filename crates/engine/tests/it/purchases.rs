//! Money: once per key, within the caps, and never sent again when keys may be forgotten.

use canopy_engine::{Budget, Options};
use canopy_store::{PurchaseState, RunState, Store};
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::{TREE_ONLY, World};

#[tokio::test]
async fn an_update_finds_the_purchase_made() {
    let world = World::new(TREE_ONLY).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    world.rename(&contact, "Grace").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 1);
    assert_eq!(world.store.summary().await.unwrap().runs_done, 2);
    let book = world.bought().await;
    assert_eq!(book[0]["replays"], 0, "it was not even asked again");
}

#[tokio::test]
async fn waiting_at_a_cap_ends_with_the_day() {
    let budget = Budget {
        per_day: Decimal::new(60, 2),
        per_month: Decimal::new(120, 2),
    };
    let world = World::with(
        TREE_ONLY,
        |connection| connection.budget = Some(budget),
        Options::default(),
    )
    .await;
    for name in ["Ada", "Grace", "Joan"] {
        world.create(name).await;
    }
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 1);
    world.wait(SignedDuration::from_hours(11));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1, "still the same day");
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 2);
    world.wait(SignedDuration::from_hours(24));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 2, "the month's cap");
    world.wait(SignedDuration::from_hours(24 * 7));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 3, "the next month");
}

#[tokio::test]
async fn an_unanswered_purchase_is_sent_again_within_the_window_and_not_after() {
    for (hours, calls) in [(11, 2), (13, 1)] {
        let world = World::new(TREE_ONLY).await;
        world.create("Ada").await;
        // The first call and what the transport itself repeats.
        world
            .control(
                "/faults",
                json!({ "kind": "drop_answer", "service": "ecologi" }),
            )
            .await;
        world.poll_and_drain().await;
        world.clear_faults().await;
        let replays = world.bought().await[0]["replays"].as_u64().unwrap();
        world.wait(SignedDuration::from_hours(hours));
        world.drain().await;
        let book = world.bought().await;
        assert_eq!(book.len(), 1);
        assert_eq!(book[0]["replays"], replays + calls - 1, "after {hours} h");
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        let run = world.store.runs(None, 1).await.unwrap().remove(0);
        if hours < 12 {
            assert_eq!(
                (purchase.state, run.state),
                (PurchaseState::Confirmed, RunState::Done)
            );
            continue;
        }
        assert_eq!(
            (purchase.state, run.state),
            (PurchaseState::Unknown, RunState::Held)
        );
        assert!(run.error.unwrap().contains("canopy purchase resolve"));
        // A person has looked: it was bought. The run ends without another call.
        let now = canopy_store::clock::Clock::now(&*world.clock);
        assert!(
            world
                .store
                .resolve_purchase(&purchase.key, true, "seen", now)
                .await
                .unwrap()
        );
        assert!(world.store.requeue_run(run.id, now).await.unwrap());
        world.drain().await;
        assert_eq!(world.store.summary().await.unwrap().runs_done, 1);
        assert_eq!(world.bought().await[0]["replays"], replays);
    }
}

#[tokio::test]
async fn test_mode_marks_every_purchase_whatever_the_workflow_says() {
    let workflow = TREE_ONLY.replace("number = 1", "number = 1, test = false");
    let world = World::with(
        &workflow,
        |connection| connection.test = true,
        Options::default(),
    )
    .await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let book = world.bought().await;
    assert_eq!((book.len(), &book[0]["test"]), (1, &json!(true)));
    assert!(world.store.purchases(1).await.unwrap()[0].test);
}

#[tokio::test]
async fn a_purchase_without_a_known_price_is_held() {
    let world = World::with(
        TREE_ONLY,
        |connection| connection.currency = "JPY".into(),
        Options::default(),
    )
    .await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert!(world.bought().await.is_empty());
    let run = world
        .store
        .runs(Some(RunState::Held), 1)
        .await
        .unwrap()
        .remove(0);
    assert!(run.error.unwrap().contains("[prices.JPY]"));
}

#[tokio::test]
async fn a_quantity_that_is_not_allowed_is_refused_before_it_is_sent() {
    let world = World::new(&TREE_ONLY.replace("number = 1", "number = \"{{ 0 }}\"")).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert!(world.bought().await.is_empty());
    let run = world
        .store
        .runs(Some(RunState::Dead), 1)
        .await
        .unwrap()
        .remove(0);
    assert!(run.error.unwrap().contains("number"));
}

#[tokio::test]
async fn a_refusal_after_an_unanswered_attempt_does_not_forget_the_doubt() {
    for status in [401, 429] {
        let world = World::new(TREE_ONLY).await;
        world.create("Ada").await;
        world
            .control(
                "/faults",
                json!({ "kind": "drop_answer", "service": "ecologi" }),
            )
            .await;
        world.poll_and_drain().await;
        world.clear_faults().await;
        let refusal = json!({ "kind": "status", "status": status, "service": "ecologi" });
        world.control("/faults", refusal).await;
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        assert_eq!(purchase.state, PurchaseState::Sent, "{status}");
        // Long after, keys may be forgotten: a person decides, and nothing is sent.
        world.clear_faults().await;
        let replays = world.bought().await[0]["replays"].clone();
        world.wait(SignedDuration::from_hours(12));
        let run = world.store.runs(None, 1).await.unwrap().remove(0);
        let now = canopy_store::clock::Clock::now(&*world.clock);
        world.store.requeue_run(run.id, now).await.unwrap();
        world.drain().await;
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        assert_eq!(purchase.state, PurchaseState::Unknown, "{status}");
        let book = world.bought().await;
        assert_eq!((book.len(), &book[0]["replays"]), (1, &replays), "{status}");
    }
}
