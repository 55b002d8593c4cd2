//! What workflow files can say: waits, stops, and what stops workflows that go on for ever.

use canopy_store::{ProfileStore, RunState, StepState, Store};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::World;

const LATER: &str = r#"
id = "later"
title = "A tree after three days"
on = "contact.created"

[[do]]
id = "first"
action = "buy-trees"
with = { number = 1 }

[[do]]
id = "rest"
wait = "3d"

[[do]]
id = "gone"
stop = "{{ contact.firstName }} does not want to"
when = "contact.firstName == 'Nobody'"

[[do]]
id = "second"
action = "buy-trees"
with = { number = 2 }
"#;

#[tokio::test]
async fn a_run_waits_and_goes_on_as_it_began() {
    let world = World::new(LATER).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let run = world.runs_of("later").await.remove(0);
    assert_eq!(run.state, RunState::Waiting);
    assert_eq!(
        run.next_attempt_at,
        Some("2026-11-26T12:00:00Z".parse().unwrap())
    );
    assert_eq!(world.bought().await.len(), 1);

    // The contact's later events are not kept waiting, and the workflow of new runs may be another one by now.
    let other = LATER
        .replace("number = 2", "number = 5")
        .replace("contact.created", "contact.updated");
    let other = canopy_mapping::Workflow::parse("later", &other, &canopy_engine::Catalog).unwrap();
    let connection = world.engine.connections().next().unwrap();
    connection.workflows.replace([other]);
    world.rename(&contact, "Grace").await;
    world.poll_and_drain().await;
    let all = world.runs_of("later").await;
    assert_eq!(all.len(), 2);
    // "first" has been bought for this contact before.
    assert_eq!(world.bought().await.len(), 1);

    world.wait(SignedDuration::from_hours(71));
    world.drain().await;
    assert_eq!(world.runs_of("later").await[0].state, RunState::Waiting);
    world.wait(SignedDuration::from_hours(2));
    world.drain().await;
    let done = world.runs_of("later").await;
    assert!(
        done.iter().all(|run| run.state == RunState::Done),
        "{done:?}"
    );
    // One key for both runs: whichever comes first buys, with the amount that its own file says.
    let bought = world.bought().await;
    assert_eq!(bought.len(), 2);
    assert_eq!(bought[1]["quantity"], json!(2));
    let steps = world.store.steps(run.id).await.unwrap();
    assert_eq!(
        steps[1].output,
        Some(json!({ "until": "2026-11-26T12:00:00Z" }))
    );
}

#[tokio::test]
async fn a_run_stops_with_its_reason_by_what_is_true_after_the_wait() {
    let world = World::new(LATER).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    world.rename(&contact, "Nobody").await;
    world.wait(SignedDuration::from_hours(73));
    world.drain().await;
    let run = world.runs_of("later").await.remove(0);
    assert_eq!(run.state, RunState::Done);
    assert_eq!(
        run.error.as_deref(),
        Some("stopped at step \"gone\": Nobody does not want to")
    );
    assert_eq!(world.bought().await.len(), 1);
    let states: Vec<_> = world
        .store
        .steps(run.id)
        .await
        .unwrap()
        .into_iter()
        .map(|step| (step.step, step.state))
        .collect();
    assert_eq!(states.len(), 3, "{states:?}");
    assert_eq!(states[2], ("gone".to_owned(), StepState::Done));
}

#[tokio::test]
async fn two_workflows_that_start_each_other_are_stopped_and_named() {
    let one = |id: &str, on: &str, does: &str| {
        let text = format!(
            "id = \"{id}\"\ntitle = \"{id}\"\non = [\"{on}\", \"contact.created\"]\n\n[[do]]\nid = \"s\"\naction = \"{does}\"\n"
        );
        let with = if does == "profile.note" {
            "with = { body = \"{{ event.version }}\" }"
        } else {
            "with = { title = \"{{ event.version }}\" }"
        };
        format!("{text}{with}\n")
    };
    let world = World::with(
        &one("ping", "profile_task.created", "profile.note"),
        |connection| {
            let other = one("pong", "profile_note.created", "profile.task");
            let parsed = canopy_mapping::Workflow::parse("pong", &other, &canopy_engine::Catalog);
            let mut workflows = connection.workflows.current().to_vec();
            workflows.push(parsed.unwrap());
            connection.workflows = workflows.into();
        },
        canopy_engine::Options::default(),
    )
    .await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!((alerts.len(), &*alerts[0].kind), (1, "loop"), "{alerts:?}");
    assert!(
        alerts[0]
            .message
            .contains("workflows \"ping\" and \"pong\" start each other"),
        "{}",
        alerts[0].message
    );
    let summary = world.store.summary().await.unwrap();
    assert_eq!((summary.runs_open, summary.events_pending), (0, 0));
    let notes = world.store.profile_notes(&world.location, &contact).await;
    assert!(notes.unwrap().len() <= 10);
}

