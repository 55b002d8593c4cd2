//! Faults that answer exactly what is ordered, and answers that go wrong on their way.

use canopy_sandbox::{FaultKind, FaultOrder};
use serde_json::{Value, json};

use crate::harness::{World, send, settled};

async fn raw(world: &World, path: &str) -> (u16, Option<String>, Vec<u8>) {
    let response = world
        .request("GET", path, &Value::Null)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    let media = response.headers().get("content-type");
    let media = media.map(|media| media.to_str().unwrap().to_owned());
    (status, media, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn any_status_any_body_and_any_content_type_are_answered_as_ordered() {
    let world = settled().await;
    let path = "/locations/search";
    let page = "<html><title>502 Bad Gateway</title></html>";
    let pair = r#"{"contacts":[{"id":"a","firstName":"\ud83d"}],"n":1e999}"#;
    for (order, status, media, body) in [
        (
            json!({ "status": 200, "text": page, "content_type": "text/html" }),
            200,
            Some("text/html"),
            page.as_bytes(),
        ),
        (json!({ "status": 200 }), 200, None, b"".as_slice()),
        (json!({ "status": 204 }), 204, None, b""),
        (
            json!({ "body": null }),
            200,
            Some("application/json; charset=utf-8"),
            b"null",
        ),
        (
            json!({ "body": "text", "content_type": "" }),
            200,
            None,
            b"\"text\"",
        ),
        (
            json!({ "status": 209, "text": pair, "content_type": "application/json" }),
            209,
            Some("application/json"),
            pair.as_bytes(),
        ),
        (
            json!({ "status": 520, "base64": "/wD+", "content_type": "application/json" }),
            520,
            Some("application/json"),
            &[0xff, 0x00, 0xfe],
        ),
    ] {
        let mut order = order;
        order["kind"] = json!("answer");
        order["times"] = json!(1);
        world.control("POST", "/faults", order.clone()).await;
        let answer = raw(&world, path).await;
        let expected = (status, media.map(ToOwned::to_owned), body.to_vec());
        assert_eq!(answer, expected, "{order}");
    }
    world.get(path).await.expect(200);
}

#[tokio::test]
async fn faults_are_ordered_from_rust_as_well() {
    let world = settled().await;
    let order = FaultOrder::answer(401)
        .text("<html>sign in</html>")
        .content_type("text/html")
        .header("Retry-After", "999999999")
        .operation("search-locations")
        .times(1);
    let number = world.sandbox.add_fault(order).unwrap();
    assert_eq!(number, 1);
    let answer = world.get("/locations/search").await;
    assert_eq!(answer.header("retry-after"), "999999999");
    assert_eq!(answer.expect(401), json!("<html>sign in</html>"));
    world.get("/locations/search").await.expect(200);

    let incomplete = world.sandbox.add_fault(FaultOrder::new(FaultKind::Status));
    let error = incomplete.unwrap_err().to_string();
    assert!(error.contains("`status`"), "{error}");
    world
        .sandbox
        .add_fault(FaultOrder::status(503).service("highlevel"))
        .unwrap();
    world.get("/locations/search").await.expect(503);
    world.sandbox.clear_faults();
    world.get("/locations/search").await.expect(200);
}

#[tokio::test]
async fn an_answer_is_altered_after_the_work() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "x@example.com" })).await;
    let order = FaultOrder::new(FaultKind::Alter)
        .operation("get-contact")
        .set("/contact/id", json!("another"))
        .set("/contact/tags/-", json!("added"))
        .set("/meta/page", Value::Null)
        .remove("/contact/email")
        .times(1);
    world.sandbox.add_fault(order).unwrap();
    let path = format!("/contacts/{id}");
    let answer = world.get(&path).await.expect(200);
    assert_eq!(answer["contact"]["id"], "another");
    assert_eq!(answer["contact"]["tags"], json!(["added"]));
    assert_eq!(answer["meta"], json!({ "page": null }));
    assert_eq!(answer["contact"].get("email"), None);
    let answer = world.get(&path).await.expect(200);
    assert_eq!(answer["contact"]["email"], "x@example.com");
}

#[tokio::test]
async fn a_creation_may_be_refused_and_done() {
    let world = settled().await;
    let order = json!({ "kind": "status", "status": 422, "after_work": true, "operation": "create-contact", "times": 1 });
    world.control("POST", "/faults", order).await;
    let body = json!({ "locationId": world.info().location_id, "email": "x@example.com" });
    let refused = world.call("POST", "/contacts/", body).await.expect(422);
    assert_eq!(refused["statusCode"], 422, "in the service's form");
    assert!(refused["traceId"].is_string());
    let found = world
        .search(json!({ "page": 1, "pageLimit": 10, "query": "x@example.com" }))
        .await;
    assert_eq!(found["total"], 1);
}

#[tokio::test]
async fn a_new_record_is_missing_at_its_first_read() {
    let world = settled().await;
    let old = world.contact(json!({ "email": "old@example.com" })).await;
    let order = json!({ "kind": "late_record", "reads": 2 });
    world.control("POST", "/faults", order).await;
    world.get(&format!("/contacts/{old}")).await.expect(200);
    let new = world.contact(json!({ "email": "new@example.com" })).await;
    let path = format!("/contacts/{new}");
    for _ in 0..2 {
        assert_eq!(world.get(&path).await.expect(404)["statusCode"], 404);
    }
    world.get(&path).await.expect(200);
    world.get(&path).await.expect(200);
}

#[tokio::test]
async fn a_body_may_come_slowly_break_off_or_be_too_long() {
    let world = settled().await;
    let order = json!({ "kind": "slow_body", "delay_ms": 5, "piece_bytes": 64, "times": 1 });
    world.control("POST", "/faults", order).await;
    let slow = world.get("/locations/search").await.expect(200);
    assert!(slow["locations"][0]["id"].is_string(), "it arrives whole");

    for order in [
        json!({ "kind": "cut_body", "times": 1 }),
        json!({ "kind": "cut_body", "after_bytes": 10, "times": 1 }),
    ] {
        world.control("POST", "/faults", order).await;
        let response = send(world.request("GET", "/locations/search", &Value::Null)).await;
        response.expect_err("the body ends too early");
    }

    let order = FaultOrder::answer(200).text("0123456789");
    let order = serde_json::to_value(order).unwrap();
    let mut order = order;
    order["repeat"] = json!(300_000);
    order["times"] = json!(1);
    world.control("POST", "/faults", order).await;
    let (_, _, bytes) = raw(&world, "/locations/search").await;
    assert_eq!(bytes.len(), 3_000_000);
}
