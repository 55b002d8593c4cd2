//! The same tags for many contacts: one call, and for each contact its own outcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use canopy_engine::{Boundary, LocalDispatch, Observer};
use canopy_highlevel::{Client, Limits, RetryPolicy};
use canopy_store::{EventState, RunState, StepState, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::World;

const TAG: &str = r#"
id = "tag"
title = "Tag"
on = ["contact.created", "contact.updated"]

[[do]]
id = "tag"
action = "add-tags-to-contact"
with = { contactId = "{{ contact.id }}", tags = ["green", "Ecologi"] }
"#;

/// A world whose client has no limits to wait for.
async fn world(workflow: &str) -> World {
    with_client(workflow, RetryPolicy::default()).await
}

/// A world whose client sends each call once, so that the steps' own retries show.
async fn impatient(workflow: &str) -> World {
    with_client(workflow, RetryPolicy::NEVER).await
}

async fn with_client(workflow: &str, retry: RetryPolicy) -> World {
    let mut world = World::new(workflow).await;
    let info = world.sandbox.info();
    let client = Client::builder()
        .base_url(&info.highlevel_url)
        .token(info.token.clone().into())
        .limits(Limits::UNLIMITED)
        .retry(retry)
        .build()
        .unwrap();
    world.restart(|connection| connection.highlevel = client);
    world
}

/// How often each operation that writes tags was called.
async fn calls(world: &World) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for request in world.requests().await {
        let operation = request["operation"].as_str().unwrap_or_default();
        if operation.contains("tags") {
            *calls.entry(operation.to_owned()).or_default() += 1;
        }
    }
    calls
}

fn counted<const N: usize>(calls: [(&str, usize); N]) -> BTreeMap<String, usize> {
    let calls = calls.into_iter();
    calls
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
}

async fn people(world: &World, count: usize) -> Vec<String> {
    let mut contacts = Vec::new();
    for number in 0..count {
        contacts.push(world.create(&format!("Ada {number}")).await);
    }
    contacts
}

async fn tags(world: &World, contact: &str) -> Value {
    let client = &world.engine.connections().next().unwrap().highlevel;
    let answer = client
        .invoke("get-contact", &json!({ "contactId": contact }))
        .await
        .unwrap();
    answer["contact"]["tags"].clone()
}

async fn all_have(world: &World, contacts: &[String], expected: Value) {
    for contact in contacts {
        assert_eq!(tags(world, contact).await, expected, "{contact}");
    }
}

async fn done(world: &World) -> u64 {
    world.store.summary().await.unwrap().runs_done
}

/// The error of each run that is not done, by contact.
async fn errors(world: &World) -> BTreeMap<String, (RunState, String)> {
    let runs = world.store.runs(None, 1000).await.unwrap();
    let failed = runs.into_iter().filter(|run| run.state != RunState::Done);
    failed
        .map(|run| {
            let error = run.error.unwrap_or_default();
            (run.contact.unwrap(), (run.state, error))
        })
        .collect()
}

#[tokio::test]
async fn the_same_tags_for_many_contacts_are_a_handful_of_calls() {
    let world = world(TAG).await;
    let contacts = people(&world, 200).await;
    world.poll_and_drain().await;
    assert_eq!(
        calls(&world).await,
        counted([("bulk-update-contact-tags", 2)])
    );
    all_have(&world, &contacts, json!(["ecologi", "green"])).await;
    assert_eq!(done(&world).await, 200);
    // Each step has a key, a request and an answer of its own.
    let mut keys = std::collections::BTreeSet::new();
    for run in world.store.runs(None, 1000).await.unwrap() {
        let step = world.store.steps(run.id).await.unwrap().remove(0);
        assert_eq!(step.state, StepState::Done);
        assert_eq!(step.request["contactId"], run.contact.unwrap());
        assert_eq!(step.output, Some(json!({ "tags": ["ecologi", "green"] })));
        keys.insert(step.key);
    }
    assert_eq!(keys.len(), 200);
}

#[tokio::test]
async fn one_contact_alone_is_an_ordinary_call() {
    let world = world(TAG).await;
    let contacts = people(&world, 1).await;
    world.poll_and_drain().await;
    assert_eq!(calls(&world).await, counted([("add-tags", 1)]));
    all_have(&world, &contacts, json!(["green", "ecologi"])).await;
}

