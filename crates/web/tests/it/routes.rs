//! Which routes the internet reaches, and which the operator.

use axum::http::StatusCode;
use canopy_mapping::{Source, Trace};
use canopy_store::{NewEvent, Store as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{LOCATION, World};

/// The creation of a contact an hour ago.
fn created(contact: &str, source: Source) -> NewEvent {
    NewEvent {
        source,
        kind: "contact.created".to_owned(),
        location: LOCATION.to_owned(),
        contact: Some(contact.to_owned()),
        record: contact.to_owned(),
        occurred_at: an_hour_ago(),
        version: Some("created".to_owned()),
        delivery: None,
        payload: json!({}),
        trace: Trace::default(),
    }
}

fn an_hour_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(1)
}

#[tokio::test]
async fn the_page_shows_what_webhooks_missed() {
    let world = World::new().await;
    let (_, text) = world.open("/", "localhost").await;
    assert!(!text.contains("Missed by webhooks"), "no webhook ever came");
    for (contact, source) in [
        ("a", Source::Webhook),
        ("b", Source::Webhook),
        ("c", Source::Webhook),
        ("d", Source::Poll),
    ] {
        let event = created(contact, source);
        let at = an_hour_ago();
        world.store.insert_events(vec![event], at).await.unwrap();
    }
    let (_, text) = world.open("/status.json", "localhost").await;
    let status: Value = serde_json::from_str(&text).unwrap();
    let row = &status["missed_by_webhooks"][0];
    assert_eq!((&row["events"], &row["missed"]), (&json!(4), &json!(1)));
    let (_, text) = world.open("/", "localhost").await;
    assert!(
        text.contains("Missed by webhooks") && text.contains("25 %"),
        "{text}"
    );
}

#[tokio::test]
async fn the_internet_sees_webhooks_and_health_only() {
    let world = World::new().await;
    for path in ["/", "/status.json", "/webhooks", "/metrics"] {
        let (status, _) = world.send("GET", path, &[], "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (status, text) = world.send("GET", "/healthz", &[], "").await;
    assert_eq!((status, &*text), (StatusCode::OK, "ok\n"));
    world.store.close().await;
    let (status, text) = world.send("GET", "/healthz", &[], "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!text.contains(".db"), "no paths for strangers: {text}");
}

#[tokio::test]
async fn the_operator_sees_the_page_under_local_names_only() {
    let world = World::new().await;
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        let (status, _) = world.open("/", host).await;
        assert_eq!(status, StatusCode::OK, "{host}");
    }
    for host in ["canopy.example", "127.0.0.1.nip.example"] {
        let (status, _) = world.open("/", host).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let (status, _) = world.open("/webhooks/highlevel", "localhost").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
