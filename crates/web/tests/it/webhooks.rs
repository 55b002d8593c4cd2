//! `POST /webhooks/highlevel`: what each sender is told.

use axum::http::StatusCode;
use canopy_store::Store as _;
use canopy_web::MAX_WEBHOOK_BODY;
use serde_json::{Value, json};

use crate::support::{LOCATION, World, broken};

const PATH: &str = "/webhooks/highlevel";
const SIGNED: &str = "X-GHL-Signature";

fn created(contact: &str) -> String {
    json!({ "type": "ContactCreate", "locationId": LOCATION, "id": contact }).to_string()
}

/// Sends a body with its signature.
async fn deliver(world: &World, body: &str) -> (StatusCode, String) {
    let signature = world.sign(body.as_bytes());
    world
        .send("POST", PATH, &[(SIGNED, &signature)], body.to_owned())
        .await
}

#[tokio::test]
async fn what_is_new_is_stored_and_rings_and_what_is_known_is_a_duplicate() {
    let world = World::new().await;
    let body = created("c1");
    let (status, text) = deliver(&world, &body).await;
    assert_eq!((status, &*text), (StatusCode::OK, "stored\n"));
    assert_eq!(world.rung(), [LOCATION]);
    assert_eq!(world.kinds().await, ["contact.created"]);
    let (status, text) = deliver(&world, &body).await;
    assert_eq!((status, &*text), (StatusCode::OK, "duplicate\n"));
    assert!(world.rung().is_empty(), "there is nothing to do");
    assert_eq!(world.kinds().await.len(), 1);
}

