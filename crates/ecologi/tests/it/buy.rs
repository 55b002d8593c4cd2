//! Purchases over the wire.

use canopy_ecologi::{Country, IdempotencyKey, Order, OrderRequest};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{KEY, answering, builder, requests};

fn trees() -> OrderRequest {
    OrderRequest::new(Order::Trees { number: 2 }).test(true)
}

#[tokio::test]
async fn a_purchase_is_one_keyed_request_and_an_exact_receipt() {
    let body = json!({"amount": 2.9, "currency": "EUR", "treeUrl": "https://ecologi.example/u?tree=1", "name": "Tom"});
    let (client, server) = answering(ResponseTemplate::new(201).set_body_json(&body)).await;
    let receipt = client
        .buy(&trees(), &IdempotencyKey::new("k-1"))
        .await
        .unwrap();
    assert_eq!(receipt.amount.unwrap().to_string(), "2.9");
    assert_eq!(receipt.currency.as_deref(), Some("EUR"));
    assert_eq!(
        receipt.url.as_deref(),
        Some("https://ecologi.example/u?tree=1")
    );
    assert_eq!(receipt.raw, body);
    assert!(!format!("{receipt:?}").contains("Tom"));
    let sent = requests(&server).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].method.as_str(), sent[0].url.path()),
        ("POST", "/impact/trees")
    );
    assert_eq!(sent[0].headers["idempotency-key"], "k-1");
    assert_eq!(
        sent[0].headers["authorization"],
        format!("Bearer {KEY}").as_str()
    );
    assert_eq!(
        sent[0].body_json::<Value>().unwrap(),
        json!({"number": 2, "test": true})
    );
    for absent in ["version", "api-version"] {
        assert!(!sent[0].headers.contains_key(absent), "{absent}");
    }
}

#[tokio::test]
async fn every_order_has_its_own_path() {
    let receipt =
        json!({"treeUrl": "https://t", "tileUrl": "https://t", "amount": 1, "currency": "GBP"});
    let (client, server) = answering(ResponseTemplate::new(201).set_body_json(receipt)).await;
    let one = rust_decimal::Decimal::ONE;
    let orders = [
        (Order::Trees { number: 1 }, "/impact/trees"),
        (
            Order::LocalTrees {
                number: 1,
                country: Country::Br,
            },
            "/impact/local-trees",
        ),
        (
            Order::Carbon {
                number: one,
                units: canopy_ecologi::CarbonUnits::Kilograms,
            },
            "/impact/carbon",
        ),
        (
            Order::CarbonRemoval { kilograms: one },
            "/impact/carbon-removal",
        ),
        (
            Order::HabitatRestoration { square_metres: one },
            "/impact/habitat-restoration",
        ),
    ];
    for (order, _) in orders {
        let receipt = client
            .buy(&OrderRequest::new(order), &IdempotencyKey::new("k"))
            .await
            .unwrap();
        assert_eq!(receipt.url.as_deref(), Some("https://t"));
    }
    let paths: Vec<_> = requests(&server)
        .await
        .iter()
        .map(|sent| sent.url.path().to_owned())
        .collect();
    assert_eq!(paths, orders.map(|(_, path)| path));
}

#[tokio::test]
async fn a_repeat_after_a_server_error_carries_the_same_key() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    let bought = ResponseTemplate::new(201).set_body_json(json!({"amount": 1, "currency": "GBP"}));
    Mock::given(any()).respond_with(bought).mount(&server).await;
    let client = builder(&server.uri()).build().unwrap();
    client
        .buy(&trees(), &IdempotencyKey::new("same"))
        .await
        .unwrap();
    let sent = requests(&server).await;
    assert_eq!(sent.len(), 3);
    assert!(
        sent.iter()
            .all(|sent| sent.headers["idempotency-key"] == "same")
    );
}

#[tokio::test]
async fn an_answer_without_a_receipt_is_asked_for_again_and_is_no_purchase() {
    let json = |body: Value| ResponseTemplate::new(201).set_body_json(body);
    for nothing in [
        ResponseTemplate::new(201),
        ResponseTemplate::new(204),
        ResponseTemplate::new(201).set_body_string("thank you"),
        ResponseTemplate::new(200).set_body_raw("<html>Down</html>", "application/json"),
        json(json!(null)),
        json(json!({})),
        json(json!({"error": "Account suspended"})),
        json(json!({"statusCode": 500, "message": "oops", "treeUrl": "https://t"})),
        json(json!({"message": "accepted"})),
        json(json!({"amount": 1.2})),
        json(json!({"amount": "n/a", "currency": "GBP"})),
        json(json!({"amount": 1, "currency": 3})),
        json(json!({"treeUrl": ""})),
    ] {
        let (client, server) = answering(nothing.clone()).await;
        let error = client
            .buy(&trees(), &IdempotencyKey::new("k"))
            .await
            .unwrap_err();
        assert!(
            error.is_unreadable() && error.outcome_unknown(),
            "{nothing:?} {error}"
        );
        assert_eq!(error.refusal(), None);
        // The key makes a repeat harmless.
        assert_eq!(requests(&server).await.len(), 4);
    }
}

#[tokio::test]
async fn a_receipt_counts_with_whatever_success_it_comes() {
    for (status, receipt, kind) in [
        (200, r#"{"treeUrl":"https://t"}"#, "application/json"),
        (202, r#"{"amount":"1.20","currency":"GBP"}"#, "text/html"),
        (
            201,
            r#"{"treeUrl":"https://t","projectDetails":[{"name":"x\ud83d"}]}"#,
            "text/plain",
        ),
    ] {
        let answer = ResponseTemplate::new(status).set_body_raw(receipt, kind);
        let (client, server) = answering(answer).await;
        let receipt = client
            .buy(&trees(), &IdempotencyKey::new("k"))
            .await
            .unwrap();
        assert!(receipt.url.is_some() || receipt.amount.is_some());
        assert_eq!(requests(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn what_breaks_the_limits_or_has_no_key_is_not_sent() {
    let (client, server) = answering(ResponseTemplate::new(201).set_body_json(json!({}))).await;
    let none = OrderRequest::new(Order::Trees { number: 0 });
    let error = client
        .buy(&none, &IdempotencyKey::new("k"))
        .await
        .unwrap_err();
    assert!(error.invalid_order().is_some() && !error.outcome_unknown() && !error.is_retryable());
    for bad in ["", "two\nlines"] {
        let error = client
            .buy(&trees(), &IdempotencyKey::new(bad))
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("idempotency key") && !error.outcome_unknown(),
            "{error}"
        );
    }
    let error = client
        .invoke("buy-trees", &json!({"number": 1}))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("use `buy`"), "{error}");
    assert!(requests(&server).await.is_empty());
}
