//! Deliveries that come again, late, or are of no use.

use canopy_store::clock::Clock as _;
use canopy_store::{
    Completion, DeliveryStore as _, EventEnd, EventState, Inserted, Store as _, Version,
};
use canopy_triggers::{Received, Receiver, WorkflowHook};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::receive::{deliver_to, receiver_for};
use crate::support::World;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn is_stored(received: &Received) -> bool {
    matches!(received, Received::Stored { .. })
}

async fn deliver(receiver: &Receiver, body: &Value) -> Received {
    deliver_to(receiver, body.to_string()).await.unwrap()
}

/// Has all pending events be read, with this content.
async fn read(world: &World, content: &str) -> Vec<Inserted> {
    let site = world.site("test");
    let now = world.clock.now();
    let fence = site
        .store
        .acquire_lease(world.location(), "test", now, DAY)
        .await
        .unwrap()
        .unwrap();
    let mut told = Vec::new();
    for row in world
        .store
        .pending_events(world.location(), now, 0, 100)
        .await
        .unwrap()
    {
        let completion = Completion {
            kind: None,
            record: None,
            version: match row.event.version {
                Some(version) => Version::Own(version),
                None => Version::Content(content.to_owned()),
            },
            contact: None,
            payload: json!({}),
            read: true,
            seen: None,
        };
        let inserted = world
            .store
            .complete_event(&fence, row.event.id, completion, now)
            .await
            .unwrap();
        if let Inserted::Stored(id) = inserted {
            world
                .store
                .settle_event(&fence, id, EventEnd::NoMatch, now)
                .await
                .unwrap();
        }
        told.push(inserted);
    }
    told
}

#[tokio::test]
async fn a_delivery_with_an_id_counts_once_for_a_month_and_a_bit() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let body = |id: &str| json!({ "type": "ContactUpdate", "locationId": world.location(), "id": "c1", "webhookId": id });
    assert!(is_stored(&deliver(&receiver, &body("w1")).await));
    read(&world, "A").await;
    // Sent again by hand, long after it was read.
    for _ in 0..2 {
        world.clock.advance(DAY * 15);
        assert_eq!(deliver(&receiver, &body("w1")).await, Received::Duplicate);
    }
    // The id counts, not the bytes.
    let mut edited = body("w1");
    edited["firstName"] = json!("Ada");
    assert_eq!(deliver(&receiver, &edited).await, Received::Duplicate);
    assert!(is_stored(&deliver(&receiver, &body("w2")).await));
    // Should the sender use one id for several events, none is lost.
    let mut other = body("w2");
    other["type"] = json!("ContactTagUpdate");
    assert!(is_stored(&deliver(&receiver, &other).await));
    other["id"] = json!("c2");
    assert!(is_stored(&deliver(&receiver, &other).await));
    world.clock.advance(DAY * 2);
    assert!(is_stored(&deliver(&receiver, &body("w1")).await));
    let now = world.clock.now();
    world.store.prune_deliveries(now, now).await.unwrap();
    assert_eq!(receiver.deliveries().duplicates, 3);
}

#[tokio::test]
async fn without_an_id_an_update_that_looks_alike_may_tell_of_another_change() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let body = json!({ "type": "NoteUpdate", "locationId": world.location(), "id": "n", "contactId": "c" });
    // A to B to A to B, each told with the same bytes: none is lost.
    for content in ["B", "A", "B"] {
        assert!(is_stored(&deliver(&receiver, &body).await), "{content}");
        assert_eq!(
            deliver(&receiver, &body).await,
            Received::Duplicate,
            "unread"
        );
        let told = read(&world, content).await;
        assert!(
            matches!(told[..], [Inserted::Stored(_)]),
            "{content}: {told:?}"
        );
    }
    // Sent again, it is a hint, and reading tells that nothing is new.
    assert!(is_stored(&deliver(&receiver, &body).await));
    let told = read(&world, "B").await;
    assert!(matches!(told[..], [Inserted::Duplicate(_)]), "{told:?}");
}