#[tokio::test]
async fn what_is_not_signed_is_told_401_and_not_stored() {
    let world = World::new().await;
    let body = created("c1");
    let (right, other) = (world.sign(body.as_bytes()), world.sign(b"another body"));
    let cases: [&[(&str, &str)]; 7] = [
        &[],
        &[(SIGNED, "N/A")],
        &[(SIGNED, "no base64")],
        &[(SIGNED, &other)],
        &[("X-WH-Signature", &right)],
        // The ended scheme's header changes nothing.
        &[(SIGNED, &other), ("X-WH-Signature", &right)],
        &[(SIGNED, "N/A"), ("X-WH-Signature", "N/A")],
    ];
    for headers in cases {
        let (status, text) = world.send("POST", PATH, headers, body.clone()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{headers:?}: {text}");
        assert!(text.contains("Signature"), "says why: {text}");
    }
    assert_eq!(world.kinds().await, [""; 0]);
    assert_eq!(world.deliveries().refused, 7);
    let both = [(SIGNED, &*right), ("X-WH-Signature", "N/A")];
    let (status, _) = world.send("POST", PATH, &both, body).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_signed_and_longer_than_is_kept_is_noted_and_told_and_taken_as_often_as_it_comes() {
    let world = World::new().await;
    let padded = |size: usize| {
        let body = created("c1");
        body.clone() + &" ".repeat(size - body.len())
    };
    let long = padded(MAX_WEBHOOK_BODY + 1);
    for _ in 0..2 {
        let (status, text) = deliver(&world, &long).await;
        assert_eq!(
            (status, &*text),
            (StatusCode::OK, "noted; it cannot be read\n")
        );
    }
    let rows = world.store.recent_events(10).await.unwrap();
    assert_eq!(rows.len(), 1);
    let noted = &rows[0].event;
    let said = json!({ "type": "ContactCreate", "locationId": LOCATION, "id": "c1",
        "bytes": MAX_WEBHOOK_BODY + 1, "sha256": noted.payload["sha256"], "problem": "it is longer than is read" });
    assert_eq!(
        (&*noted.kind, &noted.payload),
        ("webhook.unreadable", &said)
    );
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!((alerts.len(), &*alerts[0].subject), (1, PATH));
    assert!(
        alerts[0].message.contains("ContactCreate, 10485761 bytes"),
        "{}",
        alerts[0].message
    );
    let health = world.health().await;
    assert_eq!((health[0].deliveries, health[0].succeeded), (2, 2));
    // Of others nothing is kept.
    let other = world.sign(b"another body");
    let (status, _) = world
        .send("POST", PATH, &[(SIGNED, &other)], long.clone())
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = world.send("POST", PATH, &[], long).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, text) = deliver(&world, &padded(MAX_WEBHOOK_BODY)).await;
    assert_eq!((status, &*text), (StatusCode::OK, "stored\n"));
}

#[tokio::test]
async fn of_what_breaks_off_nobody_knows_whose_it_is() {
    let world = World::new().await;
    let signature = world.sign(b"the whole");
    let (status, _) = world
        .send("POST", PATH, &[(SIGNED, &signature)], broken())
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let health = world.health().await;
    assert_eq!((health[0].deliveries, health[0].forged), (0, 1));
}

#[tokio::test]
async fn a_slash_at_the_end_of_an_address_changes_nothing() {
    let world = World::new().await;
    for (contact, path) in [
        ("c1", "/webhooks/highlevel/"),
        ("c2", "/webhooks/highlevel/ContactCreate/"),
    ] {
        let body = created(contact);
        let signature = world.sign(body.as_bytes());
        let (status, text) = world
            .send("POST", path, &[(SIGNED, &signature)], body)
            .await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
    }
    assert_eq!(world.kinds().await.len(), 2);
}

#[tokio::test]
async fn what_is_authentic_is_taken_however_late_it_comes() {
    let world = World::new().await;
    for (stamp, expected) in [
        ("2026-11-22T12:00:00Z", "stored"),
        ("2026-11-22T11:59:59Z", "stored"),
        ("2026-10-23T12:00:00Z", "stored"),
        ("2026-10-23T11:59:59Z", "too old"),
        ("2026-11-24T12:00:01Z", "stored"),
    ] {
        let body = json!({ "type": "RecordUpdate", "locationId": LOCATION, "id": "r", "timestamp": stamp });
        let (status, text) = deliver(&world, &body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{stamp}: {text}");
        assert!(text.contains(expected), "{stamp}: {text}");
    }
    let counts = world.deliveries();
    assert_eq!((counts.stored, counts.late, counts.too_old), (4, 2, 1));
}

#[tokio::test]
async fn when_it_cannot_be_stored_the_sender_is_told_to_come_again() {
    let world = World::new().await;
    world.store.close().await;
    let (status, text) = deliver(&world, &created("c1")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(text.contains("again"), "{text}");
    assert!(!text.contains(".db"), "no paths for strangers: {text}");
    assert_eq!(world.deliveries().put_off, 1);
    assert!(world.rung().is_empty());
}

#[tokio::test]
async fn what_is_no_event_and_what_is_another_locations_is_told_so() {
    let world = World::new().await;
    for body in ["[]", "", "no json", "{\"type\":"] {
        let (status, text) = deliver(&world, body).await;
        assert_eq!(
            status,
            StatusCode::OK,
            "{body}: it would come again twelve times"
        );
        assert!(text.contains("cannot be read"), "{text}");
    }
    assert_eq!(world.kinds().await, ["webhook.unreadable"; 4]);
    let foreign = json!({ "type": "ContactCreate", "locationId": "elsewhere", "id": "c1" });
    let (status, text) = deliver(&world, &foreign.to_string()).await;
    assert_eq!(status, StatusCode::OK, "it would come again otherwise");
    assert!(text.contains("no connection"), "{text}");
    assert_eq!(world.kinds().await[4..], ["webhook.foreign"]);
    assert!(world.rung().is_empty());
    let unknown = json!({ "type": "MoonLanding", "locationId": LOCATION, "id": "m" });
    let (status, _) = deliver(&world, &unknown.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.kinds().await[5..], ["webhook.MoonLanding"]);
    assert_eq!(world.deliveries().unrecognised, 1);
}

#[tokio::test]
async fn it_is_posted_to_only() {
    let world = World::new().await;
    for method in ["GET", "PUT", "DELETE"] {
        let (status, _) = world.send(method, PATH, &[], "").await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}

#[tokio::test]
async fn each_documented_event_is_taken_flat_and_wrapped_and_at_its_own_address() {
    let text = include_str!("../../../highlevel/tests/fixtures/webhooks.json");
    // As if it had just happened.
    let text = text.replace("2026-03-02", "2026-11-22");
    let fixtures: Vec<Value> = serde_json::from_str(&text).unwrap();
    let names: std::collections::BTreeSet<_> = fixtures
        .iter()
        .map(|one| one["event"].to_string())
        .collect();
    assert_eq!(names.len(), 77);
    for fixture in fixtures {
        let payload = &fixture["payload"];
        let mut bare = payload.clone();
        bare.as_object_mut().unwrap().remove("type");
        let event = fixture["event"].as_str().unwrap();
        let wrapped = json!({ "type": event, "timestamp": "2026-11-23T11:00:00Z", "webhookId": "w", "data": bare });
        let guess = fixture.get("kind_without_type").unwrap_or(&fixture["kind"]);
        let own = format!("{PATH}/{event}");
        for (path, body, kind) in [
            (PATH, payload, guess),
            (PATH, &wrapped, &fixture["kind"]),
            (&*own, payload, &fixture["kind"]),
            (&*own, &bare, &fixture["kind"]),
        ] {
            // Each in a store of its own, because all of them tell of the same.
            let world = World::new().await;
            let body = body.to_string().replace("locElmbrook", LOCATION);
            let signature = world.sign(body.as_bytes());
            let (status, text) = world
                .send("POST", path, &[(SIGNED, &signature)], body.clone())
                .await;
            assert_eq!(
                (status, &*text),
                (StatusCode::OK, "stored\n"),
                "{path} {body}"
            );
            assert_eq!(json!(world.kinds().await), json!([kind]), "{path} {body}");
            assert_eq!(world.rung(), [LOCATION]);
        }
    }
}

#[tokio::test]
async fn an_address_of_its_own_refuses_and_limits_as_the_common_one_does() {
    let world = World::new().await;
    let path = "/webhooks/highlevel/InvoicePaid";
    let (status, _) = world.send("POST", path, &[], "{}").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = world.send("GET", path, &[], "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    // Of what has a signature the body is read, however long it is.
    let big = " ".repeat(MAX_WEBHOOK_BODY + 1);
    let signed = [(SIGNED, &*world.sign(b"another"))];
    let (status, _) = world.send("POST", path, &signed, big).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.deliveries().refused, 2);
    // The figures of addresses are with the others.
    let (_, text) = world.open("/status.json", "localhost").await;
    let status: Value = serde_json::from_str(&text).unwrap();
    let told = &status["webhooks"][0];
    assert_eq!(told["address"], path);
    assert_eq!((&told["forged"], &told["unsigned"]), (&json!(1), &json!(1)));
    assert_eq!(told["failed"], 0);
}
