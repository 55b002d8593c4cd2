//! Alerts about what comes to the webhooks' addresses, or does not.

use canopy_mapping::Source;
use sqlx::Connection as _;

use super::{before, connection, ended, ended_after_a_day, is_open, once, raised, with_workflow};
use crate::missed::came;
use crate::process::Process;
use crate::receiver::FORGED;
use crate::support::{World, eventually};

/// A workflow that nothing of all this starts.
const IDLE: &str = "id = \"idle\"\ntitle = \"Idle\"\non = \"product.created\"\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = { number = 1 }\n";

/// A location where webhooks start nothing.
async fn idle() -> World {
    let world = World::new().await;
    with_workflow(&world, IDLE);
    let config = std::fs::read_to_string(world.path("canopy.toml")).unwrap();
    world.write_config(&config.replace("recipes = [\"new-contact\"]", "recipes = []"));
    world
}

/// A program with a workflow's webhook of the name `won`, and the address of one with this name.
async fn hooked(name: &str) -> (World, Process, String) {
    let world = World::new().await;
    let hook = "[[webhooks.workflow]]\nname = \"won\"\nsecret = \"open sesame\"";
    world.write_config(&before(&world, "[retry]", hook));
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let address = webhooks.replace("/webhooks/highlevel", &format!("/webhooks/workflow/{name}"));
    (world, process, address)
}

const SECRET: [(&str, &str); 1] = [("X-Canopy-Secret", "open sesame")];

pub async fn unreadable() {
    let (world, process, address) = hooked("won").await;
    let sent = world.post(&address, &SECRET, b"no JSON at all".to_vec());
    sent.await;
    raised(&world, "unreadable", "won", "send a JSON object").await;
    process.stop().await;
    ended_after_a_day(&world, "unreadable").await;
}

pub async fn name() {
    let (world, process, address) = hooked("lost").await;
    assert_eq!(world.post(&address, &SECRET, b"{}".to_vec()).await, 401);
    raised(&world, "webhook_name", "\"lost\"", "[[webhooks.workflow]]").await;
    process.stop().await;
    ended_after_a_day(&world, "webhook_name").await;
}

pub async fn rate() {
    let world = idle().await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let counted = async |state: &str| {
        let status = process.status(&world).await;
        status["deliveries"][state].as_u64().unwrap()
    };
    // Another program holds the store for a while.
    let mut other = connection(&world).await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    world.seed(2).await;
    eventually("deliveries to fail", async || counted("put_off").await >= 2).await;
    other.close().await.unwrap();
    world.seed(20).await;
    let told = "could not be stored";
    raised(&world, "webhook_rate", told, "developer dashboard").await;
    world.seed(150).await;
    ended(&world, "webhook_rate").await;
    process.stop().await;
}

pub async fn signatures() {
    let world = idle().await;
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    for _ in 0..3 {
        let signed = [("X-GHL-Signature", FORGED)];
        assert_eq!(world.post(&webhooks, &signed, b"{}".to_vec()).await, 401);
    }
    raised(&world, "webhook_signatures", "do not fit", "public_keys").await;
    world.seed(40).await;
    ended(&world, "webhook_signatures").await;
    process.stop().await;
}

pub async fn silence() {
    let world = idle().await;
    once(&world).await;
    let here = world.info().location_id.clone();
    let kind = "contact.created";
    came(&world, &here, Source::Webhook, kind, &[240, 230]).await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    crate::process::served(&world, &process, 0).await;
    process.stop().await;
    assert!(!is_open(&world, "webhook_silence").await);
    let polled: Vec<i64> = (20..32).collect();
    came(&world, &here, Source::Poll, kind, &polled).await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let told = "webhooks used to tell of contact.created and are silent";
    raised(&world, "webhook_silence", told, "developer dashboard").await;
    process.stop().await;
    came(&world, &here, Source::Webhook, kind, &[35]).await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    ended(&world, "webhook_silence").await;
    process.stop().await;
}
