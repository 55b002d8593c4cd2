//! Each action and each purchase with each form of an answer that shows nothing: the step is never done, and it is told.
//!
//! The tables drive it, so a new operation is held here at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use canopy_ecologi::PriceList;
use canopy_engine::{Connection, Engine, Options};
use canopy_highlevel::operation::{CatalogEntry, EntryKind, Idempotency, Shown};
use canopy_highlevel::{CATALOG, Limits, RetryPolicy};
use canopy_mapping::{Source, Trace, Workflow};
use canopy_store::clock::ManualClock;
use canopy_store::{NewEvent, PurchaseState, RunState, SecretKey, SqliteStore, StepState, Store};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const CONTACT: &str = "contactofthisevent01";
const LOCATION: &str = "locationofthisevent1";
const PURCHASES: [(&str, &str); 5] = [
    ("buy-trees", r#"{"number":1}"#),
    ("buy-local-trees", r#"{"number":1,"country":"UK"}"#),
    ("buy-carbon-avoidance", r#"{"number":1,"units":"KG"}"#),
    ("buy-carbon-removal", r#"{"number":1}"#),
    ("buy-habitat-restoration", r#"{"number":1}"#),
];

/// A form of an answer: status, content type and body.
type Form = (&'static str, u16, &'static str, &'static str);

const FORMS: [Form; 13] = [
    ("HTML", 200, "text/html", "<html><h1>Sign in</h1></html>"),
    (
        "HTML with 202",
        202,
        "text/html",
        "<html><h1>Sign in</h1></html>",
    ),
    (
        "nothing in the places of what it must show",
        200,
        "application/json",
        r#"{"contact":null,"note":{"id":null},"task":{"id":""},"opportunity":{},"id":null,"messageId":"","tags":null,"treeUrl":"","tileUrl":null,"amount":null,"currency":null,"traceId":"x"}"#,
    ),
    ("an empty 200", 200, "application/json", ""),
    ("a 204", 204, "application/json", ""),
    ("null", 200, "application/json", "null"),
    (
        "an error's body",
        200,
        "application/json",
        r#"{"statusCode":400,"message":"Bad Request","error":"x"}"#,
    ),
    (
        "a false flag",
        200,
        "application/json",
        r#"{"success":false,"succeded":false,"succeeded":false}"#,
    ),
    (
        "a 202 with a message",
        202,
        "application/json",
        r#"{"message":"queued"}"#,
    ),
    (
        "a torn body",
        200,
        "application/json",
        r#"{"contact":{"id":"c","firs"#,
    ),
    ("a list", 200, "application/json", "[]"),
    (
        "an error beside what it must show",
        200,
        "application/json",
        r#"{"error":"Validation failed","contact":{"id":"c"},"note":{"id":"n"},"task":{"id":"t"},"id":"x","messageId":"m","tags":["a"],"succeded":true,"message":"Notification updated","treeUrl":"https://ecologi.com/x","amount":0.6,"currency":"GBP"}"#,
    ),
    (
        "a false flag beside what it must show",
        201,
        "application/json",
        r#"{"success":false,"contact":{"id":"c"},"note":{"id":"n"},"task":{"id":"t"},"id":"x","messageId":"m","tags":["a"],"message":"Notification updated","treeUrl":"https://ecologi.com/x","amount":0.6,"currency":"GBP"}"#,
    ),
];

/// Answers the read of the event's contact as it should be, and all else in the form.
struct Answers(Form);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if request.url.path() == format!("/contacts/{CONTACT}") && request.method == "GET" {
            let contact = json!({ "contact": { "id": CONTACT, "locationId": LOCATION, "dateUpdated": "2026-11-20T00:00:00Z" } });
            return ResponseTemplate::new(200).set_body_json(contact);
        }
        let (_, status, kind, body) = self.0;
        ResponseTemplate::new(status).set_body_raw(body, kind)
    }
}

/// A workflow with one step.
fn workflow(action: &str, with: &Value) -> Workflow {
    let step = json!({ "id": "step", "action": action, "once": "event", "when": null, "consent": null, "with": with,
        "custom_fields": {} });
    let workflow = json!({ "id": action, "title": action, "description": "", "on": ["contact.created"], "when": null,
        "consent": null, "do": [step] });
    serde_json::from_value(workflow).unwrap()
}

/// All actions of the catalog with arguments that fit, by operation.
fn actions() -> BTreeMap<&'static str, Value> {
    let actions = CATALOG
        .iter()
        .filter(|entry| entry.kind == EntryKind::Action);
    actions
        .map(|entry| {
            let example = canopy_highlevel::describe(entry.operation).unwrap().example;
            (entry.operation, example)
        })
        .collect()
}

/// Whether a message is what the operation's success must show by its description, so that one is its receipt.
fn says_only_a_message(action: &str) -> bool {
    let operation = canopy_highlevel::operation(action);
    operation.is_some_and(|operation| match operation.evidence.shown {
        Shown::Members(ways) => ways
            .iter()
            .any(|way| way.iter().all(|member| member.at == "/message")),
        _ => false,
    })
}

struct Played {
    store: SqliteStore,
    _folder: tempfile::TempDir,
}

/// Plays all actions and purchases, or one.
async fn play(form: Form, only: Option<&str>) -> Played {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(Answers(form))
        .mount(&server)
        .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canopy.db");
    let store = SqliteStore::open(&path, &SecretKey::generate())
        .await
        .unwrap();
    let now = "2026-11-23T12:00:00Z".parse().unwrap();
    let workflows: Vec<_> = actions()
        .iter()
        .map(|(action, with)| workflow(action, with))
        .chain(
            PURCHASES.map(|(action, with)| workflow(action, &serde_json::from_str(with).unwrap())),
        )
        .filter(|workflow: &Workflow| only.is_none_or(|only| workflow.id == only))
        .collect();
    let connection = Connection {
        id: "main".into(),
        location: LOCATION.into(),
        highlevel: canopy_highlevel::Client::builder()
            .base_url(server.uri())
            .token("pit-x".to_owned().into())
            .location(LOCATION)
            .limits(Limits::UNLIMITED)
            .retry(RetryPolicy::NEVER)
            .build()
            .unwrap(),
        ecologi: canopy_ecologi::Client::builder()
            .base_url(server.uri())
            .api_key("key".to_owned().into())
            .retry(RetryPolicy::NEVER)
            .build()
            .unwrap(),
        ecologi_user: None,
        ecologi_account: "own".into(),
        test: true,
        write_in_test: true,
        budget: None,
        prices: PriceList::default(),
        currency: "GBP".into(),
        workflows: workflows.into(),
        fields: Arc::default(),
    };
    let event = NewEvent {
        source: Source::Webhook,
        kind: "contact.created".into(),
        location: LOCATION.into(),
        contact: Some(CONTACT.into()),
        record: CONTACT.into(),
        occurred_at: now,
        version: Some("created".into()),
        delivery: None,
        payload: json!({ "id": CONTACT }),
        trace: Trace::default(),
    };
    store.insert_events(vec![event], now).await.unwrap();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let clock = Arc::new(ManualClock::new(now));
    let engine = Engine::new(shared, clock, [connection], "test", Options::default());
    engine.drain(LOCATION).await.unwrap();
    Played {
        store,
        _folder: folder,
    }
}

#[tokio::test]
async fn what_shows_nothing_is_never_done_and_always_told() {
    let all = actions();
    let is_action = |entry: &&CatalogEntry| entry.kind == EntryKind::Action;
    assert_eq!(all.len(), CATALOG.iter().filter(is_action).count());
    let mut wrong = Vec::new();
    let (mut cells, mut receipts) = (0, 0);
    for form in FORMS {
        let played = play(form, None).await;
        let runs = played.store.runs(None, 1000).await.unwrap();
        assert_eq!(runs.len(), all.len() + PURCHASES.len(), "{}", form.0);
        for run in runs {
            if form.2 == "application/json"
                && form.3 == r#"{"message":"queued"}"#
                && says_only_a_message(&run.workflow)
            {
                receipts += 1;
                continue;
            }
            cells += 1;
            let steps = played.store.steps(run.id).await.unwrap();
            let done = steps
                .iter()
                .any(|step| matches!(step.state, StepState::Done | StepState::Skipped));
            let waits = matches!(run.state, RunState::Waiting | RunState::Held);
            let told = run.error.as_deref().is_some_and(|error| !error.is_empty());
            if done || !waits || !told {
                wrong.push(format!(
                    "{} with {}: {} {:?}",
                    run.workflow, form.0, run.state, run.error
                ));
            }
        }
        let purchases = played.store.purchases(100).await.unwrap();
        assert_eq!(purchases.len(), PURCHASES.len());
        for purchase in purchases {
            if purchase.state != PurchaseState::Sent {
                wrong.push(format!(
                    "{} with {}: {}",
                    purchase.operation, form.0, purchase.state
                ));
            }
        }
    }
    assert_eq!(receipts, 2, "the two writes of a calendar's notifications");
    assert_eq!(
        cells + receipts,
        FORMS.len() * (all.len() + PURCHASES.len())
    );
    assert!(
        wrong.is_empty(),
        "{} of {cells}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// An answer in the described form, but of another record than the one that was written.
#[tokio::test]
async fn another_records_id_is_no_evidence() {
    let writes = actions()
        .into_keys()
        .filter_map(canopy_highlevel::operation);
    let mut wrong = Vec::new();
    for operation in writes.filter(|operation| operation.idempotency == Idempotency::Idempotent) {
        let Some(id) = operation.id else { continue };
        // An upsert finds its record by itself.
        if !operation.path.contains('{') {
            continue;
        }
        let answer =
            canopy_highlevel::placeholder(operation.name, &|_| "another".to_owned()).unwrap();
        assert!(answer.pointer(id).is_some(), "{}", operation.name);
        let body: &'static str = Box::leak(answer.to_string().into_boxed_str());
        let form = ("another record", 200, "application/json", body);
        let played = play(form, Some(operation.name)).await;
        let run = played.store.run(1).await.unwrap().unwrap();
        if !matches!(run.state, RunState::Waiting | RunState::Held) {
            wrong.push(format!("{}: {} {:?}", operation.name, run.state, run.error));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
