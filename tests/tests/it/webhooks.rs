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
    // However long it is, its signature is looked at.
    let big = vec![b' '; 10 * 1024 * 1024 + 1];
    assert_eq!(
        world
            .post(&running.webhooks, &[("X-GHL-Signature", forged)], big)
            .await,
        401
    );
    let status = running.status(&world).await;
    assert_eq!(status["deliveries"]["refused"], 6);
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

/// Signs as the sandbox does not: with a key of the test's own.
struct Sender {
    key: ed25519_dalek::SigningKey,
    world: World,
}

impl Sender {
    async fn new() -> Self {
        use base64::Engine as _;
        use ed25519_dalek::pkcs8::EncodePublicKey as _;
        let key = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
        let spki = key.verifying_key().to_public_key_der().unwrap();
        let spki = base64::engine::general_purpose::STANDARD.encode(spki.as_bytes());
        let world = World::new().await;
        let config = world.config();
        let both = format!("public_keys = [\"{spki}\", ");
        world.write_config(&config.replace("public_keys = [", &both));
        Self { key, world }
    }

    async fn send(&self, url: &str, body: &str) -> u16 {
        use base64::Engine as _;
        use ed25519_dalek::Signer as _;
        let signature = self.key.sign(body.as_bytes()).to_bytes();
        let signature = base64::engine::general_purpose::STANDARD.encode(signature);
        let headers = [("X-GHL-Signature", &*signature)];
        self.world
            .post(url, &headers, body.as_bytes().to_vec())
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_authentic_is_answered_well_and_told_to_the_operator() {
    let sender = Sender::new().await;
    let world = &sender.world;
    let running = world.start().await;
    let location = world.info().location_id.clone();
    let (now, day) = (jiff::Timestamp::now(), jiff::SignedDuration::from_hours(24));
    let event = |name: &str, made: jiff::Timestamp| {
        json!({ "type": name, "timestamp": made.to_string(), "webhookId": format!("{name} {made}"),
            "data": { "id": "c1", "locationId": location } })
        .to_string()
    };
    let own = format!("{}/MoonLanding", running.webhooks);
    for (url, body) in [
        (&running.webhooks, event("ContactUpdate", now)),
        (&running.webhooks, event("ContactUpdate", now)),
        (&running.webhooks, event("ContactCreate", now - day * 20)),
        (&running.webhooks, event("ContactCreate", now - day * 40)),
        (
            &running.webhooks,
            event("ContactCreate", now).replace(&*location, "elsewhere"),
        ),
        (&running.webhooks, "no json".to_owned()),
        (&own, "{\"id\":\"m\"}".to_owned()),
    ] {
        assert_eq!(sender.send(url, &body).await, 200, "{body}");
    }
    eventually("the late event to be held", async || {
        running.status(world).await["summary"]["events_held"] == 1
    })
    .await;
    assert_eq!(world.post(&own, &[], b"{}".to_vec()).await, 401);
    running.stop().await;
    // The figures outlive the process.
    let status = world.output(&["status", "--json"]).await;
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let told = &status["webhooks"][0];
    assert_eq!(
        (&told["address"], &told["deliveries"]),
        (&json!("/webhooks/highlevel"), &json!(6))
    );
    assert_eq!(
        (&told["succeeded"], &told["percent"]),
        (&json!(6), &json!(100.0))
    );
    assert_eq!(
        (&told["duplicates"], &told["useless"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(told["failures_left"], 9994);
    assert_eq!(status["webhooks"][1]["unsigned"], 1);
    let shown = crate::support::text(&world.output(&["status"]).await.stdout);
    assert!(
        shown.contains("/webhooks/highlevel ") && shown.contains("6 of 6 answered well"),
        "{shown}"
    );
    let events = world.succeed(&["events"]).await;
    for told in [
        "webhook.MoonLanding",
        "webhook.foreign",
        "webhook.unreadable",
        "webhook.too_old",
        "late, made",
    ] {
        assert!(events.contains(told), "{told}: {events}");
    }
    assert_eq!(world.books("/purchases").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_told_while_the_program_runs() {
    let world = World::new().await;
    let running = world.start().await;
    let forged =
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
    for _ in 0..3 {
        let headers = [("X-GHL-Signature", forged)];
        assert_eq!(
            world
                .post(&running.webhooks, &headers, b"{}".to_vec())
                .await,
            401
        );
    }
    eventually("the alert", async || {
        let alerts = world.store().await.alerts(true, 9).await.unwrap();
        alerts
            .iter()
            .any(|alert| alert.kind == "webhook_signatures")
    })
    .await;
    running.stop().await;
}
