//! Merged calls that fail, for one contact or for all.

use std::collections::BTreeMap;

use canopy_highlevel::RetryPolicy;
use canopy_store::{BreakerStore as _, RunState, Store};
use jiff::SignedDuration;
use serde_json::json;

use super::{TAG, all_have, calls, counted, done, people, with_client, world};
use crate::support::World;

/// A world whose client sends each call once, so that the steps' own retries show.
async fn impatient(workflow: &str) -> World {
    with_client(workflow, RetryPolicy::NEVER).await
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
        let (state, error) = errors(&world).await.remove(&gone).unwrap();
        assert_eq!(state, RunState::Waiting, "one 404 is not believed: {error}");
        world.wait(SignedDuration::from_mins(16));
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
async fn a_credential_that_is_refused_makes_each_run_wait_and_is_not_tried_for_each() {
    let world = world(TAG).await;
    people(&world, 4).await;
    let fault = json!({ "kind": "status", "status": 401, "operation": "bulk-update-contact-tags" });
    world.control("/faults", fault).await;
    world.poll_and_drain().await;
    let failed = errors(&world).await;
    assert_eq!(failed.len(), 4);
    assert!(
        failed
            .values()
            .all(|(state, _)| *state == RunState::Waiting),
        "{failed:?}"
    );
    let once = counted([("bulk-update-contact-tags", 1)]);
    assert_eq!(calls(&world).await, once);
    // They wait for a good check, not for an hour to pass, and a person is told once.
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(calls(&world).await, once);
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    world.clear_faults().await;
    let (store, now) = (&world.store, world.now());
    assert!(
        store
            .close_breaker(&world.location, "highlevel", now)
            .await
            .unwrap()
    );
    world.drain().await;
    assert_eq!(done(&world).await, 4);
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
