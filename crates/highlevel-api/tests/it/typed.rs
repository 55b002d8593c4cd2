//! Every operation as a typed call: what it puts on the wire, what it reads, how it fails. The cases are made from the
//! description, the calls are generated: an operation without a case or without a call fails.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use canopy_transport::Execute;
use canopy_transport::operation::{Auth, Operation};
use progenitor_client::{ByteStream, Error, ResponseValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::api::{Client, OPENAPI, OPERATIONS};
use crate::generated::calls::CALLS;
use crate::synth::{Answer, Case, Description, decoded, text};

/// A typed call.
pub struct Call {
    pub operation: &'static str,
    /// Takes its parameters, and its body under `body`.
    pub send: fn(Client, Map<String, Value>) -> Sending,
}

pub type Sending = Pin<Box<dyn Future<Output = Result<Value, Error<()>>>>>;

/// Takes an argument, read as its type.
pub fn argument<T: DeserializeOwned>(arguments: &mut Map<String, Value>, name: &str) -> Option<T> {
    let value = arguments.remove(name)?;
    Some(serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// A typed answer as JSON.
pub async fn json<T: Serialize>(
    answer: Result<ResponseValue<T>, Error<()>>,
) -> Result<Value, Error<()>> {
    Ok(serde_json::to_value(answer?.into_inner()).unwrap())
}

/// A file as text.
#[allow(dead_code, reason = "not every service has files")]
pub async fn bytes(
    answer: Result<ResponseValue<ByteStream>, Error<()>>,
) -> Result<Value, Error<()>> {
    use futures::TryStreamExt as _;
    let pieces: Vec<_> = answer?
        .into_inner()
        .into_inner()
        .try_collect()
        .await
        .unwrap();
    Ok(json!(String::from_utf8(pieces.concat()).unwrap()))
}

/// Gives one answer and keeps the request.
#[derive(Debug)]
struct Wire {
    status: u16,
    media: String,
    answer: String,
    sent: Mutex<Option<(&'static Operation, reqwest::Request)>>,
}

#[async_trait]
impl Execute for Wire {
    async fn execute(
        &self,
        operation: &'static Operation,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        *self.sent.lock().unwrap() = Some((operation, request));
        let answer = http::Response::builder()
            .status(self.status)
            .header("content-type", &self.media)
            .body(self.answer.clone())
            .unwrap();
        Ok(answer.into())
    }
}

struct Outcome {
    result: Result<Value, Error<()>>,
    sent: Option<(&'static Operation, reqwest::Request)>,
}

async fn send(case: &Case, arguments: Map<String, Value>, status: u16, answer: &Value) -> Outcome {
    let call = CALLS.iter().find(|call| call.operation == case.name);
    let call = call.unwrap_or_else(|| panic!("{} has no typed call", case.name));
    let (media, answer) = match &case.answer {
        Answer::File { media } if status < 300 => (media.clone(), text(answer)),
        _ => ("application/json".to_owned(), answer.to_string()),
    };
    let wire = Arc::new(Wire {
        status,
        media,
        answer,
        sent: Mutex::default(),
    });
    let client = Client::new("http://service.test", Arc::clone(&wire) as Arc<dyn Execute>);
    let result = (call.send)(client, arguments).await;
    let sent = wire.sent.lock().unwrap().take();
    Outcome { result, sent }
}

fn arguments(case: &Case) -> Map<String, Value> {
    let mut arguments = case.parameters.clone();
    for (name, value) in &case.headers {
        arguments.insert(name.clone(), json!(value));
    }
    arguments.extend(case.body.clone().map(|body| ("body".to_owned(), body)));
    arguments
}

fn cases() -> Vec<Case> {
    let cases = Description::new(OPENAPI).cases();
    assert_eq!(cases.len(), OPERATIONS.len());
    assert_eq!(cases.len(), CALLS.len());
    cases
}

#[tokio::test]
async fn every_operation_goes_out_as_described_and_its_answer_is_read() {
    for case in cases() {
        let answer = match &case.answer {
            Answer::Json(answer) => answer.clone(),
            Answer::File { .. } => json!("the file"),
        };
        let outcome = send(&case, arguments(&case), case.status, &answer).await;
        let name = &case.name;
        let read = outcome
            .result
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, answer, "{name}: the answer lost something");
        let (operation, request) = outcome.sent.unwrap();
        assert_eq!(operation.name, name);
        assert_eq!(operation.api_version, case.api_version.as_deref(), "{name}");
        assert_eq!(operation.auth == Auth::Bearer, case.has_token, "{name}");
        assert_wire(&case, &request);
    }
}

fn assert_wire(case: &Case, request: &reqwest::Request) {
    let name = &case.name;
    assert_eq!(request.method().as_str(), case.method, "{name}");
    let segments: Vec<String> = request.url().path().split('/').map(decoded).collect();
    assert_eq!(segments, case.path, "{name}");
    let mut query: Vec<(String, String)> = request.url().query_pairs().into_owned().collect();
    query.sort();
    assert_eq!(query, case.query, "{name}");
    for (header, value) in &case.headers {
        assert_eq!(
            request.headers()[header.as_str()],
            value.as_str(),
            "{name}: {header}"
        );
    }
    let body = request.body().and_then(reqwest::Body::as_bytes);
    match &case.body {
        None => assert!(body.is_none_or(<[u8]>::is_empty), "{name} has a body"),
        Some(expected) if case.is_form => {
            let sent: BTreeMap<String, String> = url::form_urlencoded::parse(body.unwrap())
                .into_owned()
                .collect();
            let members = expected.as_object().unwrap().iter();
            let expected: BTreeMap<String, String> = members
                .map(|(key, value)| (key.clone(), text(value)))
                .collect();
            assert_eq!(sent, expected, "{name}");
        }
        Some(expected) => {
            let sent: Value = serde_json::from_slice(body.unwrap()).unwrap();
            assert_eq!(&sent, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_with_its_status() {
    let refusal =
        json!({ "statusCode": 422, "message": ["name must be a string"], "traceId": "t-1" });
    for case in cases() {
        let outcome = send(&case, arguments(&case), 422, &refusal).await;
        let status = outcome.result.expect_err(&case.name).status();
        assert_eq!(
            status.map(|status| status.as_u16()),
            Some(422),
            "{}",
            case.name
        );
    }
}

#[tokio::test]
async fn what_is_required_must_be_given() {
    for case in cases() {
        let mut required = case.required.clone();
        required.extend(case.body.is_some().then(|| "body".to_owned()));
        for missing in required {
            let mut arguments = arguments(&case);
            arguments.remove(&missing);
            let outcome = send(&case, arguments, case.status, &json!({})).await;
            if missing == "body" && outcome.sent.is_some() {
                // All of its members are optional, so none need be given.
                continue;
            }
            assert!(
                outcome.sent.is_none(),
                "{} was sent without {missing}",
                case.name
            );
            assert!(
                matches!(outcome.result, Err(Error::InvalidRequest(_))),
                "{}: {missing}",
                case.name
            );
        }
    }
}