#[tokio::test]
async fn without_an_id_what_happens_once_is_a_duplicate_however_late() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let created = json!({ "type": "ContactCreate", "locationId": world.location(), "id": "c" });
    let versioned = json!({ "locationId": world.location(), "type": "RecordUpdate", "id": "r",
        "timestamp": world.clock.now().to_string(), "properties": [] });
    for body in [created, versioned] {
        assert!(is_stored(&deliver(&receiver, &body).await));
        read(&world, "read").await;
        world.clock.advance(DAY * 14);
        assert_eq!(
            deliver(&receiver, &body).await,
            Received::Duplicate,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_late_delivery_is_taken_and_marked_and_one_of_another_age_is_noted() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let made = world.clock.now();
    let body = |id: &str| {
        json!({ "type": "ContactUpdate", "locationId": world.location(), "id": "c1", "webhookId": id,
            "timestamp": made.to_string(), "firstName": "Ada" })
    };
    world.clock.advance(DAY * 31);
    assert!(is_stored(&deliver(&receiver, &body("w1")).await));
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.event.trace.made_at, Some(made));
    assert_eq!(row.event.occurred_at, made);
    assert_eq!(receiver.deliveries().late, 1);

    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(deliver(&receiver, &body("w2")).await, Received::TooOld);
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.event.kind, "webhook.too_old");
    assert_eq!(row.state, EventState::NoMatch);
    assert!(!row.event.payload.to_string().contains("Ada"));
    assert_eq!(receiver.deliveries().too_old, 1);

    // A clock that is ahead makes nothing late.
    let ahead = (world.clock.now() + DAY * 40).to_string();
    let body = json!({ "type": "ContactUpdate", "locationId": world.location(), "id": "c3", "timestamp": ahead });
    assert!(is_stored(&deliver(&receiver, &body).await));
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.event.trace.made_at, None);
    assert_eq!(row.event.occurred_at, world.clock.now());
}

#[tokio::test]
async fn a_creation_without_an_envelope_is_as_late_as_its_record_is_old() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let added = world.clock.now();
    world.clock.advance(DAY * 20);
    let body = json!({ "type": "ContactCreate", "locationId": world.location(), "id": "c",
        "dateAdded": added.to_string() });
    assert!(is_stored(&deliver(&receiver, &body).await));
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.event.trace.made_at, Some(added));
    // The envelope knows better: an old record may be told of for the first time.
    let now = world.clock.now();
    let body = json!({ "type": "ContactCreate", "locationId": world.location(), "id": "d",
        "dateAdded": added.to_string(), "timestamp": now.to_string() });
    assert!(is_stored(&deliver(&receiver, &body).await));
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(
        (row.event.trace.made_at, row.event.occurred_at),
        (Some(now), added)
    );
}

#[tokio::test]
async fn what_is_of_no_use_is_kept_in_bounds() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    for number in 0..1010 {
        let answer = deliver_to(&receiver, format!("no json {number}")).await;
        assert_eq!(answer.unwrap(), Received::Unreadable);
    }
    let rows = world.store.recent_events(5000).await.unwrap();
    assert_eq!(rows.len(), 1000, "the newest");
    let unknown = json!({ "type": "MoonLanding", "locationId": world.location(), "id": "m" });
    assert!(is_stored(&deliver(&receiver, &unknown).await));
    read(&world, "x").await;
    let known = json!({ "type": "ContactCreate", "locationId": world.location(), "id": "c" });
    assert!(is_stored(&deliver(&receiver, &known).await));
    let now = world.clock.now() + DAY * 32;
    world
        .store
        .prune_deliveries(now - DAY * 31, now)
        .await
        .unwrap();
    assert_eq!(
        world.events().await,
        [("contact.created".to_owned(), "c".to_owned())]
    );
}

