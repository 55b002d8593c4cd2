//! The writer: shared commits, separate fates, and what callers see when the disk fails.

use std::time::Duration;

use canopy_store::{
    Inserted, LinkUpdate, NewEvent, ProfileStore, SqliteOptions, SqliteStore, Store, StoreError,
};
use futures::FutureExt as _;
use futures::future::join_all;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use crate::support::{Fixture, HOUR, LOCATION, at, event, raw, step, tree};

fn unavailable<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(error @ StoreError::Unavailable { .. }) if error.is_retryable())
}

#[tokio::test]
async fn simultaneous_writes_share_commits() {
    let fixture = Fixture::new().await;
    let before = fixture.store.commits();
    let writes = (0..400).map(|n| {
        fixture
            .store
            .insert_events(vec![event(&format!("c{n}"), Some("created"))], at(0))
    });
    for write in join_all(writes).await {
        assert!(matches!(write.unwrap()[..], [Inserted::Stored(_)]));
    }
    // All wait before the writer looks, on this runtime of one thread.
    let commits = fixture.store.commits() - before;
    assert!(commits <= 4, "400 writes took {commits} commits");
    assert_eq!(fixture.store.summary().await.unwrap().events, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_simultaneous_duplicates_one_is_stored() {
    let fixture = Fixture::new().await;
    let insert = |event: NewEvent| fixture.store.insert_events(vec![event], at(0));
    let versioned = (0..50).map(|_| insert(event("c1", Some("v1"))));
    let unread = (0..50).map(|_| {
        insert(NewEvent {
            delivery: Some("hash".into()),
            ..event("c2", None)
        })
    });
    for race in [join_all(versioned).await, join_all(unread).await] {
        let outcomes: Vec<_> = race
            .into_iter()
            .map(|outcome| outcome.unwrap()[0])
            .collect();
        let stored: Vec<_> = outcomes
            .iter()
            .filter(|one| matches!(one, Inserted::Stored(_)))
            .collect();
        let [Inserted::Stored(id)] = stored[..] else {
            panic!("{stored:?}")
        };
        assert_eq!(
            outcomes
                .iter()
                .filter(|one| **one == Inserted::Duplicate(*id))
                .count(),
            49
        );
    }
}

#[tokio::test]
async fn a_refused_write_undoes_itself_and_nothing_else() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c0").await;
    let before = fixture.store.commits();
    let stale = canopy_store::Fence {
        epoch: 7,
        ..fixture.fence.clone()
    };
    let insert = |record| {
        fixture
            .store
            .insert_events(vec![event(record, Some("v1"))], at(0))
    };
    let (first, refused, fenced, last) = futures::join!(
        insert("c1"),
        // Writes its step, then finds that the purchase's run does not exist.
        fixture.store.intend_purchase(
            &fixture.fence,
            tree(999, "k"),
            step(run, "buy", "k"),
            vec![],
            at(0)
        ),
        fixture.store.put_link(
            &stale,
            LinkUpdate {
                kind: "note".into(),
                highlevel_id: "n1".into(),
                ecologi_id: "e1".into(),
                written_hash: None,
            },
            at(0)
        ),
        insert("c2"),
    );
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    assert!(
        matches!(fenced, Err(StoreError::Fenced { epoch: 7, .. })),
        "{fenced:?}"
    );
    assert!(matches!(first.unwrap()[..], [Inserted::Stored(_)]));
    assert!(matches!(last.unwrap()[..], [Inserted::Stored(_)]));
    assert_eq!(
        fixture.store.commits() - before,
        1,
        "all four were one transaction"
    );
    let events = fixture.store.recent_events(10).await.unwrap();
    let records: Vec<_> = events.iter().map(|row| row.event.record.as_str()).collect();
    assert_eq!(records, ["c2", "c1", "c0"]);
    assert!(
        fixture.store.steps(run).await.unwrap().is_empty(),
        "undone with the purchase"
    );
    assert_eq!(
        fixture.store.link(LOCATION, "note", "n1").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_whole_writes() {
    let fixture = Fixture::new().await;
    for n in 0..20 {
        let events = (0..3)
            .map(|part| event(&format!("c{n}.{part}"), Some("v1")))
            .collect();
        // Polled once, so that the write is on its way, and dropped.
        assert!(
            fixture
                .store
                .insert_events(events, at(0))
                .now_or_never()
                .is_none()
        );
    }
    // A later write is answered after all earlier ones were done.
    fixture.stored(event("last", Some("v1"))).await;
    let events = fixture.store.recent_events(100).await.unwrap();
    assert_eq!(events.len(), 61);
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_acknowledged_and_stops_nothing_for_good() {
    let fixture = Fixture::new().await;
    let path = fixture.path();
    fixture.store.close().await;
    let small = SqliteOptions {
        // What an empty store takes, and some events.
        max_size: Some(std::fs::metadata(&path).unwrap().len() + 200 * 1024),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open_with(&path, &fixture.key, &small)
        .await
        .unwrap();
    let big = |n: usize| NewEvent {
        payload: json!("x".repeat(20_000)),
        ..event(&format!("c{n}"), Some("v1"))
    };
    let mut acknowledged = Vec::new();
    let failed = loop {
        match store
            .insert_events(vec![big(acknowledged.len())], at(0))
            .await
        {
            Ok(inserted) => acknowledged.extend(inserted),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 100, "it never filled up");
    };
    assert!(acknowledged.len() > 3, "{acknowledged:?}");
    assert!(matches!(failed, StoreError::Unavailable { .. }), "{failed}");
    assert!(
        failed.to_string().contains("check the disk's free space"),
        "{failed}"
    );

    // A batch of which one write does not fit fails as a whole, with the same reason for all.
    let small_event = || event("small", Some("v1"));
    let (one, two) = futures::join!(
        store.insert_events(vec![small_event()], at(0)),
        store.insert_events(vec![big(100), big(101)], at(0))
    );
    assert!(unavailable(&one) && unavailable(&two), "{one:?} {two:?}");
    // What still fits is written.
    let fits = store
        .insert_events(vec![small_event()], at(0))
        .await
        .unwrap();
    assert!(matches!(fits[..], [Inserted::Stored(_)]), "{fits:?}");
    store.close().await;

    let store = SqliteStore::open(&path, &fixture.key).await.unwrap();
    assert_eq!(
        store.recent_events(1000).await.unwrap().len(),
        acknowledged.len() + 1
    );
    let again = store
        .insert_events(vec![big(acknowledged.len())], at(0))
        .await
        .unwrap();
    assert!(matches!(again[..], [Inserted::Stored(_)]), "{again:?}");
}

#[tokio::test]
async fn a_locked_file_is_reported_and_the_same_call_works_later() {
    let fixture = Fixture::new().await;
    let options = SqliteOptions {
        busy_timeout: Duration::from_millis(20),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open_with(&fixture.path(), &fixture.key, &options)
        .await
        .unwrap();
    let mut other = raw(&fixture.path()).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let blocked = store
        .insert_events(vec![event("c1", Some("v1"))], at(0))
        .await;
    assert!(unavailable(&blocked), "{blocked:?}");
    assert!(
        store.recent_events(10).await.unwrap().is_empty(),
        "reads go on"
    );
    other.execute("ROLLBACK").await.unwrap();
    other.close().await.unwrap();
    let inserted = store
        .insert_events(vec![event("c1", Some("v1"))], at(0))
        .await
        .unwrap();
    assert!(matches!(inserted[..], [Inserted::Stored(_)]));
}

#[tokio::test]
async fn a_deleted_file_is_not_silently_replaced_by_an_empty_one() {
    let fixture = Fixture::new().await;
    let options = SqliteOptions {
        busy_timeout: Duration::from_millis(20),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open_with(&fixture.path(), &fixture.key, &options)
        .await
        .unwrap();
    let mut other = raw(&fixture.path()).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    // Makes the writer drop its connection.
    assert!(unavailable(
        &store.insert_events(vec![event("c1", None)], at(0)).await
    ));
    std::fs::remove_file(fixture.path()).unwrap();
    let written = store.insert_events(vec![event("c1", None)], at(0)).await;
    assert!(matches!(written, Err(StoreError::Gone { .. })));
    assert!(!fixture.path().exists());
}

#[tokio::test]
async fn closing_finishes_what_waits_and_refuses_what_comes_later() {
    let fixture = Fixture::new().await;
    fixture.store.summary().await.unwrap();
    let events = (0..300).map(|n| {
        fixture
            .store
            .insert_events(vec![event(&format!("c{n}"), Some("v1"))], at(0))
    });
    let (written, ()) = futures::join!(join_all(events), fixture.store.close());
    assert!(written.iter().all(Result::is_ok));
    let clone = fixture.store.clone();
    assert!(unavailable(
        &clone.insert_events(vec![event("late", None)], at(0)).await
    ));
    assert!(unavailable(&clone.recent_events(1).await));
    clone.close().await;
    assert!(
        !fixture.path().with_extension("db-wal").exists(),
        "the log was folded into the file"
    );
    let store = SqliteStore::open(&fixture.path(), &fixture.key)
        .await
        .unwrap();
    assert_eq!(store.summary().await.unwrap().events, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_may_write_at_the_same_time() {
    let fixture = Fixture::new().await;
    let other = SqliteStore::open(&fixture.path(), &fixture.key)
        .await
        .unwrap();
    let writes = (0..100).flat_map(|n| {
        let same = event(&format!("c{n}"), Some("created"));
        [&fixture.store, &other].map(|store| store.insert_events(vec![same.clone()], at(0)))
    });
    let outcomes: Vec<_> = join_all(writes)
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap()[0])
        .collect();
    assert_eq!(
        outcomes
            .iter()
            .filter(|one| matches!(one, Inserted::Stored(_)))
            .count(),
        100
    );
    assert!(
        other
            .acquire_lease(LOCATION, "other", at(0), HOUR)
            .await
            .unwrap()
            .is_none(),
        "leases are shared"
    );
}
