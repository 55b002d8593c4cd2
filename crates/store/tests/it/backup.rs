//! Copies, and files that are not what they were: nothing is taken for a whole store that is none.

use std::fs;

use canopy_store::{OpenError, SecretKey, SqliteStore, Store, StoreError, prove, snapshot};

use crate::support::{Fixture, at, event};

#[tokio::test]
async fn a_copy_of_a_store_in_use_has_what_was_committed_and_opens_with_its_key() {
    let fixture = Fixture::new().await;
    for number in 0..20 {
        fixture
            .stored(event(&format!("c{number}"), Some("v")))
            .await;
    }
    let copy = fixture.folder.path().join("copy.db");
    snapshot(&fixture.path(), &copy).await.unwrap();
    fixture.stored(event("later", Some("v"))).await;
    let counted = prove(&copy).await.unwrap();
    assert_eq!(counted.events, 20);
    assert_eq!(fixture.store.inventory().await.unwrap().events, 21);
    let error = SqliteStore::open(&copy, &SecretKey::generate())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::WrongKey { .. }), "{error}");
    let opened = SqliteStore::open(&copy, &fixture.key).await.unwrap();
    assert_eq!(opened.inventory().await.unwrap(), counted);
    opened.close().await;
}

#[tokio::test]
async fn a_copy_with_damage_anywhere_is_none() {
    let fixture = Fixture::new().await;
    for number in 0..400 {
        fixture
            .stored(event(&format!("c{number}"), Some("v")))
            .await;
    }
    let copy = fixture.folder.path().join("copy.db");
    snapshot(&fixture.path(), &copy).await.unwrap();
    let whole = fs::read(&copy).unwrap();
    // From the second page on, as an opening looks at the first.
    for page in (1..whole.len() / 4096).step_by(7) {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xA5);
        fs::write(&copy, bytes).unwrap();
        let error = prove(&copy).await.unwrap_err();
        assert!(
            matches!(error, OpenError::Damaged { .. }),
            "{page}: {error}"
        );
    }
}

#[tokio::test]
async fn an_emptied_store_is_not_begun_anew() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    fs::write(fixture.path(), "").unwrap();
    for error in [
        SqliteStore::open(&fixture.path(), &fixture.key)
            .await
            .unwrap_err(),
        SqliteStore::open_read_only(&fixture.path())
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, OpenError::Emptied { .. }), "{error}");
    }
    assert_eq!(fs::read(fixture.path()).unwrap(), b"");
}

#[tokio::test]
async fn what_a_killed_first_start_left_is_no_store_and_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canopy.db");
    fs::write(folder.path().join("canopy.db.new"), "half of it").unwrap();
    let store = SqliteStore::open(&path, &SecretKey::generate())
        .await
        .unwrap();
    store
        .insert_events(vec![event("c1", None)], at(0))
        .await
        .unwrap();
    store.close().await;
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["canopy.db"]);
}

#[tokio::test]
async fn nothing_is_written_to_a_file_that_went_away() {
    let write = async |fixture: &Fixture| {
        let written = fixture
            .store
            .insert_events(vec![event("lost", Some("v"))], at(0))
            .await;
        let error = written.unwrap_err();
        assert!(matches!(error, StoreError::Gone { .. }), "{error}");
        assert!(!error.is_retryable());
        assert!(fixture.store.check_file().is_err());
        error.to_string()
    };

    let deleted = Fixture::new().await;
    fs::remove_file(deleted.path()).unwrap();
    assert!(write(&deleted).await.contains("is not there any more"));

    let replaced = Fixture::new().await;
    let copy = replaced.folder.path().join("copy.db");
    snapshot(&replaced.path(), &copy).await.unwrap();
    fs::rename(&copy, replaced.path()).unwrap();
    assert!(
        write(&replaced)
            .await
            .contains("is not the file that was opened")
    );

    let emptied = Fixture::new().await;
    fs::write(emptied.path(), "").unwrap();
    assert!(write(&emptied).await.contains("is empty"));

    let moved = Fixture::new().await;
    let elsewhere = moved.folder.path().join("elsewhere.db");
    fs::rename(moved.path(), &elsewhere).unwrap();
    write(&moved).await;
    // Whoever puts it back may go on.
    fs::rename(&elsewhere, moved.path()).unwrap();
    moved.stored(event("kept", Some("v"))).await;
}
