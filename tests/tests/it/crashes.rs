//! The process is really killed, at each boundary of each step; nothing may be bought twice or lost.

use futures::{StreamExt, stream};

use crate::support::{World, eventually, is_write};

const BOUNDARIES: [&str; 5] = [
    "BeforeIntent",
    "AfterIntent",
    "AfterCall",
    "BeforeOutcome",
    "AfterOutcome",
];
const STEPS: [&str; 5] = ["profile", "tree", "fields", "tag", "note"];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_boundary_of_any_step_it_buys_once_and_loses_nothing() {
    let cases = STEPS
        .iter()
        .flat_map(|step| BOUNDARIES.iter().map(move |boundary| (*boundary, *step)));
    // A profile is kept in our own store: there is no call to be killed after.
    let cases = cases.filter(|case| *case != ("AfterCall", "profile"));
    stream::iter(cases)
        .for_each_concurrent(3, |(boundary, step)| kill_at(boundary, step))
        .await;
}

async fn kill_at(boundary: &str, step: &str) {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await; // the baseline of an empty location
    let contacts = world.seed(3).await;
    world
        .killed_at(&["run", "--once"], &format!("{boundary}:{step}:2"))
        .await;
    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
    // The echoes of what was written start nothing.
    let requests = writes(&world).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(writes(&world).await, requests, "{boundary} of {step}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_a_merged_call_and_its_outcomes_it_loses_nothing() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(20).await;
    world.killed_at(&["run", "--once"], "AfterCall:tag:1").await;
    assert_eq!(tag_calls(&world).await, ["bulk-update-contact-tags"]);
    // All have the tag, and of none of them it is written down.
    for id in &contacts {
        let contact = world.highlevel(&format!("/contacts/{id}")).await;
        let tags = contact["contact"]["tags"].as_array().unwrap();
        assert!(tags.iter().any(|tag| tag == "ecologi"), "{contact}");
    }
    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
    assert_eq!(tag_calls(&world).await, ["bulk-update-contact-tags"; 2]);
    let requests = writes(&world).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(writes(&world).await, requests, "the echoes start nothing");
}

/// The calls that wrote tags, in the sandbox's book.
async fn tag_calls(world: &World) -> Vec<String> {
    let requests = world.books("/requests").await;
    let operations = requests
        .iter()
        .filter_map(|request| request["operation"].as_str());
    operations
        .filter(|name| name.ends_with("-tags"))
        .map(str::to_owned)
        .collect()
}

/// Requests that changed something, in the sandbox's book.
async fn writes(world: &World) -> usize {
    let requests = world.books("/requests").await;
    requests.iter().filter(|one| is_write(one)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_under_load_it_buys_once_and_loses_nothing() {
    let world = World::new().await;
    let running = world.start().await;
    let mut contacts = world.seed(20).await;
    running
        .until(&world, "the first purchases", |summary| {
            summary["purchases"].as_u64() >= Some(3)
        })
        .await;
    running.kill().await;
    // Nobody hears these webhooks: polling has to find the contacts.
    contacts.extend(world.seed(20).await);
    let running = world.start().await;
    running
        .until(&world, "more purchases", |summary| {
            summary["purchases"].as_u64() >= Some(15)
        })
        .await;
    running.kill().await;
    let running = world.start().await;
    contacts.extend(world.seed(20).await);
    running
        .until(&world, "all purchases", |summary| {
            summary["purchases"].as_u64() >= Some(60)
        })
        .await;
    eventually("the work to end", async || {
        let summary = running.status(&world).await["summary"].clone();
        summary["runs_open"] == 0 && summary["events_pending"] == 0
    })
    .await;
    running.stop().await;
    world.assert_served_once(&contacts).await;
}
