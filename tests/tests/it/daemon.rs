//! `canopy run` as a daemon: it starts while services are down, takes up a changed configuration, ends in time, and logs.

use std::time::{Duration, Instant};

use canopy_store::Store as _;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{Process, alerts, served};
use crate::support::{World, eventually, text};

/// What stands between us and a service, or the service itself, does to each request.
fn outages() -> Vec<Value> {
    let page = |status: u16, text: &str| json!({ "kind": "answer", "status": status, "content_type": "text/html", "text": text });
    vec![
        json!({ "kind": "hang" }),
        json!({ "kind": "drop_request" }),
        page(503, "<html>Down for maintenance</html>"),
        page(403, "<html>Attention required</html>"),
        page(200, "<html>Please log in</html>"),
        json!({ "kind": "status", "status": 500 }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_store_it_takes_webhooks_before_it_asks_anybody_and_whatever_is_down() {
    for outage in outages() {
        let world = World::new().await;
        world.succeed(&["run", "--once"]).await;
        world.control("/faults", outage.clone()).await;
        let process = Process::start(&world, &["run"]);
        process.ready(&world).await;
        let contacts = world.seed(2).await;
        eventually("the webhooks to be stored", async || {
            process.status(&world).await["deliveries"]["stored"] == 2
        })
        .await;
        world.clear_faults().await;
        if outage["kind"] != "hang" {
            served(&world, &process, 2).await;
            process.stop().await;
            world.assert_served_once(&contacts).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_waits_for_a_service_that_it_needs_with_its_port_open() {
    for outage in outages() {
        if outage["kind"] == "hang" {
            continue;
        }
        let world = World::new().await;
        world.control("/faults", outage.clone()).await;
        let mut process = Process::start(&world, &["run"]);
        let webhooks = process.told("webhooks: ").await;
        assert_eq!(
            world.post(&webhooks, &[], Vec::new()).await,
            503,
            "{outage}"
        );
        process.says("could not be found by the token").await;
        assert!(process.child.try_wait().unwrap().is_none(), "{outage}");
        world.clear_faults().await;
        process.ready(&world).await;
        let contacts = world.seed(1).await;
        served(&world, &process, 1).await;
        process.stop().await;
        world.assert_served_once(&contacts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_ends_when_it_is_told_to() {
    let world = World::new().await;
    world.control("/faults", json!({ "kind": "hang" })).await;
    let process = Process::start(&world, &["run"]);
    process.told("webhooks: ").await;
    process.stop().await;
    assert_eq!(world.files(), [""; 0], "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_while_both_services_hang_it_ends_in_time_and_loses_nothing() {
    for operation in ["buy-trees", "update-contact", "create-note"] {
        let world = World::new().await;
        let process = Process::start(&world, &["run"]);
        process.ready(&world).await;
        let struck = async || {
            let requests = world.books("/requests").await;
            requests.iter().filter(|one| one["fault"] == "hang").count()
        };
        // The work is done, and nobody will ever hear of it; all other calls hang as well from then on.
        let fault = json!({ "kind": "hang", "operation": operation, "after_work": true });
        world.control("/faults", fault).await;
        let contacts = world.seed(3).await;
        eventually("a call to hang", async || struck().await > 0).await;
        world.control("/faults", json!({ "kind": "hang" })).await;
        let told = Instant::now();
        process.stop().await;
        let seconds = told.elapsed().as_secs_f64();
        println!("{operation}: from SIGTERM to the end: {seconds:.1} s");
        // The promise is 10 s. Calls give up after 30 s, so without it this would be far more.
        assert!(told.elapsed() < Duration::from_secs(20), "{seconds} s");
        world.clear_faults().await;
        // What waits for its next try is due in a second; a round that ends before has something left to try.
        eventually("the rest to be done", async || {
            world.output(&["run", "--once"]).await;
            let status = world.succeed(&["status", "--json"]).await;
            let status: Value = serde_json::from_str(&status).unwrap();
            let summary = status.get("summary").unwrap_or(&status);
            // Who was seeded last may not have been found before the end, and then nothing of it is open yet.
            let bought = world.books("/purchases").await.len();
            bought >= contacts.len() && summary["runs_open"] == 0 && summary["events_pending"] == 0
        })
        .await;
        world.assert_served_once(&contacts).await;
    }
}

/// The configuration with another value in place of one that is there.
fn with(world: &World, from: &str, to: &str) -> String {
    let config = world.config();
    let changed = config.replacen(from, to, 1);
    assert_ne!(changed, config, "{from}");
    changed
}

/// Another key than the sandbox signs with.
const OTHER_KEY: &str = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_puts_the_changed_file_into_force() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let key = world.info().webhook_public_key.clone();
    world.write_config(&with(&world, &key, OTHER_KEY));
    // Told before anybody asks for it, and once.
    eventually("the alert", async || {
        let told = alerts(&world, "configuration").await;
        told.first().is_some_and(|alert| {
            alert.message.contains("has changed since it was read")
                && alert.message.contains("kill -HUP")
        })
    })
    .await;
    process.signal(Signal::HUP);
    eventually("the alert to end", async || {
        alerts(&world, "configuration").await.is_empty()
    })
    .await;
    process.says("canopy.toml is in force").await;
    let refused = async || process.status(&world).await["deliveries"]["refused"].as_u64();
    eventually("the other key to count", async || {
        world.seed(1).await;
        refused().await > Some(0)
    })
    .await;
    // And back, with all contacts served: polls find what was refused meanwhile, or HighLevel sends it again.
    world.write_config(&world.config());
    process.signal(Signal::HUP);
    eventually("the right key to count", async || {
        process.status(&world).await["deliveries"]["refused"] == 0
    })
    .await;
    let contacts = world.seed(2).await;
    let has_note = async |id: &str| {
        let notes = world.highlevel(&format!("/contacts/{id}/notes")).await;
        notes["notes"]
            .as_array()
            .is_some_and(|notes| !notes.is_empty())
    };
    eventually("the newcomers to be served", async || {
        has_note(&contacts[0]).await && has_note(&contacts[1]).await
    })
    .await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_put_into_force_is_told_and_the_former_one_works_on() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    world.write_config(&with(&world, "max_attempts", "max_attemps"));
    process.signal(Signal::HUP);
    process.says("did you mean \"max_attempts\"?").await;
    eventually("the alert", async || {
        let told = alerts(&world, "configuration").await;
        told.first().is_some_and(|alert| {
            alert.message.contains("the former configuration still is")
                && alert.message.contains("max_attemps")
        })
    })
    .await;
    let contacts = world.seed(1).await;
    served(&world, &process, 1).await;
    // Mended by hand, nothing is left to be told.
    world.write_config(&world.config());
    eventually("the alert to end", async || {
        alerts(&world, "configuration").await.is_empty()
    })
    .await;
    process.stop().await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_change_without_a_new_start_is_named() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let config = with(
        &world,
        "[server]\nlisten = \"127.0.0.1:0\"",
        "store = \"other.db\"\n[server]\nlisten = \"127.0.0.1:1\"",
    );
    let config = config.replacen("max_attempts = 5", "max_attempts = 6", 1);
    world.write_config(&config);
    process.signal(Signal::HUP);
    eventually("the alert", async || {
        let told = alerts(&world, "configuration").await;
        told.first().is_some_and(|alert| {
            alert
                .message
                .contains("is in force, except for store, server.listen: that takes a new start")
        })
    })
    .await;
    let contacts = world.seed(1).await;
    served(&world, &process, 1).await;
    process.stop().await;
    world.assert_served_once(&contacts).await;
    assert!(!world.path("other.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_in_the_middle_of_work_buys_nothing_twice_and_loses_nothing() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let contacts = world.seed(30).await;
    for round in 0..3 {
        let config = world.config();
        world.write_config(&format!("{config}# {round}\n"));
        process.signal(Signal::HUP);
        let purchases = world.books("/purchases").await.len();
        eventually("more purchases", async || {
            let now = world.books("/purchases").await.len();
            now > purchases || now == contacts.len()
        })
        .await;
    }
    served(&world, &process, 30).await;
    process.stop().await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_text_without_colour_or_json_and_tells_of_purchases_and_failures() {
    for format in ["text", "json"] {
        let world = World::new().await;
        let process = Process::start(&world, &["run", "--log-format", format]);
        process.ready(&world).await;
        let fault =
            json!({ "kind": "status", "status": 500, "operation": "create-note", "times": 1 });
        world.control("/faults", fault).await;
        let contacts = world.seed(1).await;
        served(&world, &process, 1).await;
        process.says("bought").await;
        process.says("it will be tried again").await;
        // A part that fails says so, too: a poll, at the start here.
        let down =
            json!({ "kind": "status", "status": 500, "operation": "search-contacts-advanced" });
        world.control("/faults", down).await;
        process.signal(Signal::HUP);
        process.says("poll failed").await;
        world.clear_faults().await;
        let lines = process.lines();
        for line in &lines {
            // What is said to the person who starts it is no line of the log, unless all of it is JSON.
            let is_note = ["webhooks: ", "status page: ", "connection "]
                .iter()
                .any(|begin| line.starts_with(begin));
            assert!(!(is_note && format == "json"), "{line}");
            if is_note {
                continue;
            }
            assert!(!line.contains('\u{1b}'), "{line:?}");
            let json = serde_json::from_str::<Value>(line);
            assert_eq!(json.is_ok(), format == "json", "{line}");
        }
        let purchase = lines.iter().find(|line| line.contains("bought")).unwrap();
        for part in ["new-contact", "tree", "GBP", &contacts[0]] {
            assert!(purchase.contains(part), "{part}: {purchase}");
        }
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_nothing() {
    let world = World::new().await;
    let running = world.start_unread().await;
    // Each contact makes lines that nobody will ever read.
    let contacts = world.seed(5).await;
    running.until_idle(&world, 5).await;
    running.stop().await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_stuck_holds_nothing_up() {
    let world = World::new().await;
    let fault = json!({ "kind": "status", "status": 500, "operation": "create-note", "times": 40 });
    let mut command = world.canopy(&["run"]);
    command.env("CANOPY_LOG", "trace");
    let running = world.start_stuck(command).await;
    world.control("/faults", fault).await;
    let contacts = world.seed(20).await;
    running.until_idle(&world, 20).await;
    running.stop().await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_flood_the_log() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let forged = "A".repeat(86) + "==";
    for _ in 0..100 {
        assert_eq!(world.post(&webhooks, &[], b"{}".to_vec()).await, 401);
        let signed = [("X-GHL-Signature", &*forged)];
        assert_eq!(world.post(&webhooks, &signed, b"{}".to_vec()).await, 401);
        let hook = webhooks.replace("highlevel", "workflow/unknown");
        assert_eq!(world.post(&hook, &[], b"{}".to_vec()).await, 401);
    }
    let lines = process.lines();
    let about = lines
        .iter()
        .filter(|line| line.contains("webhook not taken"));
    assert!(about.count() <= 3, "{lines:#?}");
    assert_eq!(process.status(&world).await["deliveries"]["refused"], 300);
    let store = world.store().await;
    let named = async || {
        let alerts = store.alerts(true, 100).await.unwrap();
        let of = alerts.into_iter().filter(|one| one.kind == "webhook_name");
        of.map(|one| one.message).collect::<Vec<_>>()
    };
    eventually("the name to be told", async || !named().await.is_empty()).await;
    let named = named().await;
    assert_eq!(named.len(), 1);
    assert!(named[0].contains("\"unknown\" ("), "{named:?}");
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_says_of_waiting_is_kept_within_bounds() {
    // `[retry] max` is a second in the tests' configuration.
    for asked in ["0", "1000000000"] {
        let world = World::new().await;
        let fault = |operation: &str| json!({ "kind": "status", "status": 429, "operation": operation, "times": 12, "headers": { "Retry-After": asked } });
        let process = Process::start(&world, &["run"]);
        process.ready(&world).await;
        for operation in ["get-contact", "update-contact", "create-note", "buy-trees"] {
            world.control("/faults", fault(operation)).await;
        }
        let contacts = world.seed(1).await;
        served(&world, &process, 1).await;
        process.stop().await;
        world.assert_served_once(&contacts).await;
        // Between two tries of one purchase lies our own wait at least.
        let requests = world.books("/requests").await;
        let purchases = requests
            .iter()
            .filter(|request| request["operation"] == "buy-trees");
        // Whether the account buys at all is asked under another key.
        let key = purchases.clone().next_back().unwrap()["idempotency_key"].clone();
        let tries: Vec<jiff::Timestamp> = purchases
            .filter(|request| request["idempotency_key"] == key)
            .map(|request| request["at"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(tries.len() >= 3, "{asked}: {tries:?}");
        for pair in tries.windows(2) {
            let wait = pair[1].duration_since(pair[0]);
            assert!(
                wait >= jiff::SignedDuration::from_millis(90),
                "{asked}: {wait:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_standard_error_is_no_crash_at_the_end_either() {
    let world = World::new().await;
    world.write_config("nonsense");
    let mut command = world.canopy(&["run"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = command.stderr(writer).status().await.unwrap();
    assert_eq!(ended.code(), Some(2));
    let output = world.output(&["run"]).await;
    assert!(text(&output.stderr).contains("canopy.toml"));
}
