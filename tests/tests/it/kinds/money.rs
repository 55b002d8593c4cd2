//! Alerts about what is bought, and what cannot be known of it.

use serde_json::{Value, json};

use super::{ended, is_open, once, raised, refuse};
use crate::support::{World, eventually};

/// Somebody else buys with the account.
async fn buy_elsewhere(world: &World, trees: u32) {
    let request = world
        .http
        .post(format!("{}/impact/trees", world.info().ecologi_url))
        .bearer_auth(&world.info().ecologi_key)
        .json(&json!({ "number": trees }));
    request.send().await.unwrap().error_for_status().unwrap();
}

async fn served() -> World {
    let world = World::new().await;
    once(&world).await;
    world.seed(1).await;
    once(&world).await;
    assert_eq!(world.books("/purchases").await.len(), 1);
    world
}

pub async fn account() {
    let world = served().await;
    buy_elsewhere(&world, 7).await;
    world.seed(1).await;
    once(&world).await;
    raised(&world, "account", "7 trees", "canopy ledger acknowledge").await;
    world.succeed(&["ledger", "acknowledge"]).await;
    ended(&world, "account").await;
    once(&world).await;
    assert_eq!(world.books("/purchases").await.len(), 3);
}

pub async fn drift() {
    let world = served().await;
    world.succeed(&["ledger", "reconcile"]).await;
    buy_elsewhere(&world, 7).await;
    let output = world.output(&["ledger", "reconcile"]).await;
    assert_eq!(output.status.code(), Some(3));
    raised(
        &world,
        "drift",
        "Ecologi reports 8",
        "canopy ledger acknowledge",
    )
    .await;
    world.output(&["ledger", "acknowledge"]).await;
    world.succeed(&["ledger", "reconcile"]).await;
    ended(&world, "drift").await;
    // What nobody made elsewhere is no reason for less.
    let none = json!({ "/trees": 1, "/pending/trees": 0 });
    let less = json!({ "kind": "alter", "operation": "get-impact", "set": none });
    world.control("/faults", less).await;
    world.output(&["ledger", "reconcile"]).await;
    raised(&world, "drift", "which is less", "canopy purchase list").await;
}

pub async fn budget() {
    let world = World::new().await;
    let good = world.config();
    world.write_config(&good.replace("per_day = 10000", "per_day = 0.7"));
    once(&world).await;
    world.seed(2).await;
    once(&world).await;
    assert_eq!(world.books("/purchases").await.len(), 1);
    raised(&world, "budget", "0.7", "canopy budget").await;
    world.write_config(&good);
    once(&world).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    ended(&world, "budget").await;
}

pub async fn currency() {
    let world = World::new().await;
    once(&world).await;
    // The check of the next round is answered in the configured one, the purchase after it is not.
    let other = json!({ "kind": "alter", "operation": "buy-trees", "skip": 1, "times": 1, "set": { "/currency": "EUR" } });
    world.control("/faults", other).await;
    world.seed(1).await;
    once(&world).await;
    assert_eq!(world.books("/purchases").await.len(), 1);
    // Nothing tells better meanwhile.
    refuse(&world, "buy-trees", 503).await;
    world.seed(1).await;
    once(&world).await;
    raised(&world, "currency", "EUR", "currency").await;
    world.clear_faults().await;
    eventually("the purchase", async || {
        once(&world).await;
        world.books("/purchases").await.len() == 2
    })
    .await;
    ended(&world, "currency").await;
}

pub async fn price() {
    let world = World::new().await;
    once(&world).await;
    world
        .control("/settings", json!({ "prices": { "tree": "0.90" } }))
        .await;
    world.seed(1).await;
    once(&world).await;
    raised(&world, "price", "0.9", "[prices.GBP] buy-trees").await;
    world.write_config(&format!(
        "[prices.GBP]\n\"buy-trees\" = \"0.90\"\n\n{}",
        world.config()
    ));
    world.seed(1).await;
    once(&world).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    ended(&world, "price").await;
}

pub async fn totals() {
    let world = World::new().await;
    once(&world).await;
    let good = world.config();
    let user = format!("username = \"{}\"", world.info().ecologi_user);
    world.write_config(&good.replace(&user, "username = \"nobody-knows-me\""));
    world.seed(1).await;
    once(&world).await;
    assert!(world.books("/purchases").await.is_empty());
    raised(&world, "totals", "could not be read", "ecologi.username").await;
    world.write_config(&good);
    eventually("the purchase", async || {
        once(&world).await;
        world.books("/purchases").await.len() == 1
    })
    .await;
    ended(&world, "totals").await;
}

/// Nobody can tell whether it was made, so the purchase is unknown and its run held: two alerts, one person's word.
pub async fn unknown() {
    let world = World::new().await;
    let user = format!("username = \"{}\"\n", world.info().ecologi_user);
    let config = world.config().replace(&user, "");
    world.write_config(&format!("[purchases]\nwindow = \"1s\"\n{config}"));
    once(&world).await;
    let lost = json!({ "kind": "drop_answer", "operation": "buy-trees" });
    world.control("/faults", lost).await;
    world.seed(1).await;
    eventually("the alert", async || {
        once(&world).await;
        is_open(&world, "unknown_purchases").await
    })
    .await;
    raised(&world, "unknown_purchases", "1 ", "canopy purchase resolve").await;
    raised(&world, "held_runs", "1 run(s) wait", "canopy retry RUN").await;
    world.clear_faults().await;
    let listed = world.succeed(&["purchase", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let key = listed[0]["key"].as_str().unwrap();
    // The other noun leads to the same command.
    world.succeed(&["ledger", "resolve", key, "--bought"]).await;
    world.succeed(&["run", "--once"]).await;
    for kind in ["unknown_purchases", "held_runs"] {
        ended(&world, kind).await;
    }
    assert_eq!(world.books("/purchases").await.len(), 1);
}
