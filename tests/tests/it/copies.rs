//! Older copies of the store that nobody restored, and restored ones after a kill: nothing is bought twice, and a person's
//! word on what waits is taken in both ways.

use std::fs;

use canopy_store::{PurchaseState, RunState, Store};
use futures::{StreamExt, stream};
use serde_json::json;

use crate::old_copy::{alerts, backed_up, restore_by_hand};
use crate::support::{World, eventually, text};

/// The runs that wait, by number.
async fn waiting(world: &World) -> Vec<i64> {
    let runs = world.store().await.runs(Some(RunState::Waiting), 100).await;
    runs.unwrap().iter().map(|run| run.id).collect()
}

/// The service has forgotten the keys, so nothing but the store's own care helps.
async fn forget_keys(world: &World) {
    world
        .control("/settings", json!({ "idempotency_memory_seconds": 0 }))
        .await;
}

async fn tags(world: &World, contact: &str) -> Vec<String> {
    let contact = world.highlevel(&format!("/contacts/{contact}")).await;
    serde_json::from_value(contact["contact"]["tags"].clone()).unwrap_or_default()
}

async fn assert_all_have_the_tag(world: &World, contacts: &[String]) {
    for contact in contacts {
        let tags = tags(world, contact).await;
        assert!(tags.contains(&"ecologi".to_owned()), "{contact}: {tags:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_that_was_put_in_the_stores_place_buys_nothing_again() {
    let (world, contacts) = backed_up().await;
    restore_by_hand(&world);
    forget_keys(&world).await;
    // Nobody said so to Canopy.
    fs::copy(world.path("copy.db"), world.path("canopy.db")).unwrap();
    for _ in 0..2 {
        let output = world.output(&["run", "--once"]).await;
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        assert_eq!(world.books("/purchases").await.len(), 3);
    }
    let told = alerts(&world, "account").await;
    assert_eq!(told.len(), 1, "{told:?}");
    world.succeed(&["ledger", "import", "newest.csv"]).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 3);
    assert!(alerts(&world, "account").await.is_empty());
    assert_all_have_the_tag(&world, &contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lost_its_log_buys_nothing_again_and_takes_a_persons_word_on_each() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let mut contacts = world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    let running = world.start().await;
    contacts.extend(world.seed(2).await);
    running
        .until(&world, "the purchases", |summary| {
            summary["purchases"].as_u64() == Some(3)
        })
        .await;
    running.kill().await;
    let log = fs::metadata(world.path("canopy.db-wal")).unwrap();
    assert!(log.len() > 0, "there is something to lose");
    for name in ["canopy.db-wal", "canopy.db-shm"] {
        fs::remove_file(world.path(name)).unwrap();
    }
    forget_keys(&world).await;
    for _ in 0..2 {
        let output = world.output(&["run", "--once"]).await;
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        assert_eq!(world.books("/purchases").await.len(), 3);
    }
    let told = alerts(&world, "account").await;
    assert_eq!(told.len(), 1, "{told:?}");
    let held = waiting(&world).await;
    // As much as the log had.
    assert!(held.len() >= 2, "{held:?}");
    // A purchase that was not made and waits is made by itself, so there is nothing to say of it.
    let run = format!("run:{}", held[0]);
    let refused = world
        .output(&["purchase", "resolve", &run, "--not-bought"])
        .await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        text(&refused.stderr).contains("canopy budget"),
        "{}",
        text(&refused.stderr)
    );
    for run in &held {
        let run = format!("run:{run}");
        world
            .succeed(&["purchase", "resolve", &run, "--bought"])
            .await;
    }
    // All that the account has is known now.
    world.succeed(&["ledger", "acknowledge"]).await;
    contacts.extend(world.seed(1).await);
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 4);
    assert!(alerts(&world, "account").await.is_empty());
    assert_all_have_the_tag(&world, &contacts).await;
    world.succeed(&["ledger", "reconcile"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_replaced_while_the_program_runs_ends_it_with_a_word() {
    let (world, _) = backed_up().await;
    forget_keys(&world).await;
    let mut running = world.start().await;
    // As editors and synchronisers put files into place.
    fs::copy(world.path("copy.db"), world.path("canopy.db.new")).unwrap();
    fs::rename(world.path("canopy.db.new"), world.path("canopy.db")).unwrap();
    world.seed(1).await;
    let mut ended = None;
    eventually("the program to end", async || {
        ended = running.child.try_wait().unwrap();
        ended.is_some()
    })
    .await;
    assert_eq!(ended.unwrap().code(), Some(1));
    assert_eq!(world.books("/purchases").await.len(), 3);
    // What is there now is an older copy, also for the next start.
    for name in ["canopy.db-wal", "canopy.db-shm"] {
        let _ = fs::remove_file(world.path(name));
    }
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(world.books("/purchases").await.len(), 3);
}

/// One contact is served and backed up. The next one's purchase is cut off, the store is lost, and the backup restored.
async fn cut_off_and_restored(boundary: &str) {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let mut contacts = world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    world.succeed(&["backup", "copy.db"]).await;
    contacts.extend(world.seed(1).await);
    world
        .killed_at(&["run", "--once"], &format!("{boundary}:tree:1"))
        .await;
    let made = world.books("/purchases").await.len();
    restore_by_hand(&world);
    world.succeed(&["restore", "copy.db"]).await;
    forget_keys(&world).await;
    for _ in 0..2 {
        let output = world.output(&["run", "--once"]).await;
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{boundary}: {stderr}");
        assert_eq!(world.books("/purchases").await.len(), made, "{boundary}");
    }
    assert_eq!(alerts(&world, "account").await.len(), 1, "{boundary}");
    if made == 2 {
        // The operator sees it at the account, which names what is more than the ledger has.
        let told = alerts(&world, "account").await;
        assert!(told[0].contains("1 trees"), "{boundary}: {told:?}");
        let run = format!("run:{}", waiting(&world).await[0]);
        world
            .succeed(&["purchase", "resolve", &run, "--bought"])
            .await;
    }
    world.succeed(&["ledger", "acknowledge"]).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2, "{boundary}");
    assert!(alerts(&world, "account").await.is_empty(), "{boundary}");
    assert_all_have_the_tag(&world, &contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_boundary_of_a_purchase_and_restored_from_before_it_buys_once() {
    let boundaries = [
        "BeforeIntent",
        "AfterIntent",
        "AfterCall",
        "BeforeOutcome",
        "AfterOutcome",
    ];
    stream::iter(boundaries)
        .for_each_concurrent(2, cut_off_and_restored)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_does_not_say_all_ends_no_waiting() {
    let (world, _) = backed_up().await;
    world
        .succeed(&[
            "ledger",
            "export",
            "--connection",
            "main",
            "--csv",
            "part.csv",
        ])
        .await;
    restore_by_hand(&world);
    world.succeed(&["restore", "copy.db"]).await;
    world
        .succeed(&["ledger", "export", "--csv", "older.csv"])
        .await;
    world.seed(1).await;
    forget_keys(&world).await;
    for (file, why) in [
        ("older.csv", "tells nothing new of them"),
        ("part.csv", "is a part of an export"),
    ] {
        let output = world.output(&["ledger", "import", file]).await;
        let told = text(&output.stderr);
        assert!(told.contains("main go on waiting"), "{file}: {told}");
        assert!(told.contains(why), "{file}: {told}");
        world.output(&["run", "--once"]).await;
        assert_eq!(world.books("/purchases").await.len(), 3, "{file}");
    }
    world.succeed(&["ledger", "acknowledge"]).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 4);
}

/// The newer store had sent one and heard nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_purchase_that_was_imported_has_its_price_and_lets_its_run_go_on_when_a_person_has_looked()
 {
    for (word, kind) in [
        ("--bought", "drop_answer"),
        ("--not-bought", "drop_request"),
    ] {
        let (world, _) = backed_up().await;
        let lost = json!({ "kind": kind, "service": "ecologi", "method": "POST" });
        world.control("/faults", lost).await;
        world.seed(1).await;
        world.output(&["run", "--once"]).await;
        world.clear_faults().await;
        world
            .succeed(&["ledger", "export", "--csv", "open.csv"])
            .await;
        restore_by_hand(&world);
        world.succeed(&["restore", "copy.db"]).await;
        world.succeed(&["ledger", "import", "open.csv"]).await;
        world.output(&["run", "--once"]).await;
        let store = world.store().await;
        let open = store.purchases(10).await.unwrap();
        let open = open
            .into_iter()
            .find(|one| one.state == PurchaseState::Unknown);
        let open = open.unwrap();
        assert_eq!(open.estimate.to_string(), "0.6");
        assert_eq!(store.runs(Some(RunState::Held), 10).await.unwrap().len(), 1);
        forget_keys(&world).await;
        let told = world
            .output(&["purchase", "resolve", &open.key, word])
            .await;
        assert!(told.status.success(), "{}", text(&told.stderr));
        world.output(&["run", "--once"]).await;
        assert_eq!(store.runs(Some(RunState::Held), 10).await.unwrap(), []);
        assert_eq!(world.books("/purchases").await.len(), 4, "{word}");
        let purchases = store.purchases(10).await.unwrap();
        let amounts = purchases.iter().filter_map(|one| one.amount);
        let spent = amounts.reduce(|sum, amount| sum + amount).unwrap();
        assert_eq!(spent.normalize().to_string(), "2.4", "{word}");
    }
}

/// Long after what a copy had forgotten is known.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_into_a_store_that_waits_for_nothing_says_nothing_of_waiting() {
    let (world, _) = backed_up().await;
    restore_by_hand(&world);
    world.succeed(&["restore", "copy.db"]).await;
    for _ in 0..2 {
        let output = world.output(&["ledger", "import", "newest.csv"]).await;
        let told = text(&output.stderr);
        assert!(told.contains("were compared again"), "{told}");
    }
}
