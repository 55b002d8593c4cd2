//! Copies of a store and what a person says of them, where clocks are set and reports lack figures.

use canopy_ecologi::PriceList;
use canopy_engine::Connection;
use canopy_engine::account::Copied;
use canopy_store::{PurchaseState, RunState, Store};
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::json;

use crate::account::{alerts, elsewhere, lag, not_answered, world};
use crate::support::{TREE_ONLY, World};

/// A restored store that has forgotten one purchase, which no report shows yet, and is to make it again.
async fn restored() -> World {
    let world = world().await;
    lag(&world, 10).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    world.pass(SignedDuration::from_hours(1)).await;
    elsewhere(&world, 1).await;
    Copied::note(&world.store, "it was restored", true, &*world.clock)
        .await
        .unwrap();
    world.create("Joan").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 2);
    world
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_makes_no_copy_old_enough() {
    for restart in [false, true] {
        let mut world = restored().await;
        world.clock.jump(SignedDuration::from_hours(2));
        if restart {
            let connection = world.connection().clone();
            world.engine = world.engine_of([connection]);
        }
        for _ in 0..3 {
            world.drain().await;
            assert_eq!(world.bought().await.len(), 2, "nothing of ours");
            world.pass(SignedDuration::from_mins(4)).await;
        }
        let told = alerts(&world).await;
        let told: Vec<_> = told.iter().filter(|(kind, _)| kind == "account").collect();
        assert_eq!(told.len(), 1, "{told:?}");
        world.pass(SignedDuration::from_mins(5)).await;
        world.drain().await;
        assert_eq!(world.bought().await.len(), 2);
        let told = alerts(&world).await;
        let (_, told) = told.iter().find(|(kind, _)| kind == "account").unwrap();
        assert!(told.contains("1 trees"), "now the report shows it: {told}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_has_a_copy_wait_no_longer() {
    let world = world().await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    Copied::note(&world.store, "it was restored", true, &*world.clock)
        .await
        .unwrap();
    world.create("Joan").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 1);
    world.clock.jump(SignedDuration::from_hours(-2));
    world.pass(SignedDuration::from_mins(16)).await;
    world.drain().await;
    assert_eq!(world.bought().await.len(), 2);
}

#[tokio::test]
async fn what_no_report_has_a_figure_of_waits_on_a_copy_for_a_person() {
    let carbon = TREE_ONLY
        .replace("buy-trees", "buy-carbon-avoidance")
        .replace("number = 1", "number = 1, units = \"KG\"");
    let mut world = World::new(&carbon).await;
    let mut prices = PriceList::default();
    let price = Decimal::new(12, 3);
    prices.set("GBP", "buy-carbon-avoidance", price).unwrap();
    let connection = Connection {
        ecologi_user: Some(world.sandbox.info().ecologi_user.clone()),
        prices,
        ..world.connection().clone()
    };
    world.engine = world.engine_of([connection]);
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 1);
    Copied::note(&world.store, "it was restored", true, &*world.clock)
        .await
        .unwrap();
    let body = json!({ "trees": 0 });
    let report =
        json!({ "kind": "status", "status": 200, "operation": "get-impact", "body": body });
    world.control("/faults", report).await;
    world.create("Joan").await;
    for _ in 0..3 {
        world.poll_and_drain().await;
        world.pass(SignedDuration::from_mins(20)).await;
    }
    assert_eq!(world.bought().await.len(), 1);
    let told = alerts(&world).await;
    let (_, told) = told.iter().find(|(kind, _)| kind == "account").unwrap();
    assert!(
        told.contains("for your word")
            && told.contains("no figure of what is bought here (carbon)"),
        "{told}"
    );
}

