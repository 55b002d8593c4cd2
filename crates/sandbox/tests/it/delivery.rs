//! How webhooks are delivered: retries with back-off, the log and resends, the breaker, addresses of single events.

use serde_json::{Value, json};

use crate::harness::{Receiver, World, settled, until};

async fn listening(statuses: Vec<u16>) -> (World, Receiver) {
    let world = settled().await;
    let hooks = Receiver::start(statuses).await;
    let target = json!({ "url": hooks.url });
    world.control("POST", "/webhook-target", target).await;
    (world, hooks)
}

async fn delivery(world: &World, number: usize) -> Value {
    world.control("GET", "/webhooks", Value::Null).await[number].clone()
}

/// Waits until an attempt was booked: nothing is under way any more.
async fn booked(world: &World, number: usize, attempts: usize) {
    until("the attempt to be booked", || async {
        let delivery = delivery(world, number).await;
        let id = delivery["webhook_id"].as_str().unwrap().to_owned();
        let log = log(world, &id).await;
        delivery["state"] != "sending" && log.len() >= attempts
    })
    .await;
}

async fn log(world: &World, webhook_id: &str) -> Vec<Value> {
    let path = format!("/webhooks/log?webhook_id={webhook_id}");
    let log = world.control("GET", &path, Value::Null).await;
    log.as_array().unwrap().clone()
}

async fn advance(world: &World, seconds: u64) {
    let by = json!({ "advance_seconds": seconds });
    world.control("POST", "/clock", by).await;
}

async fn settings(world: &World, changes: Value) {
    world.control("POST", "/settings", changes).await;
}

#[tokio::test]
async fn any_failure_is_tried_twelve_times_more_with_growing_pauses() {
    let statuses = vec![
        500, 404, 301, 429, 503, 400, 401, 500, 500, 500, 500, 500, 500,
    ];
    let (world, hooks) = listening(statuses).await;
    let frozen = json!({ "frozen": true });
    world.control("POST", "/clock", frozen).await;
    world.contact(json!({ "email": "r@example.com" })).await;
    let mut pauses = Vec::new();
    for attempt in 1..=13 {
        hooks.wait_for(attempt).await;
        booked(&world, 0, attempt).await;
        let delivery = delivery(&world, 0).await;
        if attempt < 13 {
            let clock = world.control("GET", "/clock", Value::Null).await;
            let now: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
            let due: jiff::Timestamp = delivery["due"].as_str().unwrap().parse().unwrap();
            pauses.push(due.duration_since(now).as_millis());
            world
                .control("POST", "/clock", json!({ "set": delivery["due"] }))
                .await;
        }
    }
    for (number, pause) in pauses.iter().enumerate() {
        let longest = (10_000 << number).min(600_000);
        assert!(
            (longest / 2..=longest).contains(pause),
            "pause {number} of {pauses:?}"
        );
    }
    let delivery = delivery(&world, 0).await;
    assert_eq!(delivery["state"], "failed");
    assert_eq!(delivery["attempts"], 13);
    let received = hooks.received();
    let first = &received[0].raw;
    assert!(received.iter().all(|webhook| webhook.raw == *first));
}

#[tokio::test]
async fn no_answer_is_tried_again_and_the_first_2xx_ends_it() {
    let (world, hooks) = listening(vec![]).await;
    // Nobody listens there.
    let gone = json!({ "url": "http://127.0.0.1:1/hooks" });
    world.control("POST", "/webhook-target", gone).await;
    let frozen = json!({ "frozen": true });
    world.control("POST", "/clock", frozen).await;
    world.contact(json!({ "email": "r@example.com" })).await;
    booked(&world, 0, 1).await;
    let failed = delivery(&world, 0).await;
    assert_eq!(failed["state"], "waiting");
    assert_eq!(failed["status"], Value::Null);
    assert!(failed["error"].is_string());
    assert!(hooks.received().is_empty());
}

