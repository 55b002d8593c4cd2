//! The view's records, and what a person fires.

use canopy_mapping::{Source, Trace};
use canopy_store::{EventState, Fired, NewEvent, NewRun, ProfileStore, Store};
use serde_json::json;

use crate::support::{Fixture, LOCATION, at, event, record};

#[tokio::test]
async fn an_older_record_never_replaces_a_newer_one_and_the_place_moves_with_them() {
    let fixture = Fixture::new().await;
    let put = async |records, state, hours| {
        fixture
            .store
            .put_records(&fixture.fence, "b", json!(state), records, at(hours))
            .await
            .unwrap()
    };
    assert_eq!(put(vec![record("a", 5), record("b", 5)], 1, 6).await, 2);
    assert_eq!(put(vec![record("a", 4), record("b", 6)], 2, 7).await, 1);
    let unversioned = canopy_store::NewRecord {
        version: None,
        ..record("a", 9)
    };
    assert_eq!(put(vec![unversioned], 3, 8).await, 0);
    let store = &fixture.store;
    let of = |rows: Vec<canopy_store::StoredRecord>| -> Vec<_> {
        rows.into_iter()
            .map(|row| row.payload["changed"].clone())
            .collect()
    };
    let all = store.records(LOCATION, "contact", "", 10).await.unwrap();
    assert_eq!(of(all), [json!(5), json!(6)]);
    let second = store.records(LOCATION, "contact", "a", 10).await.unwrap();
    assert_eq!(of(second), [json!(6)]);
    let own = store.records_of_contact(LOCATION, "a").await.unwrap();
    assert_eq!(of(own), [json!(5)]);
    assert_eq!(store.count_records(LOCATION, "contact").await.unwrap(), 2);
    assert_eq!(store.count_records("other", "contact").await.unwrap(), 0);
    let place = store.cursor(LOCATION, "b").await.unwrap().unwrap();
    assert_eq!(place.state, json!(3));
}

fn fired(record: &str) -> NewEvent {
    NewEvent {
        source: Source::Manual,
        trace: Trace {
            found_by: vec!["backfill:plant".into()],
            ..Trace::default()
        },
        ..event(record, Some("created"))
    }
}

#[tokio::test]
async fn a_fired_event_is_approved_and_a_waiting_one_is_left_alone() {
    let fixture = Fixture::new().await;
    let waiting = fixture.stored(event("waiting", Some("created"))).await;
    let started = fixture.stored(event("started", Some("created"))).await;
    let run = NewRun {
        workflow: "plant".into(),
        definition: "{}".into(),
    };
    let store = &fixture.store;
    store
        .start_runs(&fixture.fence, started, vec![run], at(0))
        .await
        .unwrap();
    let events = vec![fired("waiting"), fired("started"), fired("new")];
    let outcome = store.fire_events(&fixture.fence, events, at(1)).await;
    assert_eq!(
        outcome.unwrap(),
        Fired {
            pending: 2,
            left: 1
        }
    );
    let row = store.event(waiting).await.unwrap().unwrap();
    assert_eq!(row.event.source, Source::Webhook);
    assert!(row.event.trace.found_by.is_empty() && !row.approved);
    let row = store.event(started).await.unwrap().unwrap();
    assert_eq!((row.state, row.approved), (EventState::Pending, true));
    assert_eq!(row.event.source, Source::Manual);
    assert_eq!(row.event.trace.found_by, ["backfill:plant"]);
    assert_eq!(store.runs(None, 10).await.unwrap().len(), 1);
    assert_eq!(store.events_after(started, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_fired_event_that_then_arrives_by_itself_is_open_to_all_workflows() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store
        .fire_events(&fixture.fence, vec![fired("c1")], at(0))
        .await
        .unwrap();
    let id = store.recent_events(1).await.unwrap()[0].event.id;
    store
        .start_runs(&fixture.fence, id, vec![], at(1))
        .await
        .unwrap();
    store
        .insert_events(vec![event("c1", Some("created"))], at(2))
        .await
        .unwrap();
    let row = store.event(id).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.event.source),
        (EventState::Pending, Source::Webhook)
    );
}
