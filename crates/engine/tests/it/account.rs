//! Ledger and account: what the account has more holds purchases, and its totals tell of unanswered ones.

use canopy_engine::Connection;
use canopy_engine::account::{Copied, connection_fact};
use canopy_store::{MoneyStore, PurchaseState, RunState, Store};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{TREE_ONLY, World};

/// A connection whose account's name is known.
pub(crate) async fn world() -> World {
    let mut world = World::new(TREE_ONLY).await;
    world.be_impatient();
    let connection = Connection {
        ecologi_user: Some(world.sandbox.info().ecologi_user.clone()),
        ..world.connection().clone()
    };
    world.engine = world.engine_of([connection]);
    world
}

/// The program, started again.
async fn restarted(world: &mut World) {
    let connection = world.connection().clone();
    world.engine = world.engine_of([connection]);
    world.drain().await;
}

/// Somebody buys on the account's website.
pub(crate) async fn elsewhere(world: &World, number: u32) {
    let info = world.sandbox.info();
    let client = canopy_ecologi::Client::builder()
        .base_url(&info.ecologi_url)
        .api_key(info.ecologi_key.clone().into())
        .build()
        .unwrap();
    let order =
        canopy_ecologi::OrderRequest::from_action("buy-trees", &json!({ "number": number }));
    let key = canopy_ecologi::IdempotencyKey::new(format!("elsewhere {number}"));
    client.buy(&order.unwrap(), &key).await.unwrap();
}

pub(crate) async fn alerts(world: &World) -> Vec<(String, String)> {
    let open = world.store.alerts(true, 100).await.unwrap();
    open.into_iter()
        .map(|alert| (alert.kind, alert.message))
        .collect()
}

pub(crate) async fn not_answered(world: &World, fault: serde_json::Value) {
    world.control("/faults", fault).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    let purchase = world.store.purchases(1).await.unwrap().remove(0);
    assert_eq!(purchase.state, PurchaseState::Sent);
}

#[tokio::test]
async fn what_was_bought_elsewhere_holds_real_purchases_until_a_person_says_so() {
    let mut world = world().await;
    // Before the first comparison everything is taken as it is.
    elsewhere(&world, 5).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 2);

    elsewhere(&world, 3).await;
    for name in ["Joan", "Mary"] {
        world.create(name).await;
    }
    world.poll.poll().await.unwrap();
    restarted(&mut world).await;
    assert_eq!(world.bought().await.len(), 3, "nothing of ours");
    let told = alerts(&world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "account");
    for word in [
        "3 trees",
        "canopy ledger acknowledge",
        "canopy ledger import",
    ] {
        assert!(told[0].1.contains(word), "{word}: {told:?}");
    }
    let waiting = world.store.waiting_purchases(None).await.unwrap();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|one| one.gate == "account"));
    // Time alone changes nothing, and it is told once.
    world.wait(SignedDuration::from_hours(30));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 3);
    let all = world.store.alerts(true, 10).await.unwrap();
    assert_eq!((all.len(), all[0].times), (1, 1));

    let connection = world.connection().clone();
    let account = world.engine.account_of(&connection).unwrap();
    let delay = SignedDuration::from_mins(15);
    account
        .acknowledge(&world.store, &connection.ecologi, delay, world.now())
        .await
        .unwrap();
    world.drain().await;
    assert_eq!(world.bought().await.len(), 5);
    assert!(alerts(&world).await.is_empty());
    assert!(
        world
            .store
            .waiting_purchases(None)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn it_is_compared_daily_too() {
    let world = world().await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    elsewhere(&world, 1).await;
    world.create("Joan").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 3, "not at every purchase");
    world.wait(SignedDuration::from_hours(25));
    world.create("Mary").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 3);
    assert_eq!(alerts(&world).await[0].0, "account");
}

#[tokio::test]
async fn nothing_is_bought_while_the_account_cannot_be_read() {
    let world = world().await;
    let down = json!({ "kind": "status", "status": 503, "operation": "get-impact" });
    world.control("/faults", down).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert!(world.bought().await.is_empty());
    let run = world.run_in(RunState::Waiting).await;
    assert!(
        run.error
            .unwrap()
            .contains("ledger and account are compared")
    );
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1);
}

