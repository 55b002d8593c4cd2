//! A budget that several connections share, with all of them at work at the same time.

use std::sync::Arc;

use canopy_engine::{Budget, Caps, Connection, Options};
use canopy_mapping::{Source, Trace};
use canopy_store::{NewEvent, RunState, Store as _};
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::{TREE_ONLY, World};

const PLACES: [&str; 4] = ["north", "east", "south", "west"];
/// At each place; more than the cap lets any one of them buy.
const CONTACTS: usize = 6;

/// What the sandbox's own book says was charged.
async fn charged(world: &World) -> (usize, Decimal) {
    let book = world.bought().await;
    let amounts = book.iter().map(|one| one["amount"].as_str().unwrap());
    let sum = amounts
        .map(|amount| amount.parse::<Decimal>().unwrap())
        .sum();
    (book.len(), sum)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_buy_at_the_same_time_stay_within_their_common_cap() {
    let world = World::new(TREE_ONLY).await;
    let cap = Decimal::new(300, 2);
    let budget = Budget {
        per_day: Decimal::ONE_HUNDRED,
        per_month: Decimal::ONE_HUNDRED,
        all: Caps {
            per_month: Some(cap),
            ..Caps::default()
        },
        ..Budget::default()
    };
    let connections = PLACES.map(|place| Connection {
        id: place.to_owned(),
        location: place.to_owned(),
        budget: Some(budget.clone()),
        ..world.connection().clone()
    });
    let engine = Arc::new(world.engine_of(connections));
    for place in PLACES {
        for _ in 0..CONTACTS {
            let contact = world.create("Ada").await;
            let event = NewEvent {
                source: Source::Webhook,
                kind: "contact.created".into(),
                location: place.to_owned(),
                contact: Some(contact.clone()),
                record: contact,
                occurred_at: world.now(),
                version: Some("created".into()),
                delivery: None,
                payload: json!({}),
                trace: Trace::default(),
            };
            world.insert(event).await;
        }
    }
    // While one purchase is under way the others are decided.
    let delay = json!({ "kind": "delay", "delay_ms": 30, "service": "ecologi" });
    world.control("/faults", delay).await;

    let (mut bought_before, mut charged_before) = (0, Decimal::ZERO);
    for month in 0..3 {
        let drains = PLACES.map(|place| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.drain(place).await.unwrap() })
        });
        for drain in drains {
            assert!(drain.await.unwrap().owner);
        }
        let (bought, sum) = charged(&world).await;
        let (bought_now, charged_now) = (bought - bought_before, sum - charged_before);
        assert!(charged_now <= cap, "month {month}: {charged_now}");
        // Nor is less bought than may be.
        let each = charged_now / Decimal::from(bought_now);
        assert!(charged_now + each > cap, "month {month}: {charged_now}");
        let waiting = world
            .store
            .runs(Some(RunState::Waiting), 100)
            .await
            .unwrap();
        assert_eq!(waiting.len() + bought, PLACES.len() * CONTACTS);
        let alerts = world.store.alerts(true, 100).await.unwrap();
        for run in &waiting {
            let told = alerts.iter().any(|alert| {
                alert.location == run.location
                    && alert.kind == "budget"
                    && alert.subject == "a month for all connections in GBP"
            });
            assert!(told, "{}: {alerts:?}", run.location);
        }
        (bought_before, charged_before) = (bought, sum);
        world.wait(SignedDuration::from_hours(31 * 24));
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_and_is_set_right_silences_no_budget() {
    const AHEAD: i64 = 10 * 24;
    for is_answered in [true, false] {
        // A tree a day.
        let budget = Budget {
            per_day: Decimal::new(60, 2),
            per_month: Decimal::ONE_HUNDRED,
            ..Budget::default()
        };
        let change = |connection: &mut Connection| connection.budget = Some(budget);
        let world = World::with(TREE_ONLY, change, Options::default()).await;
        world.pass(SignedDuration::from_hours(AHEAD)).await;
        if !is_answered {
            let lost = json!({ "kind": "drop_answer", "operation": "buy-trees", "times": 1 });
            world.control("/faults", lost).await;
        }
        // One is bought, or sent and not answered, on a day that is still to come; the other one waits for the day after.
        world.create("Ada").await;
        world.create("Bob").await;
        world.poll_and_drain().await;
        assert_eq!(world.bought().await.len(), 1, "{is_answered}");
        world.wait(SignedDuration::from_hours(-AHEAD));
        world.drain().await;
        // What was spent counts for one day at most, and what waits does so for one at most.
        world.wait(SignedDuration::from_hours(25));
        world.drain().await;
        assert_eq!(world.bought().await.len(), 2, "{is_answered}");
        // The days up to that one have their caps, too.
        for number in 3..6 {
            world.wait(SignedDuration::from_hours(24));
            world.create("Cy").await;
            world.poll_and_drain().await;
            assert_eq!(world.bought().await.len(), number, "{is_answered}");
        }
        let alerts = world.store.alerts(true, 10).await.unwrap();
        assert!(
            alerts.iter().any(|alert| alert.kind == "clock"),
            "{alerts:?}"
        );
    }
}
