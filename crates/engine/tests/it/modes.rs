//! A run is carried out in the mode in which its event came, or on a person's word.

use canopy_store::{BreakerStore as _, PurchaseState, RunState, Store};
use serde_json::{Value, json};

use crate::support::{TREE_ONLY, World};
use canopy_engine::Options;

const NOTE_FIRST: &str = r#"
id = "note-first"
title = "A note, then a tree"
on = ["contact.created"]

[[do]]
id = "note"
action = "create-note"
with = { contactId = "{{ contact.id }}", body = "hello" }

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }
"#;

async fn in_test(workflow: &str, write_in_test: bool) -> World {
    let change = |connection: &mut canopy_engine::Connection| {
        connection.test = true;
        connection.write_in_test = write_in_test;
    };
    let mut world = World::with(workflow, change, Options::default()).await;
    world.be_impatient();
    world
}

/// How many the sandbox sold for real.
async fn real(world: &World) -> usize {
    let bought = world.bought().await;
    bought.iter().filter(|one| one["test"] == false).count()
}

/// Has an operation be down.
async fn fail(world: &World, operation: &str) {
    let fault = json!({ "kind": "status", "status": 503, "operation": operation });
    world.control("/faults", fault).await;
}

async fn word(world: &World, run: i64) {
    let now = world.now();
    if !world.store.carry_out(run, true, now).await.unwrap() {
        world.retry(run).await;
    }
}

async fn waits_for_a_word_and_buys_once(mut world: World) {
    world.clear_faults().await;
    world.restart(|connection| connection.test = false);
    world.wait(jiff::SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(real(&world).await, 0);
    let run = world.run_in(RunState::Held).await;
    let told = run.error.unwrap();
    assert!(
        told.contains("test mode") && told.contains(&format!("canopy retry {}", run.id)),
        "{told}"
    );
    let open = world.store.purchases(10).await.unwrap();
    assert!(
        open.iter().all(|one| one.state != PurchaseState::Sent),
        "{open:?}"
    );
    // A word that does not say it in real mode is none.
    world.retry(run.id).await;
    world.drain().await;
    assert_eq!(real(&world).await, 0);
    word(&world, run.id).await;
    world.drain().await;
    assert_eq!(real(&world).await, 1);
    assert_eq!(world.run().await.state, RunState::Done);
    // What comes from now on is bought by itself.
    world.create("Grace").await;
    world.poll_and_drain().await;
    assert_eq!(real(&world).await, 2);
}

#[tokio::test]
async fn a_purchase_that_was_not_answered_in_test_mode_is_not_made_for_real() {
    let world = in_test(TREE_ONLY, false).await;
    fail(&world, "buy-trees").await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let sent = world.store.purchases(1).await.unwrap().remove(0);
    assert_eq!((sent.state, sent.test), (PurchaseState::Sent, true));
    waits_for_a_word_and_buys_once(world).await;
}

#[tokio::test]
async fn a_run_that_had_not_come_to_its_purchase_in_test_mode_does_not_buy() {
    let world = in_test(NOTE_FIRST, true).await;
    fail(&world, "create-note").await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    waits_for_a_word_and_buys_once(world).await;
}

#[tokio::test]
async fn an_event_that_came_in_test_mode_does_not_buy_although_its_run_begins_later() {
    let world = in_test(TREE_ONLY, false).await;
    world.drain().await;
    world.create("Ada").await;
    world.poll.poll().await.unwrap();
    waits_for_a_word_and_buys_once(world).await;
}

#[tokio::test]
async fn what_began_for_real_is_not_simulated() {
    let mut world = World::new(TREE_ONLY).await;
    world.be_impatient();
    world.drain().await;
    world.create("Ada").await;
    world.poll.poll().await.unwrap();
    world.restart(|connection| connection.test = true);
    world.drain().await;
    assert_eq!(world.bought().await, [] as [Value; 0]);
    let run = world.run_in(RunState::Held).await;
    assert!(run.error.unwrap().contains("while purchases were real"));
    world.restart(|connection| connection.test = false);
    word(&world, run.id).await;
    world.drain().await;
    assert_eq!((world.bought().await.len(), real(&world).await), (1, 1));
}