#[tokio::test]
async fn an_outage_of_a_day_is_waited_for_and_the_purchase_then_made() {
    let world = world().await;
    // Ecologi answers 500 to each order: whether it bought is not known.
    let down = json!({ "kind": "status", "status": 500, "service": "ecologi", "method": "POST" });
    not_answered(&world, down.clone()).await;
    world.control("/faults", down).await;
    for _ in 0..24 {
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
    }
    let run = world.run_in(RunState::Waiting).await;
    assert_eq!(run.state, RunState::Waiting, "nobody has to decide");
    world.clear_faults().await;
    for _ in 0..3 {
        world.wait(SignedDuration::from_mins(30));
        world.drain().await;
    }
    assert_eq!(world.bought().await.len(), 1);
    let purchases = world.store.purchases(10).await.unwrap();
    assert_eq!(purchases.len(), 1, "the same request has the same key");
    assert_eq!(purchases[0].state, PurchaseState::Confirmed);
    assert!(
        alerts(&world)
            .await
            .iter()
            .all(|(kind, _)| kind != "unknown_purchases")
    );
}

#[tokio::test]
async fn what_the_totals_show_is_not_made_again_and_a_person_decides() {
    let world = world().await;
    not_answered(
        &world,
        json!({ "kind": "drop_answer", "service": "ecologi", "method": "POST" }),
    )
    .await;
    let replays = world.bought().await[0]["replays"].clone();
    // Too old for its key, too young for the totals.
    world.wait(SignedDuration::from_mins(11));
    world.drain().await;
    let run = world.run_in(RunState::Waiting).await;
    assert!(run.error.unwrap().contains("the account's totals tell"));
    world.wait(SignedDuration::from_mins(10));
    world.drain().await;
    let book = world.bought().await;
    assert_eq!(
        (book.len(), &book[0]["replays"]),
        (1, &replays),
        "not sent again"
    );
    let purchase = world.store.purchases(1).await.unwrap().remove(0);
    assert_eq!(purchase.state, PurchaseState::Unknown);
    let told = alerts(&world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains("canopy purchase resolve"), "{told:?}");
    assert!(world.run_in(RunState::Held).await.error.is_some());
}

/// The sandbox's report shows purchases only after this time.
pub(crate) async fn lag(world: &World, minutes: u64) {
    let lag = json!({ "report_lag_seconds": minutes * 60 });
    world.control("/settings", lag).await;
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_proves_nothing_about_an_unanswered_purchase() {
    for restart in [false, true] {
        let mut world = world().await;
        // It may have been made, as far as anybody knows here, and the report could be late.
        let down =
            json!({ "kind": "status", "status": 500, "service": "ecologi", "method": "POST" });
        not_answered(&world, down).await;
        world.clock.jump(SignedDuration::from_hours(2));
        if restart {
            restarted(&mut world).await;
        }
        world.drain().await;
        assert!(world.bought().await.is_empty());
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        assert_eq!(purchase.state, PurchaseState::Sent);
        // Once the time has really passed the totals are believed.
        world.pass(SignedDuration::from_mins(16)).await;
        world.drain().await;
        assert_eq!(world.bought().await.len(), 1);
    }
}

#[tokio::test]
async fn a_store_that_may_have_forgotten_purchases_buys_nothing_before_the_totals_can_tell() {
    let world = world().await;
    lag(&world, 10).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    world.pass(SignedDuration::from_hours(1)).await;
    // The newer store had bought this one just now.
    elsewhere(&world, 1).await;
    Copied::note(&world.store, "it was restored", true, &*world.clock)
        .await
        .unwrap();
    for name in ["Joan", "Mary"] {
        world.create(name).await;
    }
    for _ in 0..3 {
        world.poll_and_drain().await;
        assert_eq!(world.bought().await.len(), 2, "nothing of ours");
        let told = alerts(&world).await;
        assert_eq!(told.len(), 1, "{told:?}");
        for word in [
            "may have forgotten purchases: it was restored at",
            "canopy ledger acknowledge",
            "canopy ledger import",
        ] {
            assert!(told[0].1.contains(word), "{word}: {told:?}");
        }
        world.pass(SignedDuration::from_mins(4)).await;
    }
    world.pass(SignedDuration::from_mins(4)).await;
    world.drain().await;
    assert_eq!(world.bought().await.len(), 2);
    let told = alerts(&world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains("1 trees"), "{told:?}");
}

#[tokio::test]
async fn a_store_that_has_forgotten_nothing_goes_on_by_itself() {
    let world = world().await;
    lag(&world, 10).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    world.pass(SignedDuration::from_hours(1)).await;
    Copied::note(&world.store, "it was restored", true, &*world.clock)
        .await
        .unwrap();
    world.create("Joan").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 1);
    world.pass(SignedDuration::from_mins(16)).await;
    world.drain().await;
    assert_eq!(world.bought().await.len(), 2);
    assert!(alerts(&world).await.is_empty());
}

