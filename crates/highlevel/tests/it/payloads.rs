//! Webhook payloads, read as types.

use std::collections::BTreeSet;

use canopy_highlevel::WEBHOOKS;
use canopy_highlevel::api::webhooks::Payload;
use canopy_highlevel::webhook::{ParseError, parse, recognise};
use serde_json::{Value, json};

/// One payload and more for each documented event, and what is to become of it.
fn fixtures() -> Vec<Value> {
    serde_json::from_str(include_str!("../fixtures/webhooks.json")).unwrap()
}

/// The texts and numbers in a payload.
fn leaves(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(members) => members.values().flat_map(leaves).collect(),
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::String(_) | Value::Number(_) => vec![value],
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}

#[test]
fn there_is_a_payload_of_every_documented_event() {
    let there: BTreeSet<String> = fixtures()
        .iter()
        .map(|fixture| fixture["event"].as_str().unwrap().to_owned())
        .collect();
    let documented: BTreeSet<String> = WEBHOOKS.iter().map(|one| one.name.to_owned()).collect();
    assert_eq!(documented.len(), 58);
    assert_eq!(there, documented);
}

#[test]
fn each_payload_is_read_as_the_type_of_its_event_to_the_last_member() {
    for fixture in fixtures() {
        let body = &fixture["payload"];
        let kind = fixture.get("kind_without_type").unwrap_or(&fixture["kind"]);
        let event = WEBHOOKS.iter().find(|one| *kind == one.kind).unwrap();
        let shown = format!("{:?}", parse(body.to_string().as_bytes()).unwrap());
        let variant = shown.split('(').next().unwrap();
        let name = event.name.replace('_', "");
        assert!(variant.eq_ignore_ascii_case(&name), "{variant}: {body}");
        assert!(!shown.contains("extra: {\""), "not described: {shown}");
        for leaf in leaves(body) {
            let written = match leaf.as_f64() {
                Some(number) => [format!("{number:?}"), leaf.to_string()],
                None => [format!("{:?}", leaf.as_str().unwrap()), leaf.to_string()],
            };
            assert!(
                written.iter().any(|text| shown.contains(text)),
                "{leaf} is lost: {shown}"
            );
        }
    }
}

#[test]
fn the_events_name_as_the_type_counts_more_than_what_a_payload_looks_like() {
    for fixture in fixtures() {
        let mut body = fixture["payload"].clone();
        body["type"] = fixture["event"].clone();
        let event = recognise(&body).unwrap();
        assert_eq!(event.kind, fixture["kind"], "{body}");
    }
}

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
