//! Webhooks: what is sent when, signed, again, twice, out of order.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use serde_json::{Value, json};

use crate::harness::{Received, Receiver, World, settled, until};

async fn listening(statuses: Vec<u16>) -> (World, Receiver) {
    let world = settled().await;
    let hooks = Receiver::start(statuses).await;
    world
        .control("POST", "/settings", json!({ "webhook_concurrency": 1 }))
        .await;
    world
        .control("POST", "/webhook-target", json!({ "url": hooks.url }))
        .await;
    (world, hooks)
}

async fn deliveries(world: &World) -> Vec<Value> {
    world
        .control("GET", "/webhooks", Value::Null)
        .await
        .as_array()
        .unwrap()
        .clone()
}

/// Waits until nothing is on its way, and answers what arrived.
async fn settle(world: &World, hooks: &Receiver) -> Vec<Received> {
    until("the queue to empty", || async {
        let busy = ["held", "waiting", "sending"];
        deliveries(world)
            .await
            .iter()
            .all(|delivery| !busy.contains(&delivery["state"].as_str().unwrap()))
    })
    .await;
    hooks.received()
}

fn types(received: &[Received]) -> Vec<&str> {
    received
        .iter()
        .map(|webhook| webhook.body["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn each_change_is_told() {
    let (world, hooks) = listening(Vec::new()).await;
    let id = world
        .contact(json!({ "firstName": "Ada", "email": "w@example.com", "tags": ["a"] }))
        .await;
    let path = format!("/contacts/{id}");
    world
        .call("PUT", &path, json!({ "city": "Leeds" }))
        .await
        .expect(200);
    world
        .call("PUT", &path, json!({ "city": "Leeds" }))
        .await
        .expect(200);
    // Whom the contact blocks is told by nothing.
    let stop = json!({ "inboundDndSettings": { "all": { "status": "active" } } });
    world.call("PUT", &path, stop).await.expect(200);
    world
        .call("POST", &format!("{path}/tags"), json!({ "tags": ["b"] }))
        .await
        .expect(201);
    let note = world
        .call("POST", &format!("{path}/notes"), json!({ "body": "x" }))
        .await
        .expect(201);
    let note = format!("{path}/notes/{}", note["note"]["id"].as_str().unwrap());
    world
        .call("PUT", &note, json!({ "body": "y" }))
        .await
        .expect(200);
    world.call("DELETE", &note, Value::Null).await.expect(200);
    let task = json!({ "title": "t", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = world
        .call("POST", &format!("{path}/tasks"), task)
        .await
        .expect(201);
    let task = format!("{path}/tasks/{}", task["task"]["id"].as_str().unwrap());
    world
        .call("PUT", &task, json!({ "title": "u" }))
        .await
        .expect(200);
    world
        .call(
            "PUT",
            &format!("{task}/completed"),
            json!({ "completed": true }),
        )
        .await
        .expect(200);
    world.call("DELETE", &task, Value::Null).await.expect(200);
    world.call("DELETE", &path, Value::Null).await.expect(200);

    let received = settle(&world, &hooks).await;
    assert_eq!(
        types(&received),
        [
            "ContactCreate",
            "ContactUpdate",
            "ContactUpdate",
            "ContactTagUpdate",
            "NoteCreate",
            "NoteUpdate",
            "NoteDelete",
            "TaskCreate",
            "TaskComplete",
            "TaskDelete",
            "ContactDelete",
        ],
        "a change that changes nothing is not told, nor is an edited task"
    );
    let created = &received[0].body;
    assert_eq!(
        (&created["id"], &created["name"], &created["tags"]),
        (&json!(id), &json!("Ada"), &json!(["a"]))
    );
    assert_eq!(created["locationId"], json!(world.info().location_id));
    for envelope in ["webhookId", "timestamp", "appId", "versionId"] {
        assert!(created[envelope].is_string(), "{envelope}");
    }
    assert_ne!(created["webhookId"], received[1].body["webhookId"]);
    assert_eq!(created["appId"], received[1].body["appId"]);
    assert!(created.get("dateUpdated").is_none(), "no payload has it");
}

#[tokio::test]
async fn the_raw_body_is_signed_with_the_published_key() {
    let (world, hooks) = listening(Vec::new()).await;
    world
        .contact(json!({ "firstName": "Zoë", "email": "s@example.com" }))
        .await;
    let received = hooks.wait_for(1).await.remove(0);
    let spki = STANDARD.decode(&world.info().webhook_public_key).unwrap();
    let key = VerifyingKey::from_public_key_der(&spki).unwrap();
    let signature = Signature::from_slice(&STANDARD.decode(&received.signature).unwrap()).unwrap();
    key.verify(&received.raw, &signature)
        .expect("the signature fits the bytes as sent");
    key.verify(b"{}", &signature).expect_err("and no others");
}

#[tokio::test]
async fn webhooks_are_duplicated_reordered_and_lost_on_request() {
    let (world, hooks) = listening(Vec::new()).await;
    let fault = |order: Value| world.control("POST", "/faults", order);
    let seed = |count: u64| world.control("POST", "/seed", json!({ "contacts": count }));
    let ids = |received: &[Received]| {
        received
            .iter()
            .map(|webhook| webhook.body["id"].clone())
            .collect::<Vec<_>>()
    };

    fault(json!({ "kind": "duplicate_webhooks", "event": "ContactCreate", "copies": 3 })).await;
    seed(2).await;
    let received = settle(&world, &hooks).await;
    assert_eq!(received.len(), 6);
    assert!(
        received[..3]
            .iter()
            .all(|webhook| webhook.raw == received[0].raw)
    );
    assert_eq!(deliveries(&world).await[1]["copy_of"], 1);
    world.control("DELETE", "/faults", Value::Null).await;

    fault(json!({ "kind": "reorder_webhooks", "window": 4, "hold_ms": 60_000 })).await;
    let mut made: Vec<Value> = seed(4).await["contacts"].as_array().unwrap().clone();
    let received = settle(&world, &hooks).await;
    made.reverse();
    assert_eq!(ids(&received[6..]), made);
    let held = seed(1).await["contacts"][0].clone();
    assert_eq!(deliveries(&world).await[10]["state"], "held");
    world.control("DELETE", "/faults", Value::Null).await;
    assert_eq!(ids(&settle(&world, &hooks).await[10..]), [held]);

    fault(json!({ "kind": "lose_webhooks", "times": 1 })).await;
    let made = seed(2).await["contacts"].clone();
    let received = settle(&world, &hooks).await;
    assert_eq!(ids(&received[11..]), [made[1].clone()]);
    assert_eq!(deliveries(&world).await[11]["state"], "lost");
}

#[tokio::test]
async fn nothing_is_sent_without_a_target_or_beyond_loopback() {
    let (world, hooks) = listening(Vec::new()).await;
    world
        .control("POST", "/webhook-target", json!({ "url": null }))
        .await;
    world.contact(json!({ "email": "quiet@example.com" })).await;
    world
        .control("POST", "/webhook-target", json!({ "url": hooks.url }))
        .await;
    world
        .control("POST", "/seed", json!({ "contacts": 1, "webhooks": false }))
        .await;
    assert_eq!(deliveries(&world).await.len(), 0);
    let refused = world
        .try_control(
            "POST",
            "/webhook-target",
            json!({ "url": "http://example.com/" }),
        )
        .await
        .expect(400);
    assert!(refused["error"].as_str().unwrap().contains("loopback"));
}
