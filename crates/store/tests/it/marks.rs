//! The mark beside the store: an older copy is told from the store, and a store that was killed is not taken for one.

use std::fs;
use std::path::{Path, PathBuf};

use canopy_store::{Age, SecretKey, SqliteStore, StepState, Store};

use crate::support::{Fixture, at, confirmed, outcome_of, tree};

async fn opened(path: &Path, key: &SecretKey) -> SqliteStore {
    SqliteStore::open(path, key).await.unwrap()
}

async fn age(path: &Path, key: &SecretKey, mark: &Path) -> Age {
    let store = opened(path, key).await;
    let age = store.age(mark).await.unwrap();
    store.close().await;
    age
}

/// A copy of the store, with its log, as it is now.
fn copy(path: &Path, name: &str) -> PathBuf {
    let to = path.with_file_name(name);
    for ending in ["", "-wal"] {
        let with = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        if with(path).exists() {
            fs::copy(with(path), with(&to)).unwrap();
        }
    }
    to
}

#[tokio::test]
async fn a_new_store_is_not_marked_and_then_current_until_an_older_copy_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mark) = (folder.path().join("a.db"), folder.path().join("a.mark"));
    let key = SecretKey::generate();
    assert_eq!(age(&path, &key, &mark).await, Age::Unmarked);
    let store = opened(&path, &key).await;
    store.follow(&mark).await.unwrap();
    // As a kill leaves it.
    let killed = copy(&path, "killed.db");
    assert_eq!(age(&killed, &key, &mark).await, Age::Current);
    store.close().await;
    assert_eq!(age(&path, &key, &mark).await, Age::Current);
    // The closing is not in it.
    assert_eq!(age(&killed, &key, &mark).await, Age::Older);
    let parted = folder.path().join("nowhere.mark");
    assert_eq!(age(&path, &key, &parted).await, Age::Parted);
    fs::write(&mark, "half of a ma").unwrap();
    assert_eq!(age(&path, &key, &mark).await, Age::Parted);
}

#[tokio::test]
async fn a_copy_that_lacks_a_purchase_is_older_also_where_it_was_made_while_the_store_was_in_use() {
    let fixture = Fixture::new().await;
    let mark = fixture.path().with_file_name("canopy.db.mark");
    fixture.store.follow(&mark).await.unwrap();
    let run = fixture.run("c1").await;
    fixture.intend(tree(run, "k"), Vec::new(), at(1)).await;
    let intended = copy(&fixture.path(), "intended.db");
    fixture
        .store
        .mark_sent(&fixture.fence, "k", "account", at(2))
        .await
        .unwrap();
    let sent = copy(&fixture.path(), "sent.db");
    assert_eq!(age(&sent, &fixture.key, &mark).await, Age::Current);
    assert_eq!(age(&intended, &fixture.key, &mark).await, Age::Older);
    let outcome = outcome_of(run, "buy", StepState::Done);
    fixture
        .store
        .settle_purchase(&fixture.fence, "k", confirmed("0.6"), outcome, at(3))
        .await
        .unwrap();
    assert_eq!(age(&sent, &fixture.key, &mark).await, Age::Older);
    let now = copy(&fixture.path(), "now.db");
    assert_eq!(age(&now, &fixture.key, &mark).await, Age::Current);
    // Without its log it is as old as when that was folded in.
    let cut = copy(&fixture.path(), "cut.db");
    fs::remove_file(cut.with_file_name("cut.db-wal")).unwrap();
    let opened = SqliteStore::open(&cut, &fixture.key).await;
    match opened {
        Ok(cut) => assert_eq!(cut.age(&mark).await.unwrap(), Age::Older),
        // Nothing at all was folded in: it is no store yet.
        Err(error) => panic!("{error}"),
    }
}
