//! Purchases carry their key, and what cannot be bought is refused before sending.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use canopy_ecologi_api::impact::types::{CarbonUnits, LocalTreePurchase, TreePurchase};
use canopy_ecologi_api::{Client, OPENAPI, OPERATIONS};
use canopy_transport::Execute;
use canopy_transport::operation::{Auth, Idempotency, Operation};
use progenitor_client::Error;
use serde_json::{Value, json};

/// A transport that remembers requests and gives one answer.
#[derive(Debug)]
struct Fake {
    answer: &'static str,
    calls: Mutex<Vec<(&'static Operation, reqwest::Request)>>,
}

#[async_trait]
impl Execute for Fake {
    async fn execute(
        &self,
        operation: &'static Operation,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        self.calls.lock().unwrap().push((operation, request));
        Ok(http::Response::new(self.answer).into())
    }
}

fn client(answer: &'static str) -> (Client, Arc<Fake>) {
    let fake = Arc::new(Fake {
        answer,
        calls: Mutex::default(),
    });
    (
        Client::new("http://service.test", Arc::clone(&fake) as Arc<dyn Execute>),
        fake,
    )
}

#[tokio::test]
async fn a_purchase_carries_its_key() {
    let (client, fake) = client(
        r#"{"amount": 2.9, "currency": "EUR", "treeUrl": "https://x.test/?tree=undefined"}"#,
    );
    let body = TreePurchase::builder().number(5).test(true);
    let receipt = client
        .buy_trees()
        .idempotency_key("key-1")
        .body(body)
        .send()
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        receipt.amount.as_deref(),
        Some("2.9"),
        "an amount of money keeps its digits"
    );
    let calls = fake.calls.lock().unwrap();
    let (operation, request) = &calls[0];
    assert_eq!(
        operation.idempotency,
        Idempotency::Keyed {
            header: "Idempotency-Key"
        }
    );
    assert_eq!(request.headers()["Idempotency-Key"], "key-1");
    let body: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    assert_eq!(body, json!({ "number": 5, "test": true }));
}

#[tokio::test]
async fn what_cannot_be_bought_is_refused() {
    let (client, fake) = client("{}");
    let refused = client
        .buy_trees()
        .body(TreePurchase::builder().test(true))
        .send()
        .await;
    assert!(matches!(refused, Err(Error::InvalidRequest(message)) if message.contains("number")));
    assert!(
        serde_json::from_value::<LocalTreePurchase>(json!({ "number": 1, "country": "FR" }))
            .is_err()
    );
    assert!(serde_json::from_value::<TreePurchase>(json!({ "number": 0 })).is_err());
    assert!("Pounds".parse::<CarbonUnits>().is_err());
    assert!(fake.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn reports_need_no_key() {
    let (client, fake) = client(r#"{"total": 12.5}"#);
    let total = client
        .get_trees()
        .username("some user")
        .send()
        .await
        .unwrap()
        .into_inner();
    assert_eq!((total.total, total.pending), (Some(12.5), None));
    let calls = fake.calls.lock().unwrap();
    assert_eq!(calls[0].0.auth, Auth::None);
    assert_eq!(calls[0].1.url().path(), "/users/some%20user/trees");
}

#[test]
fn the_table_is_the_description() {
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    assert_eq!(OPERATIONS.len(), 10);
    for operation in OPERATIONS {
        let method = operation.http_method.to_lowercase();
        assert_eq!(
            description["paths"][operation.path][method]["operationId"],
            operation.name
        );
        assert_eq!(
            operation.auth == Auth::Bearer,
            operation.resource == "impact",
            "{}",
            operation.name
        );
    }
}
