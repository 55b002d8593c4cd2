//! Webhook payloads, read as types.

use canopy_highlevel::WEBHOOKS;
use canopy_highlevel::api::webhooks::Payload;
use canopy_highlevel::webhook::{ParseError, parse};
use serde_json::json;

#[test]
fn every_known_event_is_read_even_when_odd() {
    for event in WEBHOOKS {
        let body = json!({"type": event.name, "id": 5, "tags": null, "dateAdded": 1_690_000_000_000_i64, "brandNew": [1]});
        let payload = parse(body.to_string().as_bytes());
        assert!(payload.is_ok(), "{}: {payload:?}", event.name);
        assert!(
            parse(json!({"type": event.name}).to_string().as_bytes()).is_ok(),
            "{}",
            event.name
        );
    }
}

#[test]
fn members_are_typed_and_unknown_ones_kept() {
    let body =
        br#"{"type": "TaskComplete", "id": "t", "contactId": "c", "title": "Call", "brandNew": 1}"#;
    let Payload::TaskComplete(task) = parse(body).unwrap() else {
        panic!("another event")
    };
    assert_eq!(
        (task.contact_id.as_deref(), task.title.as_deref()),
        (Some("c"), Some("Call"))
    );
    assert_eq!(task.extra["brandNew"], 1);
}

#[test]
fn what_is_no_event_says_why_without_showing_the_body() {
    assert_eq!(parse(br#"{"id": "c"}"#).unwrap_err(), ParseError::NoEvent);
    assert_eq!(
        parse(br#"{"type": "New", "email": "jo@example.com"}"#).unwrap_err(),
        ParseError::UnknownEvent {
            event: "New".to_owned()
        }
    );
    for body in [
        &b"jo@example.com"[..],
        b"[]",
        b"\"jo@example.com\"",
        b"",
        br#"{"type": ["jo@example.com"]}"#,
    ] {
        let error = parse(body).unwrap_err();
        assert!(matches!(error, ParseError::Unreadable { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("jo@"), "{error:?}");
    }
}

#[test]
fn an_event_is_known_by_the_type_that_is_sent() {
    let payload = parse(br#"{"type": "PLAN_CHANGE", "appId": "a"}"#).unwrap();
    assert!(matches!(payload, Payload::PlanChange(_)), "{payload:?}");
}