#[tokio::test]
async fn a_workflow_that_runs_too_often_for_a_contact_is_held_and_loses_nothing() {
    let world = World::with(
        r#"
id = "storm"
title = "Storm"
on = ["contact.created", "contact.updated"]

[[do]]
id = "note"
action = "profile.note"
with = { body = "{{ contact.firstName }}" }
"#,
        |_| {},
        canopy_engine::Options {
            most_runs: 3,
            ..canopy_engine::Options::default()
        },
    )
    .await;
    let contact = world.create("0").await;
    let other = world.create("Other").await;
    world.poll_and_drain().await;
    for name in ["1", "2", "3", "4"] {
        world.rename(&contact, name).await;
        world.hint(&contact, name).await;
        world.drain().await;
    }
    let all = world.runs_of("storm").await;
    let of = |state: RunState| {
        all.iter()
            .filter(|run| run.state == state)
            .collect::<Vec<_>>()
    };
    assert_eq!((of(RunState::Done).len(), of(RunState::Held).len()), (4, 2));
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!(
        (alerts.len(), &*alerts[0].kind, alerts[0].times),
        (1, "loop", 2)
    );
    let message = &alerts[0].message;
    assert!(
        message.contains("\"storm\"") && message.contains(&contact),
        "{message}"
    );

    // Another contact is not concerned, and later this one is free again.
    world.rename(&other, "Another").await;
    world.hint(&other, "other").await;
    world.drain().await;
    world.wait(SignedDuration::from_mins(11));
    world.rename(&contact, "5").await;
    world.hint(&contact, "5").await;
    world.drain().await;
    let done = world.runs_of("storm").await;
    let done = done.iter().filter(|run| run.state == RunState::Done);
    assert_eq!(done.count(), 6);

    // A person says that it was meant.
    world.retry(of(RunState::Held)[0].id).await;
    world.drain().await;
    let held = world.runs_of("storm").await;
    assert_eq!(
        held.iter()
            .filter(|run| run.state == RunState::Held)
            .count(),
        1
    );
}

#[tokio::test]
async fn a_dead_run_goes_on_with_the_corrected_text_and_keeps_what_it_has_done() {
    let world = World::new(
        r#"
id = "typo"
title = "Typo"
on = "contact.created"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }

[[do]]
id = "more"
action = "buy-trees"
with = { number = "{{ contact.firstName }}" }
"#,
    )
    .await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let run = world.runs_of("typo").await.remove(0);
    assert_eq!(run.state, RunState::Dead);
    let corrected = run.definition.replace("{{ contact.firstName }}", "{{ 2 }}");
    let now = world.now();
    let store = &world.store;
    assert!(
        store
            .requeue_run_with(run.id, &corrected, now)
            .await
            .unwrap()
    );
    world.drain().await;
    assert_eq!(world.runs_of("typo").await[0].state, RunState::Done);
    assert_eq!(world.bought().await.len(), 2);
    // What runs already, or is done, keeps its version.
    assert!(
        !store
            .requeue_run_with(run.id, &corrected, now)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_clock_that_was_ahead_and_is_set_right_silences_no_wait() {
    let world = World::new(LATER).await;
    world.wait(SignedDuration::from_hours(10));
    world.create("Ada").await;
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    world.wait(SignedDuration::from_hours(-10));
    world.drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Waiting);
    assert_eq!(
        run.next_attempt_at,
        Some(world.now() + SignedDuration::from_hours(72))
    );
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert!(
        alerts.iter().any(|alert| alert.kind == "clock"),
        "{alerts:?}"
    );
    world.wait(SignedDuration::from_hours(73));
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(world.bought().await.len(), 2);
}
