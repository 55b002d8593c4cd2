//! Each of the catalog's actions as a step.

use std::collections::BTreeSet;

use canopy_engine::{Catalog, Options};
use canopy_highlevel::operation::EntryKind;
use canopy_highlevel::{CATALOG, Client, Limits, describe, operation};
use canopy_mapping::{Source, Trace, Workflow};
use canopy_store::clock::Clock;
use canopy_store::{NewEvent, RunState, Store};
use serde_json::{Value, json};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{TREE_ONLY, World};

const CONTACT: &str = "start";

fn actions() -> Vec<&'static str> {
    let entries = CATALOG
        .iter()
        .filter(|entry| entry.kind == EntryKind::Action);
    assert_eq!(entries.clone().count(), 71);
    let operations: BTreeSet<_> = entries.map(|entry| entry.operation).collect();
    operations.into_iter().collect()
}

#[test]
fn an_action_is_known_by_its_name_in_the_catalog_too() {
    for entry in CATALOG
        .iter()
        .filter(|entry| entry.kind == EntryKind::Action)
    {
        let text = format!(
            "id = \"w\"\ntitle = \"W\"\non = \"contact.created\"\n[[do]]\nid = \"it\"\naction = \"{}\"\n",
            entry.name
        );
        let parsed = Workflow::parse_all("w.toml", &text, &Catalog);
        match parsed {
            Ok(workflow) => assert_eq!(workflow.steps[0].action, entry.operation),
            // Its arguments are missing here, and nothing else is wrong.
            Err(mistakes) => {
                for mistake in mistakes {
                    assert!(mistake.problem.ends_with("is missing"), "{mistake}");
                }
            }
        }
    }
}

/// A workflow whose one step is this action, with the arguments of its example.
fn workflow(action: &str) -> Workflow {
    let mut with = describe(action).unwrap().example;
    let members = with.as_object_mut().unwrap();
    members.retain(|_, value| !value.is_null());
    let file = json!({
        "id": action, "title": action, "on": ["contact.created"],
        "do": [{ "id": "it", "action": action, "once": "event", "with": with }],
    });
    let text = toml::to_string(&file).unwrap();
    Workflow::parse(action, &text, &Catalog).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Answers to a read of the contact, and with an object that has no members to all else.
async fn service() -> MockServer {
    let server = MockServer::start().await;
    let contact = json!({ "contact": { "id": CONTACT, "firstName": "Ada" } });
    Mock::given(method("GET"))
        .and(path(format!("/contacts/{CONTACT}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(contact))
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn every_action_of_the_catalog_is_a_step_that_calls_its_operation() {
    let actions = actions();
    let server = service().await;
    let client = Client::builder()
        .base_url(server.uri())
        .token("token".to_owned().into())
        .limits(Limits::UNLIMITED)
        .build()
        .unwrap();
    let change = |connection: &mut canopy_engine::Connection| {
        connection.workflows = actions.iter().map(|action| workflow(action)).collect();
        connection.highlevel = client;
    };
    let world = World::with(TREE_ONLY, change, Options::default()).await;
    let now = world.clock.now();
    let event = NewEvent {
        source: Source::Webhook,
        kind: "contact.created".into(),
        location: world.location.clone(),
        contact: Some(CONTACT.into()),
        record: CONTACT.into(),
        occurred_at: now,
        version: Some("created".into()),
        delivery: None,
        payload: json!({ "id": CONTACT }),
        trace: Trace::default(),
    };
    world.store.insert_events(vec![event], now).await.unwrap();
    world.drain().await;

    let sent = server.received_requests().await.unwrap();
    let runs = world.runs().await;
    assert_eq!(runs.len(), actions.len());
    for run in runs {
        let name = run.workflow.as_str();
        assert_eq!(run.state, RunState::Done, "{name}: {:?}", run.error);
        let steps = world.store.steps(run.id).await.unwrap();
        let request = &steps[0].request;
        assert_eq!(steps[0].output, Some(json!({})), "{name}");
        let operation = operation(name).unwrap();
        let wanted = filled(operation.path, request);
        let went_out = sent
            .iter()
            .any(|one| one.method.as_str() == operation.http_method && one.url.path() == wanted);
        assert!(went_out, "{name}: no {} {wanted}", operation.http_method);
    }
}

/// The path with the arguments in it.
fn filled(path: &str, arguments: &Value) -> String {
    let segments = path.split('/').map(|segment| {
        let name = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
        match name {
            Some(name) => arguments[name].as_str().unwrap().to_owned(),
            None => segment.to_owned(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}
