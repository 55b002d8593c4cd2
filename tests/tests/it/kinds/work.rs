//! Alerts about events and runs.

use serde_json::json;

use super::{ended, ended_after_a_day, is_open, once, raised, refuse, sql, with_workflow};
use crate::process::Process;
use crate::support::{World, eventually};

pub async fn approval() {
    let world = World::new().await;
    world.write_config(&format!("{}\n[poll]\nmax_age = \"1ms\"\n", world.config()));
    once(&world).await;
    world.seed(2).await;
    once(&world).await;
    raised(&world, "approval", "came too late", "canopy approve").await;
    assert!(world.books("/purchases").await.is_empty());
    world.succeed(&["approve", "--all"]).await;
    ended(&world, "approval").await;
}

pub async fn dead_runs() {
    let world = World::new().await;
    once(&world).await;
    refuse(&world, "create-note", 400).await;
    world.seed(1).await;
    once(&world).await;
    raised(&world, "dead_runs", "ended in failure", "canopy retry RUN").await;
    world.clear_faults().await;
    world.succeed(&["retry", "--all"]).await;
    ended(&world, "dead_runs").await;
    world.succeed(&["run", "--once"]).await;
    world.succeed(&["status"]).await;
}

pub async fn waiting() {
    let world = World::new().await;
    once(&world).await;
    refuse(&world, "create-note", 503).await;
    world.seed(1).await;
    once(&world).await;
    assert!(!is_open(&world, "waiting").await, "services stumble");
    // It has been so for an hour.
    let hour = "UPDATE runs SET failing_since = failing_since - 3600000000 WHERE state = 'waiting'";
    sql(&world, hour).await;
    once(&world).await;
    raised(&world, "waiting", "1 run(s)", "go on by themselves").await;
    world.clear_faults().await;
    eventually("the run to be done", async || {
        once(&world).await;
        !is_open(&world, "waiting").await
    })
    .await;
    ended(&world, "waiting").await;
}

pub async fn a_loop() {
    let world = World::new().await;
    with_workflow(
        &world,
        "id = \"edits\"\ntitle = \"Edits\"\non = \"contact.updated\"\n\n[[do]]\nid = \"note\"\naction = \"create-note\"\nonce = \"event\"\nwith = { contactId = \"{{ contact.id }}\", body = \"Edited\" }\n",
    );
    let config = std::fs::read_to_string(world.path("canopy.toml")).unwrap();
    let config = config.replace("recipes = [\"new-contact\"]", "recipes = []");
    world.write_config(&format!("{config}\n[loops]\nmost_runs = 2\n"));
    let contact = world.seed(1).await.remove(0);
    once(&world).await;
    for city in ["Rome", "Oslo", "Bern"] {
        assert!(!is_open(&world, "loop").await, "{city}");
        let edit = json!({ "city": city });
        world.control(&format!("/contacts/{contact}"), edit).await;
        once(&world).await;
    }
    raised(&world, "loop", "probably starts itself", "condition").await;
    ended_after_a_day(&world, "loop").await;
}

/// A webhook tells of a contact that HighLevel then does not know.
pub async fn gone() {
    let world = World::new().await;
    let config = world.config();
    world.write_config(&config.replace("[retry]", "[retry]\ngone_after = \"1s\""));
    once(&world).await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let contact = world.seed(1).await.remove(0);
    crate::process::served(&world, &process, 1).await;
    refuse(&world, "get-contact", 404).await;
    let edit = json!({ "city": "Rome" });
    world.control(&format!("/contacts/{contact}"), edit).await;
    raised(
        &world,
        "gone",
        "are not there",
        "canopy events --state gone",
    )
    .await;
    process.stop().await;
    world.clear_faults().await;
    ended_after_a_day(&world, "gone").await;
}

pub async fn fields() {
    let world = World::new().await;
    let mapped =
        "\n[connection.fields]\ntrees = { field = \"Trees planned\", direction = \"to\" }\n";
    let config = world.config() + mapped;
    world.write_config(&format!("recipes = [\"sync-fields\"]\n{config}"));
    let field = json!({ "name": "Trees planned", "dataType": "NUMERICAL", "model": "contact" });
    world
        .succeed(&["call", "create-custom-field", "--body", &field.to_string()])
        .await;
    once(&world).await;
    let contact = world.seed(1).await.remove(0);
    once(&world).await;
    // Answered as if it had been done. The first such call is the check's.
    let taken = json!({ "succeded": true, "contact": { "id": contact } });
    let fault = json!({ "kind": "status", "operation": "update-contact", "status": 200, "body": taken, "times": 1, "skip": 1 });
    world
        .succeed(&["profile", "set", &contact, "trees=3"])
        .await;
    world.control("/faults", fault).await;
    once(&world).await;
    raised(
        &world,
        "fields",
        "does not show it",
        "written again at the next change",
    )
    .await;
    world.clear_faults().await;
    ended_after_a_day(&world, "fields").await;
}
