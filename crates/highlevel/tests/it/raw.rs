//! The generated client runs on the same stack.

use canopy_highlevel::{Cause, Client, Error, Refusal, RetryPolicy, operation};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::{TOKEN, answering, requests};

#[tokio::test]
async fn typed_calls_carry_token_and_version() {
    let body = json!({"contact": {"id": "c", "firstName": "Jo"}});
    let (client, server) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let answer = client
        .raw()
        .get_contact()
        .contact_id("c")
        .send()
        .await
        .unwrap();
    assert_eq!(
        serde_json::to_value(answer.into_inner()).unwrap()["contact"]["firstName"],
        "Jo"
    );
    let sent = &requests(&server).await[0];
    assert_eq!(
        sent.headers["authorization"],
        format!("Bearer {TOKEN}").as_str()
    );
    assert_eq!(sent.headers["version"], "2021-07-28");
    assert!(!sent.headers.contains_key("api-version"));
}

#[tokio::test]
async fn typed_calls_fail_with_the_same_errors() {
    let body = json!({"message": "Contact jo@example.com not found", "traceId": "tr"});
    let (client, _server) = answering(ResponseTemplate::new(404).set_body_json(body)).await;
    let failed = client
        .raw()
        .get_contact()
        .contact_id("c")
        .send()
        .await
        .unwrap_err();
    let error = Error::from_generated(operation("get-contact").unwrap(), failed);
    assert_eq!((error.status(), error.trace_id()), (Some(404), Some("tr")));
    assert_eq!(error.refusal(), Some(Refusal::NotFound));
    assert!(!error.to_string().contains("jo@"), "{error}");
}

#[tokio::test]
async fn a_question_mark_takes_the_errors_of_typed_calls() {
    async fn read(client: &Client) -> Result<(), Error> {
        client.raw().get_contact().contact_id("c").send().await?;
        Ok(())
    }
    let body = json!({"message": "The token is not authorized for this scope.", "traceId": "tr"});
    let (client, _server) = answering(ResponseTemplate::new(401).set_body_json(body)).await;
    let error = read(&client).await.unwrap_err();
    assert_eq!(
        error.refusal(),
        Some(Refusal::ScopeMissing {
            scopes: &["contacts.readonly"]
        })
    );
    assert!(
        !error.outcome_unknown() && error.to_string().contains("get-contact"),
        "{error}"
    );

    let nobody = crate::builder("http://127.0.0.1:1")
        .retry(RetryPolicy::NEVER)
        .build()
        .unwrap();
    let error = read(&nobody).await.unwrap_err();
    assert!(
        matches!(error.cause(), Cause::Connect(_)) && !error.outcome_unknown(),
        "{error:?}"
    );
}
