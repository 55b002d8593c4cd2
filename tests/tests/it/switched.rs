//! `enabled = false`: a workflow that is switched off spends nothing more, whatever of it had begun.

use std::os::unix::process::ExitStatusExt;

use serde_json::Value;

use crate::support::{World, eventually, text};

fn file(world: &World, enabled: bool) {
    let text = format!(
        "id = \"trees\"\ntitle = \"Trees\"\nenabled = {enabled}\non = \"contact.created\"\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = {{ number = 1 }}\n"
    );
    std::fs::write(world.path("mine/trees.toml"), text).unwrap();
}

fn configure(world: &World, per_day: &str) {
    let config = world
        .config()
        .replace("per_day = 10000", &format!("per_day = \"{per_day}\""));
    world.write_config(&format!("workflows = \"mine\"\nrecipes = []\n{config}"));
}

async fn bought(world: &World) -> usize {
    world.books("/purchases").await.len()
}

/// Three contacts at a cap for one.
async fn at_the_cap() -> World {
    let world = World::new().await;
    std::fs::create_dir(world.path("mine")).unwrap();
    file(&world, true);
    configure(&world, "0.60");
    world.succeed(&["run", "--once"]).await;
    world.seed(3).await;
    world.needs_person(&["run", "--once"]).await;
    assert_eq!(bought(&world).await, 1);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_of_a_workflow_that_is_switched_off_is_not_bought_until_it_is_on_again() {
    let world = at_the_cap().await;
    file(&world, false);
    configure(&world, "100");
    for _ in 0..2 {
        world.succeed(&["run", "--once"]).await;
        assert_eq!(bought(&world).await, 1);
    }
    let listed: Value =
        serde_json::from_str(&world.succeed(&["workflows", "--json"]).await).unwrap();
    assert_eq!(listed["workflows"][0]["waiting_to_be_switched_on"], 2);
    let told = world.succeed(&["workflows"]).await;
    assert!(told.contains("2 run(s) that had begun wait"), "{told}");
    // It keeps no part of the cap from others, and no other command buys it.
    let budget: Value = serde_json::from_str(&world.succeed(&["budget", "--json"]).await).unwrap();
    assert_eq!(budget["connections"][0]["waiting"]["count"], 0, "{budget}");
    let runs = world
        .succeed(&["runs", "--state", "waiting", "--json"])
        .await;
    let runs: Value = serde_json::from_str(&runs).unwrap();
    let run = runs[0]["id"].to_string();
    assert!(runs[0]["error"].as_str().unwrap().contains("switched off"));
    let refused = world.output(&["retry", &run]).await;
    assert_eq!(refused.status.code(), Some(2));
    let stderr = text(&refused.stderr);
    assert!(
        stderr.contains("workflow trees is switched off"),
        "{stderr}"
    );
    world.succeed(&["run", "--once"]).await;
    assert_eq!(bought(&world).await, 1);
    file(&world, true);
    world.succeed(&["run", "--once"]).await;
    assert_eq!(bought(&world).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_while_it_runs_and_killed_it_buys_no_more_than_was_under_way() {
    let world = at_the_cap().await;
    // The raised cap frees what waits, and the process is killed when the first of it has been decided.
    configure(&world, "100");
    let killed = world
        .canopy(&["run", "--once"])
        .env("E2E_KILL", "AfterIntent:tree:1")
        .output()
        .await
        .unwrap();
    assert_eq!(killed.status.signal(), Some(9), "{}", text(&killed.stderr));
    assert_eq!(bought(&world).await, 1);
    file(&world, false);
    let running = world.start().await;
    world.seed(2).await;
    running
        .until(&world, "the events to be read", |summary| {
            summary["events_pending"] == 0 && summary["events"] == 5
        })
        .await;
    assert_eq!(bought(&world).await, 1);
    // While it runs the file is enough.
    file(&world, true);
    eventually("what waited to be bought", async || {
        bought(&world).await == 3
    })
    .await;
    running.stop().await;
    assert_eq!(
        bought(&world).await,
        3,
        "what came meanwhile starts nothing"
    );
}
