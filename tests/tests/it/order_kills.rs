//! What a late run yields to is durable with the write itself: the process is really killed around it.

use serde_json::{Value, json};

use crate::support::{World, eventually, text};

const WORKFLOW: &str = r#"
id = "late"
title = "Late"
on = ["contact.created", "contact.updated"]

[[do]]
id = "tree"
action = "buy-trees"
once = "event"
with = { number = 1 }

[[do]]
id = "write"
action = "update-contact"
with = { contactId = "{{ contact.id }}", city = "City of {{ contact.firstName }}" }
"#;

/// A world whose workflow has been carried out for a first contact.
async fn with_workflow(workflow: &str) -> World {
    let world = World::new().await;
    world.write_config(&format!("workflows = \"workflows\"\n{}", world.config()));
    std::fs::create_dir(world.path("workflows")).unwrap();
    std::fs::write(world.path("workflows/late.toml"), workflow).unwrap();
    world.succeed(&["run", "--once"]).await;
    world
}

async fn contact(world: &World, name: &str) -> String {
    let made = world.control("/contacts", json!({ "firstName": name }));
    made.await["id"].as_str().unwrap().to_owned()
}

async fn change(world: &World, contact: &str, change: Value) {
    world.control(&format!("/contacts/{contact}"), change).await;
}

async fn city(world: &World, contact: &str) -> Value {
    let shown = world.highlevel(&format!("/contacts/{contact}")).await;
    shown["contact"]["city"].clone()
}

/// A round in which the process is killed at a boundary of the step "write".
async fn killed(world: &World, boundary: &str) {
    let place = format!("{boundary}:write:1");
    world.killed_at(&["run", "--once"], &place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_wrote_after_a_kill_stays() {
    let workflow = WORKFLOW.replace(", \"contact.updated\"", "");
    for boundary in ["AfterIntent", "AfterCall"] {
        let world = with_workflow(&workflow).await;
        let contact = contact(&world, "Ada").await;
        killed(&world, boundary).await;
        change(&world, &contact, json!({ "city": "Rome" })).await;
        world.succeed(&["run", "--once"]).await;
        assert_eq!(city(&world, &contact).await, "Rome", "{boundary}");
        assert_eq!(world.books("/purchases").await.len(), 1, "{boundary}");
    }
}

/// The process was killed after its write, and cannot write when it comes back: what the poll finds then is the write.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_outcome_was_never_recorded_starts_nothing_when_it_comes_back() {
    let world = with_workflow(WORKFLOW).await;
    let contact = contact(&world, "Ada").await;
    world.succeed(&["run", "--once"]).await;
    change(&world, &contact, json!({ "firstName": "New" })).await;
    killed(&world, "AfterCall").await;
    let down = json!({ "kind": "status", "status": 503, "operation": "update-contact" });
    world.control("/faults", down).await;
    world.fails(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    // A person's change counts all the same.
    change(&world, &contact, json!({ "firstName": "Newer" })).await;
    world.clear_faults().await;
    eventually("all to be written", async || {
        world.output(&["run", "--once"]).await.status.success()
            && city(&world, &contact).await == "City of Newer"
    })
    .await;
    assert_eq!(world.books("/purchases").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_run_writes_over_no_newer_write_wherever_the_process_was_killed() {
    for boundary in ["AfterIntent", "AfterCall", "BeforeOutcome", "AfterOutcome"] {
        let world = with_workflow(WORKFLOW).await;
        let contact = contact(&world, "Ada").await;
        let rename =
            async |name: &str| change(&world, &contact, json!({ "firstName": name })).await;
        world.succeed(&["run", "--once"]).await;
        // The older event comes no further than its purchase.
        let refusal = json!({ "kind": "status", "status": 400, "operation": "buy-trees" });
        world.control("/faults", refusal).await;
        rename("Old").await;
        let output = world.output(&["run", "--once"]).await;
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        world.clear_faults().await;
        rename("New").await;
        killed(&world, boundary).await;
        world.succeed(&["retry", "--all"]).await;
        world.succeed(&["run", "--once"]).await;
        assert_eq!(city(&world, &contact).await, "City of New", "{boundary}");
        assert_eq!(world.books("/purchases").await.len(), 3, "{boundary}");
        // And it stays so.
        world.succeed(&["run", "--once"]).await;
        assert_eq!(city(&world, &contact).await, "City of New", "{boundary}");
    }
}
