//! Late steps and what somebody else changed meanwhile of the same contact: real outages, and a person who goes on working.

use canopy_engine::Options;
use canopy_mapping::{Source, Trace};
use canopy_store::{NewEvent, RunState, StepState, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::World;

const WRITE: &str = r#"
id = "write"
title = "Write"
on = ["contact.created", "contact.updated", "opportunity.created"]

[[do]]
id = "it"
action = "update-contact"
with = { contactId = "{{ contact.id }}", city = "City of {{ contact.firstName }}", website = "https://example.com/" }
"#;

const TAGS: &str = r#"
id = "write"
title = "Write"
on = ["contact.created", "contact.updated"]

[[do]]
id = "it"
action = "remove-tags"
with = { contactId = "{{ contact.id }}", tags = ["x", "y"] }
"#;

/// Calls of an operation fail from now on; `worked`: after they were carried out.
async fn fail(world: &World, operation: &str, worked: bool) {
    let mut fault =
        json!({ "kind": "status", "status": 503, "operation": operation, "after_work": worked });
    if !worked {
        fault["headers"] = json!({ "Retry-After": "0" });
    }
    world.control("/faults", fault).await;
}

async fn impatient(workflow: &str) -> World {
    let mut world = World::with(workflow, |_| {}, Options::default()).await;
    world.be_impatient();
    world
}

/// What a person does in HighLevel.
async fn edit(world: &World, contact: &str, change: Value) {
    world.control(&format!("/contacts/{contact}"), change).await;
}

async fn shown(world: &World, contact: &str) -> Value {
    let read = json!({ "contactId": contact });
    world.invoke("get-contact", read).await["contact"].clone()
}

async fn outage_ends(world: &World) {
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
}

async fn opportunity_told(world: &World, contact: &str) {
    let made = world.opportunity(contact).await;
    let event = NewEvent {
        source: Source::Webhook,
        kind: "opportunity.created".into(),
        location: world.location.clone(),
        contact: Some(contact.to_owned()),
        record: made["id"].as_str().unwrap().to_owned(),
        occurred_at: world.now(),
        version: Some("created".into()),
        delivery: None,
        payload: json!({}),
        trace: Trace::default(),
    };
    world.insert(event).await;
}

#[tokio::test]
async fn a_late_write_leaves_what_a_person_changed_since_and_writes_the_rest() {
    for of_contact in [true, false] {
        let world = impatient(WRITE).await;
        let contact = world.create("Ada").await;
        fail(&world, "update-contact", false).await;
        if of_contact {
            world.poll.poll().await.unwrap();
        } else {
            opportunity_told(&world, &contact).await;
        }
        world.drain().await;
        assert_eq!(world.run().await.state, RunState::Waiting);
        edit(&world, &contact, json!({ "city": "By hand" })).await;
        outage_ends(&world).await;
        let shown = shown(&world, &contact).await;
        assert_eq!(shown["city"], "By hand", "{of_contact}");
        assert_eq!(shown["website"], "https://example.com/", "{of_contact}");
        let steps = world.store.steps(world.run().await.id).await.unwrap();
        let output = steps[0].output.as_ref().unwrap();
        assert_eq!(output["leftOut"], json!(["city"]), "{output}");
    }
}

#[tokio::test]
async fn a_late_write_of_which_nothing_is_left_is_skipped_and_says_why() {
    let world = impatient(WRITE).await;
    let contact = world.create("Ada").await;
    fail(&world, "update-contact", false).await;
    world.poll_and_drain().await;
    let change = json!({ "city": "By hand", "website": "https://by-hand.example.com/" });
    edit(&world, &contact, change).await;
    outage_ends(&world).await;
    assert_eq!(shown(&world, &contact).await["city"], "By hand");
    let steps = world.store.steps(world.run().await.id).await.unwrap();
    assert_eq!(steps[0].state, StepState::Skipped);
    let told = &steps[0].output.as_ref().unwrap()["skipped"];
    assert_eq!(told, "superseded: a person has written this since");
}

#[tokio::test]
async fn a_step_that_was_cut_off_by_a_stop_looks_before_it_writes() {
    let world = impatient(WRITE).await;
    let contact = world.create("Ada").await;
    world.poll.poll().await.unwrap();
    // The run begins and nothing of it is carried out.
    let rows = world
        .store
        .pending_events(&world.location, world.now(), 0, 10)
        .await
        .unwrap();
    let payload = shown(&world, &contact).await;
    let lease = SignedDuration::from_mins(1);
    let now = world.now();
    let fence = world
        .store
        .acquire_lease(&world.location, "test", now, lease)
        .await
        .unwrap()
        .unwrap();
    let completion = canopy_store::Completion {
        kind: None,
        record: None,
        version: canopy_store::Version::Own("created".into()),
        contact: Some(contact.clone()),
        payload,
        read: true,
        seen: None,
    };
    let id = rows[0].event.id;
    world
        .store
        .complete_event(&fence, id, completion, now)
        .await
        .unwrap();
    let workflow = world.connection().workflows.current()[0].clone();
    let run = canopy_store::NewRun {
        workflow: workflow.id.clone(),
        definition: json!(workflow).to_string(),
    };
    world
        .store
        .start_runs(&fence, id, vec![run], now)
        .await
        .unwrap();
    edit(&world, &contact, json!({ "city": "By hand" })).await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(shown(&world, &contact).await["city"], "By hand");
}

#[tokio::test]
async fn what_was_written_unanswered_is_written_again_and_remembered_as_ours() {
    let world = impatient(WRITE).await;
    let contact = world.create("Ada").await;
    fail(&world, "update-contact", true).await;
    world.poll_and_drain().await;
    assert_eq!(shown(&world, &contact).await["city"], "City of Ada");
    outage_ends(&world).await;
    let steps = world.store.steps(world.run().await.id).await.unwrap();
    assert_eq!(steps[0].state, StepState::Done);
    // It comes back as an echo, and starts nothing.
    world.poll_and_drain().await;
    assert_eq!(world.runs().await.len(), 1);
}

#[tokio::test]
async fn what_an_older_run_of_ours_wrote_meanwhile_is_nobody_elses() {
    let world = impatient(WRITE).await;
    let contact = world.create("Ada").await;
    fail(&world, "update-contact", true).await;
    world.poll_and_drain().await;
    // The newer run began when the older one's write had not been noted.
    world.rename(&contact, "Eve").await;
    world.poll_and_drain().await;
    world.rename(&contact, "Mia").await;
    world.poll_and_drain().await;
    outage_ends(&world).await;
    let runs = world.runs().await;
    assert!(
        runs.iter().all(|run| run.state == RunState::Done),
        "{runs:?}"
    );
    assert_eq!(shown(&world, &contact).await["city"], "City of Mia");
}

#[tokio::test]
async fn a_tag_that_a_person_gave_meanwhile_is_not_taken_away() {
    let world = impatient(TAGS).await;
    let body = json!({ "firstName": "Ada", "tags": ["y"] });
    let contact = world.control("/contacts", body).await["id"].clone();
    let contact = contact.as_str().unwrap();
    for operation in ["remove-tags", "bulk-update-contact-tags"] {
        fail(&world, operation, false).await;
    }
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    edit(&world, contact, json!({ "tags": ["x", "y"] })).await;
    outage_ends(&world).await;
    assert_eq!(shown(&world, contact).await["tags"], json!(["x"]));
}

#[tokio::test]
async fn a_late_upsert_yields_to_a_person_as_an_update_does() {
    let upsert = r#"
id = "write"
title = "Write"
on = ["contact.created", "contact.updated"]

[[do]]
id = "it"
action = "upsert-contact"
with = { locationId = "{{ location.id }}", email = "ada@example.com", city = "City of {{ contact.firstName }}", website = "https://example.com/" }
"#;
    let world = impatient(upsert).await;
    let body = json!({ "firstName": "Ada", "email": "ada@example.com" });
    let contact = world.control("/contacts", body).await["id"].clone();
    let contact = contact.as_str().unwrap();
    fail(&world, "upsert-contact", false).await;
    world.poll_and_drain().await;
    edit(&world, contact, json!({ "city": "By hand" })).await;
    outage_ends(&world).await;
    let shown = shown(&world, contact).await;
    assert_eq!(shown["city"], "By hand");
    assert_eq!(shown["website"], "https://example.com/");
}

/// The run of a change to "Old" waits before its write while the one of a change to "New" is carried out; then it comes late.
#[tokio::test]
async fn a_late_upsert_of_an_opportunity_writes_over_no_newer_one() {
    let upsert = r#"
id = "write"
title = "Write"
on = ["contact.updated"]

[[do]]
id = "tree"
action = "buy-trees"
once = "event"
with = { number = 1 }

[[do]]
id = "it"
action = "upsert-opportunity"
with = { id = "{{ contact.website }}", locationId = "{{ location.id }}", pipelineId = "{{ contact.city }}", name = "Deal of {{ contact.firstName }}", status = "{{ 'won' if contact.firstName == 'New' else 'open' }}", followers = [], followersActionType = "add", isRemoveAllFollowers = false }
"#;
    let world = impatient(upsert).await;
    let contact = world.create("Ada").await;
    let deal = world.opportunity(&contact).await;
    let change = json!({ "city": deal["pipelineId"], "website": deal["id"] });
    edit(&world, &contact, change).await;
    world.poll_and_drain().await;
    fail(&world, "buy-trees", false).await;
    world.rename(&contact, "Old").await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    world.rename(&contact, "New").await;
    world.poll_and_drain().await;
    outage_ends(&world).await;
    let runs = world.runs().await;
    assert_eq!(runs.len(), 2, "{runs:?}");
    let late = world.store.steps(runs[0].id).await.unwrap();
    assert_eq!(late[1].state, StepState::Skipped, "{late:?}");
    let read = world.invoke("get-opportunity", json!({ "id": deal["id"] }));
    let shown = read.await["opportunity"].clone();
    assert_eq!(
        (&shown["name"], &shown["status"]),
        (&json!("Deal of New"), &json!("won"))
    );
}
