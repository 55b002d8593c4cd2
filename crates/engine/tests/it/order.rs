//! Order: steps of older events that come late, and both sides at rest after outages.

use canopy_engine::{Catalog, Options};
use canopy_mapping::Workflow;
use canopy_store::{ProfileStore, RunState, StepState, Store};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::World;

const FIELDS: &str = r#"
id = "fields"
title = "Name and field"
on = ["contact.created", "contact.updated"]

[[do]]
id = "tree"
action = "buy-trees"
once = "event"
with = { number = 1 }

[[do]]
id = "profile"
action = "profile.save"
with = { name = "{{ contact.firstName }}", city = "{{ contact.city or '' }}" }

[[do]]
id = "field"
action = "update-contact"
with = { contactId = "{{ contact.id }}" }

[do.custom_fields]
"Greeting" = { value = "Hello {{ contact.firstName }}" }
"#;

async fn world() -> World {
    let mut world = World::with(
        FIELDS,
        |connection| {
            let mut workflows: Vec<_> = connection.workflows.current().to_vec();
            for recipe in [
                include_str!("../../../../recipes/notes-in-step.toml"),
                include_str!("../../../../recipes/task-progress.toml"),
            ] {
                workflows.push(Workflow::parse("recipe", recipe, &Catalog).unwrap());
            }
            connection.workflows = workflows.into();
        },
        Options {
            most_runs: 1000,
            ..Options::default()
        },
    )
    .await;
    world.be_impatient();
    world
}

/// Fails calls of an operation: before or after the work is done.
async fn fail(world: &World, operation: &str, times: Option<u32>, worked: bool) {
    let mut fault =
        json!({ "kind": "status", "status": 503, "operation": operation, "after_work": worked });
    if !worked {
        fault["headers"] = json!({ "Retry-After": "0" });
    }
    if let Some(times) = times {
        fault["times"] = json!(times);
    }
    world.control("/faults", fault).await;
}

async fn greeting(world: &World, contact: &str) -> Value {
    let contact = world
        .invoke("get-contact", json!({ "contactId": contact }))
        .await;
    let fields = contact["contact"]["customFields"].as_array().cloned();
    fields
        .unwrap_or_default()
        .first()
        .map_or(Value::Null, |field| field["value"].clone())
}

async fn name_on_profile(world: &World, contact: &str) -> Value {
    let profile = world.store.profile(&world.location, contact).await.unwrap();
    profile.map_or(Value::Null, |profile| profile.fields["name"].clone())
}

#[tokio::test]
async fn a_late_step_writes_over_nothing_that_a_newer_event_wrote_and_says_so() {
    let world = world().await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    // The older event comes no further than its purchase.
    fail(&world, "buy-trees", None, false).await;
    world.rename(&contact, "Old").await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    world.rename(&contact, "New").await;
    world.poll_and_drain().await;
    assert_eq!(greeting(&world, &contact).await, "Hello New");
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(greeting(&world, &contact).await, "Hello New");
    assert_eq!(name_on_profile(&world, &contact).await, "New");
    assert_eq!(
        world.bought().await.len(),
        3,
        "purchases are never superseded"
    );
    let runs = world.runs_of("fields").await;
    let steps = world.store.steps(runs[1].id).await.unwrap();
    assert_eq!(runs[1].state, RunState::Done);
    for step in ["profile", "field"] {
        let step = steps.iter().find(|record| record.step == step).unwrap();
        assert_eq!(step.state, StepState::Skipped);
        let told = step.output.as_ref().unwrap()["skipped"].as_str().unwrap();
        assert_eq!(
            told,
            format!(
                "superseded: run {}, of a newer event, has written this already",
                runs[2].id
            )
        );
    }
}

#[tokio::test]
async fn an_older_value_does_not_come_back_where_the_newer_event_found_it_written_already() {
    let world = world().await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    fail(&world, "update-contact", None, false).await;
    world.rename(&contact, "Old").await;
    world.poll_and_drain().await;
    // Back to what the field says: the newer event has nothing to write.
    world.rename(&contact, "Ada").await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(greeting(&world, &contact).await, "Hello Ada");
}

