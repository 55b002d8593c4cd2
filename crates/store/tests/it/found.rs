//! Events that several polls find, contents without a version, and events that wait for a person.

use canopy_mapping::{Source, Trace};
use canopy_store::{
    APPROVAL, Completion, EventEnd, EventState, Inserted, NewAlert, NewEvent, NewRun, Store,
    Version,
};
use serde_json::json;

use crate::support::{Fixture, LOCATION, at, event};

fn found(poll: &str) -> NewEvent {
    NewEvent {
        source: Source::Poll,
        trace: Trace {
            found_by: vec![poll.into()],
            ..Trace::default()
        },
        ..event("c1", Some("v1"))
    }
}

fn run(workflow: &str) -> NewRun {
    NewRun {
        workflow: workflow.into(),
        definition: workflow.into(),
    }
}

fn content(hash: &str) -> Completion {
    Completion {
        kind: None,
        record: None,
        version: Version::Content(hash.into()),
        contact: None,
        payload: json!({ "body": hash }),
        read: true,
        seen: None,
    }
}

#[tokio::test]
async fn a_further_poll_opens_the_event_again_and_keeps_its_runs() {
    let fixture = Fixture::new().await;
    let (store, fence) = (&fixture.store, &fixture.fence);
    let id = fixture.stored(found("a")).await;
    store
        .start_runs(fence, id, vec![run("for-a")], at(0))
        .await
        .unwrap();
    // The same poll again is no news, another one is.
    for (poll, state) in [("a", EventState::Started), ("b", EventState::Pending)] {
        let inserted = store.insert_events(vec![found(poll)], at(1)).await.unwrap();
        assert_eq!(inserted, [Inserted::Duplicate(id)]);
        assert_eq!(store.event(id).await.unwrap().unwrap().state, state);
    }
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!(row.event.trace.found_by, ["a", "b"]);
    store
        .start_runs(fence, id, vec![run("for-a"), run("for-b")], at(1))
        .await
        .unwrap();
    assert_eq!(store.runs(None, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_echo_stays_one_whoever_finds_it() {
    let fixture = Fixture::new().await;
    let (store, fence) = (&fixture.store, &fixture.fence);
    let id = fixture.stored(found("a")).await;
    store
        .settle_event(fence, id, EventEnd::Echo, at(0))
        .await
        .unwrap();
    store.insert_events(vec![found("b")], at(1)).await.unwrap();
    assert_eq!(
        store.event(id).await.unwrap().unwrap().state,
        EventState::Echo
    );
}

#[tokio::test]
async fn there_and_back_is_three_contents_and_a_repeat_is_none() {
    let fixture = Fixture::new().await;
    let (store, fence) = (&fixture.store, &fixture.fence);
    let mut told = Vec::new();
    for (n, hash) in ["a", "b", "a", "a", "b"].into_iter().enumerate() {
        let mut hint = event("n1", None);
        hint.delivery = Some(format!("delivery {n}"));
        let id = fixture.stored(hint).await;
        let stored = store
            .complete_event(fence, id, content(hash), at(0))
            .await
            .unwrap();
        // A crash after it: the same again changes nothing.
        if stored == Inserted::Stored(id) {
            let again = store.complete_event(fence, id, content(hash), at(0)).await;
            assert_eq!(again.unwrap(), stored);
        }
        told.push((id, stored));
    }
    let twins: Vec<_> = told
        .iter()
        .filter(|(_, stored)| matches!(stored, Inserted::Duplicate(_)))
        .collect();
    assert_eq!(twins, [&(told[3].0, Inserted::Duplicate(told[2].0))]);
    let version = |id| async move {
        let row = store.event(id).await.unwrap().unwrap();
        row.event.version.unwrap()
    };
    assert_eq!(version(told[2].0).await, "3:a");
    assert_eq!(version(told[4].0).await, "4:b");
}

#[tokio::test]
async fn a_held_event_waits_until_a_person_approves_it() {
    let fixture = Fixture::new().await;
    let (store, fence) = (&fixture.store, &fixture.fence);
    let id = fixture.stored(event("c1", Some("created"))).await;
    store
        .hold_event(fence, id, "older than 24 h", at(0))
        .await
        .unwrap();
    assert!(
        store
            .pending_events(LOCATION, at(1), 0, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let held = store.events_in(EventState::Held, 10).await.unwrap();
    assert_eq!(held[0].error.as_deref(), Some("older than 24 h"));
    assert_eq!(store.summary().await.unwrap().events_held, 1);
    assert!(store.approve_event(id, at(1)).await.unwrap());
    assert!(!store.approve_event(id, at(1)).await.unwrap());
    let pending = store.pending_events(LOCATION, at(1), 0, 10).await.unwrap();
    assert!(pending[0].approved);
}

#[tokio::test]
async fn the_last_approval_of_a_kind_resolves_its_alert() {
    let fixture = Fixture::new().await;
    let (store, fence) = (&fixture.store, &fixture.fence);
    let mut ids = Vec::new();
    for (kind, record) in [("a.created", "1"), ("a.created", "2"), ("b.created", "1")] {
        let event = NewEvent {
            kind: kind.into(),
            ..event(record, Some("created"))
        };
        let id = fixture.stored(event).await;
        store.hold_event(fence, id, "old", at(0)).await.unwrap();
        ids.push(id);
    }
    for (kind, subject) in [
        (APPROVAL, "a.created"),
        (APPROVAL, "b.created"),
        ("budget", "a.created"),
    ] {
        let alert = NewAlert {
            location: LOCATION.into(),
            kind: kind.into(),
            subject: subject.into(),
            message: "look".into(),
        };
        store.raise_alert(alert, at(0)).await.unwrap();
    }
    let open = async || {
        let alerts = store.alerts(true, 10).await.unwrap().into_iter().rev();
        let open = alerts.map(|alert| format!("{} {}", alert.kind, alert.subject));
        open.collect::<Vec<_>>()
    };
    store.approve_event(ids[0], at(1)).await.unwrap();
    assert_eq!(open().await.len(), 3, "one still waits");
    store.approve_event(ids[1], at(1)).await.unwrap();
    assert_eq!(open().await, ["approval b.created", "budget a.created"]);
}

#[tokio::test]
async fn an_alert_is_told_once_until_it_is_resolved() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let alert = NewAlert {
        location: LOCATION.into(),
        kind: "budget".into(),
        subject: "month".into(),
        message: "the cap is reached".into(),
    };
    assert!(store.raise_alert(alert.clone(), at(0)).await.unwrap());
    assert!(!store.raise_alert(alert.clone(), at(1)).await.unwrap());
    let open = store.alerts(true, 10).await.unwrap();
    assert_eq!((open.len(), open[0].times), (1, 2));
    // It was raised again since.
    let past = store.resolve_past_alert(LOCATION, "budget", "month", at(1), at(2));
    assert!(!past.await.unwrap());
    assert_eq!(store.alerts(true, 10).await.unwrap().len(), 1);
    assert!(
        store
            .resolve_alert(LOCATION, "budget", "month", at(2))
            .await
            .unwrap()
    );
    assert!(store.alerts(true, 10).await.unwrap().is_empty());
    assert!(store.raise_alert(alert.clone(), at(3)).await.unwrap());
    let past = store.resolve_past_alert(LOCATION, "budget", "month", at(4), at(5));
    assert!(past.await.unwrap());
    assert!(store.raise_alert(alert, at(6)).await.unwrap());
    assert_eq!(store.alerts(false, 10).await.unwrap().len(), 3);
    assert_eq!(store.summary().await.unwrap().alerts, 1);
}
