//! Leases, and the fence in front of every write that needs one.

use std::collections::BTreeSet;

use canopy_store::{
    Completion, EventEnd, Fence, LinkUpdate, MoneyStore, PollCommit, ProfileStore, RunState,
    RunUpdate, SqliteStore, StepState, Store, StoreError, Trouble, Version, Written,
};
use futures::future::{BoxFuture, FutureExt as _};
use serde_json::json;

use crate::support::{
    Fixture, HOUR, LOCATION, at, confirmed, dump, event, outcome_of, postponed, record, step, tree,
};

#[tokio::test]
async fn a_lease_is_renewed_by_its_owner_and_taken_over_after_it_expired() {
    let fixture = Fixture::new().await;
    let acquire = async |owner, hours| {
        fixture
            .store
            .acquire_lease(LOCATION, owner, at(hours), HOUR)
            .await
            .unwrap()
    };
    assert_eq!(
        fixture.fence,
        Fence {
            location: LOCATION.into(),
            owner: "me".into(),
            epoch: 1
        }
    );
    assert_eq!(acquire("you", 0).await, None);
    assert_eq!(
        acquire("me", 1).await.unwrap().epoch,
        1,
        "renewed, though it had just expired"
    );
    assert_eq!(acquire("you", 1).await, None, "the renewal counts");
    assert_eq!(acquire("you", 2).await.unwrap().epoch, 2);
    assert_eq!(acquire("me", 2).await, None);
    assert_eq!(acquire("me", 3).await.unwrap().epoch, 3);
    let elsewhere = fixture
        .store
        .acquire_lease("other", "you", at(0), HOUR)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(elsewhere.epoch, 1);
}

#[tokio::test]
async fn a_released_lease_is_free_at_once_and_its_fence_is_stale() {
    let fixture = Fixture::new().await;
    fixture.store.release_lease(&fixture.fence).await.unwrap();
    let refused = fixture.store.release_lease(&fixture.fence).await;
    assert!(
        matches!(refused, Err(StoreError::Fenced { epoch: 1, .. })),
        "{refused:?}"
    );
    let next = fixture
        .store
        .acquire_lease(LOCATION, "me", at(0), HOUR)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(next.epoch, 2);
}

#[tokio::test]
async fn a_location_keeps_its_connection() {
    let fixture = Fixture::new().await;
    let register = async |location, connection| {
        fixture
            .store
            .register_connection(location, connection, at(0))
            .await
    };
    register(LOCATION, "main").await.unwrap();
    register(LOCATION, "main").await.unwrap();
    register("other", "main").await.unwrap();
    let changed = register(LOCATION, "renamed").await.unwrap_err();
    assert!(
        matches!(&changed, StoreError::ConnectionChanged { known, .. } if known == "main"),
        "{changed}"
    );
    register(LOCATION, "main").await.unwrap();
}

/// Rows that the fenced calls below could change.
struct Rows {
    event: i64,
    unread: i64,
    run: i64,
}

type Call =
    for<'a> fn(&'a SqliteStore, &'a Fence, &'a Rows) -> BoxFuture<'a, Result<(), StoreError>>;

fn update() -> RunUpdate {
    RunUpdate {
        state: RunState::Done,
        attempts: 1,
        next_attempt_at: None,
        error: None,
        trouble: Trouble::default(),
    }
}

fn written() -> Written {
    Written {
        target: "/contacts/c1".into(),
        parts: vec!["firstName".into()],
        contact: Some("c1".into()),
        position: 1,
    }
}

fn link() -> LinkUpdate {
    LinkUpdate {
        kind: "note".into(),
        highlevel_id: "n1".into(),
        ecologi_id: "e1".into(),
        written_hash: None,
    }
}

