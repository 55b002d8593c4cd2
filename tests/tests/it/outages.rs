//! A service that fails for a while: what is told meanwhile, and how a round ends.

use canopy_store::{Alert, HealthStore as _, Part, PartHealth, Store as _};
use serde_json::{Value, json};

use crate::support::{World, eventually, text};

async fn down(world: &World, fault: Value) {
    let mut fault = fault;
    fault["kind"] = json!("status");
    world.control("/faults", fault).await;
}

async fn round(world: &World) -> (Option<i32>, String) {
    let output = world.output(&["run", "--once"]).await;
    (output.status.code(), text(&output.stderr))
}

async fn open_alerts(world: &World) -> Vec<Alert> {
    world.store().await.alerts(true, 100).await.unwrap()
}

async fn part(world: &World, part: Part) -> PartHealth {
    let parts = world.store().await.health().await.unwrap();
    parts.into_iter().find(|one| one.part == part).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_ends_with_the_worst_that_it_met() {
    let orders = json!({ "service": "ecologi", "method": "POST", "status": 503 });
    for (what, fault) in [
        ("an order", orders),
        (
            "the account's totals",
            json!({ "service": "ecologi", "method": "GET", "status": 503 }),
        ),
        (
            "a write",
            json!({ "operation": "create-note", "status": 503 }),
        ),
        (
            "the read of an event",
            json!({ "operation": "get-contact", "status": 500 }),
        ),
        (
            "a poll",
            json!({ "operation": "search-contacts-advanced", "status": 500 }),
        ),
    ] {
        let world = World::new().await;
        world.succeed(&["run", "--once"]).await;
        let contacts = world.seed(1).await;
        down(&world, fault).await;
        let (code, told) = round(&world).await;
        assert_eq!(code, Some(1), "{what}: {told}");
        world.clear_faults().await;
        eventually("all to be made up for", async || {
            let (code, _) = round(&world).await;
            let summary = world.store().await.summary().await.unwrap();
            code == Some(0) && summary.runs_done == 1
        })
        .await;
        world.assert_served_once(&contacts).await;
        assert!(open_alerts(&world).await.is_empty(), "{what}");
    }
}

/// A round polls all and works off what is there, whatever of it fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_round_does_all_that_can_be_done_although_a_poll_or_a_whole_connection_fails() {
    let world = World::new().await;
    let elsewhere = canopy_sandbox::Sandbox::builder().limits(false).seed(7);
    let other = World::in_a(elsewhere).await;
    let section = |world: &World, id: &str| {
        let config = world.config();
        let begin = config.find("[[connection]]").unwrap();
        let named = format!("[[connection]]\nid = \"{id}\"");
        config[begin..].replacen("[[connection]]", &named, 1)
    };
    let config = world.config();
    let head = &config[..config.find("[[connection]]").unwrap()];
    let own = section(&world, "own");
    let other_section = section(&other, "other");
    world.write_config(&format!(
        "workflows = \"workflows\"\n{head}{own}{other_section}"
    ));
    std::fs::create_dir(world.path("workflows")).unwrap();
    let tree = "id = \"tree\"\ntitle = \"A tree\"\non = [\"contact.created\", \"opportunity.created\"]\n\n[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nwith = { number = 1 }\n";
    std::fs::write(world.path("workflows/tree.toml"), tree).unwrap();
    world.succeed(&["run", "--once"]).await;
    let bought = async || {
        let one = world.books("/purchases").await.len();
        (one, other.books("/purchases").await.len())
    };
    // One of a connection's polls.
    world.seed(1).await;
    let deals = json!({ "operation": "search-opportunity", "status": 500 });
    down(&world, deals).await;
    let (code, told) = round(&world).await;
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(bought().await, (1, 0), "{told}");
    world.clear_faults().await;
    world.succeed(&["run", "--once"]).await;
    // All of a connection's service.
    world.seed(1).await;
    other.seed(1).await;
    down(&world, json!({ "service": "highlevel", "status": 503 })).await;
    let (code, told) = round(&world).await;
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(bought().await, (1, 1), "{told}");
    world.clear_faults().await;
    eventually("the rest to be made up for", async || {
        round(&world).await.0 == Some(0)
    })
    .await;
    assert_eq!(bought().await, (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_cap_or_for_a_person_ends_a_round_with_3() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let config = world.config();
    world.write_config(&config.replace("per_day = 10000", "per_day = 1"));
    world.seed(2).await;
    let (code, told) = round(&world).await;
    assert_eq!(code, Some(3), "{told}");
    let kinds: Vec<_> = open_alerts(&world)
        .await
        .into_iter()
        .map(|alert| alert.kind)
        .collect();
    assert_eq!(kinds, ["budget"]);
    world.write_config(&config);
    eventually("the raised cap to free it", async || {
        round(&world).await.0 == Some(0)
    })
    .await;
    assert_eq!(world.books("/purchases").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_failing_at_once_and_an_alert_from_the_second_time_until_it_goes_through() {
    for (kind, which, fault) in [
        (
            "reading",
            Part::Reading,
            json!({ "operation": "get-contact", "status": 500 }),
        ),
        (
            "ecologi",
            Part::Ecologi,
            json!({ "service": "ecologi", "status": 503 }),
        ),
    ] {
        let world = World::new().await;
        world.succeed(&["run", "--once"]).await;
        assert!(part(&world, which).await.good_since.is_some(), "{kind}");
        world.seed(1).await;
        down(&world, fault).await;
        let (code, told) = round(&world).await;
        assert_eq!(code, Some(1), "{kind}: {told}");
        assert!(
            told.contains(&format!("{kind}: ")),
            "a line of the log: {told}"
        );
        let after_one = part(&world, which).await;
        assert!(after_one.failing_since.is_some(), "{kind}");
        assert!(!after_one.alerting, "{kind}: once is no alert");
        // Other parts may have failed twice in this one round.
        let is_told = async || {
            let open = open_alerts(&world).await;
            open.iter().any(|one| one.kind == kind)
        };
        assert!(!is_told().await, "{kind}: once is no alert");
        eventually("the alert", async || {
            assert_eq!(round(&world).await.0, Some(1), "{kind}");
            is_told().await
        })
        .await;
        let status = world.output(&["status"]).await;
        assert_eq!(status.status.code(), Some(3), "{kind}");
        world.clear_faults().await;
        eventually("the alert to end by itself", async || {
            round(&world).await.0 == Some(0) && open_alerts(&world).await.is_empty()
        })
        .await;
        assert_eq!(world.books("/purchases").await.len(), 1, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_tells_of_an_outage_while_it_lasts_and_no_longer() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let config = world.config();
    world.write_config(&format!("[check]\nevery = \"5s\"\n{config}"));
    let running = world.start().await;
    let told = async |kind: &str| open_alerts(&world).await.iter().any(|one| one.kind == kind);
    for (kind, fault) in [
        (
            "reading",
            json!({ "operation": "get-contact", "status": 500 }),
        ),
        (
            "ecologi",
            json!({ "service": "ecologi", "method": "POST", "status": 503 }),
        ),
    ] {
        down(&world, fault).await;
        world.seed(1).await;
        eventually("the alert", async || told(kind).await).await;
        world.clear_faults().await;
        eventually("the alert to end by itself", async || !told(kind).await).await;
    }
    running.until_idle(&world, 2).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    running.stop().await;
}