#[tokio::test]
async fn secrets_are_not_stored() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let call = json!({ "id": "v", "locationId": world.location(), "agentId": "a", "fromNumber": "+44", "duration": 5,
        "executedCallActions": [{ "actionParameters": { "apiDetails": { "authenticationValue": "s3cret",
            "url": "https://nursery.example/?key=s3cret", "headers": [{ "key": "X-Key", "value": "s3cret" }] } } }] });
    let unknown =
        json!({ "type": "MoonLanding", "locationId": world.location(), "api_key": "s3cret" });
    for body in [call, unknown] {
        assert!(is_stored(&deliver(&receiver, &body).await), "{body}");
    }
    let rows = world.store.recent_events(10).await.unwrap();
    assert_eq!(rows[1].event.kind, "voice_ai_call.ended");
    assert!(!format!("{rows:?}").contains("s3cret"), "{rows:?}");
}

#[tokio::test]
async fn the_address_names_the_event_and_a_list_is_several() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let deliver_at = async |address: &str, body: Value| {
        let body = body.to_string();
        let signature = crate::receive::sign(body.as_bytes());
        let signatures = canopy_triggers::Signatures {
            ed25519: Some(&signature),
            rsa: None,
        };
        receiver
            .receive_at(Some(address), signatures, body.as_bytes())
            .await
            .unwrap()
    };
    let invoice = json!({ "_id": "i", "altId": world.location(), "altType": "location", "invoiceNumber": "1",
        "amountDue": 0, "status": "sent", "updatedAt": "2099-12-31T00:00:00Z" });
    for (address, kind) in [
        ("InvoicePaid", "invoice.paid"),
        ("InvoiceUpdate", "invoice.updated"),
    ] {
        assert!(is_stored(&deliver_at(address, invoice.clone()).await));
        let row = world.store.recent_events(1).await.unwrap().remove(0);
        assert_eq!(row.event.kind, kind);
    }
    // A delete does not hang on the type that its page shows.
    let gone = json!({ "type": "AppointmentCreate", "locationId": world.location(), "appointment": { "id": "a" } });
    assert!(is_stored(&deliver_at("AppointmentDelete", gone).await));
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(
        (row.event.kind.as_str(), row.event.version.as_deref()),
        ("appointment.deleted", Some("deleted"))
    );
    // An event that nobody knows yet, where the tenant is in `altId`.
    let new = json!({ "_id": "x", "altId": world.location(), "altType": "location" });
    assert!(is_stored(&deliver_at("InvoiceForgiven", new).await));
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(
        (row.event.kind.as_str(), row.event.record.as_str()),
        ("webhook.InvoiceForgiven", "x")
    );
    let plan = |id: &str| json!({ "type": "SaasPlanCreate", "companyId": "agency", "planId": id });
    let two = json!([plan("p"), plan("q")]);
    assert!(is_stored(&deliver_at("SaaSPlanCreate", two.clone()).await));
    assert_eq!(deliver_at("SaaSPlanCreate", two).await, Received::Duplicate);
    let plans = world
        .store
        .event_records(world.location(), "saas_plan.created")
        .await
        .unwrap();
    assert_eq!(plans.len(), 2);
}