/// What happens in one round of the simulation.
#[derive(Debug, Clone)]
enum Act {
    Rename(u8),
    NoteThere(u8),
    NoteHere(u8),
    Task(bool),
    Fail(&'static str, u32, bool),
    Mend,
    Pass(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let failing = prop::sample::select(vec![
        "get-contact",
        "update-contact",
        "get-note",
        "update-note",
        "create-note",
        "get-task",
        "buy-trees",
    ]);
    let act = prop_oneof![
        3 => (0..4_u8).prop_map(Act::Rename),
        2 => (0..4_u8).prop_map(Act::NoteThere),
        3 => (0..4_u8).prop_map(Act::NoteHere),
        2 => any::<bool>().prop_map(Act::Task),
        5 => (failing, 1..4_u32, any::<bool>()).prop_map(|(name, times, worked)| Act::Fail(name, times, worked)),
        1 => Just(Act::Mend),
        3 => (1..30_i64).prop_map(Act::Pass),
    ];
    prop::collection::vec(act, 8..24)
}

async fn play(acts: Vec<Act>) -> Result<(), TestCaseError> {
    let world = world().await;
    let contact = world.create("Name 0").await;
    let there = world.create_note(&contact, "there 0").await;
    let body = json!({ "contactId": contact, "title": "Plant", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = world.invoke("create-task", body).await["task"]["id"].clone();
    world.note_webhook(&contact, &there).await;
    world.poll_and_drain().await;
    let mut here: Option<String> = None;
    for (number, act) in acts.into_iter().enumerate() {
        match act {
            Act::Rename(name) => world.rename(&contact, &format!("Name {name}")).await,
            Act::NoteThere(text) => {
                let change =
                    json!({ "contactId": contact, "id": there, "body": format!("there {text}") });
                world.without_faults("update-note", change).await;
                world.told_update("note", &contact, &there, number).await;
            }
            Act::NoteHere(text) => {
                let id = world
                    .write_note(&contact, here.as_deref(), &format!("here {text}"))
                    .await;
                here = Some(id);
            }
            Act::Task(completed) => {
                let change =
                    json!({ "contactId": contact, "taskId": task, "completed": completed });
                world.without_faults("update-task-completed", change).await;
                let task = task.as_str().unwrap();
                world.told_update("task", &contact, task, number).await;
            }
            Act::Fail(operation, times, worked) => {
                // A purchase in doubt is a person's matter in the end; what it may not do is tested elsewhere.
                let worked = worked && operation != "buy-trees";
                fail(&world, operation, Some(times), worked).await;
            }
            Act::Mend => world.clear_faults().await,
            Act::Pass(seconds) => world.wait(SignedDuration::from_secs(seconds)),
        }
        world.poll_and_drain_if_up().await;
    }
    world.clear_faults().await;
    for _ in 0..40 {
        world.wait(SignedDuration::from_mins(15));
        world.poll_and_drain().await;
    }
    let summary = world.store.summary().await.unwrap();
    prop_assert_eq!((summary.runs_open, summary.events_pending), (0, 0));
    prop_assert_eq!((summary.runs_dead, summary.runs_held), (0, 0));
    let shown = world
        .invoke("get-contact", json!({ "contactId": contact }))
        .await;
    let name = shown["contact"]["firstName"].as_str().unwrap();
    prop_assert_eq!(greeting(&world, &contact).await, format!("Hello {name}"));
    prop_assert_eq!(name_on_profile(&world, &contact).await, name);
    let ours = world
        .store
        .profile_notes(&world.location, &contact)
        .await
        .unwrap();
    let theirs = world.notes(&contact).await;
    prop_assert_eq!(ours.len(), theirs.len(), "{:?} {:?}", ours, theirs);
    for note in &ours {
        let other = theirs
            .iter()
            .find(|other| other["id"].as_str() == note.highlevel_id.as_deref());
        prop_assert_eq!(
            other.map(|other| &other["body"]),
            Some(&json!(note.body)),
            "{:?}",
            theirs
        );
    }
    let tasks = world
        .store
        .profile_tasks(&world.location, &contact)
        .await
        .unwrap();
    if let [kept] = &tasks[..] {
        let shown = world
            .invoke("get-task", json!({ "contactId": contact, "taskId": task }))
            .await;
        prop_assert_eq!(json!(kept.completed), shown["task"]["completed"].clone());
    }
    Ok(())
}

#[test]
fn both_sides_are_equal_at_rest_after_any_outage() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 16,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    runner
        .run(&acts(), |acts| runtime.block_on(play(acts)))
        .unwrap();
}
