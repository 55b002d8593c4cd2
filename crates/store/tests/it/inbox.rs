//! The inbox: one change is one event, in order of arrival.

use canopy_mapping::Source;
use canopy_store::{
    Completion, EventEnd, EventState, Inserted, NewEvent, PollCommit, Store, StoreError, Version,
};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{Fixture, LOCATION, at, event, postponed};

fn completion(version: &str) -> Completion {
    Completion {
        kind: None,
        record: None,
        version: Version::Own(version.into()),
        contact: None,
        payload: json!({"read": version}),
        read: true,
        seen: None,
    }
}

fn delivered(hash: &str) -> NewEvent {
    NewEvent {
        delivery: Some(hash.into()),
        ..event("c1", None)
    }
}

async fn pending(fixture: &Fixture, hours: i64) -> Vec<i64> {
    let rows = fixture
        .store
        .pending_events(LOCATION, at(hours), 0, 100)
        .await
        .unwrap();
    rows.iter().map(|row| row.event.id).collect()
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_stored() {
    let fixture = Fixture::new().await;
    let id = fixture.stored(event("c1", Some("created"))).await;
    let row = fixture.store.event(id).await.unwrap().unwrap();
    let sent = event("c1", Some("created"));
    assert_eq!(row.event.id, id);
    assert_eq!(row.event.source, Source::Webhook);
    assert_eq!(row.event.kind, sent.kind);
    assert_eq!(row.event.location, sent.location);
    assert_eq!(row.event.contact, sent.contact);
    assert_eq!(row.event.record, sent.record);
    assert_eq!(row.event.occurred_at, sent.occurred_at);
    assert_eq!(row.event.version, sent.version);
    assert_eq!(
        row.event.payload.to_string(),
        sent.payload.to_string(),
        "order of fields included"
    );
    assert_eq!(
        (row.state, row.attempts, row.received_at),
        (EventState::Pending, 0, at(0))
    );
    assert_eq!(fixture.store.event(id + 1).await.unwrap(), None);
}

#[tokio::test]
async fn the_same_change_is_one_event_and_another_version_another() {
    use Inserted::{Duplicate, Stored};
    let fixture = Fixture::new().await;
    let poll = NewEvent {
        source: Source::Poll,
        ..event("c1", Some("v1"))
    };
    let elsewhere = NewEvent {
        location: "other".into(),
        ..event("c1", Some("v1"))
    };
    let other_kind = NewEvent {
        kind: "contact.updated".into(),
        ..event("c1", Some("v1"))
    };
    let events = vec![
        event("c1", Some("v1")),
        poll,
        event("c1", Some("v2")),
        elsewhere,
        other_kind,
    ];
    let inserted = fixture.store.insert_events(events, at(0)).await.unwrap();
    let [
        Stored(first),
        Duplicate(twin),
        Stored(second),
        Stored(third),
        Stored(fourth),
    ] = inserted[..]
    else {
        panic!("{inserted:?}")
    };
    assert_eq!(twin, first);
    assert!(
        first < second && second < third && third < fourth,
        "in order of arrival: {inserted:?}"
    );
    // Also once it is settled.
    fixture
        .store
        .settle_event(&fixture.fence, first, EventEnd::NoMatch, at(0))
        .await
        .unwrap();
    let again = fixture
        .store
        .insert_events(vec![event("c1", Some("v1"))], at(1))
        .await
        .unwrap();
    assert_eq!(again, [Duplicate(first)]);
}

#[tokio::test]
async fn a_repeated_delivery_is_a_duplicate_until_the_first_was_read() {
    let fixture = Fixture::new().await;
    let first = fixture.stored(delivered("abc")).await;
    let insert = async |event| {
        fixture
            .store
            .insert_events(vec![event], at(0))
            .await
            .unwrap()
    };
    assert_eq!(insert(delivered("abc")).await, [Inserted::Duplicate(first)]);
    let other = fixture.stored(delivered("def")).await;
    // Without a hash nothing can be said.
    fixture.stored(event("c1", None)).await;

    let read = fixture
        .store
        .complete_event(&fixture.fence, first, completion("v1"), at(1))
        .await
        .unwrap();
    assert_eq!(read, Inserted::Stored(first));
    let later = fixture.stored(delivered("abc")).await;
    assert!(later > other);
    // A settled one does not hold it up either.
    fixture
        .store
        .settle_event(&fixture.fence, other, EventEnd::Gone, at(1))
        .await
        .unwrap();
    fixture.stored(delivered("def")).await;
}

#[tokio::test]
async fn reading_the_record_completes_the_event_or_finds_its_twin() {
    let fixture = Fixture::new().await;
    let first = fixture.stored(delivered("a")).await;
    let second = fixture.stored(delivered("b")).await;
    fixture
        .store
        .postpone_event(&fixture.fence, first, postponed(at(2), "timed out"), at(0))
        .await
        .unwrap();
    let full = Completion {
        contact: Some("c9".into()),
        ..completion("v1")
    };
    fixture
        .store
        .complete_event(&fixture.fence, first, full, at(2))
        .await
        .unwrap();
    let row = fixture.store.event(first).await.unwrap().unwrap();
    assert_eq!(row.event.version.as_deref(), Some("v1"));
    assert_eq!(row.event.contact.as_deref(), Some("c9"));
    assert_eq!(row.event.payload, json!({"read": "v1"}));
    assert_eq!(
        (row.state, row.attempts, row.next_attempt_at, row.error),
        (EventState::Pending, 1, None, None)
    );

    let twin = fixture
        .store
        .complete_event(&fixture.fence, second, completion("v1"), at(2))
        .await
        .unwrap();
    assert_eq!(twin, Inserted::Duplicate(first));
    let row = fixture.store.event(second).await.unwrap().unwrap();
    assert_eq!(row.state, EventState::Duplicate);
    assert_eq!(
        row.event.contact.as_deref(),
        Some("c1"),
        "kept where the reading tells none"
    );
    assert_eq!(pending(&fixture, 2).await, [first]);
    // Reading it once more is no change.
    let again = fixture
        .store
        .complete_event(&fixture.fence, first, completion("v1"), at(3))
        .await
        .unwrap();
    assert_eq!(again, Inserted::Stored(first));
}

#[tokio::test]
async fn pending_events_come_in_order_of_arrival_once_they_are_due() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for record in ["z", "a", "m"] {
        ids.push(fixture.stored(event(record, Some("created"))).await);
    }
    assert_eq!(pending(&fixture, 0).await, ids);
    assert_eq!(fixture.store.next_due(LOCATION).await.unwrap(), None);
    fixture
        .store
        .postpone_event(&fixture.fence, ids[0], postponed(at(3), "503"), at(0))
        .await
        .unwrap();
    assert_eq!(pending(&fixture, 2).await, ids[1..]);
    assert_eq!(fixture.store.next_due(LOCATION).await.unwrap(), Some(at(3)));
    assert_eq!(pending(&fixture, 3).await, ids);
    let row = fixture.store.event(ids[0]).await.unwrap().unwrap();
    assert_eq!((row.attempts, row.error.as_deref()), (1, Some("503")));
    assert_eq!(
        fixture
            .store
            .pending_events(LOCATION, at(3), 0, 2)
            .await
            .unwrap()
            .len(),
        2
    );
    let store = &fixture.store;
    let behind = store.pending_events(LOCATION, at(3), ids[0], 10).await;
    assert_eq!(behind.unwrap()[0].event.id, ids[1], "the next page");
    let newest_first: Vec<_> = fixture
        .store
        .recent_events(2)
        .await
        .unwrap()
        .iter()
        .map(|row| row.event.id)
        .collect();
    assert_eq!(newest_first, [ids[2], ids[1]]);
}