#[tokio::test]
async fn calls_are_told_apart_by_the_senders_own_key_or_by_what_they_say() {
    let world = World::new(0).await;
    let hook = |name: &str, dedupe| WorkflowHook {
        name: name.to_owned(),
        location: world.location().to_owned(),
        header: "X-Canopy-Secret".to_owned(),
        secret: "open sesame".to_owned().into(),
        dedupe,
    };
    let receiver = receiver_for(&world, [world.location()]).with_hooks([
        hook("each", None),
        hook("quiet", Some(SignedDuration::from_mins(10))),
    ]);
    let call = async |name: &str, key: Option<&'static str>, body: &str| {
        let header = |header: &str| match header {
            "X-Canopy-Secret" => Some(&b"open sesame"[..]),
            "idempotency-key" => key.map(str::as_bytes),
            _ => None,
        };
        receiver
            .receive_hook(name, header, body.as_bytes())
            .await
            .unwrap()
    };
    let body = r#"{"contact_id":"c1"}"#;
    for _ in 0..10 {
        assert!(is_stored(&call("each", None, body).await));
    }
    assert_eq!(world.events().await.len(), 10);
    assert!(is_stored(&call("each", Some("order-1"), body).await));
    assert_eq!(
        call("each", Some("order-1"), "{}").await,
        Received::Duplicate
    );
    assert!(is_stored(&call("each", Some("order-2"), body).await));
    // The same key is another one at another webhook.
    assert!(is_stored(&call("quiet", Some("order-1"), body).await));
    assert!(is_stored(&call("quiet", None, body).await));
    assert_eq!(call("quiet", None, body).await, Received::Duplicate);
    assert!(is_stored(
        &call("quiet", None, r#"{"contact_id":"c2"}"#).await
    ));
    world.clock.advance(SignedDuration::from_mins(10));
    assert!(is_stored(&call("quiet", None, body).await));
    assert_eq!(
        call("quiet", Some("order-1"), body).await,
        Received::Duplicate
    );
    // A clock that was ahead, and is set right: what it stored lies in the future and silences nothing. A key of the
    // sender's own is the same call whatever the clock says.
    world.clock.advance(SignedDuration::from_hours(-24 * 40));
    assert!(is_stored(&call("quiet", None, body).await));
    assert_eq!(call("quiet", None, body).await, Received::Duplicate);
    assert_eq!(
        call("quiet", Some("order-1"), body).await,
        Received::Duplicate
    );
}

#[tokio::test]
async fn a_call_that_cannot_be_read_is_told_to_a_person() {
    let world = World::new(0).await;
    let hook = WorkflowHook {
        name: "plant-tree".to_owned(),
        location: world.location().to_owned(),
        header: "X-Canopy-Secret".to_owned(),
        secret: "open sesame".to_owned().into(),
        dedupe: None,
    };
    let receiver = receiver_for(&world, [world.location()]).with_hooks([hook]);
    let header = |name: &str| (name == "X-Canopy-Secret").then_some(&b"open sesame"[..]);
    let body = br#"{"note": "said "Ada Byron""}"#;
    let refused = receiver.receive_hook("plant-tree", header, body).await;
    assert!(refused.is_err());
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!((alerts.len(), &*alerts[0].subject), (1, "plant-tree"));
    assert!(alerts[0].message.contains("plant-tree"), "{alerts:?}");
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(
        (row.event.kind.as_str(), row.event.record.as_str()),
        ("webhook.unreadable", "plant-tree")
    );
    assert!(!format!("{alerts:?}{row:?}").contains("Byron"));
}

#[tokio::test]
async fn without_an_id_the_same_bytes_are_known_though_what_they_told_is_not_there_any_more() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let location = world.location();
    let unknown = json!({ "type": "SomethingNew", "locationId": location, "id": "x" });
    let timed = json!({ "type": "ContactUpdate", "locationId": location, "id": "c", "timestamp": world.clock.now().to_string() });
    for body in [&unknown, &timed] {
        assert!(is_stored(&deliver(&receiver, body).await), "{body}");
    }
    // The first is pruned with others of its like, and the second was read.
    read(&world, "A").await;
    world.clock.advance(SignedDuration::from_hours(24));
    let now = world.clock.now();
    assert!(world.store.prune_deliveries(now, now).await.unwrap() > 0);
    for body in [&unknown, &timed] {
        assert_eq!(
            deliver(&receiver, body).await,
            Received::Duplicate,
            "{body}"
        );
    }
    assert_eq!(world.store.recent_events(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_hint_that_comes_again_is_as_late_as_the_first_of_its_bytes() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let body = json!({ "type": "NoteUpdate", "locationId": world.location(), "id": "n", "contactId": "c" });
    let first = world.clock.now();
    assert!(is_stored(&deliver(&receiver, &body).await));
    read(&world, "A").await;
    world.clock.advance(SignedDuration::from_hours(20 * 24));
    assert!(
        is_stored(&deliver(&receiver, &body).await),
        "it may be news"
    );
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.event.trace.made_at, Some(first));
}
