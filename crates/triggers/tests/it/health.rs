//! How addresses of webhooks fare, and what a person is told of it.

use canopy_mapping::{Source, Trace};
use canopy_store::clock::Clock as _;
use canopy_store::{Alert, DeliveryCount, DeliveryStore as _, NewEvent, Store as _};
use canopy_triggers::{Receiver, Signatures, Watch, address_health};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::receive::{deliver_to, receiver_for, sign};
use crate::support::World;

const COMMON: &str = "/webhooks/highlevel";

async fn count(world: &World, ago: SignedDuration, taken: u64, forged: u64, failed: u64) {
    let count = DeliveryCount {
        address: COMMON.to_owned(),
        slot: world.clock.now() - ago,
        taken,
        forged,
        failed,
        ..DeliveryCount::default()
    };
    world.store.count_deliveries(vec![count]).await.unwrap();
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

async fn open(world: &World) -> Vec<Alert> {
    world.store.alerts(true, 10).await.unwrap()
}

async fn kinds(world: &World) -> Vec<String> {
    let alerts = open(world).await.into_iter();
    alerts.map(|alert| alert.kind).collect()
}

fn watch(world: &World) -> Watch {
    Watch::new(world.shared_store(), &[world.location().to_owned()])
}

#[tokio::test]
async fn each_answer_is_counted_at_its_address() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let body =
        json!({ "type": "ContactCreate", "locationId": world.location(), "id": "c1" }).to_string();
    for _ in 0..2 {
        deliver_to(&receiver, body.clone()).await.unwrap();
    }
    deliver_to(&receiver, "no json".to_owned()).await.unwrap();
    let forged = |address: Option<&'static str>| {
        let receiver: &Receiver = &receiver;
        async move {
            let signature = sign(b"another body");
            let signatures = Signatures {
                ed25519: Some(&signature),
                rsa: None,
            };
            assert!(
                receiver
                    .receive_at(address, signatures, b"{}")
                    .await
                    .is_err()
            );
        }
    };
    forged(None).await;
    forged(Some("appinstall")).await;
    forged(Some("INSTALL")).await;
    for made_up in ["a", "b", "c"] {
        forged(Some(made_up)).await;
    }
    assert!(
        receiver
            .receive(Signatures::default(), b"{}")
            .await
            .is_err()
    );
    receiver.unread(None);
    receiver.flush().await.unwrap();
    receiver.flush().await.unwrap();
    let told = address_health(&*world.shared_store(), world.clock.now())
        .await
        .unwrap();
    let shown: Vec<_> = told
        .iter()
        .map(|one| (&*one.address, one.deliveries, one.succeeded, one.forged))
        .collect();
    assert_eq!(
        shown,
        [
            // Who sends what is forged or breaks off nobody knows.
            ("/webhooks/highlevel", 3, 3, 2),
            ("/webhooks/highlevel/*", 0, 0, 3),
            ("/webhooks/highlevel/AppInstall", 0, 0, 2),
        ]
    );
    let common = &told[0];
    assert_eq!(
        (
            common.duplicates,
            common.useless,
            common.failed,
            common.unsigned
        ),
        (1, 1, 0, 1)
    );
    assert_eq!(common.percent.to_string(), "100");
    // Without a store the figures wait, and are written once it is back.
    world.store.close().await;
    forged(None).await;
    assert!(receiver.flush().await.is_err());
}

#[tokio::test]
async fn what_is_signed_and_told_to_come_again_has_failed() {
    let world = World::new(0).await;
    let receiver = receiver_for(&world, [world.location()]);
    let body = b"{}";
    for signature in [sign(body), sign(b"another body")] {
        let signatures = Signatures {
            ed25519: Some(&signature),
            rsa: None,
        };
        receiver.put_off(None, signatures, body);
    }
    let told = receiver.health().await.unwrap().remove(0);
    assert_eq!((told.deliveries, told.failed, told.forged), (1, 1, 1));
    assert_eq!(receiver.deliveries().put_off, 2);
}

#[tokio::test]
async fn the_distance_to_the_vendors_pause_is_told() {
    let world = World::new(0).await;
    let told = async || {
        address_health(&*world.shared_store(), world.clock.now())
            .await
            .unwrap()
            .remove(0)
    };
    // Too old to count.
    count(&world, minutes(73 * 60), 5, 5, 5).await;
    count(&world, minutes(60), 999, 0, 1).await;
    let young = told().await;
    assert_eq!(
        (young.percent.to_string(), young.until_judged),
        ("99.9".to_owned(), 9000)
    );
    assert_eq!(
        young.failures_left, 9000,
        "so many come before it is judged"
    );
    count(&world, minutes(50), 9000, 0, 1000).await;
    let judged = told().await;
    assert_eq!((judged.deliveries, judged.until_judged), (11_000, 0));
    // 9999 of 11110 are 90.0 %.
    assert_eq!(
        (judged.percent.to_string(), judged.failures_left),
        ("90.9".to_owned(), 110)
    );
    count(&world, minutes(40), 0, 0, 200).await;
    assert_eq!(told().await.failures_left, 0);
}

