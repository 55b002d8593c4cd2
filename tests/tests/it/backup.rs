//! Copies of the store by the real binary, and a store that is gone: nothing is begun anew that may have bought.

use std::fs;

use canopy_store::{PurchaseState, Store};
use serde_json::Value;

use crate::support::{World, eventually, text};

/// A world in which two contacts got their trees.
async fn bought() -> World {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    world.seed(2).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    world
}

async fn refused(world: &World, arguments: &[&str], expected: &str) {
    let output = world.output(arguments).await;
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_store_is_backed_up_and_restored_with_all_its_purchases() {
    let world = bought().await;
    let running = world.start().await;
    let said = world.succeed(&["backup", "copy.db", "--json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["proved"], true);
    assert_eq!(said["holds"]["purchases"], 2);
    assert_eq!(said["holds"]["confirmed"][0]["amount"], "1.2");
    assert_eq!(said["holds"]["confirmed"][0]["test"], false);
    // Neither a copy nor a store is overwritten, nor is one restored under a running program.
    refused(&world, &["backup", "copy.db"], "is not overwritten").await;
    let output = world.output(&["restore", "copy.db"]).await;
    assert!(text(&output.stderr).contains("another canopy is running"));
    running.stop().await;
    refused(&world, &["restore", "copy.db"], "is not overwritten").await;

    fs::remove_file(world.path("canopy.db")).unwrap();
    refused(&world, &["run", "--once"], "canopy restore FILE").await;
    world.succeed(&["restore", "copy.db"]).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    let purchases = world.store().await.purchases(10).await.unwrap();
    assert!(
        purchases
            .iter()
            .all(|one| one.state == PurchaseState::Confirmed)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_with_damage_or_another_key_is_refused_and_nothing_is_put_in_place() {
    let world = bought().await;
    world.succeed(&["backup", "copy.db"]).await;
    fs::remove_file(world.path("canopy.db")).unwrap();
    let whole = fs::read(world.path("copy.db")).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 8192 * 4096;
    bytes[middle..middle + 4096].fill(0x5A);
    fs::write(world.path("copy.db"), bytes).unwrap();
    let output = world.output(&["restore", "copy.db"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("damaged"),
        "{}",
        text(&output.stderr)
    );

    fs::write(world.path("copy.db"), whole).unwrap();
    fs::rename(world.path("canopy.key"), world.path("kept.key")).unwrap();
    refused(&world, &["restore", "copy.db"], "its key").await;
    fs::rename(world.path("kept.key"), world.path("canopy.key")).unwrap();
    assert!(!world.path("canopy.db").exists());
    world.succeed(&["restore", "copy.db"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_gone_or_emptied_is_not_begun_anew() {
    let world = bought().await;
    let kept = fs::read(world.path("canopy.db")).unwrap();
    fs::remove_file(world.path("canopy.db")).unwrap();
    for arguments in [
        &["run", "--once"][..],
        &["run"],
        &["backfill", "--kind", "contacts"],
    ] {
        refused(&world, arguments, "there was a store").await;
        assert!(!world.path("canopy.db").exists());
    }
    // Without its key file the lock file still tells.
    let key = fs::read_to_string(world.path("canopy.key")).unwrap();
    fs::remove_file(world.path("canopy.key")).unwrap();
    let mut command = world.canopy(&["run", "--once"]);
    let output = command
        .env("CANOPY_KEY", key.trim())
        .output()
        .await
        .unwrap();
    assert!(text(&output.stderr).contains("there was a store"));
    fs::write(world.path("canopy.db"), "").unwrap();
    let mut command = world.canopy(&["run", "--once"]);
    let output = command
        .env("CANOPY_KEY", key.trim())
        .output()
        .await
        .unwrap();
    assert!(
        text(&output.stderr).contains("0 bytes"),
        "{}",
        text(&output.stderr)
    );

    fs::write(world.path("canopy.db"), kept).unwrap();
    let mut command = world.canopy(&["run", "--once"]);
    let output = command
        .env("CANOPY_KEY", key.trim())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(world.books("/purchases").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_whose_store_is_deleted_ends_with_a_word_and_buys_nothing_more() {
    let world = bought().await;
    let mut running = world.start().await;
    fs::remove_file(world.path("canopy.db")).unwrap();
    world.seed(1).await;
    let mut ended = None;
    eventually("the program to end", async || {
        ended = running.child.try_wait().unwrap();
        ended.is_some()
    })
    .await;
    assert_eq!(ended.unwrap().code(), Some(1));
    assert_eq!(world.books("/purchases").await.len(), 2);
    refused(&world, &["run", "--once"], "there was a store").await;
}
