//! What webhooks missed, as `canopy status` tells it.

use canopy_mapping::{Source, Trace};
use canopy_store::{NewEvent, SecretKey, SqliteStore, Store as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::World;

/// Puts events into the inbox as they came so many minutes ago.
pub async fn came(world: &World, location: &str, source: Source, kind: &str, minutes: &[i64]) {
    let key = SecretKey::from_file(&world.path("canopy.key")).unwrap();
    let store = SqliteStore::open(&world.path("canopy.db"), &key)
        .await
        .unwrap();
    for minutes in minutes {
        let at = Timestamp::now() - SignedDuration::from_mins(*minutes);
        let event = NewEvent {
            source,
            kind: kind.to_owned(),
            location: location.to_owned(),
            contact: None,
            record: format!("{source:?} {minutes}"),
            occurred_at: at,
            version: Some(at.to_string()),
            delivery: None,
            payload: json!({}),
            trace: Trace::default(),
        };
        store.insert_events(vec![event], at).await.unwrap();
    }
    store.close().await;
}

/// The part of `canopy status` that is about webhooks.
async fn told(world: &World) -> String {
    let output = world.succeed(&["status"]).await;
    let Some((_, rest)) = output.split_once("\nmissed by webhooks") else {
        return String::new();
    };
    rest.split("\n\n").next().unwrap().trim_end().to_owned()
}

async fn rows(world: &World) -> Value {
    let output = world.succeed(&["status", "--json"]).await;
    let mut status: Value = serde_json::from_str(&output).unwrap();
    status["missed_by_webhooks"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_the_share_of_events_that_webhooks_missed() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let here = world.info().location_id.clone();
    // Without a webhook ever, nobody expects any.
    came(&world, &here, Source::Poll, "contact.created", &[300]).await;
    assert_eq!(
        (told(&world).await, rows(&world).await),
        (String::new(), json!([]))
    );

    came(
        &world,
        &here,
        Source::Webhook,
        "contact.created",
        &[240, 230],
    )
    .await;
    came(&world, &here, Source::Poll, "contact.created", &[220]).await;
    let long = "opportunity.monetary_value_updated";
    came(&world, &here, Source::Webhook, long, &[200]).await;
    // Too young to be called missed, too old to count, and of a kind that no webhook tells of.
    came(&world, &here, Source::Poll, "contact.created", &[5]).await;
    came(
        &world,
        &here,
        Source::Poll,
        "contact.created",
        &[8 * 24 * 60],
    )
    .await;
    came(&world, &here, Source::Poll, "opportunity.won", &[100]).await;
    let expected = " and found by polls, of 7 days:
  contact.created                     33.3 %  1 of 3
  opportunity.monetary_value_updated     0 %  0 of 1";
    assert_eq!(told(&world).await, expected);
    let row = |location: &str, kind: &str, events: u64, missed: u64, percent: f64| {
        json!({ "location": location, "kind": kind,
        "events": events, "missed": missed, "percent": percent })
    };
    let both = [
        row(&here, "contact.created", 3, 1, 33.3),
        row(&here, long, 1, 0, 0.0),
    ];
    assert_eq!(rows(&world).await, json!(both));

    // Another location's share stands beside it, under its name.
    came(&world, "zzz", Source::Webhook, "contact.created", &[90]).await;
    came(
        &world,
        "zzz",
        Source::Poll,
        "contact.created",
        &[80, 70, 60],
    )
    .await;
    let lines = told(&world).await;
    let lines: Vec<_> = lines.lines().skip(1).map(str::trim).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with(&format!("{here}  contact.created ")),
        "{lines:?}"
    );
    assert!(lines[2].starts_with("zzz  contact.created "), "{lines:?}");
    assert!(lines[2].ends_with("  75 %  3 of 4"), "{lines:?}");
    assert_eq!(
        rows(&world).await[2],
        row("zzz", "contact.created", 4, 3, 75.0)
    );
}
