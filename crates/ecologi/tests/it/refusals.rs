//! Refusals are told apart, and what may have been bought is told from what was not.

use std::time::Duration;

use canopy_ecologi::{
    Client, Error, IdempotencyKey, Order, OrderRequest, Refusal, RetryPolicy, Timeouts,
};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use wiremock::ResponseTemplate;

use crate::{KEY, answering, builder, requests};

async fn buy(client: &Client) -> Error {
    let order = OrderRequest::new(Order::Trees { number: 1 });
    client
        .buy(&order, &IdempotencyKey::new("k"))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn each_cause_has_its_own_fix() {
    for (status, body, refusal, fix) in [
        (
            401,
            json!({"message": "Unauthorized"}),
            Refusal::BadKey,
            "Impact API page",
        ),
        (
            402,
            json!({"error": "Payment required"}),
            Refusal::NoBilling,
            "billing details",
        ),
        (
            400,
            json!({"message": "No billing details found"}),
            Refusal::NoBilling,
            "billing details",
        ),
        (
            400,
            json!({"message": ["number must not be less than 1"]}),
            Refusal::Invalid,
            "number must not",
        ),
        (
            422,
            json!({"message": ["number must not be greater than 250000"]}),
            Refusal::Invalid,
            "correct",
        ),
        (
            403,
            json!({"message": "Forbidden"}),
            Refusal::NotEnabled,
            "recipientEmail",
        ),
    ] {
        let (client, server) = answering(ResponseTemplate::new(status).set_body_json(body)).await;
        let error = buy(&client).await;
        assert_eq!(
            (error.status(), error.refusal()),
            (Some(status), Some(refusal))
        );
        assert!(error.to_string().contains(fix), "{error}");
        assert!(
            !error.is_retryable() && !error.outcome_unknown(),
            "{status}"
        );
        assert_eq!(requests(&server).await.len(), 1, "{status}");
    }
}

/// What came from somebody in between, or says nothing of the order, is no refusal: it may have been carried out before.
#[tokio::test]
async fn what_is_no_refusal_leaves_a_purchase_in_doubt() {
    let page = "<html>Bad Request</html>";
    for (status, body) in [
        (400, page.to_owned()),
        (402, page.to_owned()),
        (422, page.to_owned()),
        (404, page.to_owned()),
        (413, page.to_owned()),
        (409, json!({"message": "Conflict"}).to_string()),
        (
            404,
            json!({"message": "Cannot POST /impact/trees"}).to_string(),
        ),
        (
            404,
            json!({"message": "no Route matched with those values"}).to_string(),
        ),
        (
            405,
            json!({"statusCode": 405, "message": "Method Not Allowed"}).to_string(),
        ),
        (
            422,
            json!({"statusCode": 502, "message": "bad gateway"}).to_string(),
        ),
        (400, String::new()),
        // In its own form, but it names nothing that is wrong with the order: it may come from behind the purchase.
        (
            422,
            json!({"statusCode": 422, "message": "Could not save"}).to_string(),
        ),
    ] {
        let (client, _server) =
            answering(ResponseTemplate::new(status).set_body_string(&body)).await;
        let error = buy(&client).await;
        assert!(error.outcome_unknown(), "{status} {body}: {error}");
        if !body.contains("Could not save") {
            assert_eq!(error.refusal(), None, "{status} {body}");
        }
        assert!(!error.to_string().contains("user name"), "{error}");
    }
}

#[tokio::test]
async fn plain_text_refusals_are_told_too() {
    let (client, _server) =
        answering(ResponseTemplate::new(403).set_body_string("feature is off\nmore")).await;
    let error = buy(&client).await;
    assert!(error.to_string().contains("feature is off."), "{error}");
}

#[tokio::test]
async fn too_many_is_retried_with_and_without_a_time() {
    for over in [
        ResponseTemplate::new(429),
        ResponseTemplate::new(429).insert_header("retry-after", "0"),
    ] {
        let (client, server) = answering(over).await;
        let error = buy(&client).await;
        assert_eq!(error.refusal(), Some(Refusal::TooMany));
        assert!(error.is_retryable() && !error.outcome_unknown());
        assert_eq!(requests(&server).await.len(), 4);
    }
    let (client, server) =
        answering(ResponseTemplate::new(429).insert_header("retry-after", "120")).await;
    assert_eq!(
        buy(&client).await.retry_after(),
        Some(Duration::from_mins(2))
    );
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn server_errors_and_silence_leave_a_purchase_in_doubt() {
    let (client, server) = answering(ResponseTemplate::new(500)).await;
    let failed = buy(&client).await;
    assert_eq!(requests(&server).await.len(), 4);

    let (_client, server) =
        answering(ResponseTemplate::new(201).set_delay(Duration::from_mins(1))).await;
    let timeouts = Timeouts {
        total: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let late = buy(&builder(&server.uri())
        .timeouts(timeouts)
        .retry(RetryPolicy::NEVER)
        .build()
        .unwrap())
    .await;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            // Reads the request, then hangs up.
            let _ = socket.read(&mut [0; 4096]).await;
        }
    });
    let dropped = buy(&builder(&url).build().unwrap()).await;

    for error in [failed, late, dropped] {
        assert!(error.outcome_unknown() && error.is_retryable(), "{error:?}");
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains(KEY) && !shown.contains("127.0.0.1"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn nobody_there_means_not_bought() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = buy(&builder(&url).build().unwrap()).await;
    assert!(
        !error.outcome_unknown() && error.is_retryable(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_missing_key_is_told_before_anything_is_sent() {
    let (_client, server) = answering(ResponseTemplate::new(201)).await;
    let client = Client::builder().base_url(server.uri()).build().unwrap();
    let error = buy(&client).await;
    assert_eq!(
        (error.status(), error.refusal()),
        (None, Some(Refusal::BadKey))
    );
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn a_key_is_checked_by_asking_for_nothing() {
    let invalid = ResponseTemplate::new(400)
        .set_body_json(json!({"message": "number must not be less than 1"}));
    let (client, server) = answering(invalid).await;
    client.check_key().await.unwrap();
    let sent: serde_json::Value = requests(&server).await[0].body_json().unwrap();
    assert_eq!(sent, json!({"number": 0, "test": true}));

    let wrong = ResponseTemplate::new(401).set_body_json(json!({"message": "Unauthorized"}));
    let (client, _server) = answering(wrong).await;
    let error = client.check_key().await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::BadKey));
}
