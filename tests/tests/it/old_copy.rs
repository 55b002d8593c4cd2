//! A store that is older than the account: nothing is bought twice, by the real binary.

use std::fs;

use canopy_store::Store;
use serde_json::{Value, json};

use crate::support::{World, text};

/// Two contacts are served and backed up; a third one is served after that, and its ledger exported.
pub(crate) async fn backed_up() -> (World, Vec<String>) {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let mut contacts = world.seed(2).await;
    world.succeed(&["run", "--once"]).await;
    world.succeed(&["backup", "copy.db"]).await;
    contacts.extend(world.seed(1).await);
    world.succeed(&["run", "--once"]).await;
    world
        .succeed(&["ledger", "export", "--csv", "newest.csv"])
        .await;
    assert_eq!(world.books("/purchases").await.len(), 3);
    (world, contacts)
}

pub(crate) fn restore_by_hand(world: &World) {
    for name in ["canopy.db", "canopy.db-wal", "canopy.db-shm"] {
        let _ = fs::remove_file(world.path(name));
    }
}

pub(crate) async fn alerts(world: &World, kind: &str) -> Vec<String> {
    let open = world.store().await.alerts(true, 100).await.unwrap();
    let of_kind = open.into_iter().filter(|alert| alert.kind == kind);
    of_kind.map(|alert| alert.message).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_store_buys_nothing_again_and_goes_on_once_it_knows_what_was_bought() {
    let (world, mut contacts) = backed_up().await;
    restore_by_hand(&world);
    world.succeed(&["restore", "copy.db"]).await;
    contacts.extend(world.seed(1).await);
    // The old store finds the third contact anew, and the fourth; nothing is bought for either, however often it is started.
    for _ in 0..2 {
        let output = world.output(&["run", "--once"]).await;
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        assert_eq!(world.books("/purchases").await.len(), 3);
    }
    let told = alerts(&world, "account").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("1 trees"), "{told:?}");
    let budget = world.succeed(&["budget", "--json"]).await;
    let budget: Value = serde_json::from_str(&budget).unwrap();
    let waiting = &budget["connections"][0]["waiting_for"]["account"];
    assert_eq!(waiting["count"], 2, "{budget}");

    // What the newer store had bought is known from its export; twice adds nothing.
    for _ in 0..2 {
        world.succeed(&["ledger", "import", "newest.csv"]).await;
    }
    world.succeed(&["run", "--once"]).await;
    let book = world.books("/purchases").await;
    assert_eq!(
        book.len(),
        4,
        "the third contact's tree was not bought again"
    );
    assert_eq!(book.iter().filter(|one| one["replays"] != 0).count(), 0);
    assert!(alerts(&world, "account").await.is_empty());
    let (store, info) = (world.store().await, world.info());
    let audit = canopy::audit_sandbox(&info.control_url, &store, &info.location_id);
    let audit = audit.await.unwrap();
    assert_eq!((audit.duplicates, audit.lost), (0, 0));
    let contact = world.highlevel(&format!("/contacts/{}", contacts[3])).await;
    let tags = contact["contact"]["tags"].as_array().unwrap();
    assert!(
        tags.contains(&json!("ecologi")),
        "the fourth was served: {tags:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_elsewhere_is_acknowledged_and_purchases_go_on() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    let bought = world
        .http
        .post(format!("{}/impact/trees", world.info().ecologi_url))
        .bearer_auth(&world.info().ecologi_key)
        .json(&json!({ "number": 7 }))
        .send()
        .await
        .unwrap();
    assert!(bought.status().is_success());
    world.seed(2).await;
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(world.books("/purchases").await.len(), 2);
    assert_eq!(alerts(&world, "account").await.len(), 1);

    let said = world.output(&["ledger", "acknowledge"]).await;
    assert!(said.status.success(), "{}", text(&said.stderr));
    assert!(
        text(&said.stderr).contains("7 taken for bought elsewhere"),
        "{}",
        text(&said.stderr)
    );
    assert!(alerts(&world, "account").await.is_empty());
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 4);
    // From now on that is how it is.
    world.succeed(&["ledger", "reconcile"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_is_noticed_by_a_running_program_that_is_killed_and_started_again() {
    let (world, _) = backed_up().await;
    restore_by_hand(&world);
    world.succeed(&["restore", "copy.db"]).await;
    world
        .killed_at(&["run", "--once"], "BeforeIntent:tree:1")
        .await;
    let running = world.start().await;
    world.seed(1).await;
    crate::support::eventually("two purchases to wait", async || {
        let budget = world.succeed(&["budget", "--json"]).await;
        let budget: Value = serde_json::from_str(&budget).unwrap();
        budget["connections"][0]["waiting"]["count"] == 2
    })
    .await;
    running.stop().await;
    assert_eq!(world.books("/purchases").await.len(), 3);
    assert_eq!(alerts(&world, "account").await.len(), 1);
}