#[tokio::test]
async fn our_own_tags_start_nothing_when_they_come_back() {
    let world = world(TAG).await;
    let contacts = people(&world, 3).await;
    world.poll_and_drain().await;
    for contact in &contacts {
        world.hint(contact, contact).await;
    }
    world.poll_and_drain().await;
    let events = world.store.recent_events(100).await.unwrap();
    let echoes = events
        .iter()
        .filter(|row| row.state == EventState::Echo && row.event.kind == "contact.updated");
    assert_eq!(echoes.count(), 3);
    assert_eq!(done(&world).await, 3);
    // Somebody else's change is none of ours.
    world.rename(&contacts[0], "Grace").await;
    world.poll_and_drain().await;
    assert_eq!(done(&world).await, 4);
}

#[tokio::test]
async fn a_contact_that_is_gone_fails_its_own_step_as_a_single_call_would() {
    let workflow = TAG.replace("[[do]]", "[[do]]\nid = \"rest\"\nwait = \"1h\"\n\n[[do]]");
    let workflow = workflow.replace("{{ contact.id }}", "{{ event.recordId }}");
    let mut told = Vec::new();
    for others in [0, 4] {
        let world = world(&workflow).await;
        let gone = people(&world, 1).await.remove(0);
        let contacts = people(&world, others).await;
        world.poll_and_drain().await;
        let client = &world.engine.connections().next().unwrap().highlevel;
        let request = json!({ "contactId": gone });
        client.invoke("delete-contact", &request).await.unwrap();
        world.wait(SignedDuration::from_hours(2));
        world.drain().await;
        all_have(&world, &contacts, json!(["ecologi", "green"])).await;
        assert_eq!(done(&world).await, others as u64);
        let (state, error) = errors(&world).await.remove(&gone).unwrap();
        assert_eq!(state, RunState::Dead);
        let bulk = usize::from(others > 0);
        let made = calls(&world).await;
        assert_eq!(
            made.get("bulk-update-contact-tags").copied().unwrap_or(0),
            bulk
        );
        assert_eq!(made["add-tags"], 1, "the gone one's");
        let error = error
            .split(" (trace id")
            .next()
            .unwrap()
            .replace(&gone, "X");
        told.push(error);
    }
    assert_eq!(told[0], told[1]);
    assert!(
        told[0].contains("add-tags") && told[0].contains("not found"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_call_that_is_refused_as_a_whole_becomes_single_calls() {
    for status in [400, 403, 422] {
        let world = world(TAG).await;
        let contacts = people(&world, 5).await;
        let fault =
            json!({ "kind": "status", "status": status, "operation": "bulk-update-contact-tags" });
        world.control("/faults", fault).await;
        world.poll_and_drain().await;
        assert_eq!(
            calls(&world).await,
            counted([("add-tags", 5), ("bulk-update-contact-tags", 1)])
        );
        all_have(&world, &contacts, json!(["green", "ecologi"])).await;
        assert_eq!(done(&world).await, 5);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_tell_is_not_relied_on() {
    for body in [
        json!({ "succeded": true, "errorCount": 0 }),
        json!({ "responses": [{ "contactId": "somebody else", "type": "success", "oldTags": [] }] }),
        json!("no JSON"),
    ] {
        let world = world(TAG).await;
        let contacts = people(&world, 2).await;
        let fault = json!({ "kind": "status", "status": 201, "operation": "bulk-update-contact-tags", "body": body });
        world.control("/faults", fault).await;
        world.poll_and_drain().await;
        all_have(&world, &contacts, json!(["green", "ecologi"])).await;
        assert_eq!(calls(&world).await["add-tags"], 2, "{body}");
        assert_eq!(done(&world).await, 2);
    }
}

#[tokio::test]
async fn a_service_that_is_busy_is_asked_again_for_each_step() {
    for (status, body) in [(429, "Too Many Requests"), (503, "busy")] {
        let world = impatient(TAG).await;
        let contacts = people(&world, 4).await;
        let fault = json!({ "kind": "status", "status": status, "operation": "bulk-update-contact-tags", "body": body });
        world.control("/faults", fault).await;
        world.poll_and_drain().await;
        let failed = errors(&world).await;
        assert_eq!(failed.len(), 4);
        for (state, error) in failed.values() {
            assert_eq!(*state, RunState::Waiting);
            assert!(error.contains(&status.to_string()), "{error}");
        }
        assert!(!calls(&world).await.contains_key("add-tags"));
        world.clear_faults().await;
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
        all_have(&world, &contacts, json!(["ecologi", "green"])).await;
        assert_eq!(done(&world).await, 4);
        assert!(
            !calls(&world).await.contains_key("add-tags"),
            "merged again"
        );
    }
}

#[tokio::test]
async fn a_credential_that_is_refused_holds_each_run_and_is_not_tried_for_each() {
    let world = world(TAG).await;
    people(&world, 4).await;
    let fault = json!({ "kind": "status", "status": 401, "operation": "bulk-update-contact-tags" });
    world.control("/faults", fault).await;
    world.poll_and_drain().await;
    let failed = errors(&world).await;
    assert_eq!(failed.len(), 4);
    assert!(
        failed.values().all(|(state, _)| *state == RunState::Held),
        "{failed:?}"
    );
    assert_eq!(
        calls(&world).await,
        counted([("bulk-update-contact-tags", 1)])
    );
}

#[tokio::test]
async fn a_merged_call_that_keeps_failing_does_not_cost_the_contacts_their_tags() {
    let world = impatient(TAG).await;
    let contacts = people(&world, 3).await;
    let fault = json!({ "kind": "status", "status": 500, "operation": "bulk-update-contact-tags" });
    world.control("/faults", fault).await;
    world.poll_and_drain().await;
    for _ in 0..3 {
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
    }
    all_have(&world, &contacts, json!(["green", "ecologi"])).await;
    assert_eq!(
        calls(&world).await,
        counted([("add-tags", 3), ("bulk-update-contact-tags", 2)])
    );
}

#[tokio::test]
async fn other_tags_and_the_other_verb_are_calls_of_their_own() {
    let world = world(
        r#"
id = "sort"
title = "Sort"
on = ["contact.created"]

[[do]]
id = "name"
action = "add-tags"
with = { contactId = "{{ contact.id }}", tags = ["{{ contact.firstName }}", "both"] }

[[do]]
id = "off"
action = "remove-tags-from-contact"
with = { contactId = "{{ contact.id }}", tags = ["both"] }
"#,
    )
    .await;
    let mut contacts = Vec::new();
    for name in ["ada", "ada", "eve", "eve", "eve", "joe"] {
        contacts.push((world.create(name).await, name));
    }
    world.poll_and_drain().await;
    // Two merged calls and one for Joe, then all are rid of the tag at once, after they had it.
    assert_eq!(
        calls(&world).await,
        counted([("add-tags", 1), ("bulk-update-contact-tags", 3)])
    );
    for (contact, name) in contacts {
        assert_eq!(tags(&world, &contact).await, json!([name]));
    }
}

/// [`TAG`], and a note that says which tags its answer had.
fn with_note() -> String {
    format!(
        "{TAG}\n[[do]]\nid = \"note\"\naction = \"create-note\"\n\
         with = {{ contactId = \"{{{{ contact.id }}}}\", body = \"{{{{ steps.tag.tags | sort | join(', ') }}}}\" }}\n"
    )
}

#[tokio::test]
async fn later_steps_see_the_tags_as_after_a_call_of_its_own() {
    for count in [1, 3] {
        let world = world(&with_note()).await;
        let contacts = people(&world, count).await;
        let path = format!("/contacts/{}", contacts[0]);
        world.control(&path, json!({ "tags": ["vip"] })).await;
        world.poll_and_drain().await;
        let note = world.notes(&contacts[0]).await.remove(0);
        assert_eq!(note["body"], "ecologi, green, vip", "{count} contacts");
    }
}

#[tokio::test]
async fn a_step_of_another_contact_or_under_a_condition_does_as_it_says() {
    let world = world(
        r#"
id = "to-one"
title = "To one"
on = ["contact.created"]

[[do]]
id = "named"
action = "add-tags"
when = "contact.firstName != 'Nobody'"
once = "event"
with = { contactId = "{{ contact.companyName or contact.id }}", tags = ["met"] }
"#,
    )
    .await;
    let host = world.create("Host").await;
    let nobody = world.create("Nobody").await;
    let mut guests = Vec::new();
    for name in ["Ada", "Eve"] {
        let guest = json!({ "firstName": name, "companyName": host });
        let guest = world.control("/contacts", guest).await;
        guests.push(guest["id"].as_str().unwrap().to_owned());
    }
    world.poll_and_drain().await;
    assert_eq!(
        calls(&world).await,
        counted([("bulk-update-contact-tags", 1)]),
        "three steps for one contact"
    );
    all_have(&world, &[host], json!(["met"])).await;
    all_have(
        &world,
        &[nobody, guests.remove(0), guests.remove(0)],
        json!([]),
    )
    .await;
    assert_eq!(done(&world).await, 4);
}

/// Tells when a step has come to a boundary so often.
#[derive(Debug)]
struct Bell {
    boundary: Boundary,
    left: AtomicU32,
    rung: Arc<Notify>,
}

impl Observer for Bell {
    fn at(&self, boundary: Boundary, step: &str) {
        if boundary == self.boundary
            && step == "tag"
            && self.left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            self.rung.notify_one();
        }
    }
}

/// A world whose bell rings then.
async fn with_bell(workflow: &str, boundary: Boundary, times: u32) -> (World, Arc<Notify>) {
    let rung = Arc::new(Notify::new());
    let mut world = world(workflow).await;
    world.engine = world.engine.observed_by(Arc::new(Bell {
        boundary,
        left: AtomicU32::new(times),
        rung: rung.clone(),
    }));
    (world, rung)
}

#[tokio::test]
async fn stopped_between_the_call_and_the_outcomes_it_loses_nothing() {
    for (boundary, times) in [
        (Boundary::AfterIntent, 5),
        (Boundary::AfterCall, 1),
        (Boundary::AfterOutcome, 2),
    ] {
        let (world, rung) = with_bell(TAG, boundary, times).await;
        let contacts = people(&world, 20).await;
        world.poll.poll().await.unwrap();
        tokio::select! {
            // As in a crash: what is under way is dropped in the middle.
            biased;
            () = rung.notified() => {}
            _ = world.engine.drain(&world.location) => panic!("nobody rang"),
        }
        assert!(done(&world).await < 20);
        world.drain().await;
        all_have(&world, &contacts, json!(["ecologi", "green"])).await;
        assert_eq!(done(&world).await, 20, "{boundary:?}");
        world.poll_and_drain().await;
        assert_eq!(
            done(&world).await,
            20,
            "{boundary:?}: what came back was an echo"
        );
    }
}

/// Runs until the bell rings and then stops in order.
async fn serve(mut world: World, rung: Arc<Notify>) -> World {
    let bells = LocalDispatch::new([world.location.clone()]);
    let engine = Arc::new(world.engine);
    engine.clone().serve(bells, rung.notified()).await;
    world.engine = Arc::try_unwrap(engine).unwrap();
    world
}

#[tokio::test]
async fn a_program_that_stops_sends_no_more_and_goes_on_later() {
    let (world, rung) = with_bell(TAG, Boundary::AfterIntent, 3).await;
    let contacts = people(&world, 30).await;
    world.poll.poll().await.unwrap();
    let mut world = serve(world, rung).await;
    assert_eq!(calls(&world).await, BTreeMap::new());
    let runs = world.store.runs(None, 100).await.unwrap();
    assert!(!runs.is_empty());
    for run in runs {
        assert_eq!((run.state, run.attempts), (RunState::Ready, 0));
    }
    world.restart(|_| {});
    world.drain().await;
    all_have(&world, &contacts, json!(["ecologi", "green"])).await;
    assert_eq!(done(&world).await, 30);
}

#[tokio::test]
async fn a_program_that_stops_leaves_the_steps_behind_a_merged_call_for_later() {
    let (world, rung) = with_bell(&with_note(), Boundary::AfterOutcome, 1).await;
    let contacts = people(&world, 60).await;
    world.poll.poll().await.unwrap();
    let mut world = serve(world, rung).await;
    assert!(done(&world).await < 60);
    world.restart(|_| {});
    world.drain().await;
    all_have(&world, &contacts, json!(["ecologi", "green"])).await;
    for contact in &contacts {
        assert_eq!(world.notes(contact).await.len(), 1);
    }
    assert_eq!(done(&world).await, 60);
}