/// Every fenced method, with arguments which the holder of the lease succeeds with, in this order.
#[rustfmt::skip]
const FENCED: &[(&str, Call)] = &[
    ("commit_poll", |s, f, _| s.commit_poll(f, polled(), at(1)).map(drop_ok).boxed()),
    ("rename_poll", |s, f, _| s.rename_poll(f, "contacts", "people").map(drop_ok).boxed()),
    ("put_records", |s, f, _| s.put_records(f, "backfill", json!(1), vec![record("r1", 1)], at(1)).map(drop_ok).boxed()),
    ("fire_events", |s, f, _| s.fire_events(f, vec![event("fired", Some("created"))], at(1)).map(drop_ok).boxed()),
    ("postpone_event", |s, f, r| s.postpone_event(f, r.unread, postponed(at(2), "503"), at(1)).boxed()),
    // Two hours after the beginning lie in the future of a clock that shows the beginning.
    ("set_right", |s, f, _| s.set_right(f, at(0)).map(drop_ok).boxed()),
    ("hold_event", |s, f, r| async move {
        s.hold_event(f, r.unread, "old", at(1)).await?;
        s.approve_event(r.unread, at(1)).await.map(drop)
    }.boxed()),
    ("complete_event", |s, f, r| s.complete_event(f, r.unread, completion(), at(1)).map(drop_ok).boxed()),
    ("start_runs", |s, f, r| s.start_runs(f, r.event, vec![], at(1)).map(drop_ok).boxed()),
    ("settle_event", |s, f, r| s.settle_event(f, r.unread, EventEnd::Gone, at(1)).boxed()),
    ("update_run", |s, f, r| s.update_run(f, r.run, update(), at(1)).boxed()),
    ("intend_step", |s, f, r| s.intend_step(f, step(r.run, "note", "s1"), at(1)).map(drop_ok).boxed()),
    ("finish_step", |s, f, r| s.finish_step(f, outcome_of(r.run, "note", StepState::Done), at(1)).boxed()),
    ("intend_purchase", |s, f, r| s.intend_purchase(f, tree(r.run, "new"), step(r.run, "b2", "new"), vec![], at(1)).map(drop_ok).boxed()),
    ("mark_sent", |s, f, _| s.mark_sent(f, "k", "account", at(1)).boxed()),
    ("settle_purchase", |s, f, r| s.settle_purchase(f, "k", confirmed("1"), outcome_of(r.run, "buy", StepState::Done), at(1)).boxed()),
    ("wait_for_gate", |s, f, r| s.wait_for_gate(f, tree(r.run, "waits"), "account", at(1)).boxed()),
    ("keep_waiting", |s, f, _| s.keep_waiting(f, vec!["waits".into()], "a day", at(3), at(2)).boxed()),
    ("free_purchase", |s, f, _| s.free_purchase(f, "waits", "GBP", vec![], at(3), at(2)).map(drop_ok).boxed()),
    ("put_written", |s, f, _| s.put_written(f, written(), at(1)).boxed()),
    ("put_link", |s, f, _| s.put_link(f, link(), at(1)).boxed()),
    ("clear_written_hash", |s, f, _| s.clear_written_hash(f, "note", "n0", at(1)).boxed()),
    ("release_lease", |s, f, _| s.release_lease(f).boxed()),
];

fn drop_ok<T>(result: Result<T, StoreError>) -> Result<(), StoreError> {
    result.map(|_| ())
}

fn polled() -> PollCommit {
    PollCommit {
        name: "contacts".into(),
        state: json!(2),
        events: vec![event("polled", Some("v1"))],
        ..PollCommit::default()
    }
}

fn completion() -> Completion {
    Completion {
        kind: None,
        record: None,
        version: Version::Own("v1".into()),
        contact: None,
        payload: json!({}),
        read: true,
        seen: None,
    }
}

async fn rows(fixture: &Fixture) -> Rows {
    let event_id = fixture.stored(event("c1", Some("v1"))).await;
    let unread = fixture.stored(event("c2", None)).await;
    let run = fixture.run("c3").await;
    fixture.intend(tree(run, "k"), vec![], at(0)).await;
    let known = LinkUpdate {
        highlevel_id: "n0".into(),
        written_hash: Some("h".into()),
        ..link()
    };
    fixture
        .store
        .put_link(&fixture.fence, known, at(0))
        .await
        .unwrap();
    Rows {
        event: event_id,
        unread,
        run,
    }
}

#[tokio::test]
async fn a_stale_owner_writes_nothing() {
    let fixture = Fixture::new().await;
    let rows = rows(&fixture).await;
    let taken = fixture
        .store
        .acquire_lease(LOCATION, "you", at(1), HOUR)
        .await
        .unwrap()
        .unwrap();
    let before = dump(&fixture.path()).await;
    let stale = [
        fixture.fence.clone(),
        // The same epoch under another name, the same name with an epoch to come, no lease at all.
        Fence {
            owner: "me".into(),
            ..taken.clone()
        },
        Fence {
            epoch: 3,
            ..taken.clone()
        },
        Fence {
            location: "unheard of".into(),
            ..taken
        },
    ];
    for (name, call) in FENCED {
        for fence in &stale {
            let refused = call(&fixture.store, fence, &rows).await;
            let expected =
                matches!(&refused, Err(StoreError::Fenced { epoch, .. }) if *epoch == fence.epoch);
            assert!(expected, "{name} with {fence:?}: {refused:?}");
        }
        assert_eq!(
            dump(&fixture.path()).await,
            before,
            "{name} wrote something"
        );
    }
}

#[tokio::test]
async fn the_owner_of_the_lease_may_call_all_of_them() {
    let fixture = Fixture::new().await;
    let rows = rows(&fixture).await;
    for (name, call) in FENCED {
        let before = dump(&fixture.path()).await;
        call(&fixture.store, &fixture.fence, &rows)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(
            dump(&fixture.path()).await,
            before,
            "{name} wrote nothing, so its refusal would show nothing"
        );
    }
}

#[test]
fn the_table_has_every_fenced_method_of_the_trait() {
    let methods = [
        include_str!("../../src/store.rs"),
        include_str!("../../src/profile_store.rs"),
        include_str!("../../src/money_store.rs"),
    ]
    .into_iter()
    .flat_map(|part| part.split("async fn ").skip(1));
    let fenced: BTreeSet<_> = methods
        .filter(|method| {
            method
                .split(';')
                .next()
                .is_some_and(|signature| signature.contains("fence: &Fence"))
        })
        .filter_map(|method| method.split('(').next())
        .collect();
    assert_eq!(
        fenced,
        FENCED
            .iter()
            .map(|(name, _)| *name)
            .collect::<BTreeSet<_>>()
    );
}
