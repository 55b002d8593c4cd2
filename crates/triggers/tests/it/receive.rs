//! Webhooks: what is taken, what is refused.

use base64::Engine as _;
use canopy_store::{EventState, Store};
use canopy_triggers::{ReceiveError, Received, Receiver, Signatures, Verifier};
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use crate::support::World;

const BASE64: base64::engine::GeneralPurpose = base64::engine::general_purpose::STANDARD;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn receiver(world: &World) -> Receiver {
    receiver_for(world, [world.location()])
}

/// A receiver for these locations that takes what [`deliver_to`] signs.
pub fn receiver_for<'a>(world: &World, locations: impl IntoIterator<Item = &'a str>) -> Receiver {
    let spki = key().verifying_key().to_public_key_der().unwrap();
    let spki = BASE64.encode(spki.as_bytes());
    let verifier = Verifier::with_keys([spki.as_str()]).unwrap();
    Receiver::new(
        world.shared_store(),
        world.clock.clone(),
        verifier,
        locations.into_iter().map(str::to_owned),
    )
}

pub fn sign(body: &[u8]) -> String {
    BASE64.encode(key().sign(body).to_bytes())
}

fn payload(world: &World, name: &str, record: &str) -> Value {
    json!({ "type": name, "locationId": world.location(), "id": record, "dateAdded": "2026-11-23T11:00:00.000Z" })
}

/// Has a receiver take a signed delivery.
pub async fn deliver(world: &World, name: &str, record: &str) -> Result<Received, ReceiveError> {
    deliver_to(&receiver(world), payload(world, name, record).to_string()).await
}

/// Has this receiver take a body, signed.
pub async fn deliver_to(receiver: &Receiver, body: String) -> Result<Received, ReceiveError> {
    let signature = sign(body.as_bytes());
    let signatures = Signatures {
        ed25519: Some(&signature),
        rsa: None,
    };
    receiver.receive(signatures, body.as_bytes()).await
}

#[tokio::test]
async fn a_creation_is_stored_once_however_often_it_is_delivered() {
    let world = World::new(0).await;
    let receiver = receiver(&world);
    let body = payload(&world, "ContactCreate", "c1");
    let first = deliver_to(&receiver, body.to_string()).await.unwrap();
    assert!(matches!(first, Received::Stored { .. }));
    // Other bytes, the same creation.
    let mut edited = body;
    edited["firstName"] = json!("Ada");
    assert_eq!(
        deliver_to(&receiver, edited.to_string()).await.unwrap(),
        Received::Duplicate
    );
    let counts = receiver.deliveries();
    assert_eq!((counts.stored, counts.duplicates), (1, 1));
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.event.occurred_at.to_string(), "2026-11-23T11:00:00Z");
    assert_eq!(row.event.contact.as_deref(), Some("c1"));
}

#[tokio::test]
async fn an_unread_update_is_kept_once() {
    let world = World::new(0).await;
    let receiver = receiver(&world);
    let body = payload(&world, "ContactUpdate", "c1").to_string();
    assert!(matches!(
        deliver_to(&receiver, body.clone()).await.unwrap(),
        Received::Stored { .. }
    ));
    assert_eq!(
        deliver_to(&receiver, body).await.unwrap(),
        Received::Duplicate
    );
}

#[tokio::test]
async fn tampered_bytes_are_refused_and_counted() {
    let world = World::new(0).await;
    let receiver = receiver(&world);
    let body = payload(&world, "ContactCreate", "c1").to_string();
    let signature = sign(body.as_bytes());
    let signatures = Signatures {
        ed25519: Some(&signature),
        rsa: None,
    };
    let tampered = body.replace("c1", "c2");
    let refused = receiver.receive(signatures, tampered.as_bytes()).await;
    assert!(matches!(refused, Err(ReceiveError::Signature(_))));
    assert_eq!(receiver.deliveries().refused, 1);
    assert_eq!(world.events().await, []);
}

#[tokio::test]
async fn an_unknown_type_is_kept_and_another_location_is_not_ours() {
    let world = World::new(0).await;
    let receiver = receiver(&world);
    let unknown = payload(&world, "SomethingNew", "x1").to_string();
    assert!(matches!(
        deliver_to(&receiver, unknown).await.unwrap(),
        Received::Stored { .. }
    ));
    assert_eq!(
        world.events().await,
        [("webhook.SomethingNew".to_owned(), "x1".to_owned())]
    );
    let foreign =
        json!({ "type": "ContactCreate", "locationId": "elsewhere", "id": "c1" }).to_string();
    assert_eq!(
        deliver_to(&receiver, foreign.clone()).await.unwrap(),
        Received::Foreign
    );
    // Noted once, with nothing of the record.
    let other = foreign.replace("c1", "c2");
    assert_eq!(
        deliver_to(&receiver, other).await.unwrap(),
        Received::Foreign
    );
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(
        (row.event.kind.as_str(), row.event.record.as_str()),
        ("webhook.foreign", "elsewhere")
    );
    assert_eq!(row.state, EventState::NoMatch);
    assert!(!row.event.payload.to_string().contains("c1"));
    assert_eq!(world.events().await.len(), 2);
}

#[tokio::test]
async fn a_signed_body_that_is_no_event_is_noted_without_what_it_says() {
    let world = World::new(0).await;
    let receiver = receiver(&world);
    for body in ["", "[]", "null", "Ada Byron"] {
        let answer = deliver_to(&receiver, body.to_owned()).await.unwrap();
        assert_eq!(answer, Received::Unreadable, "{body}");
    }
    assert_eq!(receiver.deliveries().malformed, 4);
    let rows = world.store.recent_events(9).await.unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert_eq!(row.event.kind, "webhook.unreadable");
        assert_eq!(row.state, EventState::NoMatch);
        assert!(row.error.is_some(), "says why");
        assert!(!format!("{row:?}").contains("Byron"), "{row:?}");
    }
}

