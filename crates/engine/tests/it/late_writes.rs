//! Writes that come late or cannot be made for a while: what they leave alone, how long they are tried, and what they are
//! looked up by.

use std::time::Duration;

use canopy_engine::{Catalog, Options};
use canopy_mapping::{Source, Trace, Workflow};
use canopy_store::{
    NewEvent, ProfileChange, ProfileStore, ProfileUpdate, RunState, StepState, Store,
};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::support::World;

/// A purchase that can be made to wait, and then this step.
fn after_a_tree(step: &str) -> String {
    format!(
        r#"
id = "late"
title = "Late"
on = ["contact.created", "contact.updated"]

[[do]]
id = "tree"
action = "buy-trees"
once = "event"
with = {{ number = 1 }}

[[do]]
id = "write"
{step}
"#
    )
}

async fn with_email(world: &World, name: &str) -> String {
    let body = json!({ "firstName": name, "email": "ada@example.com", "phone": "+441234567890" });
    let contact = world.control("/contacts", body).await;
    contact["id"].as_str().unwrap().to_owned()
}

async fn fail(world: &World, operation: &str) {
    let fault = json!({ "kind": "status", "status": 503, "operation": operation, "headers": { "Retry-After": "0" } });
    world.control("/faults", fault).await;
}

/// The run of a change to "Old" waits at its purchase while the one of a change to "New" is carried out; then it comes late.
async fn old_comes_late(step: &str) -> (World, String) {
    let mut world = World::new(&after_a_tree(step)).await;
    world.be_impatient();
    let contact = with_email(&world, "Ada").await;
    world.poll_and_drain().await;
    fail(&world, "buy-trees").await;
    world.rename(&contact, "Old").await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    world.rename(&contact, "New").await;
    world.poll_and_drain().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    let runs = world.runs().await;
    assert!(
        runs.iter().all(|run| run.state == RunState::Done),
        "{runs:?}"
    );
    (world, contact)
}

async fn shown(world: &World, contact: &str) -> Value {
    let read = json!({ "contactId": contact });
    world.invoke("get-contact", read).await["contact"].clone()
}

#[tokio::test]
async fn a_late_upsert_writes_over_nothing_whether_it_finds_the_contact_by_address_or_number() {
    for by in [
        "email = \"{{ contact.email }}\"",
        "phone = \"{{ contact.phone }}\"",
    ] {
        let step = format!(
            "action = \"upsert-contact\"\nwith = {{ locationId = \"{{{{ location.id }}}}\", {by}, city = \"City of {{{{ contact.firstName }}}}\" }}"
        );
        let (world, contact) = old_comes_late(&step).await;
        assert_eq!(shown(&world, &contact).await["city"], "City of New", "{by}");
    }
}

#[tokio::test]
async fn a_late_update_yields_to_a_newer_upsert_and_leaves_the_rest_of_it() {
    // The older writes two members by an update, the newer one of them by an upsert.
    let step = r#"action = "update-contact"
when = "contact.firstName == 'Old'"
with = { contactId = "{{ contact.id }}", city = "City of Old", website = "https://old.example.com" }

[[do]]
id = "upsert"
when = "contact.firstName == 'New'"
action = "upsert-contact"
with = { locationId = "{{ location.id }}", email = "{{ contact.email }}", city = "City of New" }"#;
    let (world, contact) = old_comes_late(step).await;
    let contact = shown(&world, &contact).await;
    assert_eq!(contact["city"], "City of New");
    assert_eq!(contact["website"], "https://old.example.com");
}

#[tokio::test]
async fn a_late_bulk_write_leaves_out_what_a_newer_one_wrote() {
    let step = r#"action = "bulk-update-contact-tags"
with = { locationId = "{{ location.id }}", type = "{{ 'add' if contact.firstName == 'Old' else 'remove' }}", contacts = ["{{ contact.id }}"], tags = ["{{ 'x' }}", "{{ 'y' if contact.firstName == 'Old' else 'z' }}"] }"#;
    let (world, contact) = old_comes_late(step).await;
    // The newer one took `x` away; of `y` it said nothing.
    assert_eq!(shown(&world, &contact).await["tags"], json!(["y"]));
}

