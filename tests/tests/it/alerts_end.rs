//! Alerts that `run` raises by itself: each has its remedy in the message, and ends by itself once the cause has.

use serde_json::{Value, json};

use crate::process::{Process, alerts};
use crate::support::{World, eventually, text};

async fn is_open(world: &World, kind: &str) -> bool {
    !alerts(world, kind).await.is_empty()
}

/// What the only open alert of a kind says.
async fn told(world: &World, kind: &str) -> String {
    let open = alerts(world, kind).await;
    assert_eq!(open.len(), 1, "{kind}: {open:?}");
    open[0].message.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn workflow_files_with_mistakes_are_told_until_they_are_mended() {
    let world = World::new().await;
    let good = "id = \"mine\"\ntitle = \"T\"\non = \"contact.created\"\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = { number = 1 }\n";
    std::fs::create_dir(world.path("mine")).unwrap();
    let file = world.path("mine/mine.toml");
    std::fs::write(&file, good).unwrap();
    world.write_config(&format!("workflows = \"mine\"\n{}", world.config()));
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    std::fs::write(&file, good.replace("buy-trees", "buy-tree")).unwrap();
    eventually("the alert", async || is_open(&world, "workflows").await).await;
    let message = told(&world, "workflows").await;
    assert!(
        message.contains("mine.toml") && message.contains("buy-trees"),
        "{message}"
    );
    std::fs::write(&file, good).unwrap();
    eventually("its end", async || !is_open(&world, "workflows").await).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_workflow_that_cannot_be_read_is_told() {
    let world = World::new().await;
    let hook = "[[webhooks.workflow]]\nname = \"won\"\nsecret = \"open sesame\"\n\n[retry]";
    world.write_config(&world.config().replace("[retry]", hook));
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let address = webhooks.replace("/webhooks/highlevel", "/webhooks/workflow/won");
    let headers = [("X-Canopy-Secret", "open sesame")];
    world
        .post(&address, &headers, b"no JSON at all".to_vec())
        .await;
    eventually("the alert", async || is_open(&world, "unreadable").await).await;
    process.stop().await;
    assert_eq!(world.output(&["status"]).await.status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_that_is_reached_is_told_until_it_is_raised() {
    let world = World::new().await;
    let good = world.config();
    world.write_config(&good.replace("per_day = 10000", "per_day = 0.7"));
    world.succeed(&["run", "--once"]).await;
    world.seed(2).await;
    world.output(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 1);
    let message = told(&world, "budget").await;
    assert!(
        message.contains("canopy budget") || message.contains("per_day"),
        "{message}"
    );
    assert_eq!(world.output(&["status"]).await.status.code(), Some(3));
    world.write_config(&good);
    world.output(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    assert!(!is_open(&world, "budget").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_price_is_told_until_the_list_says_it() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    world
        .control("/settings", json!({ "prices": { "tree": "0.90" } }))
        .await;
    world.seed(1).await;
    world.output(&["run", "--once"]).await;
    let message = told(&world, "price").await;
    assert!(
        message.contains("[prices") && message.contains("0.9"),
        "{message}"
    );
    world.write_config(&format!(
        "[prices.GBP]\n\"buy-trees\" = \"0.90\"\n\n{}",
        world.config()
    ));
    world.seed(1).await;
    world.output(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    assert!(!is_open(&world, "price").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_of_which_nobody_knows_is_told_until_a_person_says() {
    let world = World::new().await;
    let user = format!("username = \"{}\"\n", world.info().ecologi_user);
    let config = world.config().replace(&user, "");
    world.write_config(&format!("[purchases]\nwindow = \"1s\"\n{config}"));
    world.succeed(&["run", "--once"]).await;
    let lost = json!({ "kind": "drop_answer", "operation": "buy-trees" });
    world.control("/faults", lost).await;
    world.seed(1).await;
    eventually("the alert", async || {
        world.output(&["run", "--once"]).await;
        is_open(&world, "unknown_purchases").await
    })
    .await;
    assert!(is_open(&world, "held_runs").await);
    world.clear_faults().await;
    let listed = world.succeed(&["purchase", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let key = listed[0]["key"].as_str().unwrap();
    // The other noun leads to the same command.
    let output = world.output(&["ledger", "resolve", key, "--bought"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    world.succeed(&["run", "--once"]).await;
    for kind in ["unknown_purchases", "unknown purchase", "held_runs"] {
        assert!(!is_open(&world, kind).await, "{kind}");
    }
    assert_eq!(world.books("/purchases").await.len(), 1);
}
