//! Alerts about credentials and limits of the services.

use canopy_sandbox::Sandbox;
use canopy_store::{SecretKey, SqliteStore, Store as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{ended, is_open, once, parts, raised};
use crate::auth::authorize;
use crate::oauth::lost;
use crate::process::Process;
use crate::support::World;

/// Refused at once and by name: trying again mends nothing.
pub async fn token() {
    let world = World::new().await;
    once(&world).await;
    let body = json!({ "statusCode": 401, "message": "Invalid JWT" });
    let fault = json!({ "kind": "status", "service": "highlevel", "status": 401, "body": body });
    world.control("/faults", fault).await;
    once(&world).await;
    raised(
        &world,
        "token",
        "HighLevel refuses the token",
        "copy it again",
    )
    .await;
    assert_eq!(parts(&world, "token").await[0]["failures"], 1);
    world.clear_faults().await;
    once(&world).await;
    ended(&world, "token").await;
}

pub async fn stopped() {
    let world = World::new().await;
    once(&world).await;
    world
        .control("/settings", json!({ "billing": false }))
        .await;
    world.seed(1).await;
    once(&world).await;
    raised(&world, "stopped", "402", "billing").await;
    assert!(world.books("/purchases").await.is_empty());
    world.control("/settings", json!({ "billing": true })).await;
    once(&world).await;
    ended(&world, "stopped").await;
    assert_eq!(world.books("/purchases").await.len(), 1);
}

/// The state of the key says what is wrong; the alert is that purchases are stopped.
pub async fn key() {
    let world = World::new().await;
    once(&world).await;
    let good = world.config();
    world.write_config(&good.replace(&world.info().ecologi_key, "another-key"));
    once(&world).await;
    raised(&world, "stopped", "401", "key").await;
    let part = parts(&world, "key").await.remove(0);
    for known in ["failing_since", "cause", "remedy"] {
        assert!(part[known].is_string(), "{known}: {part}");
    }
    assert!(!is_open(&world, "key").await, "told once");
    let shown = crate::support::text(&world.output(&["status"]).await.stdout);
    assert!(shown.contains("key main: failing"), "{shown}");
    assert!(!shown.contains("another-key"));
    world.write_config(&good);
    once(&world).await;
    ended(&world, "stopped").await;
    assert!(parts(&world, "key").await[0]["good_since"].is_string());
}

/// A service fails until the faults are cleared.
async fn down(kind: &str, fault: Value, cause: &str) {
    let world = World::new().await;
    once(&world).await;
    world.seed(1).await;
    world.control("/faults", fault).await;
    assert_eq!(once(&world).await, 1);
    once(&world).await;
    raised(&world, kind, cause, "see whether").await;
    world.clear_faults().await;
    crate::support::eventually("the tree", async || {
        once(&world).await;
        world.books("/purchases").await.len() == 1
    })
    .await;
    ended(&world, kind).await;
}

pub async fn ecologi() {
    let fault = json!({ "kind": "status", "service": "ecologi", "status": 503 });
    down("ecologi", fault, "503").await;
}

pub async fn reading() {
    let fault = json!({ "kind": "status", "operation": "get-contact", "status": 500 });
    down("reading", fault, "500").await;
}

/// Other programs have used up most of the day, until HighLevel allows more.
async fn used_up(kind: &str, cause: &str, remedy: &str) {
    let world = World::in_a(Sandbox::builder()).await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    world.seed(1).await;
    crate::process::served(&world, &process, 1).await;
    assert!(!is_open(&world, kind).await);
    let usage = json!({ "class": "location_key", "calls": 185_000 });
    world.control("/usage", usage).await;
    world.seed(1).await;
    raised(&world, kind, cause, remedy).await;
    world
        .control("/settings", json!({ "daily_limit": 10_000_000 }))
        .await;
    world.seed(1).await;
    ended(&world, kind).await;
    process.stop().await;
}

pub async fn limit() {
    used_up("limit", "by other programs", "poll less often").await;
}

pub async fn neighbour() {
    used_up(
        "neighbour",
        "other programs have made",
        "connect Canopy as an app",
    )
    .await;
}

pub async fn token_age() {
    let world = World::new().await;
    once(&world).await;
    assert!(!is_open(&world, "token_age").await);
    // It has been in use for three months.
    let key = SecretKey::from_file(&world.path("canopy.key")).unwrap();
    let store = SqliteStore::open(&world.path("canopy.db"), &key)
        .await
        .unwrap();
    let name = "token-ages:main";
    let ages = store.secret(name).await.unwrap().unwrap();
    let ages = ages.expose_secret().to_owned();
    let ages: std::collections::BTreeMap<String, Timestamp> = serde_json::from_str(&ages).unwrap();
    let months = SignedDuration::from_hours(91 * 24);
    let ages = ages
        .into_iter()
        .map(|(token, since)| (token, json!(since - months)));
    let ages = Value::Object(ages.collect()).to_string();
    store
        .put_secret(name, &ages.into(), Timestamp::now())
        .await
        .unwrap();
    store.close().await;
    once(&world).await;
    raised(&world, "token_age", "91 days", "highlevel.next_token").await;
    // As the documents say.
    let token = &world.info().token;
    let rotated = world
        .control(&format!("/tokens/{token}/rotate"), json!({}))
        .await;
    let new = rotated["token"].as_str().unwrap();
    let both = format!("token = \"{token}\"\nnext_token = \"{new}\"");
    let config = world
        .config()
        .replace(&format!("token = \"{token}\""), &both);
    world.write_config(&config);
    once(&world).await;
    ended(&world, "token_age").await;
}

pub async fn reconnect() {
    let world = lost().await;
    assert_eq!(once(&world).await, 2);
    raised(&world, "reconnect", "connect", "chooselocation").await;
    world.clear_faults().await;
    let code = authorize(&world, "Location").await;
    let code = code["code"].as_str().unwrap();
    world.succeed(&["auth", "finish", code]).await;
    ended(&world, "reconnect").await;
}
