//! The same tags for many contacts: one call, and for each contact its own outcome.

mod failures;
mod stops;

use std::collections::BTreeMap;

use canopy_highlevel::{Client, Limits, RetryPolicy};
use canopy_store::{EventState, StepState, Store};
use serde_json::{Value, json};

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
