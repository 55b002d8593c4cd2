//! How the program fares: what fails is told, with cause and remedy, until it is good again.

use std::process::Stdio;

use canopy_sandbox::Sandbox;
use canopy_store::{Alert, HealthStore as _, Part, Store as _};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{World, eventually, text};

/// A workflow that polls deals besides contacts.
const DEALS: &str = r#"id = "deals"
title = "Deals"
on = ["opportunity.won"]

[[do]]
id = "tree"
action = "buy-trees"
once = "event"
with = { number = 1 }
"#;

async fn world() -> World {
    with_deals(World::new().await)
}

fn with_deals(world: World) -> World {
    std::fs::create_dir(world.path("workflows")).unwrap();
    std::fs::write(world.path("workflows/deals.toml"), DEALS).unwrap();
    world.write_config(&format!(
        "recipes = [\"new-contact\"]\nworkflows = \"workflows\"\n{}",
        world.config()
    ));
    world
}

/// Has an operation answered like this until the faults are cleared.
async fn answers(world: &World, operation: &str, status: u16, body: Value) {
    let fault = json!({ "kind": "status", "operation": operation, "status": status, "body": body });
    world.control("/faults", fault).await;
}

/// Has every call to HighLevel refused, as after the token was revoked.
async fn revoke(world: &World) {
    let body = json!({ "statusCode": 401, "message": "Invalid JWT" });
    let fault = json!({ "kind": "status", "service": "highlevel", "status": 401, "body": body });
    world.control("/faults", fault).await;
}

async fn alerts(world: &World) -> Vec<Alert> {
    world.store().await.alerts(true, 100).await.unwrap()
}

async fn status(world: &World) -> (Option<i32>, Value) {
    let output = world.output(&["status", "--json"]).await;
    let told = serde_json::from_slice(&output.stdout);
    (
        output.status.code(),
        told.unwrap_or_else(|_| panic!("{}", text(&output.stderr))),
    )
}

fn part<'a>(status: &'a Value, part: &str) -> &'a Value {
    let parts = status["health"]["parts"].as_array().unwrap();
    let found = parts.iter().find(|one| one["part"] == part);
    found.unwrap_or_else(|| panic!("{part}: {parts:?}"))
}

