//! The limits of the services are kept by all that works on one store, and across configurations.

use canopy_sandbox::Sandbox;
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Process, served};
use crate::support::{World, eventually};

/// What HighLevel allows within ten seconds.
const MOST: usize = 100;

/// A sandbox with limits, and a configuration that keeps them.
async fn world(per_minute: u32) -> World {
    let world = World::in_a(Sandbox::builder()).await;
    let config = world
        .config()
        .replace(
            "requests_per_10_seconds = 1000000",
            "requests_per_10_seconds = 100",
        )
        .replace(
            "requests_per_minute = 1000000",
            &format!("requests_per_minute = {per_minute}"),
        );
    world.write_config(&config);
    world
}

async fn requests(world: &World, service: &str) -> Vec<Value> {
    let mut all = world.books("/requests").await;
    all.retain(|request| request["service"] == service);
    all
}

/// The most requests in any stretch of time of this length.
fn busiest(requests: &[Value], stretch: SignedDuration) -> usize {
    let at: Vec<Timestamp> = requests
        .iter()
        .map(|request| request["at"].as_str().unwrap().parse().unwrap())
        .collect();
    let within = |start: &Timestamp| {
        let inside = |at: &&Timestamp| **at >= *start && at.duration_since(*start) < stretch;
        at.iter().filter(inside).count()
    };
    at.iter().map(within).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_beside_a_running_canopy_shares_its_limits() {
    let world = world(100).await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let contacts = world.seed(20).await;
    std::fs::write(
        world.path("people.csv"),
        "email,first_name\nann@example.com,Ann\nbea@example.com,Bea\ncleo@example.com,Cleo\n",
    )
    .unwrap();
    let mut jobs = Vec::new();
    for arguments in [
        &[
            "backfill",
            "--kind",
            "contacts,notes,tasks",
            "--to",
            "all.jsonl",
        ][..],
        &["profile", "create", "--email", "dora@example.com"],
        &["profile", "import", "people.csv"],
    ] {
        let before = requests(&world, "highlevel").await.len();
        world.succeed(arguments).await;
        jobs.push(requests(&world, "highlevel").await.len() - before);
    }
    // Those that were created and imported are served as well.
    served(&world, &process, contacts.len() as u64).await;
    process.stop().await;
    let all = requests(&world, "highlevel").await;
    println!("{} calls, beside it {jobs:?}", all.len());
    assert!(
        all.len() > MOST + 20,
        "enough to go beyond it: {}",
        all.len()
    );
    assert!(
        all.iter().all(|request| request["status"] != 429),
        "{all:?}"
    );
    let most = busiest(&all, SignedDuration::from_secs(10));
    assert!(most <= MOST, "{most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_begins_no_window_anew() {
    const HANGUPS: usize = 6;
    const PER_MINUTE: u32 = 12;
    let world = world(PER_MINUTE).await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let in_force = || {
        let lines = process.lines();
        lines
            .iter()
            .filter(|line| line.contains("is in force"))
            .count()
    };
    for hangup in 1..=HANGUPS {
        process.signal(Signal::HUP);
        eventually("the file to be in force", async || in_force() >= hangup).await;
        // Each looks at once whether it may buy.
        eventually("calls", async || {
            !requests(&world, "ecologi").await.is_empty()
        })
        .await;
    }
    process.stop().await;
    let asked = requests(&world, "ecologi").await;
    let most = busiest(&asked, SignedDuration::from_secs(60));
    assert!(most <= PER_MINUTE as usize, "{most}");
}
