//! Opening: created private, refused clearly, nothing touched that is not ours.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use canopy_store::{OpenError, SecretKey, SqliteOptions, SqliteStore, Store, StoreError};
use sqlx::{Connection as _, Executor as _};

use crate::support::{Fixture, at, event, raw};

async fn open_error(path: &Path, key: &SecretKey) -> OpenError {
    SqliteStore::open(path, key)
        .await
        .expect_err("it must not open")
}

#[tokio::test]
async fn folders_and_files_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/deep/canopy.db");
    let store = SqliteStore::open(&path, &SecretKey::generate())
        .await
        .unwrap();
    store
        .insert_events(vec![event("c1", None)], at(0))
        .await
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("state")), 0o700);
    assert_eq!(mode(&folder.path().join("state/deep")), 0o700);
    for file in ["canopy.db", "canopy.db-wal", "canopy.db-shm"] {
        assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
    }
    store.close().await;
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let fixture = Fixture::new().await;
    let id = fixture.stored(event("c1", Some("created"))).await;
    fixture.store.close().await;
    let store = SqliteStore::open(&fixture.path(), &fixture.key)
        .await
        .unwrap();
    assert_eq!(store.event(id).await.unwrap().unwrap().event.record, "c1");
}

#[tokio::test]
async fn a_store_that_was_not_closed_opens_and_has_everything() {
    let fixture = Fixture::new().await;
    let id = fixture.stored(event("c1", Some("created"))).await;
    // The files as a killed process leaves them: a write-ahead log and no index of it.
    let copy = fixture.folder.path().join("copy.db");
    fs::copy(fixture.path(), &copy).unwrap();
    fs::copy(
        fixture.path().with_extension("db-wal"),
        copy.with_extension("db-wal"),
    )
    .unwrap();
    let read_only = SqliteStore::open_read_only(&copy).await.unwrap();
    assert_eq!(
        read_only.event(id).await.unwrap().unwrap().event.record,
        "c1"
    );
    read_only.close().await;
    let store = SqliteStore::open(&copy, &fixture.key).await.unwrap();
    assert_eq!(store.event(id).await.unwrap().unwrap().event.record, "c1");
}

#[tokio::test]
async fn a_wrong_key_is_noticed_before_anything_is_written() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let before = fs::read(fixture.path()).unwrap();
    let error = open_error(&fixture.path(), &SecretKey::generate()).await;
    assert!(matches!(error, OpenError::WrongKey { .. }), "{error}");
    assert!(
        error.to_string().contains("encrypted with another key"),
        "{error}"
    );
    assert_eq!(fs::read(fixture.path()).unwrap(), before);
}

#[tokio::test]
async fn other_files_are_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::generate();

    let text = folder.path().join("notes.txt");
    fs::write(
        &text,
        "not a database, but long enough to look at. ".repeat(50),
    )
    .unwrap();
    let foreign = folder.path().join("other.db");
    fs::write(&foreign, "").unwrap();
    let mut other = raw(&foreign).await;
    other
        .execute("CREATE TABLE bookmarks (url TEXT)")
        .await
        .unwrap();
    other.close().await.unwrap();

    let contents = |path: &Path| fs::read(path).unwrap();
    let before = (contents(&text), contents(&foreign));
    let error = open_error(&text, &key).await;
    assert!(matches!(error, OpenError::NotAStore { .. }), "{error}");
    let error = open_error(&foreign, &key).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("other.db is an SQLite file of another program"),
        "{error}"
    );
    assert_eq!((contents(&text), contents(&foreign)), before);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let mut connection = raw(&fixture.path()).await;
    connection
        .execute("INSERT INTO _sqlx_migrations SELECT 9001, 'from the future', installed_on, success, checksum, 0 FROM _sqlx_migrations LIMIT 1")
        .await
        .unwrap();
    connection.close().await.unwrap();
    let error = open_error(&fixture.path(), &fixture.key).await;
    assert!(
        matches!(error, OpenError::TooNew { found: 9001, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("update canopy"), "{error}");
    let error = SqliteStore::open_read_only(&fixture.path())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::TooNew { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let mut bytes = fs::read(fixture.path()).unwrap();
    // Behind the file's header, where the first page begins to say what tables there are.
    bytes[100..4096].fill(0x5a);
    fs::write(fixture.path(), bytes).unwrap();
    let error = open_error(&fixture.path(), &fixture.key).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_path_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let key = SecretKey::generate();
    let below_a_file = open_error(&file.join("canopy.db"), &key).await;
    assert!(
        matches!(below_a_file, OpenError::File { .. }),
        "{below_a_file}"
    );
    let a_folder = open_error(folder.path(), &key).await;
    assert!(
        matches!(a_folder, OpenError::Unwritable { .. }),
        "{a_folder}"
    );
}

#[tokio::test]
async fn a_file_that_another_process_locks_is_refused() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let mut other = raw(&fixture.path()).await;
    other
        .execute("PRAGMA locking_mode = EXCLUSIVE")
        .await
        .unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let options = SqliteOptions {
        busy_timeout: Duration::from_millis(10),
        ..SqliteOptions::default()
    };
    let error = SqliteStore::open_with(&fixture.path(), &fixture.key, &options)
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
}

#[tokio::test]
async fn a_start_that_was_killed_before_its_first_migration_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canopy.db");
    fs::write(&path, "").unwrap();
    let mut connection = raw(&path).await;
    connection
        .execute("CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)")
        .await
        .unwrap();
    connection.close().await.unwrap();
    let store = SqliteStore::open(&path, &SecretKey::generate())
        .await
        .unwrap();
    store
        .insert_events(vec![event("c1", None)], at(0))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_read_only_store_sees_what_another_writes_and_writes_nothing() {
    let fixture = Fixture::new().await;
    let reader = SqliteStore::open_read_only(&fixture.path()).await.unwrap();
    let id = fixture.stored(event("c1", Some("created"))).await;
    assert!(reader.event(id).await.unwrap().is_some());

    let error = reader
        .insert_events(vec![event("c2", None)], at(0))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    let error = reader.secret("token").await.unwrap_err();
    assert!(matches!(error, StoreError::NoKey { .. }), "{error}");
    assert_eq!(fixture.store.summary().await.unwrap().events, 1);

    let nowhere = fixture.folder.path().join("none.db");
    let error = SqliteStore::open_read_only(&nowhere).await.unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    assert!(!nowhere.exists());
}
