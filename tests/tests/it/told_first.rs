//! What a webhook told before a poll saw it for the first time: the poll tells what has changed since, and how.

use canopy_store::Store as _;
use serde_json::{Value, json};

use crate::support::{Running, World, eventually};

/// A workflow that waits for these kinds and does next to nothing.
async fn world(kinds: &str) -> World {
    let world = World::new().await;
    std::fs::create_dir(world.path("workflows")).unwrap();
    let workflow = format!(
        "id = \"w\"\ntitle = \"W\"\non = [{kinds}]\n\n[[do]]\nid = \"tag\"\naction = \"add-tags\"\nwhen = \"contact.id\"\nwith = {{ contactId = \"{{{{ contact.id }}}}\", tags = [\"seen\"] }}\n"
    );
    std::fs::write(world.path("workflows/w.toml"), workflow).unwrap();
    world.write_config(&format!("workflows = \"workflows\"\n{}", world.config()));
    world
}

/// Kinds of the events of a record and how they came, oldest first.
async fn told(world: &World, record: &str) -> Vec<(String, String)> {
    let rows = world.store().await.recent_events(1000).await.unwrap();
    let of = rows
        .into_iter()
        .rev()
        .filter(|row| row.event.record == record);
    of.map(|row| (row.event.kind, row.event.source.as_str().to_owned()))
        .collect()
}

/// Runs until a webhook has told of a record that is made meanwhile, after the baselines of all polls.
async fn made(world: &World, kind: &str, make: impl AsyncFnOnce(&World) -> String) -> String {
    let running: Running = world.start().await;
    eventually("the baselines", async || {
        let health = running.status(world).await["health"]["parts"].clone();
        let polls = health
            .as_array()
            .unwrap()
            .iter()
            .filter(|part| part["part"] == "poll");
        let good: Vec<_> = polls.map(|poll| poll["good_since"].is_string()).collect();
        !good.is_empty() && good.iter().all(|good| *good)
    })
    .await;
    let record = make(world).await;
    eventually("the webhook", async || {
        told(world, &record)
            .await
            .iter()
            .any(|(told, _)| told == kind)
    })
    .await;
    running.stop().await;
    world
        .control("/webhook-target", json!({ "url": Value::Null }))
        .await;
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_made_by_webhook_and_won_before_the_first_poll_reads_it_is_told_as_won() {
    for _ in 0..2 {
        let world = world("\"opportunity.created\", \"opportunity.won\"").await;
        world.seed(1).await;
        let pipeline = world.books("/records/pipelines").await[0]["id"].clone();
        let deal = made(&world, "opportunity.created", async |world| {
            let contact = world.books("/contacts").await[0]["id"].clone();
            let deal = json!({ "name": "Hedge", "pipelineId": pipeline, "contactId": contact, "status": "open" });
            let deal = world.control("/opportunities", deal).await;
            deal["id"].as_str().unwrap().to_owned()
        })
        .await;
        world
            .control(
                &format!("/opportunities/{deal}"),
                json!({ "status": "won" }),
            )
            .await;
        world.succeed(&["run", "--once"]).await;
        let told = told(&world, &deal).await;
        let won = ("opportunity.won".to_owned(), "poll".to_owned());
        assert!(told.contains(&won), "{told:?}");
        let created = told
            .iter()
            .filter(|(kind, _)| kind == "opportunity.created");
        assert_eq!(created.count(), 1, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_known_from_a_webhook_and_edited_before_the_first_poll_is_told_as_edited() {
    for _ in 0..2 {
        let world = world("\"note.created\", \"note.updated\"").await;
        let contact = world.seed(1).await.remove(0);
        let path = format!("{}/contacts/{contact}/notes", world.info().highlevel_url);
        let send = async |method: reqwest::Method, url: &str, body: &str| -> Value {
            let request = world
                .http
                .request(method, url)
                .bearer_auth(&world.info().token);
            let request = request.header("Version", "2021-07-28");
            let answer = request.json(&json!({ "body": body })).send().await.unwrap();
            answer.error_for_status().unwrap().json().await.unwrap()
        };
        let note = made(&world, "note.created", async |_| {
            let note = send(reqwest::Method::POST, &path, "Oak").await;
            note["note"]["id"].as_str().unwrap().to_owned()
        })
        .await;
        send(reqwest::Method::PUT, &format!("{path}/{note}"), "Elm").await;
        // The note is read when its contact's turn comes: an event of it, or the sweep.
        world
            .control(
                &format!("/contacts/{contact}"),
                json!({ "firstName": "Eve" }),
            )
            .await;
        world.succeed(&["run", "--once"]).await;
        world.succeed(&["run", "--once"]).await;
        let told = told(&world, &note).await;
        let edited = ("note.updated".to_owned(), "poll".to_owned());
        assert!(told.contains(&edited), "{told:?}");
        let created = told.iter().filter(|(kind, _)| kind == "note.created");
        assert_eq!(created.count(), 1, "{told:?}");
    }
}
