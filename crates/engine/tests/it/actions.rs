//! Each of the catalog's actions as a step.

use std::collections::BTreeSet;

use canopy_engine::{Catalog, Options};
use canopy_highlevel::operation::{EntryKind, Operation, Shown};
use canopy_highlevel::{
    CATALOG, Client, Limits, OPERATIONS, RetryPolicy, describe, operation, placeholder,
};
use canopy_mapping::{Source, Trace, Workflow};
use canopy_store::clock::Clock;
use canopy_store::{NewEvent, RunState, StepState, Store};
use serde_json::{Value, json};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::{TREE_ONLY, World};

const CONTACT: &str = "start";

fn actions() -> Vec<&'static str> {
    let entries = CATALOG
        .iter()
        .filter(|entry| entry.kind == EntryKind::Action);
    let count = entries.clone().count();
    let operations: BTreeSet<_> = entries.map(|entry| entry.operation).collect();
    assert_eq!(
        operations.len(),
        count,
        "each action is an operation of its own"
    );
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

/// What a service answers to a write.
#[derive(Clone)]
enum Reply {
    /// What the operation's success must show.
    Good,
    Always(ResponseTemplate),
}

impl Respond for Reply {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        match self {
            Self::Good => ResponseTemplate::new(200).set_body_json(good(request)),
            Self::Always(answer) => answer.clone(),
        }
    }
}

/// An answer of the described form, with the id that was asked for and flags that are true.
fn good(request: &Request) -> Value {
    let sent: Vec<&str> = request.url.path().split('/').collect();
    let fits = |operation: &&Operation| {
        let template: Vec<&str> = operation.path.split('/').collect();
        operation.http_method == request.method.as_str()
            && template.len() == sent.len()
            && template
                .iter()
                .zip(&sent)
                .all(|(one, other)| one == other || one.starts_with('{'))
    };
    // A literal segment fits better than a parameter.
    let found = OPERATIONS
        .iter()
        .filter(fits)
        .min_by_key(|operation| operation.path.matches('{').count());
    let operation = found.unwrap();
    let mut answer = placeholder(operation.name, &str::to_owned).unwrap();
    for flag in operation.evidence.flags {
        if let Some(flag) = answer.pointer_mut(flag) {
            *flag = json!(true);
        }
    }
    if let Shown::Record {
        id,
        asked: Some(asked),
    } = operation.evidence.shown
    {
        let at = operation
            .path
            .split('/')
            .position(|one| one == format!("{{{asked}}}"));
        *answer.pointer_mut(id).unwrap() = json!(sent[at.unwrap()]);
    }
    // What was to be added is in the list, and what was to be taken out is not.
    if let Shown::List { at, .. } = operation.evidence.shown
        && let Ok(body) = request.body_json::<Value>()
        && let (Some(list), Some(sent)) = (answer.pointer_mut(at), body.pointer(at))
    {
        *list = match operation.http_method {
            "DELETE" => json!([]),
            _ => sent.clone(),
        };
    }
    if let Some(message) = answer.pointer_mut("/message").filter(|one| one.is_string()) {
        *message = json!("Done successfully");
    }
    answer
}

/// Answers to a read of the contact, and so to all else.
async fn service(reply: Reply) -> MockServer {
    let server = MockServer::start().await;
    let contact = json!({ "contact": { "id": CONTACT, "firstName": "Ada" } });
    Mock::given(method("GET"))
        .and(path(format!("/contacts/{CONTACT}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(contact))
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(reply).mount(&server).await;
    server
}

/// A world in which each action has a workflow, and has run once.
async fn all_actions(server: &MockServer) -> World {
    let actions = actions();
    let client = Client::builder()
        .base_url(server.uri())
        .token("token".to_owned().into())
        .limits(Limits::UNLIMITED)
        .retry(RetryPolicy::NEVER)
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
    assert_eq!(world.runs().await.len(), actions.len());
    world
}

#[tokio::test]
async fn every_action_of_the_catalog_is_a_step_that_calls_its_operation() {
    let server = service(Reply::Good).await;
    let world = all_actions(&server).await;
    let sent = server.received_requests().await.unwrap();
    for run in world.runs().await {
        let name = run.workflow.as_str();
        assert_eq!(run.state, RunState::Done, "{name}: {:?}", run.error);
        let steps = world.store.steps(run.id).await.unwrap();
        let request = &steps[0].request;
        assert!(steps[0].output.is_some(), "{name}");
        let operation = operation(name).unwrap();
        let wanted = filled(operation.path, request);
        let went_out = sent
            .iter()
            .any(|one| one.method.as_str() == operation.http_method && one.url.path() == wanted);
        assert!(went_out, "{name}: no {} {wanted}", operation.http_method);
    }
}

/// An answer that shows nothing is no success of any action: it is tried again, or a person is told.
#[tokio::test]
async fn no_action_is_done_by_an_answer_that_shows_nothing() {
    let json = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    for (form, answer) in [
        ("204", ResponseTemplate::new(204)),
        (
            "a page",
            ResponseTemplate::new(200).set_body_raw("<html>Down</html>", "application/json"),
        ),
        ("null", json(json!(null))),
        ("an empty object", json(json!({}))),
        (
            "an error's body",
            json(json!({ "statusCode": 500, "message": "Internal server error" })),
        ),
        (
            "false",
            json(json!({ "succeded": false, "succeeded": false, "success": false })),
        ),
    ] {
        let server = service(Reply::Always(answer)).await;
        let world = all_actions(&server).await;
        for run in world.runs().await {
            let told = format!("{}: {form}", run.workflow);
            let waits = matches!(run.state, RunState::Waiting | RunState::Held);
            assert!(waits, "{told}: {:?} {:?}", run.state, run.error);
            assert!(run.error.unwrap().contains("shows no success"), "{told}");
            let steps = world.store.steps(run.id).await.unwrap();
            assert!(steps[0].output.is_none(), "{told}");
            assert_ne!(steps[0].state, StepState::Done, "{told}");
        }
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
