//! Caps hold whatever things cost; what waits goes on in its order.

use canopy_engine::{Budget, BudgetZone, Caps, Connection, Engine, Options};
use canopy_store::{MoneyStore, RunState, Store};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::{TREE_ONLY, World};

fn a_day(pence: i64) -> Budget {
    Budget {
        per_day: Decimal::new(pence, 2),
        per_month: Decimal::ONE_THOUSAND,
        ..Budget::default()
    }
}

async fn world(workflow: &str, budget: Budget) -> World {
    let change = |connection: &mut Connection| connection.budget = Some(budget);
    World::with(workflow, change, Options::default()).await
}

/// The program after a restart with another configuration.
fn with_cap(world: &World, pence: i64) -> Engine {
    let connection = Connection {
        budget: Some(a_day(pence)),
        ..world.connection().clone()
    };
    world.engine_of([connection])
}

async fn restarted(world: &World, engine: &Engine) {
    assert!(engine.drain(&world.location).await.unwrap().owner);
}

async fn spent(world: &World) -> (usize, Decimal) {
    let book = world.bought().await;
    let amount = |one: &serde_json::Value| one["amount"].as_str().unwrap().parse::<Decimal>();
    let sum = book.iter().map(|one| amount(one).unwrap()).sum();
    (book.len(), sum)
}

/// For whom trees were bought, in the order in which they were.
async fn served(world: &World) -> Vec<String> {
    let purchases = world.store.purchases(100).await.unwrap();
    let contacts = purchases.into_iter().rev();
    contacts.map(|one| one.contact.unwrap()).collect()
}

/// Open alerts of a kind: subject and message.
async fn alerts(world: &World, kind: &str) -> Vec<(String, String)> {
    let alerts = world.store.alerts(true, 100).await.unwrap();
    let of_kind = alerts.into_iter().filter(|alert| alert.kind == kind);
    of_kind
        .map(|alert| (alert.subject, alert.message))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cap_holds_where_a_tree_costs_more_than_the_list_says() {
    let world = world(TREE_ONLY, a_day(600)).await;
    let dear = json!({ "prices": { "tree": "2.50" } });
    world.control("/settings", dear).await;
    for n in 0..8 {
        world.create(&format!("Ada {n}")).await;
    }
    world.poll_and_drain().await;
    // At 0.60 eight would fit, and cost 20.00.
    assert_eq!(spent(&world).await, (2, Decimal::new(500, 2)));
    let price = alerts(&world, "price").await;
    assert_eq!(price.len(), 1, "{price:?}");
    assert!(
        price[0].1.contains("cost 2.5 GBP") && price[0].1.contains("says 0.6"),
        "{price:?}"
    );
    assert_eq!(alerts(&world, "budget").await[0].0, "a day");
    let waiting = world.store.waiting_purchases(None).await.unwrap();
    assert_eq!(waiting.len(), 6);
    assert!(
        waiting
            .iter()
            .any(|one| one.estimate == Decimal::new(250, 2)),
        "as dear as the last"
    );
}

#[tokio::test]
async fn an_account_in_another_currency_buys_no_more_until_the_configuration_says_so() {
    let world = world(TREE_ONLY, a_day(600)).await;
    world
        .control("/settings", json!({ "currency": "EUR" }))
        .await;
    for name in ["Ada", "Joan", "Mary"] {
        world.create(name).await;
    }
    world.poll_and_drain().await;
    assert_eq!(spent(&world).await.0, 1);
    let told = alerts(&world, "currency").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains("ecologi.currency = \"EUR\""), "{told:?}");
    world.wait(SignedDuration::from_hours(48));
    world.drain().await;
    assert_eq!(spent(&world).await.0, 1, "time alone changes nothing");

    let connection = Connection {
        currency: "EUR".into(),
        ..world.connection().clone()
    };
    restarted(&world, &world.engine_of([connection])).await;
    assert_eq!(spent(&world).await.0, 3);
    assert!(alerts(&world, "currency").await.is_empty());
}

/// Whether or not anybody waits: the next contact may come in a week.
#[tokio::test]
async fn the_first_receipt_in_another_currency_is_told_at_once_and_as_long_as_it_is_so() {
    let world = world(TREE_ONLY, a_day(600)).await;
    world
        .control("/settings", json!({ "currency": "USD" }))
        .await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    for _ in 0..2 {
        let told = alerts(&world, "currency").await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].1.contains("charged in USD"), "{told:?}");
        world.drain().await;
    }
    let connection = Connection {
        currency: "USD".into(),
        ..world.connection().clone()
    };
    restarted(&world, &world.engine_of([connection])).await;
    assert!(alerts(&world, "currency").await.is_empty());
}

#[tokio::test]
async fn a_raised_cap_frees_what_waits_at_once_in_order_and_nobody_overtakes() {
    let world = world(TREE_ONLY, a_day(120)).await;
    let mut contacts = Vec::new();
    for n in 0..6 {
        contacts.push(world.create(&format!("Ada {n}")).await);
        world.poll_and_drain().await;
    }
    assert_eq!(served(&world).await, contacts[..2]);
    let told = alerts(&world, "budget").await;
    assert!(told[0].1.contains("the cap of 1.20 GBP a day"), "{told:?}");

    contacts.push(world.create("Newest").await);
    world.poll.poll().await.unwrap();
    restarted(&world, &with_cap(&world, 240)).await;
    assert_eq!(served(&world).await, contacts[..4]);
    let told = alerts(&world, "budget").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains("the cap of 2.40 GBP a day"), "{told:?}");
    // Not even the next day, when all could go one by one.
    world.wait(SignedDuration::from_hours(24));
    contacts.push(world.create("Tomorrow's").await);
    world.poll.poll().await.unwrap();
    restarted(&world, &with_cap(&world, 120)).await;
    assert_eq!(served(&world).await, contacts[..6]);

    restarted(&world, &with_cap(&world, 10_000)).await;
    assert_eq!(served(&world).await, contacts);
    assert!(alerts(&world, "budget").await.is_empty());
    assert!(
        world
            .store
            .waiting_purchases(None)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(spent(&world).await.0, contacts.len());
}