async fn code(world: &World, arguments: &[&str]) -> Option<i32> {
    world.output(arguments).await.status.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_fails_twice_is_an_alert_until_it_comes_through() {
    let world = world().await;
    world.succeed(&["run", "--once"]).await;
    let (code_of, told) = status(&world).await;
    assert_eq!(code_of, Some(0), "{told}");
    assert_eq!(told["health"]["good"], true);
    answers(
        &world,
        "search-opportunity",
        502,
        json!("<html>nginx</html>"),
    )
    .await;
    assert_eq!(code(&world, &["run", "--once"]).await, Some(1));
    let (code_of, told) = status(&world).await;
    assert_eq!(
        (code_of, alerts(&world).await.len()),
        (Some(0), 0),
        "once is no alert: {told}"
    );
    assert_eq!(code(&world, &["run", "--once"]).await, Some(1));
    let (code_of, told) = status(&world).await;
    assert_eq!(code_of, Some(3), "{told}");
    let reason = &told["health"]["reasons"][0];
    assert_eq!(
        (&reason["kind"], &reason["name"]),
        (&json!("poll"), &json!("search-opportunity"))
    );
    let parts = told["health"]["parts"].as_array().unwrap();
    let poll = parts
        .iter()
        .find(|one| one["name"] == "search-opportunity")
        .unwrap();
    assert_eq!(poll["failures"], 2, "{poll}");
    for known in ["failing_since", "last_success", "cause", "remedy"] {
        assert!(poll[known].is_string(), "{known}: {poll}");
    }
    let open = alerts(&world).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].kind, "poll");
    let screen = text(&world.output(&["status"]).await.stdout);
    assert!(
        screen.starts_with("health: 1 not good\n  poll (search-opportunity, since "),
        "{screen}"
    );
    assert!(screen.contains("it is tried again by itself"), "{screen}");

    world.clear_faults().await;
    world.succeed(&["run", "--once"]).await;
    assert!(alerts(&world).await.is_empty());
    assert_eq!(status(&world).await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_while_it_runs_is_told_at_once_and_the_same_when_it_is_good_again()
{
    let world = world().await;
    world.succeed(&["run", "--once"]).await;
    let running = world.start().await;
    let ready = format!("{}readyz", running.page);
    eventually("all to be good", async || {
        world.get(&ready).await.status() == 200
    })
    .await;
    revoke(&world).await;
    // Any call shows it, whoever makes it.
    world.seed(1).await;
    eventually("the alert", async || {
        alerts(&world)
            .await
            .iter()
            .any(|alert| alert.kind == "token")
    })
    .await;
    let answer = world.get(&ready).await;
    assert_eq!(answer.status(), 503);
    let told = answer.text().await.unwrap();
    assert!(
        told.starts_with("not ready:\n") && told.contains("HighLevel refuses the token"),
        "{told}"
    );
    assert!(told.contains("copy it again"), "with the remedy: {told}");
    assert!(!told.contains(&world.info().token));
    // Strangers are told that, and not why.
    let public = running.webhooks.replace("/webhooks/highlevel", "/readyz");
    let answer = world.get(&public).await;
    assert_eq!(answer.status(), 503);
    assert!(!answer.text().await.unwrap().contains("token"));
    let alive = world.get(&format!("{}healthz", running.page)).await;
    assert_eq!(alive.status(), 200, "the process is well");
    assert_eq!(status(&world).await.0, Some(3));
    running.stop().await;

    world.clear_faults().await;
    assert_eq!(code(&world, &["run", "--once"]).await, Some(0));
    assert!(
        alerts(&world).await.is_empty(),
        "{:?}",
        alerts(&world).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_at_the_start_is_kept_as_the_state_of_the_token() {
    let world = world().await;
    world.succeed(&["run", "--once"]).await;
    revoke(&world).await;
    assert_eq!(code(&world, &["run", "--once"]).await, Some(2));
    let (code_of, told) = status(&world).await;
    assert_eq!(code_of, Some(3));
    assert_eq!(part(&told, "token")["alerting"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_ended_in_failure_are_an_alert_until_somebody_deals_with_them() {
    let world = world().await;
    world.succeed(&["run", "--once"]).await;
    answers(
        &world,
        "buy-trees",
        400,
        json!({ "responseCode": "INVALID", "message": "no" }),
    )
    .await;
    world.seed(1).await;
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let open = alerts(&world).await;
    let kinds: Vec<_> = open.iter().map(|alert| &*alert.kind).collect();
    assert!(
        kinds == ["dead_runs"] || kinds == ["held_runs"],
        "{kinds:?}"
    );
    assert!(open[0].message.contains("canopy retry"), "{open:?}");
    world.clear_faults().await;
    world.succeed(&["retry", "--all"]).await;
    assert!(alerts(&world).await.is_empty(), "at once");
    world.succeed(&["run", "--once"]).await;
    assert_eq!(status(&world).await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_is_told() {
    let world = world().await;
    let config = std::fs::read_to_string(world.path("canopy.toml")).unwrap();
    let many = u64::MAX / 2_000_000;
    let full = config.replace(
        "[retry]",
        &format!("[health]\nfree_megabytes = {many}\n\n[retry]"),
    );
    // On a full disk nobody can keep that it is full: commands look for themselves.
    world.succeed(&["run", "--once"]).await;
    world.write_config(&full);
    for command in ["status", "alerts"] {
        assert_eq!(code(&world, &[command]).await, Some(3), "{command}");
    }
    assert_eq!(code(&world, &["run", "--once"]).await, Some(3));
    let (code_of, told) = status(&world).await;
    assert_eq!(code_of, Some(3));
    let store = part(&told, "store");
    assert!(
        store["cause"].as_str().unwrap().contains("nearly full"),
        "{store}"
    );
    world.write_config(&config);
    world.succeed(&["run", "--once"]).await;
    assert_eq!(status(&world).await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_has_a_state_for_each_of_its_parts_and_a_killed_one_is_missed() {
    let world = world().await;
    let timed = DEALS.replace(
        "[\"opportunity.won\"]",
        "[\"opportunity.won\", { schedule = \"0 9 * * *\" }]",
    );
    std::fs::write(world.path("workflows/deals.toml"), timed).unwrap();
    let running = world.start().await;
    world.seed(1).await;
    let parts = async || world.store().await.health().await.unwrap();
    let expected = [
        Part::Token,
        Part::Key,
        Part::Poll,
        Part::Limit,
        Part::Store,
        Part::Drain,
        Part::Timetables,
        Part::ClockOff,
        Part::WebhookRate,
        Part::DeadRuns,
        Part::HeldRuns,
        Part::UnknownPurchases,
    ];
    eventually("all parts to be good", async || {
        let parts = parts().await;
        let good = |part: &Part| {
            let mut of = parts.iter().filter(|one| one.part == *part).peekable();
            of.peek().is_some()
                && of.all(|one| one.good_since.is_some() && one.last_success.is_some())
        };
        expected.iter().all(good)
    })
    .await;
    let polls = parts()
        .await
        .into_iter()
        .filter(|one| one.part == Part::Poll);
    for poll in polls {
        assert!(poll.next_try.is_some(), "{poll:?}");
    }
    let (_, told) = status(&world).await;
    assert_eq!(told["health"]["good"], true, "{told}");
    let page = world.get(&running.page).await.text().await.unwrap();
    assert!(
        page.contains("/webhooks/highlevel") && page.contains("May fail before"),
        "{page}"
    );
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_nearly_used_up_is_told_with_who_used_it() {
    let world = with_deals(World::in_a(Sandbox::builder()).await);
    world.succeed(&["run", "--once"]).await;
    let usage = json!({ "class": "location_key", "calls": 185_000 });
    world.control("/usage", usage).await;
    // What is left is not for polls.
    assert_eq!(code(&world, &["run", "--once"]).await, Some(1));
    let (code_of, told) = status(&world).await;
    assert_eq!(code_of, Some(3));
    let limit = part(&told, "limit");
    let cause = limit["cause"].as_str().unwrap();
    assert!(
        cause.contains("200000") && cause.contains("by other programs"),
        "{limit}"
    );
    assert!(
        limit["next_try"].is_string() || limit["remedy"].is_string(),
        "{limit}"
    );
}

/// A disk without room, as far as the program can tell: its files may not grow.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_written_is_told_although_no_state_can_be_kept_of_it() {
    let world = world().await;
    world.succeed(&["run", "--once"]).await;
    let plain = world.canopy(&["run"]);
    let binary = plain.as_std().get_program();
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" run"])
        .arg(binary)
        .current_dir(world.folder.path())
        .env_remove("CANOPY_CONFIG")
        .env_remove("CANOPY_KEY")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let running = world.start_as(command).await;
    let ready = format!("{}readyz", running.page);
    eventually("all to be good", async || {
        world.get(&ready).await.status() == 200
    })
    .await;
    let process = Pid::from_raw(i32::try_from(running.child.id().unwrap()).unwrap());
    let limits = getrlimit(Resource::Fsize);
    let none = Rlimit {
        current: Some(1),
        ..limits
    };
    prlimit(process, Resource::Fsize, none).unwrap();
    world.seed(1).await;
    eventually("to be told", async || {
        world.get(&ready).await.status() == 503
    })
    .await;
    let told = world.get(&ready).await.text().await.unwrap();
    assert!(told.contains("nothing can be stored"), "{told}");
    let alive = world.get(&format!("{}healthz", running.page)).await;
    assert_eq!(alive.status(), 200, "starting it anew would mend nothing");
    prlimit(process, Resource::Fsize, limits).unwrap();
    eventually("to be good again", async || {
        world.get(&ready).await.status() == 200
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_workflow_with_a_wrong_secret_are_told() {
    let world = world().await;
    let config = std::fs::read_to_string(world.path("canopy.toml")).unwrap();
    let hook = "[[webhooks.workflow]]\nname = \"won\"\nsecret = \"open sesame\"\n\n[retry]";
    world.write_config(&config.replace("[retry]", hook));
    let running = world.start().await;
    let address = running
        .webhooks
        .replace("/webhooks/highlevel", "/webhooks/workflow/won");
    let call = async |secret: &str| {
        let headers = [
            ("X-Canopy-Secret", secret),
            ("Content-Type", "application/json"),
        ];
        world.post(&address, &headers, b"{\"a\":1}".to_vec()).await
    };
    for _ in 0..2 {
        assert_eq!(call("wrong").await, 401);
    }
    let told = async || {
        let all = alerts(&world).await;
        all.into_iter()
            .find(|alert| alert.subject == "/webhooks/workflow/won")
    };
    eventually("the alert", async || told().await.is_some()).await;
    let alert = told().await.unwrap();
    assert!(alert.message.contains("wrong secret"), "{alert:?}");
    assert!(!alert.message.contains("sesame"));
    assert_eq!(call("open sesame").await, 200);
    eventually("its end", async || told().await.is_none()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_are_refused_are_told_whether_their_signature_is_wrong_or_missing() {
    let world = world().await;
    let running = world.start().await;
    let forged = "A".repeat(86) + "==";
    let deals = format!("{}/OpportunityCreate", running.webhooks);
    for _ in 0..32 {
        let body = b"{\"type\":\"ContactCreate\"}".to_vec();
        let signed = [("X-GHL-Signature", &*forged)];
        assert_eq!(
            world.post(&running.webhooks, &signed, body.clone()).await,
            401
        );
        assert_eq!(world.post(&deals, &[], body).await, 401);
    }
    let told = async |path: &str| {
        let all = alerts(&world).await.into_iter();
        let mut of = all.filter(|one| one.kind == "webhook_signatures");
        of.find(|one| one.subject == path).map(|one| one.message)
    };
    let (common, own) = (
        "/webhooks/highlevel",
        "/webhooks/highlevel/OpportunityCreate",
    );
    eventually("the alerts", async || {
        told(common).await.is_some() && told(own).await.is_some()
    })
    .await;
    assert!(told(common).await.unwrap().contains("public_keys"));
    assert!(told(own).await.unwrap().contains("proxy"));
    // Nobody knows whose they are, so they say nothing of how HighLevel's own fare.
    let all = alerts(&world).await;
    assert!(all.iter().all(|one| one.kind != "webhook_rate"), "{all:?}");
    assert_eq!(status(&world).await.0, Some(3));
    running.stop().await;
}
