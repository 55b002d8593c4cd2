//! Alerts about lists that are polled.

use serde_json::json;

use super::{ended, ended_after_a_day, is_open, once, raised, with_workflow};
use crate::support::World;

fn deals(status: &str) -> String {
    format!(
        "id = \"deals\"\ntitle = \"Deals\"\non = [{{ trigger = \"search-opportunity\", with = {{ status = \"{status}\" }} }}, \"opportunity.deleted\"]\n\n\
         [[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = {{ number = 1 }}\n"
    )
}

/// A location with deals that have been polled.
async fn polled() -> World {
    let world = World::new().await;
    with_workflow(&world, &deals("open"));
    let pipeline = world.books("/records/pipelines").await[0]["id"].clone();
    for contact in world.seed(3).await {
        let deal = json!({ "name": "Hedge", "pipelineId": pipeline, "contactId": contact, "status": "open" });
        world.control("/opportunities", deal).await;
    }
    once(&world).await;
    world
}

pub async fn poll() {
    let world = polled().await;
    let page = json!({ "kind": "answer", "operation": "search-opportunity", "status": 502, "text": "<html>nginx</html>" });
    world.control("/faults", page).await;
    assert_eq!(once(&world).await, 1);
    assert!(!is_open(&world, "poll").await, "once is none yet");
    assert_eq!(world.output(&["status"]).await.status.code(), Some(0));
    once(&world).await;
    let open = crate::process::alerts(&world, "poll").await;
    assert!(!open.is_empty(), "the second in a row");
    for alert in open {
        assert!(alert.message.contains("tried again by itself"), "{alert:?}");
    }
    world.clear_faults().await;
    once(&world).await;
    ended(&world, "poll").await;
}

pub async fn list() {
    let world = polled().await;
    let none = json!({ "opportunities": [], "meta": { "total": 0 } });
    let empty = json!({ "kind": "answer", "operation": "search-opportunity", "body": none });
    world.control("/faults", empty).await;
    once(&world).await;
    let open = crate::process::alerts(&world, "list").await;
    assert!(!open.is_empty());
    for alert in open {
        for part in ["3 of 3 records", "See in HighLevel whether"] {
            assert!(alert.message.contains(part), "{alert:?}");
        }
    }
    assert_eq!(world.output(&["status"]).await.status.code(), Some(3));
    world.clear_faults().await;
    once(&world).await;
    ended(&world, "list").await;
}

pub async fn trigger() {
    let world = polled().await;
    with_workflow(&world, &deals("won"));
    once(&world).await;
    raised(&world, "trigger", "begins anew", "canopy backfill --fire").await;
    ended_after_a_day(&world, "trigger").await;
}
