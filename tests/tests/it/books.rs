//! The comparison of the books sees what it is there to see.

use canopy::audit_sandbox;
use serde_json::json;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_purchase_and_a_planted_loss_are_each_seen() {
    let world = World::new().await;
    let running = world.start().await;
    let contacts = world.seed(3).await;
    running.until_idle(&world, 3).await;
    running.stop().await;
    world.assert_served_once(&contacts).await;

    // Somebody buys behind our back.
    let url = format!("{}/impact/trees", world.info().ecologi_url);
    let bearer = format!("Bearer {}", world.info().ecologi_key);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    let status = world
        .post(
            &url,
            &headers,
            json!({ "number": 1 }).to_string().into_bytes(),
        )
        .await;
    assert_eq!(status, 201);
    // A webhook is lost, and nobody polls.
    world
        .control("/faults", json!({ "kind": "lose_webhooks" }))
        .await;
    world.seed(1).await;

    let store = world.store().await;
    let audit = audit_sandbox(&world.info().control_url, &store, &world.info().location_id);
    let audit = audit.await.unwrap();
    assert_eq!((audit.duplicates, audit.lost), (1, 1));
}