#[tokio::test]
async fn what_a_person_set_on_the_profile_stays_whatever_comes_late() {
    let step = r#"action = "profile.save"
with = { name = "{{ contact.firstName }}", city = "Rome" }"#;
    let mut world = World::new(&after_a_tree(step)).await;
    world.be_impatient();
    let contact = with_email(&world, "Ada").await;
    world.poll_and_drain().await;
    fail(&world, "buy-trees").await;
    world.rename(&contact, "Old").await;
    world.poll_and_drain().await;
    // No workflow asks for what persons do.
    let location = &world.location;
    let profile = world.store.profile(location, &contact).await.unwrap();
    let mut fields = Map::new();
    fields.insert("name".to_owned(), json!("By hand"));
    let update = ProfileUpdate {
        id: profile.unwrap().id,
        contact: contact.clone(),
        fields,
    };
    let now = world.now();
    let event = NewEvent {
        source: Source::Manual,
        kind: "profile.updated".to_owned(),
        location: location.clone(),
        contact: Some(contact.clone()),
        record: update.id.clone(),
        occurred_at: now,
        version: Some("by hand".to_owned()),
        delivery: None,
        payload: json!({}),
        trace: Trace::default(),
    };
    world
        .store
        .edit_profile(location, Some(update), vec![], vec![event], now)
        .await
        .unwrap();
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    let profile = world.store.profile(location, &contact).await.unwrap();
    assert_eq!(profile.unwrap().fields["name"], "By hand");
    // What happens from now on is written again.
    world.rename(&contact, "New").await;
    world.poll_and_drain().await;
    let profile = world.store.profile(location, &contact).await.unwrap();
    assert_eq!(profile.unwrap().fields["name"], "New");
}

const TAG: &str = r#"action = "add-tags"
with = { contactId = "{{ contact.id }}", tags = ["seen"] }"#;

fn not_found(times: Option<u32>) -> Value {
    let mut fault = json!({ "kind": "status", "operation": "add-tags", "status": 404,
        "body": { "statusCode": 404, "message": "Contact not found" } });
    if let Some(times) = times {
        fault["times"] = json!(times);
    }
    fault
}

#[tokio::test]
async fn a_write_to_what_is_not_there_yet_is_tried_again_within_seconds() {
    let world = World::new(&after_a_tree(TAG)).await;
    let contact = world.create("Ada").await;
    world.control("/faults", not_found(Some(1))).await;
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    world.wait(SignedDuration::from_secs(3));
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(shown(&world, &contact).await["tags"], json!(["seen"]));
    assert_eq!(world.bought().await.len(), 1);
}

#[tokio::test]
async fn a_write_to_what_is_not_there_for_a_quarter_of_an_hour_is_a_dead_letter() {
    let world = World::new(&after_a_tree(TAG)).await;
    world.create("Ada").await;
    world.control("/faults", not_found(None)).await;
    world.poll_and_drain().await;
    for _ in 0..14 {
        world.wait(SignedDuration::from_mins(1));
        world.drain().await;
        assert_eq!(world.run().await.state, RunState::Waiting);
    }
    world.wait(SignedDuration::from_mins(1));
    world.drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Dead);
    let told = run.error.unwrap();
    assert!(
        told.contains("not there for 15m") && told.contains("Contact not found"),
        "{told}"
    );
    // Once somebody has mended it, the patience begins anew.
    world.retry(run.id).await;
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
}

#[tokio::test]
async fn one_record_has_one_note_although_the_look_up_fails_and_later_events_say_something_else() {
    let workflow = r#"
id = "note"
title = "A note"
on = ["contact.created", "contact.updated"]

[[do]]
id = "it"
action = "create-note"
once = "record"
with = { contactId = "{{ contact.id }}", body = "Hello {{ contact.firstName }}" }
"#;
    let mut world = World::new(workflow).await;
    world.be_impatient();
    let contact = world.create("Ada").await;
    let torn = json!({ "kind": "status", "operation": "create-note", "status": 200, "times": 1,
        "body": { "note": null }, "after_work": true });
    world.control("/faults", torn).await;
    world.poll_and_drain().await;
    fail(&world, "get-all-notes").await;
    for name in ["New", "Newer"] {
        world.rename(&contact, name).await;
        world.poll_and_drain().await;
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
    }
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    let runs = world.runs().await;
    assert!(
        runs.iter().all(|run| run.state == RunState::Done),
        "{runs:?}"
    );
    let notes = world.notes(&contact).await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0]["body"], "Hello Ada");
}

const NOTE: &str = r#"action = "create-note"
with = { contactId = "{{ contact.id }}", body = "Welcome" }

[[do]]
id = "tag"
action = "add-tags"
with = { contactId = "{{ contact.id }}", tags = ["seen"] }"#;

