//! Rate limits of both services, on the sandbox's clock.

use canopy_sandbox::Sandbox;
use serde_json::json;

use crate::harness::start;

#[tokio::test]
async fn highlevel_answers_429_over_a_hundred_in_ten_seconds_and_says_what_is_left() {
    let world = start(Sandbox::builder()).await;
    world
        .control("POST", "/clock", json!({ "frozen": true }))
        .await;
    let first = world.get("/locations/search").await;
    assert_eq!(first.header("x-ratelimit-max"), "100");
    assert_eq!(first.header("x-ratelimit-remaining"), "99");
    assert_eq!(first.header("x-ratelimit-interval-milliseconds"), "10000");
    assert_eq!(first.header("x-ratelimit-limit-daily"), "200000");
    assert_eq!(first.header("x-ratelimit-daily-remaining"), "199999");
    for _ in 0..99 {
        world.get("/locations/search").await.expect(200);
    }
    let over = world.get("/locations/search").await;
    assert_eq!(
        (over.status, over.header("x-ratelimit-remaining")),
        (429, "0")
    );
    world
        .control("POST", "/clock", json!({ "advance_seconds": 10 }))
        .await;
    world.get("/locations/search").await.expect(200);
}

#[tokio::test]
async fn the_day_has_its_own_limit() {
    let world = start(Sandbox::builder()).await;
    world
        .control("POST", "/settings", json!({ "daily_limit": 2 }))
        .await;
    world.get("/locations/search").await.expect(200);
    world.get("/locations/search").await.expect(200);
    world
        .control("POST", "/clock", json!({ "advance_seconds": 11 }))
        .await;
    world.get("/locations/search").await.expect(429);
    world
        .control("POST", "/clock", json!({ "advance_seconds": 86_400 }))
        .await;
    world.get("/locations/search").await.expect(200);
}

#[tokio::test]
async fn ecologi_answers_429_over_its_minute_and_says_when_to_come_back() {
    let world = start(Sandbox::builder()).await;
    world
        .control("POST", "/settings", json!({ "ecologi_minute_limit": 2 }))
        .await;
    world
        .control("POST", "/clock", json!({ "frozen": true }))
        .await;
    for _ in 0..2 {
        world
            .buy("/impact/trees", None, json!({ "number": 1 }))
            .await
            .expect(201);
    }
    world
        .control("POST", "/clock", json!({ "advance_seconds": 20 }))
        .await;
    let over = world
        .buy("/impact/trees", None, json!({ "number": 1 }))
        .await;
    assert_eq!((over.status, over.header("retry-after")), (429, "40"));
    world
        .control("POST", "/clock", json!({ "advance_seconds": 40 }))
        .await;
    world
        .buy("/impact/trees", None, json!({ "number": 1 }))
        .await
        .expect(201);
}

#[tokio::test]
async fn without_limits_nothing_is_counted() {
    let world = start(Sandbox::builder().limits(false)).await;
    for _ in 0..120 {
        let reply = world.get("/locations/search").await;
        assert_eq!((reply.status, reply.header("x-ratelimit-max")), (200, ""));
    }
}

#[tokio::test]
async fn private_integrations_share_the_day_but_not_the_ten_seconds() {
    let world = start(Sandbox::builder()).await;
    let frozen = json!({ "frozen": true });
    world.control("POST", "/clock", frozen).await;
    let neighbour = world.token(json!({ "class": "location_key" })).await;
    let path = "/locations/search";
    world
        .call_as(&neighbour, "GET", path, json!(null))
        .await
        .expect(200);
    let used = json!({ "class": "location_key", "calls": 1_000 });
    world.control("POST", "/usage", used).await;
    let ours = world.get(path).await;
    assert_eq!(ours.header("x-ratelimit-remaining"), "99");
    assert_eq!(ours.header("x-ratelimit-daily-remaining"), "198998");
    world
        .control("POST", "/settings", json!({ "trial_account": true }))
        .await;
    let trial = world.get(path).await;
    assert_eq!(trial.header("x-ratelimit-max"), "25");
    assert_eq!(trial.header("x-ratelimit-limit-daily"), "10000");
}