#[tokio::test]
async fn what_says_little_is_kept_and_counted() {
    let world = World::new(0).await;
    let one = receiver(&world);
    for body in ["{}", "{\"type\":\"ContactCreate\"}"] {
        let taken = deliver_to(&one, body.to_owned()).await.unwrap();
        assert!(matches!(taken, Received::Stored { .. }), "{body}");
    }
    assert_eq!(one.deliveries().unrecognised, 2);
    // Of several connections none can be told.
    let two = receiver_for(&world, ["a", "b"]);
    let body = json!({ "type": "LCEmailStats", "webhookPayload": { "id": "m1" } }).to_string();
    assert_eq!(deliver_to(&two, body).await.unwrap(), Received::Unplaced);
    assert_eq!(two.deliveries().unplaced, 1);
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(
        (row.event.location.as_str(), row.event.kind.as_str()),
        ("unknown", "email.tracked")
    );
    assert_eq!(row.state.as_str(), "no_match");
}

#[tokio::test]
async fn the_removal_of_the_app_alerts_until_it_is_back() {
    let world = World::new(0).await;
    let receiver = receiver(&world);
    let app =
        |name| json!({ "type": name, "appId": "app", "locationId": world.location() }).to_string();
    deliver_to(&receiver, app("UNINSTALL")).await.unwrap();
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!(alerts[0].kind, "reconnect");
    deliver_to(&receiver, app("INSTALL")).await.unwrap();
    assert_eq!(world.store.alerts(true, 10).await.unwrap(), []);
}

#[tokio::test]
async fn the_removal_from_an_agency_alerts_for_each_location() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, ["a", "b"]);
    let app = |name| json!({ "type": name, "appId": "app", "companyId": "agency" }).to_string();
    let removed = deliver_to(&receiver, app("UNINSTALL")).await.unwrap();
    assert_eq!(removed, Received::Unplaced);
    let alerts = world.store.alerts(true, 10).await.unwrap();
    let mut places: Vec<_> = alerts.iter().map(|alert| &*alert.location).collect();
    places.sort_unstable();
    assert_eq!(places, ["a", "b"]);
    // One location has it back, then all.
    let back = json!({ "type": "INSTALL", "appId": "app", "locationId": "a" }).to_string();
    deliver_to(&receiver, back).await.unwrap();
    assert_eq!(world.store.alerts(true, 10).await.unwrap().len(), 1);
    deliver_to(&receiver, app("INSTALL")).await.unwrap();
    assert_eq!(world.store.alerts(true, 10).await.unwrap(), []);
}

#[tokio::test]
async fn installations_are_events_that_a_workflow_can_start_on() {
    let world = World::new(0).await;
    let receiver = receiver(&world);
    let app = |name| json!({ "type": name, "appId": "app", "locationId": world.location(), "companyId": "agency" });
    for name in ["INSTALL", "PLAN_CHANGE", "UNINSTALL"] {
        deliver_to(&receiver, app(name).to_string()).await.unwrap();
    }
    let kinds = ["app.installed", "app.plan_changed", "app.uninstalled"];
    let expected = kinds.map(|kind| (kind.to_owned(), "app".to_owned()));
    assert_eq!(world.events().await, expected);
    // Another location's removal is none of ours.
    let mut foreign = app("INSTALL");
    foreign["locationId"] = json!("elsewhere");
    let answer = deliver_to(&receiver, foreign.to_string()).await.unwrap();
    assert_eq!(answer, Received::Foreign);
    assert_eq!(world.store.alerts(true, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_workflows_webhook_needs_its_secret_and_each_call_is_one_event() {
    let world = World::new(0).await;
    let hook = canopy_triggers::WorkflowHook {
        name: "won".to_owned(),
        location: world.location().to_owned(),
        header: "X-Canopy-Secret".to_owned(),
        secret: "open sesame".to_owned().into(),
        dedupe: None,
    };
    let receiver = receiver(&world).with_hooks([hook]);
    let call = async |name: &str, secret: Option<&'static str>| {
        let header = |name: &str| {
            let secret = secret.map(str::as_bytes);
            secret.filter(|_| name == "X-Canopy-Secret")
        };
        receiver
            .receive_hook(name, header, br#"{"contact_id": "c1"}"#)
            .await
    };
    for (name, secret) in [
        ("won", None),
        ("won", Some("")),
        ("won", Some("open sesamf")),
        ("lost", Some("open sesame")),
    ] {
        assert!(
            matches!(call(name, secret).await, Err(ReceiveError::Secret)),
            "{name} {secret:?}"
        );
    }
    assert!(matches!(
        call("won", Some("open sesame")).await.unwrap(),
        Received::Stored { .. }
    ));
    // HighLevel's workflows repeat nothing by themselves, so the same again is another call.
    assert!(matches!(
        call("won", Some("open sesame")).await.unwrap(),
        Received::Stored { .. }
    ));
    assert_eq!(world.events().await.len(), 2);
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(
        (row.event.kind.as_str(), row.event.contact.as_deref()),
        ("hook.won", Some("c1"))
    );
    assert_eq!(receiver.deliveries().refused, 4);
}

#[tokio::test]
async fn a_store_that_is_gone_puts_the_sender_off() {
    let world = World::new(0).await;
    let receiver = receiver(&world);
    world.store.close().await;
    let refused = deliver_to(
        &receiver,
        payload(&world, "ContactCreate", "c1").to_string(),
    )
    .await;
    assert!(matches!(refused, Err(ReceiveError::Store(_))));
    assert_eq!(receiver.deliveries().put_off, 1);
}
