//! Steps that fail: back-off, dead letters, creates whose outcome is unknown.

use canopy_engine::{Options, RetryOptions};
use canopy_store::{RunState, Store};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{TREE_ONLY, World};

#[tokio::test]
async fn a_step_that_keeps_failing_ends_in_the_dead_letters() {
    let retry = RetryOptions {
        max_attempts: 3,
        ..RetryOptions::default()
    };
    let options = Options {
        retry,
        ..Options::default()
    };
    let world = World::with(TREE_ONLY, |_| {}, options).await;
    world.create("Ada").await;
    world
        .control(
            "/faults",
            json!({ "kind": "status", "status": 500, "service": "ecologi" }),
        )
        .await;
    world.poll_and_drain().await;
    for attempt in 1..3 {
        let run = world.run().await;
        assert_eq!((run.state, run.attempts), (RunState::Waiting, attempt));
        world.drain().await;
        let same = world.run().await;
        assert_eq!(same.attempts, attempt, "not before its time");
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
    }
    let run = world.run().await;
    assert_eq!((run.state, run.attempts), (RunState::Dead, 3));
    assert!(run.error.unwrap().contains("gave up after 3 attempts"));
    // An operator mends the cause and says so.
    world.clear_faults().await;
    world.retry(run.id).await;
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1);
}

#[tokio::test]
async fn a_waiting_run_does_not_block_later_ones() {
    let world = World::new(TREE_ONLY).await;
    world.create("Ada").await;
    // More often than one call is repeated by itself, then no more.
    world
        .control(
            "/faults",
            json!({ "kind": "drop_request", "service": "ecologi" }),
        )
        .await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    world.create("Grace").await;
    world.poll_and_drain().await;
    let summary = world.store.summary().await.unwrap();
    assert_eq!((summary.runs_done, summary.runs_waiting), (1, 1));
}

#[tokio::test]
async fn a_create_without_a_look_up_is_not_repeated_unasked() {
    // Ids come from the seed, so every sandbox has this campaign.
    let campaign = World::new(TREE_ONLY).await.campaign().await;
    let workflow = r#"
id = "enrol"
title = "Enrol"
on = ["contact.created"]

[[do]]
id = "enrol"
action = "add-contact-to-campaign"
with = { contactId = "{{ contact.id }}", campaignId = "c1" }
"#;
    let workflow = workflow.replace("c1", &campaign);
    let world = World::new(&workflow).await;
    world.create("Ada").await;
    let fault =
        json!({ "kind": "drop_answer", "operation": "add-contact-to-campaign", "times": 1 });
    world.control("/faults", fault).await;
    world.poll_and_drain().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    let run = world.run_in(RunState::Held).await;
    assert!(
        run.error
            .as_deref()
            .unwrap()
            .contains(&format!("canopy retry {}", run.id))
    );
    world.retry(run.id).await;
    world.drain().await;
    assert_eq!(
        world.store.summary().await.unwrap().runs_done,
        1,
        "the person said so"
    );
}
