//! Stores of earlier versions open, with everything that was in them.

use canopy_store::{Inserted, SecretKey, SqliteStore, Store};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::support::{LOCATION, at, event};

#[tokio::test]
async fn a_store_of_the_first_version_keeps_events_runs_and_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("migrations");
    std::fs::create_dir(&first).unwrap();
    std::fs::write(
        first.join("0001_store.sql"),
        include_str!("../../migrations/0001_store.sql"),
    )
    .unwrap();
    let path = folder.path().join("canopy.db");
    let mut old = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .foreign_keys(true)
        .connect()
        .await
        .unwrap();
    Migrator::new(&*first)
        .await
        .unwrap()
        .run(&mut old)
        .await
        .unwrap();
    old.execute(
        "INSERT INTO inbox (id, location, epoch, source, kind, record, occurred_at, version, payload, state, received_at, updated_at)
         VALUES (7, 'loc', 0, 'webhook', 'contact.created', 'c1', 0, 'created', '{}', 'started', 0, 0),
                (9, 'loc', 0, 'webhook', 'contact.created', 'c2', 0, 'created', '{}', 'pending', 0, 0);
         DELETE FROM inbox WHERE id = 9;
         INSERT INTO definitions (id, digest, text) VALUES (1, x'00', 'text');
         INSERT INTO runs (event, workflow, location, epoch, definition, state, created_at, updated_at)
         VALUES (7, 'w', 'loc', 0, 1, 'done', 0, 0);",
    )
    .await
    .unwrap();
    old.close().await.unwrap();

    let store = SqliteStore::open(&path, &SecretKey::generate())
        .await
        .unwrap();
    assert_eq!(store.runs(None, 10).await.unwrap()[0].event, 7);
    let inserted = store
        .insert_events(
            vec![event("c1", Some("created")), event("c3", Some("created"))],
            at(0),
        )
        .await
        .unwrap();
    let [Inserted::Duplicate(7), Inserted::Stored(new)] = inserted[..] else {
        panic!("{inserted:?}");
    };
    assert!(new > 9, "a number was given out twice: {new}");
    assert_eq!(
        store
            .pending_events(LOCATION, at(0), 0, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    store.close().await;
    // Foreign keys are on again: a run without an event is refused.
    let mut raw = SqliteConnectOptions::new()
        .filename(&path)
        .foreign_keys(true)
        .connect()
        .await
        .unwrap();
    let checks = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    assert!(checks.is_empty());
    let orphan = raw
        .execute("INSERT INTO runs (event, workflow, location, epoch, definition, state, created_at, updated_at) VALUES (99, 'w', 'l', 0, 1, 'done', 0, 0)")
        .await;
    assert!(orphan.is_err());
}
