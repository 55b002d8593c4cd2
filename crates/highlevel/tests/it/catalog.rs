//! Every operation by its name, over a real connection: what is on the wire, what an answer and a refusal become. The
//! cases are made from the description, so a new operation is held to it without a line here.

#[path = "../../../highlevel-api/tests/it/synth.rs"]
pub(crate) mod synth;

use canopy_highlevel::api::{CATALOG, OPENAPI};
use canopy_highlevel::operation::{EntryKind, Idempotency};
use canopy_highlevel::{Client, Limits, OPERATIONS, Refusal, TryStreamExt as _, check, operation};
use serde_json::{Map, Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{TOKEN, builder, requests};
use synth::{Answer, Case, Description, decoded, text};

pub(crate) fn cases() -> Vec<Case> {
    let cases = Description::new(OPENAPI).cases();
    let without = OPERATIONS
        .iter()
        .find(|operation| cases.iter().all(|case| case.name != operation.name));
    assert_eq!(without, None, "an operation has no case");
    cases
}

/// The flat object that `invoke` takes.
pub(crate) fn arguments(case: &Case) -> Value {
    let mut arguments: Map<String, Value> = case.parameters.clone();
    match &case.body {
        Some(Value::Object(members)) => arguments.extend(members.clone()),
        Some(list) => drop(arguments.insert("body".to_owned(), list.clone())),
        None => {}
    }
    Value::Object(arguments)
}

async fn service(answer: ResponseTemplate) -> (Client, MockServer) {
    let server = MockServer::start().await;
    let client = builder(&server.uri())
        .limits(Limits::UNLIMITED)
        .build()
        .unwrap();
    Mock::given(any()).respond_with(answer).mount(&server).await;
    (client, server)
}

/// Calls the operation and reads its answer, whether it is JSON or a file.
async fn call(client: &Client, case: &Case) -> Result<Value, canopy_highlevel::Error> {
    let arguments = arguments(case);
    match &case.answer {
        Answer::Json(_) => client.invoke(&case.name, &arguments).await,
        Answer::File { media } => {
            let file = client.download(&case.name, &arguments).await?;
            assert_eq!(file.content_type(), Some(media.as_str()), "{}", case.name);
            let pieces: Vec<_> = file.try_collect().await?;
            Ok(json!(String::from_utf8(pieces.concat()).unwrap()))
        }
    }
}

#[tokio::test]
async fn every_operation_goes_out_as_described_and_its_answer_comes_back() {
    for case in cases() {
        let name = &case.name;
        let (answer, template) = match &case.answer {
            Answer::Json(answer) => (
                answer.clone(),
                ResponseTemplate::new(case.status).set_body_json(answer),
            ),
            Answer::File { media } => (
                json!("the file"),
                ResponseTemplate::new(case.status).set_body_raw("the file", media),
            ),
        };
        let (client, server) = service(template).await;
        let read = call(&client, &case).await;
        assert_eq!(
            read.unwrap_or_else(|error| panic!("{name}: {error}")),
            answer,
            "{name}"
        );
        let sent = requests(&server).await;
        assert_eq!(sent.len(), 1, "{name}");
        assert_wire(&case, &sent[0]);
    }
}

fn assert_wire(case: &Case, sent: &wiremock::Request) {
    let name = &case.name;
    assert_eq!(sent.method.as_str(), case.method, "{name}");
    let segments: Vec<String> = sent.url.path().split('/').map(decoded).collect();
    assert_eq!(segments, case.path, "{name}");
    let mut query: Vec<(String, String)> = sent.url.query_pairs().into_owned().collect();
    query.sort();
    assert_eq!(query, case.query, "{name}");

    let header = |header: &str| {
        sent.headers
            .get(header)
            .map(|value| value.to_str().unwrap())
    };
    assert_eq!(header("version"), case.api_version.as_deref(), "{name}");
    let token = case.has_token.then(|| format!("Bearer {TOKEN}"));
    assert_eq!(header("authorization"), token.as_deref(), "{name}");
    assert_eq!(header("api-version"), None, "{name}");

    match &case.body {
        None => assert!(sent.body.is_empty(), "{name} has a body"),
        Some(body) if case.is_form => {
            assert_eq!(
                header("content-type"),
                Some("application/x-www-form-urlencoded")
            );
            let mut form: Vec<(String, String)> = url::form_urlencoded::parse(&sent.body)
                .into_owned()
                .collect();
            form.sort();
            let members = body.as_object().unwrap().iter();
            let mut expected: Vec<_> = members
                .map(|(key, value)| (key.clone(), text(value)))
                .collect();
            expected.sort();
            assert_eq!(form, expected, "{name}");
        }
        Some(body) => {
            assert_eq!(header("content-type"), Some("application/json"), "{name}");
            assert_eq!(&sent.body_json::<Value>().unwrap(), body, "{name}");
        }
    }
}

#[tokio::test]
async fn a_refusal_of_every_operation_says_what_and_why() {
    let refusal = json!({
        "statusCode": 422, "message": ["firstName must be a string"], "error": "Unprocessable Entity", "traceId": "t-7",
    });
    let template = ResponseTemplate::new(422).set_body_json(&refusal);
    let (client, _server) = service(template).await;
    for case in cases() {
        let error = call(&client, &case).await.expect_err(&case.name);
        assert_eq!(error.status(), Some(422), "{}", case.name);
        assert_eq!(error.trace_id(), Some("t-7"), "{}", case.name);
        // Creates are known to be carried out and answered so.
        let creates = operation(&case.name).is_some_and(|operation| {
            operation.http_method == "POST"
                && matches!(operation.idempotency, Idempotency::Lookup(_))
        });
        assert!(!error.is_retryable(), "{}", case.name);
        assert_eq!(error.outcome_unknown(), creates, "{}", case.name);
        assert!(
            matches!(error.refusal(), Some(Refusal::Validation { .. })),
            "{}",
            case.name
        );
        let told = error.to_string();
        assert!(told.contains("firstName must be a string"), "{told}");
    }
}

#[tokio::test]
async fn what_is_required_is_missed_before_anything_is_sent() {
    let (client, server) = service(ResponseTemplate::new(200)).await;
    let description = Description::new(OPENAPI);
    for case in cases() {
        let mut required = case.required.clone();
        required.extend(description.required_members(&case.name));
        for field in required {
            let mut arguments = arguments(&case);
            arguments.as_object_mut().unwrap().remove(&field);
            let error = client
                .invoke(&case.name, &arguments)
                .await
                .expect_err(&case.name);
            assert_eq!(
                error.field(),
                Some(field.as_str()),
                "{}: {error}",
                case.name
            );
        }
    }
    assert!(requests(&server).await.is_empty());
}

#[test]
fn the_catalog_is_whole() {
    // README.md and docs/workflows.md name these figures.
    assert_eq!(CATALOG.len(), 126);
    let triggers = CATALOG
        .iter()
        .filter(|entry| entry.kind == EntryKind::Trigger);
    assert_eq!(triggers.count(), 55);
    let mut categories: Vec<&str> = CATALOG.iter().map(|entry| entry.category).collect();
    categories.dedup();
    categories.sort_unstable();
    categories.dedup();
    assert_eq!(categories.len(), 8, "{categories:?}");
    let mut operations: Vec<&str> = CATALOG.iter().map(|entry| entry.operation).collect();
    operations.sort_unstable();
    operations.dedup();
    assert_eq!(
        operations.len(),
        125,
        "only the contact search is there twice"
    );
}

#[test]
fn every_entry_is_an_operation_and_every_preset_fits_it() {
    for entry in CATALOG {
        let found = operation(entry.operation).unwrap_or_else(|| panic!("{}", entry.name));
        if entry.kind == EntryKind::Trigger {
            assert_eq!(found.idempotency, Idempotency::Read, "{}", entry.name);
        }
        for preset in entry.presets {
            let word = format!("\"{{{}}}\"", preset.parameter);
            let arguments = preset.arguments.replace(&word, "\"jo@example.com\"");
            assert_ne!(
                arguments, preset.arguments,
                "{}: {word} is nowhere",
                entry.name
            );
            let mut arguments: Value = serde_json::from_str(&arguments).unwrap();
            arguments["locationId"] = json!("loc-1");
            check(found.name, &arguments).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        }
    }
}
