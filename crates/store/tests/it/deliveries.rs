//! Deliveries that come again, what is set aside, and the figures of addresses.

use canopy_store::{
    DeliveryCount, DeliveryKey, DeliveryStore as _, EventState, Inserted, Store as _, Taken,
    UNKNOWN_LOCATION,
};

use crate::support::{Fixture, LOCATION, at, event};

fn key(until: i64) -> DeliveryKey {
    DeliveryKey {
        is_content: false,
        is_hint: false,
        key: "delivery".to_owned(),
        until: at(until),
    }
}

#[tokio::test]
async fn a_key_counts_until_its_end_and_then_anew() {
    let fixture = Fixture::new().await;
    let take = async |record: &str, hour: i64, until: i64| {
        let events = vec![event(record, Some("v1"))];
        let taken = fixture
            .store
            .take_delivery(Some(key(until)), events, at(hour));
        taken.await.unwrap()
    };
    assert!(matches!(take("c1", 0, 10).await, Taken::Now(_)));
    // What would be new is not stored, and coming again makes it count no longer.
    assert_eq!(take("c2", 9, 100).await, Taken::Before);
    assert!(matches!(take("c3", 10, 20).await, Taken::Now(_)));
    assert_eq!(take("c4", 11, 20).await, Taken::Before);
    let rows = fixture.store.recent_events(10).await.unwrap();
    let records: Vec<_> = rows.iter().map(|row| &*row.event.record).collect();
    assert_eq!(records, ["c3", "c1"]);
    fixture.store.prune_deliveries(at(0), at(20)).await.unwrap();
    assert!(
        matches!(take("c5", 12, 20).await, Taken::Now(_)),
        "forgotten"
    );
}

#[tokio::test]
async fn without_a_key_only_the_events_tell() {
    let fixture = Fixture::new().await;
    for expected in [Inserted::Stored(1), Inserted::Duplicate(1)] {
        let events = vec![event("c1", Some("v1"))];
        let taken = fixture
            .store
            .take_delivery(None, events, at(0))
            .await
            .unwrap();
        assert_eq!(taken, Taken::Now(vec![expected]));
    }
    let told = async |kind: &str, version: &str| {
        let told = fixture.store.event_of(LOCATION, kind, "c1", version);
        told.await.unwrap()
    };
    assert_eq!(told("contact.created", "v1").await, Some(1));
    assert_eq!(told("contact.created", "v2").await, None);
    assert_eq!(told("contact.updated", "v1").await, None);
}

#[tokio::test]
async fn a_key_is_not_kept_without_its_events() {
    let fixture = Fixture::new().await;
    let events = vec![event("c1", Some("v1"))];
    fixture.store.close().await;
    let taken = fixture
        .store
        .take_delivery(Some(key(9)), events, at(0))
        .await;
    assert!(taken.is_err());
    let store = canopy_store::SqliteStore::open(&fixture.path(), &fixture.key)
        .await
        .unwrap();
    let events = vec![event("c1", Some("v1"))];
    let taken = store
        .take_delivery(Some(key(9)), events, at(0))
        .await
        .unwrap();
    assert!(matches!(taken, Taken::Now(_)));
}

#[tokio::test]
async fn what_is_set_aside_waits_for_nobody_and_is_bounded() {
    let fixture = Fixture::new().await;
    for number in 0..7 {
        let event = event(&format!("c{number}"), Some("v1"));
        fixture
            .store
            .set_aside(event, "of no use", 5, at(number))
            .await
            .unwrap();
    }
    let rows = fixture.store.recent_events(10).await.unwrap();
    assert_eq!(rows.len(), 5);
    for row in &rows {
        assert_eq!(row.event.location, UNKNOWN_LOCATION);
        assert_eq!(row.state, EventState::NoMatch);
        assert_eq!(row.error.as_deref(), Some("of no use"));
    }
    assert_eq!(fixture.store.summary().await.unwrap().events_pending, 0);
    // By age, too; what is known of our own locations stays.
    fixture
        .store
        .insert_events(vec![event("kept", Some("v1"))], at(0))
        .await
        .unwrap();
    fixture.store.prune_deliveries(at(5), at(5)).await.unwrap();
    let rows = fixture.store.recent_events(10).await.unwrap();
    let records: Vec<_> = rows.iter().map(|row| &*row.event.record).collect();
    assert_eq!(records, ["kept", "c6", "c5"]);
}

#[tokio::test]
async fn figures_add_up_by_address_and_time_and_end() {
    let fixture = Fixture::new().await;
    let count = |address: &str, hour: i64, taken: u64| DeliveryCount {
        address: address.to_owned(),
        slot: at(hour),
        taken,
        duplicate: 1,
        useless: 2,
        unsigned: 3,
        forged: 4,
        failed: 5,
    };
    let counts = vec![count("/a", 1, 1), count("/b", 1, 2)];
    fixture.store.count_deliveries(counts).await.unwrap();
    let counts = vec![count("/a", 1, 3), count("/a", 2, 4)];
    fixture.store.count_deliveries(counts).await.unwrap();
    let mut both = count("/a", 1, 1);
    both.add(&count("/a", 1, 3));
    assert_eq!((both.taken, both.succeeded(), both.all()), (4, 10, 20));
    let told = fixture.store.delivery_counts(at(1)).await.unwrap();
    assert_eq!(told, [both, count("/a", 2, 4), count("/b", 1, 2)]);
    assert_eq!(fixture.store.delivery_counts(at(2)).await.unwrap().len(), 1);
    fixture.store.prune_deliveries(at(2), at(2)).await.unwrap();
    assert_eq!(fixture.store.delivery_counts(at(0)).await.unwrap().len(), 1);
}
