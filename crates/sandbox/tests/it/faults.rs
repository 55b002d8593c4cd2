//! Faults of requests.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{World, send, settled};

async fn purchases(world: &World) -> usize {
    world
        .control("GET", "/purchases", Value::Null)
        .await
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test]
async fn a_dropped_answer_has_done_its_work_and_a_dropped_request_has_not() {
    let world = settled().await;
    let buy = || send(world.purchase_request("/impact/trees", Some("k"), &json!({ "number": 1 })));
    world
        .control(
            "POST",
            "/faults",
            json!({ "kind": "drop_request", "operation": "buy-trees", "times": 1 }),
        )
        .await;
    buy().await.expect_err("the connection closes");
    assert_eq!(purchases(&world).await, 0);

    world
        .control(
            "POST",
            "/faults",
            json!({ "kind": "drop_answer", "path": "/impact/trees", "times": 1 }),
        )
        .await;
    buy().await.expect_err("the connection closes");
    assert_eq!(purchases(&world).await, 1);

    buy().await.unwrap().expect(201);
    let book = world.control("GET", "/purchases", Value::Null).await;
    assert_eq!(
        (book.as_array().unwrap().len(), &book[0]["replays"]),
        (1, &json!(1))
    );
    let requests = world.control("GET", "/requests", Value::Null).await;
    let statuses: Vec<&Value> = requests
        .as_array()
        .unwrap()
        .iter()
        .map(|request| &request["status"])
        .collect();
    assert_eq!(statuses, [&Value::Null, &Value::Null, &json!(201)]);
    assert_eq!(requests[1]["fault"], "drop_answer");
    assert_eq!(requests[1]["idempotency_key"], "k");
}

#[tokio::test]
async fn a_status_is_answered_instead_of_the_work_or_after_it() {
    let world = settled().await;
    let order = json!({ "kind": "status", "service": "ecologi", "status": 503, "headers": { "Retry-After": "7" },
        "body": "try later", "skip": 1, "times": 1 });
    world.control("POST", "/faults", order).await;
    let buy = || world.buy("/impact/trees", None, json!({ "number": 1 }));
    buy().await.expect(201);
    let refused = buy().await;
    assert_eq!(
        (refused.status, refused.header("retry-after"), &refused.body),
        (503, "7", &json!("try later"))
    );
    buy().await.expect(201);
    assert_eq!(purchases(&world).await, 2);

    world
        .control(
            "POST",
            "/faults",
            json!({ "kind": "status", "status": 504, "after_work": true, "method": "post" }),
        )
        .await;
    buy().await.expect(504);
    assert_eq!(purchases(&world).await, 3);
    world.get("/locations/search").await.expect(200);

    let faults = world.control("GET", "/faults", Value::Null).await;
    assert_eq!(
        (&faults[0]["matched"], &faults[0]["applied"]),
        (&json!(2), &json!(1))
    );
    world.control("DELETE", "/faults", Value::Null).await;
    buy().await.expect(201);
}

#[tokio::test]
async fn a_fault_matches_a_path_template_of_its_service_only() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "x@example.com" })).await;
    world
        .control(
            "POST",
            "/faults",
            json!({ "kind": "status", "status": 500, "path": "/contacts/{contactId}/notes" }),
        )
        .await;
    world
        .get(&format!("/contacts/{id}/notes"))
        .await
        .expect(500);
    world.get(&format!("/contacts/{id}")).await.expect(200);
}

#[tokio::test]
async fn a_delayed_request_is_answered_and_a_hanging_one_is_not() {
    let world = settled().await;
    world
        .control(
            "POST",
            "/faults",
            json!({ "kind": "delay", "delay_ms": 60, "times": 1 }),
        )
        .await;
    let started = std::time::Instant::now();
    world.get("/locations/search").await.expect(200);
    assert!(started.elapsed() >= Duration::from_millis(60));

    world
        .control("POST", "/faults", json!({ "kind": "hang", "times": 1 }))
        .await;
    let hanging = world
        .request("GET", "/locations/search", &Value::Null)
        .timeout(Duration::from_millis(100));
    assert!(
        send(hanging)
            .await
            .expect_err("no answer comes")
            .is_timeout()
    );
    world.sandbox.shutdown().await;
}

#[tokio::test]
async fn an_incomplete_fault_is_refused_with_what_it_lacks() {
    let world = settled().await;
    for (order, lacks) in [
        (json!({ "kind": "status" }), "status"),
        (json!({ "kind": "delay" }), "delay_ms"),
        (json!({ "kind": "earthquake" }), "drop_answer"),
        (json!({ "kind": "hang", "servise": "ecologi" }), "service"),
        (
            json!({ "kind": "hang", "service": "mailchimp" }),
            "highlevel",
        ),
    ] {
        let refused = world
            .try_control("POST", "/faults", order)
            .await
            .expect(400);
        assert!(
            refused["error"].as_str().unwrap().contains(lacks),
            "{refused}"
        );
    }
}
