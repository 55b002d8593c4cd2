//! What polls last saw, kept in the transaction that stores what they found.

use canopy_store::{
    EventEnd, EventState, Inserted, PollCommit, PollRecord, Postponed, Store, StoreError,
};
use serde_json::json;

use crate::support::{Fixture, LOCATION, at, event};

fn seen(record: &str, parent: &str, number: i64) -> PollRecord {
    PollRecord {
        record: record.into(),
        parent: parent.into(),
        version: format!("v{number}"),
        number,
        facets: json!({"/completed": false}),
        missing: 0,
    }
}

#[tokio::test]
async fn records_are_kept_replaced_and_forgotten_for_each_poll() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let commit = |name: &str, seen, gone| PollCommit {
        name: name.into(),
        seen,
        gone,
        ..PollCommit::default()
    };
    let first = vec![seen("a", "p", 1), seen("b", "q", 1)];
    let other = vec![seen("a", "", 5)];
    for commit in [
        commit("notes", first, vec![]),
        commit("tasks", other, vec![]),
        commit("notes", vec![seen("b", "q", 2)], vec!["a".into()]),
    ] {
        store
            .commit_poll(&fixture.fence, commit, at(1))
            .await
            .unwrap();
    }
    let notes = store.poll_records(LOCATION, "notes", None).await.unwrap();
    assert_eq!(notes, [seen("b", "q", 2)]);
    let of = async |parent| {
        let records = store.poll_records(LOCATION, "notes", Some(parent)).await;
        records.unwrap().len()
    };
    assert_eq!((of("p").await, of("q").await), (0, 1));
    let tasks = store.poll_record(LOCATION, "tasks", "a").await.unwrap();
    assert_eq!(tasks, Some(seen("a", "", 5)));
    assert_eq!(store.polled_locations().await.unwrap(), [LOCATION]);
}

#[tokio::test]
async fn an_event_that_was_given_up_comes_back_when_a_list_shows_its_record_unchanged() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let mut ids = Vec::new();
    for record in ["there", "away"] {
        let inserted = store.insert_events(vec![event(record, None)], at(0)).await;
        let Inserted::Stored(id) = inserted.unwrap()[0] else {
            panic!("it is new")
        };
        let postponed = Postponed {
            until: at(1),
            attempts: 1,
            error: "not there".into(),
            missing_since: Some(at(0)),
            missing: None,
        };
        store
            .postpone_event(&fixture.fence, id, postponed, at(0))
            .await
            .unwrap();
        store
            .settle_event(&fixture.fence, id, EventEnd::Gone, at(1))
            .await
            .unwrap();
        ids.push(id);
    }
    let commit = PollCommit {
        name: "list".into(),
        shown: vec!["another".into(), "there".into()],
        ..PollCommit::default()
    };
    store
        .commit_poll(&fixture.fence, commit, at(2))
        .await
        .unwrap();
    let state = async |id| store.event(id).await.unwrap().unwrap().state;
    assert_eq!(state(ids[0]).await, EventState::Pending);
    assert_eq!(state(ids[1]).await, EventState::Gone);
}

#[tokio::test]
async fn nothing_is_kept_of_a_poll_whose_events_are_refused() {
    let fixture = Fixture::new().await;
    let mut stranger = event("c1", Some("v1"));
    stranger.location = "another".into();
    let commit = PollCommit {
        name: "notes".into(),
        events: vec![event("c2", Some("v1")), stranger],
        seen: vec![seen("a", "p", 1)],
        ..PollCommit::default()
    };
    let refused = fixture
        .store
        .commit_poll(&fixture.fence, commit, at(1))
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    let kept = fixture.store.poll_records(LOCATION, "notes", None).await;
    assert_eq!(kept.unwrap(), []);
    assert_eq!(fixture.store.recent_events(10).await.unwrap(), []);
}

#[tokio::test]
async fn events_about_a_record_are_told_in_order_from_a_number_on() {
    let fixture = Fixture::new().await;
    let of = |kind: &str, record: &str| {
        let mut event = event(record, Some("v1"));
        event.kind = kind.into();
        event
    };
    for event in [
        of("contact.updated", "c1"),
        of("contacts.updated", "x"),
        of("contact.tags_updated", "c2"),
        of("note.created", "n1"),
    ] {
        fixture.stored(event).await;
    }
    let about = async |after, limit| {
        let events = fixture
            .store
            .events_about(LOCATION, "contact", after, limit);
        events.await.unwrap()
    };
    let first = (1, "c1".to_owned(), "contact.updated".to_owned());
    let second = (3, "c2".to_owned(), "contact.tags_updated".to_owned());
    assert_eq!(about(0, 10).await, [first.clone(), second.clone()]);
    assert_eq!(about(1, 10).await, [second]);
    assert_eq!(about(0, 1).await, [first]);
}
