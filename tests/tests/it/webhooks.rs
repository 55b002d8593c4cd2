//! Webhooks against the running binary.

use std::collections::HashSet;

use canopy_store::{EventState, ProfileStore, Store};
use serde_json::json;
use sqlx::Connection as _;

use crate::support::{World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_contacts_with_duplicated_and_reordered_webhooks() {
    let world = World::new().await;
    world
        .control("/faults", json!({ "kind": "duplicate_webhooks" }))
        .await;
    world
        .control("/faults", json!({ "kind": "reorder_webhooks" }))
        .await;
    let running = world.start().await;
    let contacts = world.seed(200).await;
    running.until_idle(&world, 200).await;
    let summary = running.status(&world).await["summary"].clone();
    assert_eq!(summary["profiles"], 200);
    assert_eq!(summary["purchases"], 200);
    assert_eq!(summary["trees"], "200");
    running.stop().await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_never_buys_again_and_our_own_writes_start_nothing() {
    let world = World::new().await;
    let running = world.start().await;
    let contacts = world.seed(2).await;
    running.until_idle(&world, 2).await;
    let store = world.store().await;
    let events = store.recent_events(1000).await.unwrap();
    let started = events
        .iter()
        .filter(|row| row.state == EventState::Started)
        .count();
    assert_eq!(started, 2, "only the creations: {events:?}");
    assert!(events.len() > 2, "the writes came back: {events:?}");

    world
        .control(
            &format!("/contacts/{}", contacts[0]),
            json!({ "firstName": "Renamed" }),
        )
        .await;
    running.until_idle(&world, 3).await;
    running.stop().await;
    world.assert_served_once(&contacts).await;
    let store = world.store().await;
    let profile = store
        .profile(&world.info().location_id, &contacts[0])
        .await
        .unwrap()
        .unwrap();
    assert!(
        profile.fields["name"]
            .as_str()
            .unwrap()
            .starts_with("Renamed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_is_refused_and_not_stored() {
    let world = World::new().await;
    let running = world.start().await;
    let payload =
        json!({ "type": "ContactCreate", "locationId": world.info().location_id, "id": "forged" });
    let body = payload.to_string().into_bytes();
    let forged =
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
    let cases: [&[(&str, &str)]; 5] = [
        &[],
        &[("X-GHL-Signature", "N/A")],
        &[("X-GHL-Signature", forged)],
        &[("X-GHL-Signature", "no base64")],
        &[("X-WH-Signature", forged)],
    ];
    for headers in cases {
        assert_eq!(
            world.post(&running.webhooks, headers, body.clone()).await,
            401,
            "{headers:?}"
        );
    }
    let big = vec![b' '; 1024 * 1024 + 1];
    assert_eq!(
        world
            .post(&running.webhooks, &[("X-GHL-Signature", forged)], big)
            .await,
        413
    );
    let status = running.status(&world).await;
    assert_eq!(status["deliveries"]["refused"], 5);
    assert_eq!(status["summary"]["events"], 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_store_cannot_be_written_the_sender_comes_again() {
    let world = World::new().await;
    world
        .control(
            "/settings",
            json!({ "webhook_retry_seconds": 0, "webhook_retries": 1000 }),
        )
        .await;
    let running = world.start().await;
    world.seed(1).await;
    running.until_idle(&world, 1).await;
    // Another program holds the database's write lock, as a backup gone wrong does.
    let lock = lock_database(&world.path("canopy.db")).await;
    let contacts = world.seed(1).await;
    eventually("a delivery to be put off", async || {
        running.status(&world).await["deliveries"]["put_off"].as_u64() > Some(0)
    })
    .await;
    lock.close().await.unwrap();
    running
        .until(&world, "the second tree", |summary| {
            summary["purchases"] == 2
        })
        .await;
    running.until_idle(&world, 2).await;
    running.stop().await;
    let bought: HashSet<_> = world
        .store()
        .await
        .purchases(10)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|one| one.contact)
        .collect();
    assert!(bought.contains(&contacts[0]));
}

/// Holds the write lock of an SQLite database until the connection is closed.
async fn lock_database(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions as _;
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.ping().await.unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_shown_under_local_names_only() {
    let world = World::new().await;
    let running = world.start().await;
    let page = world.get(&running.page).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Newest purchases"));
    let foreign = world.get_as(&running.page, "rebound.example").await;
    assert_eq!(foreign, 421);
    running.stop().await;
}