#[tokio::test]
async fn a_settled_event_stays_as_it_is() {
    let fixture = Fixture::new().await;
    let id = fixture.stored(event("c1", Some("created"))).await;
    let settle = async |end| {
        fixture
            .store
            .settle_event(&fixture.fence, id, end, at(0))
            .await
    };
    settle(EventEnd::Echo).await.unwrap();
    settle(EventEnd::Echo).await.unwrap();
    assert!(matches!(
        settle(EventEnd::NoMatch).await,
        Err(StoreError::Conflict(_))
    ));
    assert!(pending(&fixture, 9).await.is_empty());
    let start = fixture
        .store
        .start_runs(&fixture.fence, id, vec![], at(0))
        .await;
    assert!(matches!(start, Err(StoreError::Conflict(_))));
    let postponed = fixture
        .store
        .postpone_event(&fixture.fence, id, postponed(at(5), "late"), at(0))
        .await;
    assert!(matches!(postponed, Err(StoreError::Conflict(_))));
}

#[tokio::test]
async fn a_poll_stores_its_findings_and_its_cursor_together() {
    let fixture = Fixture::new().await;
    assert_eq!(
        fixture.store.cursor(LOCATION, "contacts").await.unwrap(),
        None
    );
    let poll = async |state, events| {
        let commit = PollCommit {
            name: "contacts".into(),
            state,
            events,
            ..PollCommit::default()
        };
        fixture
            .store
            .commit_poll(&fixture.fence, commit, at(1))
            .await
    };
    let events = vec![event("c1", Some("v1")), event("c2", Some("v1"))];
    assert_eq!(
        poll(json!({"after": 1}), events).await.unwrap(),
        [Inserted::Stored(1), Inserted::Stored(2)]
    );
    assert_eq!(
        poll(json!({"after": 2}), vec![event("c2", Some("v1"))])
            .await
            .unwrap(),
        [Inserted::Duplicate(2)]
    );
    let cursor = fixture
        .store
        .cursor(LOCATION, "contacts")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (cursor.state, cursor.updated_at),
        (json!({"after": 2}), at(1))
    );

    // An event of another location is not covered by the lease: neither it nor the cursor is written.
    let stranger = NewEvent {
        location: "other".into(),
        ..event("c3", Some("v1"))
    };
    let refused = poll(json!({"after": 3}), vec![event("c4", Some("v1")), stranger]).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    assert_eq!(
        fixture
            .store
            .cursor(LOCATION, "contacts")
            .await
            .unwrap()
            .unwrap()
            .state,
        json!({"after": 2})
    );
    assert_eq!(fixture.store.recent_events(10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn instants_are_kept_to_the_microsecond() {
    let fixture = Fixture::new().await;
    let occurred_at = at(0) + SignedDuration::from_nanos(123_456_789);
    let id = fixture
        .stored(NewEvent {
            occurred_at,
            ..event("c1", None)
        })
        .await;
    let row = fixture.store.event(id).await.unwrap().unwrap();
    assert_eq!(
        row.event.occurred_at,
        at(0) + SignedDuration::from_micros(123_456)
    );
}

#[tokio::test]
async fn an_event_can_turn_out_to_be_of_another_kind_and_record() {
    let fixture = Fixture::new().await;
    let known = NewEvent {
        kind: "contact.deleted".into(),
        ..event("c1", Some("deleted"))
    };
    let known = fixture.stored(known).await;
    let complete = async |delivery: &str, record: &str| {
        let id = fixture.stored(delivered(delivery)).await;
        let turned = Completion {
            kind: Some("contact.deleted".into()),
            record: Some(record.into()),
            ..completion("deleted")
        };
        let inserted = fixture
            .store
            .complete_event(&fixture.fence, id, turned, at(0))
            .await
            .unwrap();
        (id, inserted)
    };
    let (id, inserted) = complete("a", "c2").await;
    assert_eq!(inserted, Inserted::Stored(id));
    let row = fixture.store.event(id).await.unwrap().unwrap().event;
    assert_eq!((&*row.kind, &*row.record), ("contact.deleted", "c2"));
    let (_, inserted) = complete("b", "c1").await;
    assert_eq!(inserted, Inserted::Duplicate(known));
}
