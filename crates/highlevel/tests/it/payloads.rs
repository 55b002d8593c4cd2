//! Webhook payloads, read as types.

use std::collections::BTreeSet;

use canopy_highlevel::WEBHOOKS;
use canopy_highlevel::api::webhooks::Payload;
use canopy_highlevel::webhook::{ParseError, delivery_id, made_at, named, parse, read, recognise};
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
    assert_eq!(documented.len(), 77);
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

/// What the service's list calls an event, besides its `type`.
fn names(event: &str) -> Vec<&'static str> {
    let known = WEBHOOKS.iter().find(|one| one.name == event).unwrap();
    [&[known.name][..], known.also].concat()
}

#[test]
fn at_an_address_of_its_own_an_event_is_what_the_address_says() {
    for fixture in fixtures() {
        let body = fixture["payload"].to_string();
        for name in names(fixture["event"].as_str().unwrap()) {
            for name in [name.to_owned(), name.to_lowercase()] {
                let told = read(Some(&name), body.as_bytes()).unwrap().remove(0);
                let kind = told.event.map(|event| event.kind);
                assert_eq!(kind, fixture["kind"].as_str(), "{name}: {body}");
                assert!(told.is_sure, "{name}: {body}");
                assert_eq!(told.payload, fixture["payload"], "as it came");
            }
        }
    }
    // A `type` that names another event counts more: only for slips the address has the word.
    for (address, told, expected) in [
        ("InvoicePaid", "InvoiceUpdate", "invoice.updated"),
        ("ContactCreate", "ContactDelete", "contact.deleted"),
        (
            "AppointmentDelete",
            "AppointmentCreate",
            "appointment.deleted",
        ),
    ] {
        let body = json!({ "type": told, "_id": "i", "id": "i", "altId": "l" }).to_string();
        let told = read(Some(address), body.as_bytes()).unwrap().remove(0);
        assert_eq!(told.event.map(|event| event.kind), Some(expected), "{body}");
    }
    // An address that names nothing says nothing.
    let body = br#"{"type":"ContactCreate","id":"c"}"#;
    let told = read(Some("first"), body).unwrap().remove(0);
    assert_eq!(told.event.unwrap().name, "ContactCreate");
    let told = read(Some("MoonLanding"), br#"{"id":"c"}"#)
        .unwrap()
        .remove(0);
    assert_eq!(
        (told.event, told.name.as_deref()),
        (None, Some("MoonLanding"))
    );
}

#[test]
fn a_wrapped_payload_is_the_same_as_a_flat_one() {
    for fixture in fixtures() {
        let flat = &fixture["payload"];
        for (name, with_own_type) in names(fixture["event"].as_str().unwrap())
            .into_iter()
            .flat_map(|name| [(Some(name), true), (Some(name), false), (None, true)])
        {
            let mut data = flat.clone();
            if !with_own_type {
                data.as_object_mut().unwrap().remove("type");
            }
            let mut body =
                json!({ "timestamp": "2026-03-02T18:00:00Z", "webhookId": "whk", "data": data });
            if let Some(name) = name {
                body["type"] = json!(name);
            }
            let told = read(None, body.to_string().as_bytes()).unwrap().remove(0);
            // The record's own `type` counts more, also where it is a slip.
            let slips = with_own_type
                && fixture["about"]
                    .as_str()
                    .is_some_and(|about| about.contains("its type says"));
            let expected = match fixture.get("kind_without_type") {
                Some(guess) if name.is_none() => guess,
                _ => &fixture["kind"],
            };
            assert!(slips || told.event.unwrap().kind == expected, "{body}");
            assert_eq!(
                told.payload["webhookId"],
                flat.get("webhookId").cloned().unwrap_or(json!("whk"))
            );
            for (member, value) in flat.as_object().unwrap() {
                assert!(
                    told.payload[member] == *value || member == "type",
                    "{member}: {body}"
                );
            }
            assert!(told.payload.get("data").is_none(), "{body}");
        }
    }
}

#[test]
fn data_that_is_a_member_of_the_record_is_not_taken_for_the_record() {
    for body in [
        json!({ "type": "ContactCreate", "id": "c", "data": { "id": "other" } }),
        json!({ "type": "MoonLanding", "id": "m", "data": { "id": "other" } }),
        json!({ "type": "MoonLanding", "data": "text" }),
    ] {
        let told = read(None, body.to_string().as_bytes()).unwrap().remove(0);
        assert_eq!(told.payload, body);
    }
}

#[test]
fn a_list_is_as_many_events_and_what_is_no_object_is_none() {
    let body =
        br#"[{"type":"SaasPlanCreate","planId":"a"},{"type":"SaasPlanCreate","planId":"b"}]"#;
    let told = read(None, body).unwrap();
    let plans: Vec<_> = told
        .iter()
        .map(|one| one.payload["planId"].clone())
        .collect();
    assert_eq!(plans, ["a", "b"]);
    for body in ["[]", "null", "1", "[1]", "[{}, null]", "\"ContactCreate\""] {
        assert_eq!(
            read(None, body.as_bytes()),
            Err(ParseError::NoObject),
            "{body}"
        );
    }
}

#[test]
fn a_new_appointment_by_its_type_may_be_a_change_or_a_removal() {
    let body = json!({ "type": "AppointmentCreate", "appointment": { "id": "a" } }).to_string();
    let told = read(None, body.as_bytes()).unwrap().remove(0);
    assert_eq!(told.event.unwrap().kind, "appointment.created");
    assert!(!told.is_sure);
    let told = read(Some("AppointmentCreate"), body.as_bytes())
        .unwrap()
        .remove(0);
    assert!(told.is_sure);
    let changed = canopy_highlevel::webhook::change(told.event.unwrap());
    assert_eq!(changed.map(|event| event.name), Some("AppointmentUpdate"));
    assert!(canopy_highlevel::webhook::change(named("ContactCreate").unwrap()).is_none());
}

#[test]
fn the_envelope_says_which_delivery_it_is_and_when_it_was_made() {
    let body = json!({ "webhookId": "w", "timestamp": "2026-03-02T18:00:00+01:00" });
    assert_eq!(delivery_id(&body), Some("w"));
    assert_eq!(made_at(&body).unwrap().to_string(), "2026-03-02T17:00:00Z");
    for (stamp, expected) in [
        (json!(1_772_470_800_000_i64), Some("2026-03-02T17:00:00Z")),
        (json!(1_772_470_800), Some("2026-03-02T17:00:00Z")),
        (json!("1772470800"), Some("2026-03-02T17:00:00Z")),
        (json!("yesterday"), None),
        (json!({}), None),
        (json!(1.5), None),
    ] {
        let told = made_at(&json!({ "timestamp": stamp })).map(|at| at.to_string());
        assert_eq!(told.as_deref(), expected, "{stamp}");
    }
    assert_eq!(delivery_id(&json!({ "webhookId": "" })), None);
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
        let told = matches!(error, ParseError::Unreadable { .. } | ParseError::NoObject);
        assert!(told, "{error:?}");
        assert!(!format!("{error} {error:?}").contains("jo@"), "{error:?}");
    }
}

#[test]
fn an_event_is_known_by_the_type_that_is_sent() {
    let payload = parse(br#"{"type": "PLAN_CHANGE", "appId": "a"}"#).unwrap();
    assert!(matches!(payload, Payload::PlanChange(_)), "{payload:?}");
}

#[test]
fn one_odd_value_does_not_cost_the_delivery() {
    for odd in [
        "\"cut \\ud83d\"",
        "1e999",
        &format!("{}{}", "[".repeat(200), "]".repeat(200)),
    ] {
        let body = format!(
            "{{\"type\":\"ContactCreate\",\"id\":\"c\",\"customFields\":[{{\"id\":\"f\",\"value\":{odd}}}]}}"
        );
        let told = read(None, body.as_bytes()).unwrap().remove(0);
        assert_eq!(told.event.unwrap().name, "ContactCreate", "{odd}");
        let payload = parse(body.as_bytes());
        assert!(
            matches!(payload, Ok(Payload::ContactCreate(_))),
            "{odd}: {payload:?}"
        );
    }
}
