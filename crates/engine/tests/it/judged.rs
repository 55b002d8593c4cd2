//! What waits to be bought is judged on the contact as it is by then.

use canopy_engine::{Budget, Connection, Options};
use canopy_store::{MoneyStore, Run, RunState};
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::World;

const ONE: &str = "with = { number = 1 }";

fn budget(pence: i64) -> Budget {
    Budget {
        per_day: Decimal::new(pence, 2),
        per_month: Decimal::ONE_THOUSAND,
        ..Budget::default()
    }
}

/// A day's cap lets the first purchase go.
async fn world(on: &str, condition: &str, step: &str) -> World {
    let workflow = format!(
        r#"
id = "trees"
title = "Trees"
on = "{on}"
{condition}

[[do]]
id = "tree"
action = "buy-trees"
{step}
"#
    );
    let change = |connection: &mut Connection| connection.budget = Some(budget(100));
    World::with(&workflow, change, Options::default()).await
}

/// A contact whose purchase waits at the cap.
async fn waiting(condition: &str, step: &str) -> (World, String) {
    let world = world("contact.created", condition, step).await;
    world.create("Ada").await;
    world.create("Joan").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 1);
    let behind = world.store.waiting_purchases(None).await.unwrap();
    (world, behind[0].contact.clone().unwrap())
}

async fn its_run(world: &World, contact: &str) -> Run {
    let mut runs = world.runs().await;
    runs.retain(|run| run.contact.as_deref() == Some(contact));
    runs.pop().unwrap()
}

async fn raised(world: &mut World) {
    let connection = Connection {
        budget: Some(budget(1000)),
        ..world.connection().clone()
    };
    world.engine = world.engine_of([connection]);
    world.drain().await;
}

async fn opts_out(world: &World, contact: &str) {
    let path = format!("/contacts/{contact}");
    world.control(&path, json!({ "dnd": true })).await;
}

#[tokio::test]
async fn who_opts_out_while_a_purchase_waits_is_bought_nothing() {
    let when = "when = \"not contact.dnd\"";
    let of_step = format!("{when}\n{ONE}");
    for (condition, step) in [(when, ONE), ("", of_step.as_str())] {
        let (mut world, contact) = waiting(condition, step).await;
        opts_out(&world, &contact).await;
        raised(&mut world).await;
        assert_eq!(world.bought().await.len(), 1, "{condition}");
        let run = its_run(&world, &contact).await;
        assert_eq!(run.state, RunState::Done);
        if !condition.is_empty() {
            let why = run.error.unwrap();
            assert!(why.contains("the contact has changed since"), "{why}");
            assert!(why.contains("not contact.dnd"), "{why}");
        }
    }
}

#[tokio::test]
async fn who_withdraws_consent_while_a_purchase_waits_is_not_named() {
    let step =
        "consent = \"not contact.dnd\"\nwith = { number = 1, name = \"{{ contact.firstName }}\" }";
    let (mut world, contact) = waiting("", step).await;
    opts_out(&world, &contact).await;
    raised(&mut world).await;
    let book = world.bought().await;
    assert_eq!(book.len(), 2);
    assert!(book[0]["name"].is_string(), "{}", book[0]);
    assert!(book[1]["name"].is_null(), "{}", book[1]);
}

#[tokio::test]
async fn nothing_is_bought_for_who_was_deleted_while_the_purchase_waited() {
    let (mut world, contact) = waiting("", ONE).await;
    world
        .invoke("delete-contact", json!({ "contactId": contact }))
        .await;
    raised(&mut world).await;
    assert_eq!(world.bought().await.len(), 1);
    world.wait(SignedDuration::from_mins(16));
    world.drain().await;
    let run = its_run(&world, &contact).await;
    assert_eq!(run.state, RunState::Done);
    assert!(run.error.unwrap().contains("is not there"));
}

#[tokio::test]
async fn who_stays_as_it_was_is_bought_for() {
    let (mut world, _) = waiting("when = \"not contact.dnd\"", ONE).await;
    raised(&mut world).await;
    assert_eq!(world.bought().await.len(), 2);
}

/// For events of something else the contact is read anew at each attempt.
#[tokio::test]
async fn a_note_whose_contact_opted_out_while_its_purchase_waited_buys_nothing() {
    for (opts, bought) in [(true, 1), (false, 2)] {
        let mut world = world("note.created", "when = \"not contact.dnd\"", ONE).await;
        let contacts = [world.create("Ada").await, world.create("Joan").await];
        world.poll.poll().await.unwrap();
        for contact in &contacts {
            let id = world.create_note(contact, "A note").await;
            world.note_webhook(contact, &id).await;
        }
        world.drain().await;
        assert_eq!(world.bought().await.len(), 1);
        let behind = world.store.waiting_purchases(None).await.unwrap();
        assert_eq!(behind.len(), 1);
        if opts {
            opts_out(&world, behind[0].contact.as_deref().unwrap()).await;
        }
        raised(&mut world).await;
        assert_eq!(world.bought().await.len(), bought, "{opts}");
        let runs = world.runs().await;
        assert!(
            runs.iter().all(|run| run.state == RunState::Done),
            "{runs:?}"
        );
    }
}
