//! Money: once per key, within the caps, and never sent again when keys may be forgotten.

use canopy_engine::{Budget, Caps, Options};
use canopy_store::{BreakerStore as _, PurchaseState, RunState, Store};
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
        ..Budget::default()
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
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].subject.as_str()), (1, "a day"));
    assert!(alerts[0].message.contains("2026-11-24T00:00:00Z"));
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 2);
    world.wait(SignedDuration::from_hours(24));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 2, "the month's cap");
    world.wait(SignedDuration::from_hours(24 * 7));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 3, "the next month");
    let open = world.store.alerts(true, 10).await.unwrap();
    assert!(open.is_empty(), "purchases go on: {open:?}");
}

#[tokio::test]
async fn an_unanswered_purchase_is_sent_again_within_the_window_and_not_after() {
    for (minutes, calls) in [(9, 2), (11, 1)] {
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
        world.wait(SignedDuration::from_mins(minutes));
        world.drain().await;
        let book = world.bought().await;
        assert_eq!(book.len(), 1);
        assert_eq!(
            book[0]["replays"],
            replays + calls - 1,
            "after {minutes} min"
        );
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        let run = world.run().await;
        if minutes < 10 {
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
        let now = world.now();
        assert!(
            world
                .store
                .resolve_purchase(&purchase.key, true, "seen", now)
                .await
                .unwrap()
        );
        world.retry(run.id).await;
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
    let run = world.run_in(RunState::Held).await;
    assert!(run.error.unwrap().contains("[prices.JPY]"));
}

#[tokio::test]
async fn a_quantity_that_is_not_allowed_is_refused_before_it_is_sent() {
    let world = World::new(&TREE_ONLY.replace("number = 1", "number = \"{{ 250001 }}\"")).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert!(world.bought().await.is_empty());
    let run = world.run_in(RunState::Dead).await;
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
        world.wait(SignedDuration::from_mins(5));
        world.drain().await;
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        assert_eq!(purchase.state, PurchaseState::Sent, "{status}");
        // Long after, keys may be forgotten: a person decides, and nothing is sent.
        world.clear_faults().await;
        let replays = world.bought().await[0]["replays"].clone();
        world.wait(SignedDuration::from_hours(12));
        // Where it waits for its time, it goes on by itself; where purchases are stopped, a good check lets it.
        let (store, now) = (&world.store, world.now());
        let stopped = store
            .close_breaker(&world.location, "ecologi", now)
            .await
            .unwrap();
        assert_eq!(stopped, status == 401);
        world.drain().await;
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        assert_eq!(purchase.state, PurchaseState::Unknown, "{status}");
        let book = world.bought().await;
        assert_eq!((book.len(), &book[0]["replays"]), (1, &replays), "{status}");
    }
}

#[tokio::test]
async fn caps_of_workflow_and_contact_hold_too() {
    let large = Decimal::ONE_HUNDRED;
    let tight = Some(Decimal::new(60, 2));
    let base = Budget {
        per_day: large,
        per_month: large,
        ..Budget::default()
    };
    let workflow = Caps {
        per_month: tight,
        ..Caps::default()
    };
    let budgets = [
        Budget {
            workflows: [("tree-only".to_owned(), workflow)].into(),
            ..base.clone()
        },
        Budget {
            all: workflow,
            ..base.clone()
        },
        Budget {
            per_contact_per_day: tight,
            ..base
        },
    ];
    let each = TREE_ONLY.replace("action =", "once = \"event\"\naction =");
    for (n, (budget, expected)) in budgets
        .into_iter()
        .zip([
            (1, "a month for workflow tree-only"),
            (1, "a month for all connections in GBP"),
            (2, "a day for contact "),
        ])
        .enumerate()
    {
        let change = |connection: &mut canopy_engine::Connection| connection.budget = Some(budget);
        let world = World::with(&each, change, Options::default()).await;
        let contact = world.create("Ada").await;
        world.create("Joan").await;
        world.poll_and_drain().await;
        world.rename(&contact, "Grace").await;
        world.poll_and_drain().await;
        assert_eq!(world.bought().await.len(), expected.0, "{n}");
        let alert = world.store.alerts(true, 10).await.unwrap().remove(0);
        assert_eq!(alert.kind, "budget");
        assert!(alert.subject.starts_with(expected.1), "{}", alert.subject);
    }
}

/// Buys with name and mail for those who agreed.
pub fn with_consent() -> String {
    TREE_ONLY.replace(
        "with = { number = 1 }",
        "consent = \"contact.firstName == 'Ada'\"\nwith = { number = 1, name = \"{{ contact.firstName }}\", recipientEmail = \"{{ contact.firstName }}@example.com\" }",
    )
}

#[tokio::test]
async fn who_somebody_is_goes_out_with_consent_only() {
    let world = World::new(&with_consent()).await;
    let enabled = json!({ "recipient_email_enabled": true });
    world.control("/settings", enabled).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    world.create("Joan").await;
    world.poll_and_drain().await;
    let book = world.bought().await;
    assert_eq!(book.len(), 2);
    assert_eq!(
        (&book[0]["name"], &book[0]["recipient_email"]),
        (&json!("Ada"), &json!("Ada@example.com"))
    );
    assert!(book[1]["name"].is_null() && book[1]["recipient_email"].is_null());
}
