//! What goes over the wire, and what comes back from a wire that breaks.

use std::time::Duration;

use canopy_transport::invoke::{base_url, call, download};
use canopy_transport::operation::{Auth, Evidence, Idempotency, Operation, Shown};
use canopy_transport::{
    CallError, Cause, ErrorForm, Execute as _, Facts, RetryPolicy, Timeouts, Transport,
    TransportBuilder, Unreadable,
};
use http::HeaderMap;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, header_regex, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::invoke::operation;
use crate::server::{Broken, dripping, nobody};

static READ: Operation = Operation {
    parameters: &[],
    ..operation("read", "GET", "/things", Idempotency::Read)
};
static CREATE: Operation = Operation {
    parameters: &[],
    ..operation("create", "POST", "/things", Idempotency::Unsafe)
};
static FILE: Operation = Operation {
    evidence: Evidence {
        shown: Shown::Bytes,
        flags: &[],
    },
    ..READ
};
static PUBLIC: Operation = Operation {
    auth: Auth::None,
    api_version: None,
    ..CREATE
};

const TOKEN: &str = "pit-very-secret";

fn builder() -> TransportBuilder {
    let quick = RetryPolicy {
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    Transport::builder("test")
        .token(TOKEN.to_owned().into())
        .retry(quick)
}

async fn send(
    transport: &Transport,
    url: &str,
    operation: &'static Operation,
    args: &Value,
) -> Result<Value, CallError> {
    call(
        transport,
        &base_url(url).unwrap(),
        operation,
        args,
        HeaderMap::new(),
    )
    .await
}

fn assert_discreet(error: &CallError, url: &str) {
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        shown = format!("{shown} {inner} {inner:?}");
        source = inner.source();
    }
    for secret in [TOKEN, "jo@example.com", url] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn a_request_carries_what_the_table_says() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/things"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(header("version", "2021-07-28"))
        .and(header("content-type", "application/json"))
        .and(header_regex("user-agent", "^canopy/"))
        .and(body_json(json!({"name": "N"})))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({"id": "1"})))
        .expect(1)
        .mount(&server)
        .await;
    let answer = send(
        &builder().build().unwrap(),
        &server.uri(),
        &CREATE,
        &json!({"name": "N"}),
    )
    .await;
    assert_eq!(answer.unwrap(), json!({"id": "1"}));
}

#[tokio::test]
async fn public_operations_carry_no_token() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .mount(&server)
        .await;
    let answer = send(
        &builder().build().unwrap(),
        &server.uri(),
        &PUBLIC,
        &Value::Null,
    )
    .await;
    assert_eq!(answer.unwrap(), json!({}));
    let requests = server.received_requests().await.unwrap();
    assert!(!requests[0].headers.contains_key("authorization"));
    assert!(!requests[0].headers.contains_key("version"));
}

#[tokio::test]
async fn a_refusal_keeps_what_support_asks_for_and_nothing_personal() {
    let server = MockServer::start().await;
    let body = json!({"statusCode": 422, "message": ["email jo@example.com is taken", "name too long"], "traceId": "tr-9"});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(422).set_body_json(body))
        .expect(1)
        .mount(&server)
        .await;
    let error = send(
        &builder().build().unwrap(),
        &server.uri(),
        &CREATE,
        &json!({}),
    )
    .await
    .unwrap_err();
    assert_eq!(error.status().unwrap(), 422);
    assert_eq!(error.trace_id(), Some("tr-9"));
    assert_eq!(
        error.message(),
        Some("email [e-mail] is taken; name too long")
    );
    // Creates are known to be carried out and answered so.
    assert!(!error.is_retryable() && error.outcome_unknown());
    assert_discreet(&error, &server.uri());
}

