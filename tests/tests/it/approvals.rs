//! Events that a poll found too late: `canopy events` and `canopy approve`.

use serde_json::Value;

use crate::ops::{json_of, refused};
use crate::support::{World, text};

/// A baseline, and then contacts that are found later than is allowed without a person.
async fn held(contacts: u32) -> (World, Vec<String>) {
    let world = World::new().await;
    let config = format!("{}\n[poll]\nmax_age = \"1ms\"\n", world.config());
    world.write_config(&config);
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(contacts).await;
    world.output(&["run", "--once"]).await;
    (world, contacts)
}

fn numbers(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["event"]["id"].to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_listed_and_goes_on_once_it_is_approved() {
    let (world, contacts) = held(3).await;
    assert!(
        world.books("/purchases").await.is_empty(),
        "nothing is bought by surprise"
    );
    let rows = json_of(&world, &["events", "--state", "held", "--json"]).await;
    let ids = numbers(&rows);
    assert_eq!(ids.len(), 3, "{rows}");
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .all(|row| row["event"]["kind"] == "contact.created")
    );
    let table = world.succeed(&["events", "--state", "held"]).await;
    for contact in &contacts {
        assert!(table.contains(contact.as_str()), "{table}");
    }
    assert!(table.contains("canopy approve"), "says what to do: {table}");
    let status = world.output(&["status"]).await;
    assert_eq!(status.status.code(), Some(3), "needs a person");
    let shown = text(&status.stdout);
    assert!(shown.contains("3 event(s) wait for approval"), "{shown}");

    world.succeed(&["approve", &ids[0]]).await;
    refused(&world, &["approve", &ids[0]], 2, "is not held").await;
    let alerts = text(&world.output(&["alerts"]).await.stdout);
    assert!(
        alerts.contains("contact.created"),
        "two still wait: {alerts}"
    );
    world.needs_person(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 1);

    world.succeed(&["approve", "--all"]).await;
    assert_eq!(world.succeed(&["alerts"]).await, "no alerts\n");
    world.succeed(&["status"]).await;
    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
    let started = json_of(&world, &["events", "--state", "started", "--json"]).await;
    assert_eq!(numbers(&started).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_approves_nothing() {
    let (world, _) = held(2).await;
    let rows = json_of(&world, &["events", "--state", "held", "--json"]).await;
    let ids = numbers(&rows);
    refused(&world, &["approve"], 2, "required").await;
    refused(
        &world,
        &["approve", &ids[0], "--all"],
        2,
        "cannot be used with",
    )
    .await;
    let wrong = ["approve", &ids[0], "999999"];
    refused(&world, &wrong, 2, "event 999999 is not held").await;
    refused(&world, &["events", "--state", "lost"], 2, "lost").await;
    let rows = json_of(&world, &["events", "--state", "held", "--json"]).await;
    assert_eq!(numbers(&rows), ids, "none of them went on");
    let rows = json_of(&world, &["events", "--limit", "1", "--json"]).await;
    assert_eq!(numbers(&rows).len(), 1);
}