#[tokio::test]
async fn a_failed_delivery_is_sent_again_by_hand_and_success_ends_its_retries() {
    let (world, hooks) = listening(vec![500, 500]).await;
    let frozen = json!({ "frozen": true });
    world.control("POST", "/clock", frozen).await;
    let id = world.contact(json!({ "email": "r@example.com" })).await;
    booked(&world, 0, 1).await;
    let resend = async || {
        world
            .try_control("POST", "/webhooks/1/resend", json!({}))
            .await
    };

    resend().await.expect(200);
    booked(&world, 0, 2).await;
    let waiting = delivery(&world, 0).await;
    assert_eq!(waiting["state"], "waiting", "the schedule stays");
    assert_eq!(waiting["attempts"], 1);

    resend().await.expect(200);
    booked(&world, 0, 3).await;
    let delivered = delivery(&world, 0).await;
    assert_eq!(delivered["state"], "delivered");
    assert_eq!(delivered["due"], Value::Null);
    advance(&world, 3_600).await;
    let refused = resend().await.expect(400);
    assert!(refused["error"].as_str().unwrap().contains("newest"));
    assert_eq!(hooks.received().len(), 3, "no retry came after success");

    let log = log(&world, delivered["webhook_id"].as_str().unwrap()).await;
    let attempts: Vec<&Value> = log.iter().map(|entry| &entry["attempt"]).collect();
    assert_eq!(attempts, ["1", "-", "-"]);
    assert_eq!(log[2]["status"], 200);
    let by_text = format!("/webhooks/log?text={id}");
    let by_text = world.control("GET", &by_text, Value::Null).await;
    assert_eq!(by_text.as_array().unwrap().len(), 3);
    advance(&world, 31 * 86_400).await;
    let empty = world.control("GET", "/webhooks/log", Value::Null).await;
    assert_eq!(empty, json!([]));
}

#[tokio::test]
async fn the_breaker_warns_first_and_pauses_next_until_it_is_switched_on() {
    let (world, hooks) = listening(vec![500; 40]).await;
    let tight = json!({ "breaker_deliveries": 5, "webhook_retries": 0, "webhook_concurrency": 1 });
    settings(&world, tight).await;
    let frozen = json!({ "frozen": true });
    world.control("POST", "/clock", frozen).await;
    let breaker = async || world.control("GET", "/webhooks/breaker", Value::Null).await;
    let mut sent = 0;
    for look in 1..=2 {
        let seeds = json!({ "contacts": 6 });
        world.control("POST", "/seed", seeds).await;
        sent += 6;
        booked(&world, sent - 1, 1).await;
        let judged = breaker().await;
        assert_eq!(judged[0]["paused"], Value::Null, "before look {look}");
        advance(&world, 3 * 86_400).await;
        let judged = breaker().await;
        assert!(judged[0]["warned"].is_string());
        assert_eq!(judged[0]["paused"].is_string(), look == 2);
    }
    world
        .control("POST", "/seed", json!({ "contacts": 1 }))
        .await;
    assert_eq!(delivery(&world, sent).await["state"], "lost");
    settings(&world, json!({ "webhook_pause_keeps": true })).await;
    world
        .control("POST", "/seed", json!({ "contacts": 1 }))
        .await;
    assert_eq!(delivery(&world, sent + 1).await["state"], "waiting");
    assert_eq!(hooks.received().len(), sent);
    let on = world
        .control("POST", "/webhooks/switch-on", json!({}))
        .await;
    assert_eq!(on["switched_on"], 1);
    hooks.wait_for(sent + 1).await;
    assert_eq!(breaker().await[0]["paused"], Value::Null);
}

#[tokio::test]
async fn bodies_are_wrapped_or_bare_by_a_setting() {
    let (world, hooks) = listening(vec![]).await;
    settings(&world, json!({ "webhook_shape": "wrapped" })).await;
    let id = world.contact(json!({ "email": "w@example.com" })).await;
    let wrapped = hooks.wait_for(1).await[0].body.clone();
    assert_eq!(wrapped["type"], "ContactCreate");
    assert!(wrapped["webhookId"].is_string() && wrapped["timestamp"].is_string());
    assert_eq!(wrapped["data"]["id"], json!(id));
    assert_eq!(wrapped["data"].get("type"), None);
    assert_eq!(wrapped.get("id"), None);
    settings(&world, json!({ "webhook_shape": "bare" })).await;
    world.contact(json!({ "email": "b@example.com" })).await;
    let bare = hooks.wait_for(2).await[1].body.clone();
    assert_eq!(bare.get("webhookId"), None);
    assert_eq!(bare["type"], "ContactCreate");
}

#[tokio::test]
async fn an_event_may_have_an_address_of_its_own() {
    let (world, hooks) = listening(vec![]).await;
    let own = Receiver::start(vec![]).await;
    let target = json!({ "url": hooks.url, "events": { "NoteCreate": own.url } });
    let told = world
        .control("POST", "/webhook-target", target.clone())
        .await;
    assert_eq!(told, target);
    let id = world.contact(json!({ "email": "n@example.com" })).await;
    let note = json!({ "body": "x" });
    world
        .call("POST", &format!("/contacts/{id}/notes"), note)
        .await
        .expect(201);
    assert_eq!(own.wait_for(1).await[0].body["type"], "NoteCreate");
    assert_eq!(hooks.wait_for(1).await[0].body["type"], "ContactCreate");
}
