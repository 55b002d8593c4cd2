//! Steps that happen once for each number of the sender's own.

use canopy_mapping::{Source, Trace};
use canopy_store::{NewEvent, RunState, Store as _};
use serde_json::{Value, json};

use crate::support::World;

const ORDERS: &str = r#"
id = "orders"
title = "A tree for each order"
on = { webhook = "order" }

[[do]]
id = "first"
action = "buy-trees"
once = "event"
when = "webhook.twice"
with = { number = 1 }

[[do]]
id = "tree"
action = "buy-trees"
once = "{{ webhook.shop }}-{{ webhook.orderId }}"
when = "not webhook.skip"
with = { number = 1 }
"#;

async fn call(world: &World, number: u32, payload: Value) {
    let now = world.now();
    let event = NewEvent {
        source: Source::Webhook,
        kind: "hook.order".into(),
        location: world.location.clone(),
        contact: None,
        record: format!("call {number}"),
        occurred_at: now,
        version: None,
        delivery: None,
        payload,
        trace: Trace::default(),
    };
    world.store.insert_events(vec![event], now).await.unwrap();
    world.drain().await;
}

#[tokio::test]
async fn the_senders_own_number_buys_once_and_another_again() {
    let world = World::new(ORDERS).await;
    for (number, id) in [json!(7), json!("7"), json!(" 7 "), json!("8"), json!(7)]
        .into_iter()
        .enumerate()
    {
        let number = u32::try_from(number).unwrap();
        call(&world, number, json!({ "shop": "a", "orderId": id })).await;
    }
    assert_eq!(world.bought().await.len(), 2);
    assert_eq!(world.store.summary().await.unwrap().runs_done, 5);
}

#[tokio::test]
async fn without_the_number_the_run_ends_before_anything_is_bought() {
    let world = World::new(ORDERS).await;
    for (number, payload) in [
        json!({ "twice": true, "shop": "a" }),
        json!({ "twice": true, "shop": "a", "orderId": null }),
        json!({ "twice": true, "shop": "a", "orderId": "" }),
        json!({ "twice": true, "shop": "a", "orderId": ["7"] }),
    ]
    .into_iter()
    .enumerate()
    {
        call(&world, u32::try_from(number).unwrap(), payload).await;
    }
    assert_eq!(world.bought().await, [json!(null); 0]);
    let runs = world.store.runs(Some(RunState::Dead), 9).await.unwrap();
    assert_eq!(runs.len(), 4);
    for run in runs {
        let error = run.error.unwrap();
        assert!(
            error.contains("step \"tree\"") && error.contains("webhook.orderId"),
            "{error}"
        );
    }
    // A step that is left out needs none.
    call(&world, 9, json!({ "skip": true, "twice": true })).await;
    assert_eq!(world.bought().await.len(), 1);
    assert_eq!(world.store.summary().await.unwrap().runs_done, 1);
}

#[tokio::test]
async fn a_key_put_together_needs_each_part_and_one_address_is_one_person() {
    let file = ORDERS.replace(
        "{{ webhook.shop }}-{{ webhook.orderId }}",
        "{{ webhook.shop ~ '-' ~ webhook.email }}",
    );
    let world = World::new(&file).await;
    for (number, email) in [json!(null), json!(""), json!("a"), json!(" ")]
        .into_iter()
        .enumerate()
    {
        let number = u32::try_from(number).unwrap();
        call(&world, number, json!({ "shop": "a", "email": email })).await;
    }
    assert_eq!(world.bought().await.len(), 1);
    let runs = world.runs_of("orders").await;
    let errors: Vec<&str> = runs.iter().filter_map(|run| run.error.as_deref()).collect();
    assert_eq!(errors.len(), 3, "{runs:?}");
    for error in errors {
        assert!(error.contains("webhook.email"), "{error}");
        assert!(error.contains("missing or empty"), "{error}");
    }
    let file = ORDERS.replace(
        "{{ webhook.shop }}-{{ webhook.orderId }}",
        "{{ webhook.email }}",
    );
    let world = World::new(&file).await;
    for (number, email) in ["Ada@x.com", "ada@X.com", " ada@x.com"].iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        call(&world, number, json!({ "email": email })).await;
    }
    assert_eq!(world.bought().await.len(), 1);
}
