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
        give_up_after: SignedDuration::from_mins(90),
        ..RetryOptions::default()
    };
    let options = Options {
        retry,
        // Longer than it is tried: what becomes of it then is not the matter here.
        purchase_window: SignedDuration::from_hours(12),
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

/// While a service is down, what failed may be due again before the round that tried it is over.
#[tokio::test]
async fn a_round_ends_though_what_failed_is_due_again_at_once() {
    let retry = RetryOptions {
        base: std::time::Duration::ZERO,
        max: std::time::Duration::ZERO,
        // Without an end of its own the round would try until nothing is left to try.
        max_attempts: 50,
        give_up_after: SignedDuration::ZERO,
        ..RetryOptions::default()
    };
    let options = Options {
        retry,
        ..Options::default()
    };
    let world = World::with(TREE_ONLY, |_| {}, options).await;
    world.create("Ada").await;
    let down = json!({ "kind": "status", "status": 500, "service": "ecologi" });
    world.control("/faults", down).await;
    world.poll_and_drain().await;
    let first = world.run().await;
    assert_eq!(first.state, RunState::Waiting);
    assert!(first.attempts < 10, "{}", first.attempts);
    world.drain().await;
    let second = world.run().await;
    assert!(second.attempts > first.attempts, "the next round goes on");
    world.clear_faults().await;
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
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

/// Fails every call of a service, which says that it does not work.
async fn outage(world: &World, service: &str) {
    let fault = json!({ "kind": "status", "status": 503, "service": service, "headers": { "Retry-After": "0" } });
    world.control("/faults", fault).await;
}

/// Lets the time pass in steps, with a drain after each.
async fn pass(world: &World, hours: i64) {
    for _ in 0..hours * 2 {
        world.wait(SignedDuration::from_mins(30));
        world.drain().await;
    }
}

async fn alerts(world: &World, kind: &str) -> Vec<canopy_store::Alert> {
    let mut alerts = world.store.alerts(true, 100).await.unwrap();
    alerts.retain(|alert| alert.kind == kind);
    alerts
}

#[tokio::test]
async fn an_outage_of_a_day_leads_to_waiting_and_is_told_while_it_lasts() {
    let mut world = World::new(TREE_ONLY).await;
    world.be_impatient();
    world.create("Ada").await;
    outage(&world, "ecologi").await;
    world.poll_and_drain().await;
    assert!(alerts(&world, "waiting").await.is_empty(), "not at once");
    pass(&world, 25).await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Waiting, "{run:?}");
    assert!(run.attempts > 20, "{run:?}");
    let told = alerts(&world, "waiting").await;
    assert_eq!(told.len(), 1);
    assert!(
        told[0]
            .message
            .contains("1 run(s) and 0 event(s) wait since")
            && told[0].message.contains("503"),
        "{}",
        told[0].message
    );
    world.clear_faults().await;
    pass(&world, 1).await;
    assert_eq!(world.run().await.state, RunState::Done);
    assert!(alerts(&world, "waiting").await.is_empty(), "it is over");
    assert_eq!(world.bought().await.len(), 1);
}

#[tokio::test]
async fn events_that_cannot_be_read_for_a_day_wait_and_are_told_of() {
    let mut world = World::new(TREE_ONLY).await;
    world.be_impatient();
    world.create("Ada").await;
    world.poll.poll().await.unwrap();
    outage(&world, "highlevel").await;
    world.drain().await;
    pass(&world, 25).await;
    let told = alerts(&world, "waiting").await;
    assert!(
        told[0]
            .message
            .contains("0 run(s) and 1 event(s) wait since"),
        "{}",
        told[0].message
    );
    let rows = world.store.recent_events(10).await.unwrap();
    assert_eq!(
        world.store.summary().await.unwrap().events_waiting,
        1,
        "{rows:?}"
    );
    world.clear_faults().await;
    pass(&world, 1).await;
    assert_eq!(world.bought().await.len(), 1);
    assert!(alerts(&world, "waiting").await.is_empty());
}

#[tokio::test]
async fn a_purchase_sleeps_no_longer_than_the_longest_wait_whatever_a_service_asks_for() {
    for asked in ["0", "1000000000", "99999999999999999999"] {
        let mut world = World::new(TREE_ONLY).await;
        world.be_impatient();
        world.create("Ada").await;
        let fault = json!({ "kind": "status", "status": 429, "service": "ecologi", "headers": { "Retry-After": asked } });
        world.control("/faults", fault).await;
        world.poll_and_drain().await;
        let run = world.run().await;
        let wait = run.next_attempt_at.unwrap().duration_since(world.now());
        let retry = RetryOptions::default();
        assert!(
            wait >= SignedDuration::try_from(retry.base).unwrap()
                && wait <= SignedDuration::try_from(retry.max).unwrap(),
            "{asked}: {wait:?}"
        );
    }
}