#[tokio::test]
async fn a_low_rate_is_told_once_and_ends_with_its_cause() {
    let world = World::new(0).await;
    let mut watch = watch(&world);
    let mut look = async || watch.look(world.clock.now()).await.unwrap();
    // Few deliveries say nothing.
    count(&world, minutes(60), 15, 0, 4).await;
    look().await;
    assert_eq!(kinds(&world).await, [""; 0]);
    count(&world, minutes(60), 178, 0, 0).await;
    // Strangers' garbage says nothing of HighLevel's deliveries.
    count(&world, minutes(60), 0, 5000, 0).await;
    look().await;
    look().await;
    let alerts = open(&world).await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let told = (&*alerts[0].kind, &*alerts[0].subject, alerts[0].times);
    assert_eq!(told, ("webhook_rate", COMMON, 1));
    assert!(alerts[0].message.contains("97.9 %"), "{alerts:?}");
    assert_eq!(alerts[0].location, world.location());
    count(&world, minutes(20), 100, 0, 0).await;
    look().await;
    assert_eq!(kinds(&world).await, [""; 0]);
}

#[tokio::test]
async fn signatures_that_do_not_fit_are_told_within_minutes_and_until_some_fit() {
    let world = World::new(0).await;
    let mut watch = watch(&world);
    let mut look = async || watch.look(world.clock.now()).await.unwrap();
    count(&world, minutes(120), 10_000, 0, 0).await;
    count(&world, minutes(0), 0, 2, 0).await;
    look().await;
    assert_eq!(kinds(&world).await, [""; 0], "two are no trend");
    count(&world, minutes(0), 1, 1, 0).await;
    look().await;
    let alerts = open(&world).await;
    assert_eq!((alerts.len(), &*alerts[0].kind), (1, "webhook_signatures"));
    assert!(alerts[0].message.contains("public_keys"), "{alerts:?}");
    // That nothing comes any more mends nothing.
    world.clock.advance(minutes(60));
    look().await;
    assert_eq!(open(&world).await.len(), 1);
    count(&world, minutes(0), 1, 0, 0).await;
    look().await;
    assert_eq!(kinds(&world).await, [""; 0]);
    // A few among many are somebody else's.
    count(&world, minutes(0), 100, 5, 0).await;
    look().await;
    assert_eq!(kinds(&world).await, [""; 0]);
}

async fn came(world: &World, source: Source, kind: &str, at: Timestamp, record: &str) {
    let event = NewEvent {
        source,
        kind: kind.to_owned(),
        location: world.location().to_owned(),
        contact: None,
        record: record.to_owned(),
        occurred_at: at,
        version: Some(at.to_string()),
        delivery: None,
        payload: json!({}),
        trace: Trace::default(),
    };
    world.store.insert_events(vec![event], at).await.unwrap();
}

#[tokio::test]
async fn silence_against_what_polls_find_is_told_until_a_webhook_comes() {
    let world = World::new(0).await;
    let mut watch = watch(&world);
    let mut look = async || watch.look(world.clock.now()).await.unwrap();
    // One kind is subscribed, the other never was.
    for number in 0..5 {
        let at = world.clock.now() + minutes(number);
        came(
            &world,
            Source::Webhook,
            "contact.created",
            at,
            &format!("told {number}"),
        )
        .await;
        came(
            &world,
            Source::Poll,
            "note.created",
            at,
            &format!("note {number}"),
        )
        .await;
    }
    world.clock.advance(minutes(8 * 60));
    look().await;
    assert_eq!(kinds(&world).await, [""; 0], "nothing happened");
    for number in 0..3 {
        let at = world.clock.now() + minutes(number);
        came(
            &world,
            Source::Poll,
            "contact.created",
            at,
            &format!("missed {number}"),
        )
        .await;
        came(
            &world,
            Source::Poll,
            "note.created",
            at,
            &format!("later {number}"),
        )
        .await;
    }
    world.clock.advance(minutes(10));
    look().await;
    assert_eq!(kinds(&world).await, [""; 0], "webhooks may still come");
    world.clock.advance(minutes(20));
    look().await;
    let alerts = open(&world).await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(
        (&*alerts[0].kind, &*alerts[0].subject),
        ("webhook_silence", "contact.created")
    );
    // That no more happens ends no silence.
    world.clock.advance(minutes(7 * 60));
    look().await;
    assert_eq!(open(&world).await.len(), 1);
    let now = world.clock.now();
    came(
        &world,
        Source::Webhook,
        "contact.created",
        now,
        "told again",
    )
    .await;
    world.clock.advance(minutes(20));
    look().await;
    assert_eq!(kinds(&world).await, [""; 0]);
}