#[tokio::test]
async fn writes_that_fail_for_a_day_wait_and_are_then_made_once() {
    for (operation, after_work) in [
        ("create-note", false),
        ("create-note", true),
        ("add-tags", false),
        ("add-tags", true),
    ] {
        let mut world = World::new(&after_a_tree(NOTE)).await;
        world.be_impatient();
        let contact = world.create("Ada").await;
        let fault = json!({ "kind": "status", "status": 502, "operation": operation, "after_work": after_work });
        world.control("/faults", fault).await;
        world.poll_and_drain().await;
        for _ in 0..50 {
            let run = world.run().await;
            // A create that was carried out is found by its look-up.
            assert!(
                [RunState::Waiting, RunState::Done].contains(&run.state),
                "{operation}: {run:?}"
            );
            world.wait(SignedDuration::from_mins(30));
            world.drain().await;
        }
        world.clear_faults().await;
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
        assert_eq!(world.run().await.state, RunState::Done, "{operation}");
        assert_eq!(world.notes(&contact).await.len(), 1, "{operation}");
        assert_eq!(shown(&world, &contact).await["tags"], json!(["seen"]));
        assert_eq!(world.bought().await.len(), 1);
    }
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_no_answer_and_no_second_write() {
    let mut world = World::new(&after_a_tree(NOTE)).await;
    world.be_impatient_for(Duration::from_millis(300));
    let contact = world.create("Ada").await;
    let slow = |operation: &str| json!({ "kind": "slow_body", "operation": operation, "times": 1, "delay_ms": 50 });
    for operation in ["get-contact", "create-note", "add-tags"] {
        world.control("/faults", slow(operation)).await;
    }
    world.poll.poll().await.unwrap();
    world.drain().await;
    let rows = world.store.recent_events(1).await.unwrap();
    let error = rows[0].error.clone().unwrap_or_default();
    assert!(error.contains("did not come whole in"), "{rows:?}");
    for _ in 0..4 {
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
    }
    let run = world.run().await;
    assert_eq!(run.state, RunState::Done, "{run:?}");
    assert_eq!(world.notes(&contact).await.len(), 1);
    assert_eq!(shown(&world, &contact).await["tags"], json!(["seen"]));
    let steps = world.store.steps(run.id).await.unwrap();
    assert!(steps.iter().all(|step| step.state == StepState::Done));
}

#[tokio::test]
async fn a_clock_that_was_ahead_counts_no_run_as_one_of_just_now() {
    let mut world = World::new(&after_a_tree(TAG)).await;
    world.be_impatient();
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let month = SignedDuration::from_hours(30 * 24);
    world.wait(month);
    // As many as are let through within ten minutes.
    for number in 0..20 {
        world.hint(&contact, &format!("hint {number}")).await;
        world.rename(&contact, &format!("Ada {number}")).await;
        world.drain().await;
    }
    world.wait(month.saturating_mul(-1));
    world.rename(&contact, "Right").await;
    world.hint(&contact, "right").await;
    world.drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Done, "{run:?}");
}

#[tokio::test]
async fn a_clock_that_was_ahead_makes_no_missing_record_wait_for_its_day() {
    let options = Options {
        max_age: None,
        ..Options::default()
    };
    let world = World::with(&after_a_tree(TAG), |_| {}, options).await;
    world.create("Ada").await;
    world.control("/faults", not_found(None)).await;
    let month = SignedDuration::from_hours(30 * 24);
    world.wait(month);
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    world.wait(month.saturating_mul(-1));
    for _ in 0..17 {
        world.drain().await;
        world.wait(SignedDuration::from_mins(1));
    }
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Dead);
}

#[tokio::test]
async fn what_a_person_changed_of_a_task_stays_and_the_rest_of_it_is_written() {
    let step = r#"action = "update-task"
with = { contactId = "{{ contact.id }}", taskId = "{{ contact.city }}", completed = true, body = "By {{ contact.firstName }}" }"#;
    let watcher = r#"
id = "watcher"
title = "Hears of tasks"
on = ["task.updated"]

[[do]]
id = "nothing"
stop = "it has heard"
"#;
    let change = |connection: &mut canopy_engine::Connection| {
        let mut workflows = connection.workflows.current().to_vec();
        workflows.push(Workflow::parse("watcher", watcher, &Catalog).unwrap());
        connection.workflows = workflows.into();
    };
    let mut world = World::with(&after_a_tree(step), change, Options::default()).await;
    world.be_impatient();
    fail(&world, "buy-trees").await;
    let contact = world.create("Ada").await;
    let body = json!({ "contactId": contact, "title": "Plant", "dueDate": "2026-12-01T10:00:00Z", "completed": true });
    let task = world.invoke("create-task", body).await["task"]["id"].clone();
    let path = format!("/contacts/{contact}");
    world.control(&path, json!({ "city": task })).await;
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    // Both sides have it completed; then a person opens it again in HighLevel.
    let task = task.as_str().unwrap();
    let ours = ProfileChange::Task {
        id: "ptask".to_owned(),
        contact: contact.clone(),
        highlevel_id: Some(task.to_owned()),
        title: "Plant".to_owned(),
        progress: 100,
        completed: true,
    };
    let (location, now) = (world.location.clone(), world.now());
    let edited = world
        .store
        .edit_profile(&location, None, vec![ours], vec![], now);
    edited.await.unwrap();
    let reopened = json!({ "contactId": contact, "taskId": task, "completed": false });
    world
        .without_faults("update-task-completed", reopened)
        .await;
    world.told_update("task", &contact, task, 1).await;
    world.drain().await;
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    let runs = world.runs_of("late").await;
    assert_eq!(runs[0].state, RunState::Done, "{runs:?}");
    let read = json!({ "contactId": contact, "taskId": task });
    let shown = world.invoke("get-task", read).await["task"].clone();
    assert_eq!(shown["completed"], false, "{shown}");
    assert_eq!(shown["body"], "By Ada", "{shown}");
}