#[tokio::test]
async fn a_dropped_connection_is_retried_for_reads_and_doubt_for_creates() {
    let broken = Broken::start(b"").await;
    let transport = builder().build().unwrap();
    let error = send(&transport, &broken.url(), &READ, &json!({}))
        .await
        .unwrap_err();
    assert!(error.is_retryable() && !error.outcome_unknown());
    assert_eq!(broken.requests(), 4);
    let error = send(&transport, &broken.url(), &CREATE, &json!({}))
        .await
        .unwrap_err();
    assert!(error.is_retryable() && error.outcome_unknown());
    assert_eq!(broken.requests(), 5);
    assert_discreet(&error, &broken.url());
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_is_a_lost_one() {
    let broken = Broken::start(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"a\":",
    )
    .await;
    let transport = builder().build().unwrap();
    let error = send(&transport, &broken.url(), &READ, &json!({}))
        .await
        .unwrap_err();
    assert!(matches!(error.cause(), Cause::Lost { .. }), "{error:?}");
    assert_eq!(broken.requests(), 4);
    let error = send(&transport, &broken.url(), &CREATE, &json!({}))
        .await
        .unwrap_err();
    assert!(error.outcome_unknown());
    assert_eq!(broken.requests(), 5);
}

#[tokio::test]
async fn nobody_there_means_not_sent() {
    let url = nobody().await;
    let error = send(&builder().build().unwrap(), &url, &CREATE, &json!({}))
        .await
        .unwrap_err();
    assert!(matches!(error.cause(), Cause::Connect(_)), "{error:?}");
    assert!(error.is_retryable() && !error.outcome_unknown());
    assert_discreet(&error, &url);
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up_however_steadily_it_comes() {
    let url = dripping("application/json", 100_000, Duration::from_millis(5)).await;
    let timeouts = Timeouts {
        total: Duration::from_millis(300),
        ..Timeouts::default()
    };
    let transport = builder()
        .timeouts(timeouts)
        .retry(RetryPolicy::NEVER)
        .build()
        .unwrap();
    for (operation, in_doubt) in [(&READ, false), (&CREATE, true)] {
        let error = send(&transport, &url, operation, &json!({}))
            .await
            .unwrap_err();
        let Cause::Unreadable { problem, .. } = error.cause() else {
            panic!("{error:?}");
        };
        assert_eq!(
            *problem,
            Unreadable::Slow {
                after: timeouts.total
            }
        );
        assert!(error.is_retryable() || error.outcome_unknown(), "{error:?}");
        assert_eq!(error.outcome_unknown(), in_doubt, "{error:?}");
        assert_discreet(&error, &url);
    }
}

#[tokio::test]
async fn a_file_may_take_longer_than_an_answer_as_long_as_it_goes_on_coming() {
    let pieces = 40;
    let url = dripping("audio/x-wav", pieces, Duration::from_millis(50)).await;
    // Shorter than the whole file by far, and longer than the pause between two pieces by far.
    let timeouts = Timeouts {
        total: Duration::from_millis(500),
        ..Timeouts::default()
    };
    let transport = builder().timeouts(timeouts).build().unwrap();
    let base = base_url(&url).unwrap();
    let mut file = download(&transport, &base, &FILE, &json!({}))
        .await
        .unwrap();
    let mut read = 0;
    let ended = loop {
        match file.chunk().await {
            Ok(Some(piece)) => read += piece.len(),
            ended => break ended,
        }
    };
    assert_eq!(read, pieces, "all that was sent");
    assert!(ended.unwrap_err().is_timeout(), "then it got stuck");
}

#[tokio::test]
async fn a_slow_answer_times_out_in_doubt() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(201).set_delay(Duration::from_mins(1));
    Mock::given(method("POST"))
        .respond_with(late)
        .mount(&server)
        .await;
    let timeouts = Timeouts {
        total: Duration::from_millis(100),
        ..Timeouts::default()
    };
    let transport = builder().timeouts(timeouts).build().unwrap();
    let error = send(&transport, &server.uri(), &CREATE, &json!({}))
        .await
        .unwrap_err();
    assert!(error.outcome_unknown());
    assert!(error.to_string().contains("no answer in time"), "{error}");
}

#[tokio::test]
async fn an_unreadable_success_is_in_doubt_and_shows_no_values() {
    let server = MockServer::start().await;
    let odd = ResponseTemplate::new(200).set_body_raw("jo@example.com", "application/json");
    Mock::given(method("POST"))
        .respond_with(odd)
        .mount(&server)
        .await;
    let error = send(
        &builder().build().unwrap(),
        &server.uri(),
        &CREATE,
        &json!({}),
    )
    .await
    .unwrap_err();
    assert_eq!(error.status().unwrap(), 200);
    assert!(error.outcome_unknown() && !error.is_retryable());
    assert_discreet(&error, &server.uri());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = MockServer::start().await;
    let elsewhere = ResponseTemplate::new(302).insert_header("location", "/elsewhere");
    Mock::given(path("/things"))
        .respond_with(elsewhere)
        .mount(&server)
        .await;
    let error = send(
        &builder().build().unwrap(),
        &server.uri(),
        &READ,
        &json!({}),
    )
    .await
    .unwrap_err();
    assert_eq!(error.status().unwrap(), 302);
    // A login page in between may have sent it: what it says passes with it.
    assert!(error.is_retryable() && !error.speaks_for_service());
    let paths = server.received_requests().await.unwrap();
    assert!(paths.iter().all(|sent| sent.url.path() == "/things"));
}

#[tokio::test]
async fn only_the_services_own_form_speaks_of_the_account_and_the_record() {
    let json = |body: &str| body.to_owned();
    for (status, body, own, gone) in [
        (
            404,
            json(r#"{"message":"Contact not found","statusCode":404}"#),
            true,
            true,
        ),
        (404, json(r#"{"traceId":"t-1"}"#), true, true),
        // The address is wrong, not the id.
        (
            404,
            json(r#"{"message":"Cannot GET /things","statusCode":404}"#),
            true,
            false,
        ),
        (
            404,
            json("<html><h1>404 Not Found</h1></html>"),
            false,
            false,
        ),
        (404, json("Not Found"), false, false),
        // Gateways have JSON of their own.
        (404, json(r#"{"error":"route not found"}"#), false, false),
        (
            404,
            json(r#"{"message":"no Route matched with those values"}"#),
            false,
            false,
        ),
        (404, json(r#"{"message":"Not Found"}"#), false, false),
        (
            404,
            json(r#"{"statusCode":502,"message":"bad gateway"}"#),
            false,
            false,
        ),
        (
            404,
            json(r#"{"statusCode":404,"message":"Not Found"}"#),
            true,
            true,
        ),
        (401, json(r#"{"message":"Unauthorized"}"#), false, false),
        (403, json(r#"{"message":"Forbidden"}"#), false, false),
        (
            403,
            json(r#"{"statusCode":404,"message":"Forbidden"}"#),
            false,
            false,
        ),
        (400, json("<html>Bad Request</html>"), false, false),
        (
            422,
            json(r#"{"statusCode":200,"message":"no"}"#),
            false,
            false,
        ),
        (400, json(r#"{"message":"no"}"#), true, false),
        (404, json(r#"{"detail":"no route"}"#), false, false),
        (404, json(r#"["message"]"#), false, false),
        (404, json(""), false, false),
        (403, json("<html>blocked</html>"), false, false),
        (401, json("proxy login"), false, false),
        (
            401,
            json(r#"{"statusCode":401,"message":"Invalid token"}"#),
            true,
            false,
        ),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_string(body.clone());
        Mock::given(method("GET"))
            .respond_with(answer.clone())
            .mount(&server)
            .await;
        Mock::given(method("POST"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let transport = builder().build().unwrap();
        let read = send(&transport, &server.uri(), &READ, &json!({})).await;
        let error = read.unwrap_err();
        let found = (
            error.speaks_for_service(),
            error.is_gone(),
            error.is_retryable(),
        );
        assert_eq!(found, (own, gone, !own), "{status} {body}");
        assert!(!error.outcome_unknown() && !error.is_unreadable());
        let write = send(&transport, &server.uri(), &CREATE, &json!({})).await;
        let error = write.unwrap_err();
        assert_eq!(error.outcome_unknown(), !own, "{status} {body}");
        assert_eq!(error.to_string().contains("own form"), !own, "{error}");
    }
}

#[tokio::test]
async fn answers_are_bounded_in_size() {
    let server = MockServer::start().await;
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(5_000));
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string(large))
        .mount(&server)
        .await;
    let read = |bytes: usize| {
        let transport = builder().largest_answer(bytes).build().unwrap();
        let uri = server.uri();
        async move { send(&transport, &uri, &READ, &json!({})).await }
    };
    assert!(read(10_000).await.is_ok());
    let error = read(4_000).await.unwrap_err();
    assert!(
        matches!(
            error.cause(),
            Cause::Unreadable {
                problem: Unreadable::TooLarge { limit: 4_000 },
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn some_services_write_errors_as_a_line_of_text() {
    for (body, own) in [
        ("Unknown user", true),
        ("<html>Unknown user</html>", false),
        (r#"{"message":"Unknown us"#, false),
        ("", false),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(404).set_body_string(body);
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let transport = builder().error_form(ErrorForm::JsonOrText).build().unwrap();
        let error = send(&transport, &server.uri(), &READ, &json!({})).await;
        assert_eq!(error.unwrap_err().is_gone(), own, "{body}");
    }
}

#[tokio::test]
async fn binary_answers_are_passed_on_whole() {
    let server = MockServer::start().await;
    let sound = ResponseTemplate::new(200).set_body_raw(vec![0_u8, 159, 146, 150], "audio/mpeg");
    Mock::given(method("GET"))
        .respond_with(sound)
        .mount(&server)
        .await;
    let request = reqwest::Request::new(
        reqwest::Method::GET,
        format!("{}/things", server.uri()).parse().unwrap(),
    );
    let response = builder()
        .build()
        .unwrap()
        .execute(&FILE, request)
        .await
        .unwrap();
    assert!(Facts::of(response.extensions()).is_some());
    assert_eq!(&response.bytes().await.unwrap()[..], [0, 159, 146, 150]);
}
