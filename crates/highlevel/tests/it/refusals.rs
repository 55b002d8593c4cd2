//! Refusals are told apart, and what may have happened is told from what did not.

use std::time::Duration;

use canopy_highlevel::{Error, Refusal, Timeouts};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use wiremock::ResponseTemplate;

use crate::{TOKEN, answering, builder, requests};

async fn get(status: u16, message: &str) -> Error {
    let body = json!({"statusCode": status, "message": message, "traceId": "tr-7"});
    let (client, _server) = answering(ResponseTemplate::new(status).set_body_json(body)).await;
    client
        .invoke("get-contact", &json!({"contactId": "c"}))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn each_cause_has_its_own_fix() {
    for (status, message, refusal, fix) in [
        (
            401,
            "The token is not authorized for this scope.",
            Refusal::ScopeMissing {
                scopes: &["contacts.readonly"],
            },
            "add contacts.readonly",
        ),
        (
            401,
            "User type mismatch",
            Refusal::UserTypeMismatch,
            "in the location's own settings",
        ),
        (
            403,
            "The token does not have access to this location.",
            Refusal::WrongLocation,
            "`location_id`",
        ),
        (
            401,
            "This authClass type is not allowed to access this scope.",
            Refusal::WrongAuthClass,
            "exchange it",
        ),
        (
            401,
            "version header was not found.",
            Refusal::VersionHeader,
            "update the program",
        ),
        (401, "Invalid JWT", Refusal::Unauthorized, "make a new one"),
        (403, "Forbidden resource", Refusal::Forbidden, "permissions"),
        (
            404,
            "Contact not found",
            Refusal::NotFound,
            "no such record",
        ),
        (
            422,
            "property nmae should not exist",
            Refusal::Validation {
                message: "property nmae should not exist".to_owned(),
            },
            "nmae",
        ),
        (
            400,
            "bad",
            Refusal::Validation {
                message: "bad".to_owned(),
            },
            "correct",
        ),
    ] {
        let error = get(status, message).await;
        let shown = error.to_string();
        assert_eq!(error.refusal(), Some(refusal), "{message}");
        assert!(
            shown.contains(fix) && shown.contains("tr-7") && shown.contains("get-contact"),
            "{shown}"
        );
        assert!(
            !error.is_retryable() && !error.outcome_unknown(),
            "{message}"
        );
    }
}

#[tokio::test]
async fn over_the_limit_is_waited_for_where_a_time_is_named() {
    let server = wiremock::MockServer::start().await;
    let over = ResponseTemplate::new(429).insert_header("retry-after", "0");
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(over)
        .up_to_n_times(2)
        .mount(&server)
        .await;
    let fine = ResponseTemplate::new(201).set_body_json(json!({"note": {"id": "n"}}));
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(fine)
        .mount(&server)
        .await;
    let client = builder(&server.uri()).build().unwrap();
    let note = client
        .invoke("create-note", &json!({"contactId": "c", "body": "hello"}))
        .await
        .unwrap();
    assert_eq!(note["note"]["id"], "n");
    let sent = requests(&server).await;
    assert_eq!(sent.len(), 3);
    assert_eq!(
        sent[0].body_json::<Value>().unwrap(),
        json!({"body": "hello"})
    );
}

#[tokio::test]
async fn over_the_limit_without_a_time_is_left_to_the_caller_of_a_create() {
    let (client, server) = answering(ResponseTemplate::new(429)).await;
    let error = client
        .invoke("create-note", &json!({"contactId": "c", "body": "x"}))
        .await
        .unwrap_err();
    assert_eq!(
        (error.refusal(), error.retry_after()),
        (Some(Refusal::TooMany), None)
    );
    assert!(error.is_retryable() && !error.outcome_unknown());
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn a_long_pause_is_told_within_bounds() {
    let (client, _server) =
        answering(ResponseTemplate::new(429).insert_header("retry-after", "3600")).await;
    let error = client
        .invoke("get-contact", &json!({"contactId": "c"}))
        .await
        .unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_mins(15)));
}

#[tokio::test]
async fn server_errors_leave_creates_in_doubt_and_reads_not() {
    let (client, server) = answering(ResponseTemplate::new(500).set_body_string("boom")).await;
    let error = client
        .invoke("create-note", &json!({"contactId": "c", "body": "x"}))
        .await
        .unwrap_err();
    assert!(error.outcome_unknown() && error.is_retryable());
    assert_eq!(
        requests(&server).await.len(),
        1,
        "a create is not sent twice"
    );
    let error = client
        .invoke("get-contact", &json!({"contactId": "c"}))
        .await
        .unwrap_err();
    assert!(!error.outcome_unknown() && error.is_retryable());
    assert_eq!(requests(&server).await.len(), 1 + 4, "a read is");
}

#[tokio::test]
async fn a_dropped_or_late_answer_is_in_doubt() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            // Reads the request, then hangs up.
            let _ = socket.read(&mut [0; 4096]).await;
        }
    });
    let client = builder(&url).build().unwrap();
    let dropped = client
        .invoke("create-note", &json!({"contactId": "c", "body": "x"}))
        .await
        .unwrap_err();
    let (_client, server) =
        answering(ResponseTemplate::new(201).set_delay(Duration::from_mins(1))).await;
    let timeouts = Timeouts {
        total: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let client = builder(&server.uri()).timeouts(timeouts).build().unwrap();
    let late = client
        .invoke("create-note", &json!({"contactId": "c", "body": "x"}))
        .await
        .unwrap_err();
    for error in [dropped, late] {
        assert!(
            error.outcome_unknown() && error.status().is_none(),
            "{error:?}"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn errors_show_neither_token_nor_person_nor_url() {
    let (client, server) = answering(
        ResponseTemplate::new(422)
            .set_body_json(json!({"message": ["jo@example.com and +1 555 123 4567 are taken"]})),
    )
    .await;
    let args = json!({"locationId": "loc", "number": "+15551234567", "email": "jo@example.com"});
    let error = client
        .invoke("get-duplicate-contact", &args)
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?}");
    for secret in [TOKEN, "jo@example.com", "555", server.uri().as_str()] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

/// As programs are written: `?` and nothing else.
async fn first_name(client: &canopy_highlevel::Client) -> Result<Option<String>, Error> {
    let answer = client.raw().get_contact().contact_id("c").send().await?;
    Ok(answer
        .into_inner()
        .contact
        .and_then(|contact| contact.first_name))
}

#[tokio::test]
async fn what_a_main_prints_of_a_typed_call_says_what_to_do() {
    let body = json!({"statusCode": 401, "message": "The token is not authorized for this scope.", "traceId": "tr-7"});
    let (client, _server) = answering(ResponseTemplate::new(401).set_body_json(body)).await;
    let main = async || -> Result<(), Box<dyn std::error::Error>> {
        first_name(&client).await?;
        Ok(())
    };
    let printed = format!("{:?}", main().await.unwrap_err());
    for part in [
        "get-contact: ",
        "401",
        "trace id tr-7",
        "What to do: the token lacks a scope: add contacts.readonly",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let parts = format!("{:#?}", first_name(&client).await.unwrap_err());
    assert!(parts.contains("ScopeMissing"), "{parts}");
}