#[tokio::test]
async fn what_is_dearer_than_the_whole_cap_keeps_nothing_else_waiting() {
    let many = TREE_ONLY.replace(
        "number = 1",
        "number = \"{{ 50 if contact.firstName == 'Big' else 1 }}\"",
    );
    let world = world(&many, a_day(120)).await;
    world.create("Big").await;
    world.poll_and_drain().await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert_eq!(spent(&world).await, (1, Decimal::new(60, 2)));
    let told = alerts(&world, "budget").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].1.contains("above the whole cap of 1.20"),
        "{told:?}"
    );
    restarted(&world, &with_cap(&world, 10_000)).await;
    assert_eq!(spent(&world).await.0, 2);
}

#[tokio::test]
async fn days_begin_in_the_zone_that_the_budget_names() {
    let location = {
        let world = World::new(TREE_ONLY).await;
        let id = json!({ "locationId": world.location });
        let answer = world.invoke("get-location", id).await;
        answer["location"]["timezone"].as_str().unwrap().to_owned()
    };
    for (zone, name) in [
        (
            BudgetZone::Named(TimeZone::get("Pacific/Auckland").unwrap()),
            "Pacific/Auckland",
        ),
        (BudgetZone::Location, location.as_str()),
    ] {
        let budget = Budget { zone, ..a_day(60) };
        let world = world(TREE_ONLY, budget).await;
        world.create("Ada").await;
        world.create("Joan").await;
        world.poll_and_drain().await;
        assert_eq!(spent(&world).await.0, 1);
        let zone = TimeZone::get(name).unwrap();
        let tomorrow = world.now().to_zoned_datetime(zone).tomorrow().unwrap();
        let midnight = tomorrow.start_of_day().unwrap().timestamp();
        let run = world.run_in(RunState::Waiting).await;
        assert_eq!(run.next_attempt_at, Some(midnight), "{name}");
        world.wait(midnight.duration_since(world.now()));
        world.drain().await;
        assert_eq!(spent(&world).await.0, 2, "{name}");
    }
}

#[tokio::test]
async fn a_workflow_at_its_cap_keeps_no_other_workflow_waiting() {
    let budget = Budget {
        workflows: [(
            "tree-only".to_owned(),
            Caps {
                per_day: Some(Decimal::new(60, 2)),
                per_month: None,
            },
        )]
        .into(),
        ..a_day(600)
    };
    let world = world(TREE_ONLY, budget).await;
    let other = TREE_ONLY.replace("tree-only", "other");
    let parse =
        |text: &str| canopy_mapping::Workflow::parse("w", text, &canopy_engine::Catalog).unwrap();
    world
        .connection()
        .workflows
        .replace([parse(TREE_ONLY), parse(&other)]);
    for name in ["Ada", "Joan"] {
        world.create(name).await;
    }
    world.poll_and_drain().await;
    assert_eq!(spent(&world).await.0, 3);
}

/// The last of a contact's steps before the tree is slow for the first contacts.
const NOTE_FIRST: &str = r#"
id = "note-first"
title = "A note, then a tree"
on = ["contact.created"]

[[do]]
id = "note"
action = "create-note"
with = { contactId = "{{ contact.id }}", body = "Hello" }

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_a_cap_for_two_the_first_two_get_it_although_they_come_to_it_last() {
    let world = world(NOTE_FIRST, a_day(120)).await;
    let slow = json!({ "kind": "delay", "operation": "create-note", "delay_ms": 400, "times": 2 });
    world.control("/faults", slow).await;
    let mut contacts = Vec::new();
    for n in 0..8 {
        contacts.push(world.create(&format!("Ada {n}")).await);
        world.pass(SignedDuration::from_secs(1)).await;
    }
    world.poll_and_drain().await;
    assert_eq!(served(&world).await, contacts[..2]);
    restarted(&world, &with_cap(&world, 10_000)).await;
    assert_eq!(served(&world).await, contacts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_only_one_of_those_that_were_freed_fits_after_all_it_is_the_first() {
    let world = world(TREE_ONLY, a_day(60)).await;
    let mut contacts = Vec::new();
    for n in 0..5 {
        contacts.push(world.create(&format!("Ada {n}")).await);
        world.pass(SignedDuration::from_secs(1)).await;
    }
    world.poll_and_drain().await;
    assert_eq!(served(&world).await, contacts[..1]);
    let dear = json!({ "prices": { "tree": "2.00" } });
    world.control("/settings", dear).await;
    // By the list four more fit.
    restarted(&world, &with_cap(&world, 300)).await;
    assert_eq!(served(&world).await, contacts[..2]);
    restarted(&world, &with_cap(&world, 500)).await;
    assert_eq!(served(&world).await, contacts[..3]);
    restarted(&world, &with_cap(&world, 10_000)).await;
    assert_eq!(served(&world).await, contacts);
}