#[tokio::test]
async fn what_is_not_answered_when_a_person_speaks_is_not_taken_for_bought_elsewhere() {
    let world = world().await;
    lag(&world, 0).await;
    world.create("Grace").await;
    world.poll_and_drain().await;
    world.pass(SignedDuration::from_hours(1)).await;
    // It is made, and its answer is lost; meanwhile somebody buys on the website.
    let lost = json!({ "kind": "drop_answer", "service": "ecologi", "method": "POST" });
    not_answered(&world, lost).await;
    elsewhere(&world, 3).await;
    let connection = world.connection().clone();
    let account = world.engine.account_of(&connection).unwrap();
    let (delay, now) = (SignedDuration::from_mins(15), world.now());
    let acknowledged = account.acknowledge(&world.store, &connection.ecologi, delay, now);
    let lines = acknowledged.await.unwrap();
    assert_eq!(lines[0].elsewhere, 3.into());
    // Nobody can tell whether it was made, so nobody makes it again.
    world.wait(SignedDuration::from_mins(30));
    world.drain().await;
    let quantity = async || world.bought().await.len();
    assert_eq!(quantity().await, 3, "two of ours, one elsewhere");
    let run = world.run_in(RunState::Held).await;
    let open = world.store.purchases(10).await.unwrap();
    let open = open.iter().find(|one| one.run == run.id).unwrap();
    assert_eq!(open.state, PurchaseState::Unknown);
    // A person says what is true, and everything agrees.
    let said = world
        .store
        .resolve_purchase(&open.key, true, "seen", world.now());
    assert!(said.await.unwrap());
    world.retry(run.id).await;
    world.pass(SignedDuration::from_mins(20)).await;
    world.create("Mary").await;
    world.poll_and_drain().await;
    assert_eq!(quantity().await, 4);
    let told = alerts(&world).await;
    assert!(told.iter().all(|(kind, _)| kind != "account"), "{told:?}");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_old_key_young() {
    let world = world().await;
    lag(&world, 0).await;
    let lost = json!({ "kind": "drop_answer", "service": "ecologi", "method": "POST" });
    not_answered(&world, lost).await;
    world
        .control("/settings", json!({ "idempotency_memory_seconds": 60 }))
        .await;
    world.pass(SignedDuration::from_mins(12)).await;
    world.clock.jump(SignedDuration::from_mins(-12));
    for _ in 0..3 {
        world.drain().await;
        assert_eq!(world.bought().await.len(), 1);
        world.pass(SignedDuration::from_mins(10)).await;
    }
    let purchase = world.store.purchases(1).await.unwrap().remove(0);
    assert_eq!(purchase.state, PurchaseState::Unknown, "a person decides");
}

/// The connection of the file, with this user name or none.
async fn named(world: &mut World, user: Option<&str>) {
    let connection = Connection {
        ecologi_user: user.map(str::to_owned),
        ..world.connection().clone()
    };
    world.engine = world.engine_of([connection]);
    world.drain().await;
}

async fn of_kind(world: &World, wanted: &str) -> usize {
    let told = alerts(world).await;
    told.iter().filter(|(kind, _)| kind == wanted).count()
}

#[tokio::test]
async fn a_user_name_that_is_left_out_is_no_answer_to_what_a_person_was_asked() {
    let mut world = world().await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    elsewhere(&world, 3).await;
    world.create("Joan").await;
    world.poll.poll().await.unwrap();
    let user = world.connection().ecologi_user.clone().unwrap();
    named(&mut world, Some(&user)).await;
    assert_eq!(of_kind(&world, "account").await, 1);
    let bought = world.bought().await.len();
    for _ in 0..2 {
        named(&mut world, None).await;
        assert_eq!(world.bought().await.len(), bought);
        assert_eq!(
            of_kind(&world, "account").await,
            1,
            "it goes on to be asked"
        );
    }
    let now = world.now();
    let resolved = world.store.resolve_alert("", "account", &user, now).await;
    assert!(resolved.unwrap());
    world.pass(SignedDuration::from_hours(25)).await;
    named(&mut world, None).await;
    assert_eq!(world.bought().await.len(), bought + 1);
}

#[tokio::test]
async fn what_was_told_of_a_connection_without_a_name_ends_once_the_account_is_compared() {
    let mut world = world().await;
    let user = world.connection().ecologi_user.clone().unwrap();
    world.create("Ada").await;
    world.poll_and_drain().await;
    Copied::note(&world.store, "it was restored", true, &*world.clock)
        .await
        .unwrap();
    world.create("Joan").await;
    world.poll.poll().await.unwrap();
    named(&mut world, None).await;
    assert_eq!(of_kind(&world, "account").await, 1);
    named(&mut world, Some(&user)).await;
    world.pass(SignedDuration::from_mins(20)).await;
    world.drain().await;
    assert_eq!(of_kind(&world, "account").await, 0);
    assert_eq!(world.bought().await.len(), 2);
}

/// Some systems do not tell how long they have been running, and cron starts the program anew each time.
#[tokio::test]
async fn where_no_clock_outlives_the_process_a_person_is_asked_after_a_day() {
    let mut world = world().await;
    let never = json!({ "kind": "drop_request", "service": "ecologi", "method": "POST" });
    not_answered(&world, never).await;
    for hours in [1, 12, 12] {
        assert_eq!(world.run().await.state, RunState::Waiting);
        world.pass(SignedDuration::from_hours(hours)).await;
        world.clock.restart();
        let connection = world.connection().clone();
        world.engine = world.engine_of([connection]);
        world.drain().await;
    }
    let purchase = world.store.purchases(1).await.unwrap().remove(0);
    assert_eq!(purchase.state, PurchaseState::Unknown);
    let why = purchase.error.unwrap();
    assert!(why.contains("how long it has been running"), "{why}");
}