#[tokio::test]
async fn without_the_accounts_name_a_person_says_what_a_copy_may_buy() {
    // It was restored; or it was put in its place by hand, and nobody knows how old it is.
    for certain in [true, false] {
        let world = World::new(TREE_ONLY).await;
        Copied::note(&world.store, "it was copied", certain, &*world.clock)
            .await
            .unwrap();
        world.create("Ada").await;
        world.poll_and_drain().await;
        world.wait(SignedDuration::from_hours(48));
        world.drain().await;
        assert!(world.bought().await.is_empty(), "{certain}");
        assert!(alerts(&world).await[0].1.contains("for your word"));
        let own = connection_fact(&world.connection().id);
        let copied = Copied::of(&world.store).await.unwrap().unwrap();
        copied
            .settle(&world.store, &own, world.now())
            .await
            .unwrap();
        world.drain().await;
        assert_eq!(world.bought().await.len(), 1, "{certain}");
        assert!(alerts(&world).await.is_empty());
    }
}

#[tokio::test]
async fn what_was_intended_before_a_copy_was_made_is_not_sent_before_it_is_known_what_became_of_it()
{
    let mut world = world().await;
    let step = canopy_store::StepState::Intended;
    let down = json!({ "kind": "status", "status": 503, "operation": "get-impact" });
    world.create("Ada").await;
    world.control("/faults", down).await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    // As a kill after the intent leaves it.
    let run = world.run().await;
    assert_eq!(world.store.steps(run.id).await.unwrap()[0].state, step);
    let waiting = world.store.steps(run.id).await.unwrap().remove(0);
    let fence = world.store.acquire_lease(
        &world.location,
        "test",
        world.now(),
        SignedDuration::from_mins(1),
    );
    let fence = fence.await.unwrap().unwrap();
    let new = canopy_store::NewPurchase {
        key: waiting.key.clone(),
        connection: "main".into(),
        contact: run.contact.clone(),
        workflow: run.workflow.clone(),
        step: waiting.step.clone(),
        run: run.id,
        operation: "buy-trees".into(),
        request: waiting.request.clone(),
        quantity: 1.into(),
        unit: "trees".into(),
        test: false,
        estimate: rust_decimal::Decimal::new(60, 2),
        currency: "GBP".into(),
    };
    let intent = canopy_store::NewStep {
        run: run.id,
        step: waiting.step.clone(),
        key: waiting.key.clone(),
        action: waiting.action.clone(),
        request: waiting.request.clone(),
        written: Vec::new(),
        links: Vec::new(),
    };
    world
        .store
        .intend_purchase(&fence, new, intent, Vec::new(), world.now())
        .await
        .unwrap();
    Copied::note(&world.store, "it was restored", true, &*world.clock)
        .await
        .unwrap();
    world.wait(SignedDuration::from_mins(5));
    restarted(&mut world).await;
    assert!(world.bought().await.is_empty());
    world.wait(SignedDuration::from_mins(12));
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1);
}

/// Within the window of its key: the other account knows nothing of the key, and would sell it again.
#[tokio::test]
async fn an_unanswered_purchase_is_not_repeated_at_another_account() {
    let mut world = world().await;
    not_answered(
        &world,
        json!({ "kind": "drop_answer", "service": "ecologi", "method": "POST" }),
    )
    .await;
    let made = world.bought().await.len();
    let connection = Connection {
        ecologi_account: "another".into(),
        ..world.connection().clone()
    };
    world.engine = world.engine_of([connection]);
    world.wait(SignedDuration::from_mins(2));
    world.drain().await;
    let purchase = world.store.purchases(1).await.unwrap().remove(0);
    assert_eq!(purchase.state, PurchaseState::Unknown);
    let why = purchase.error.unwrap();
    assert!(why.contains("another Ecologi account"), "{why}");
    assert_eq!(world.run().await.state, RunState::Held);
    assert_eq!(world.bought().await.len(), made);
}
