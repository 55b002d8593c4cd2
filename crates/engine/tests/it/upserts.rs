//! Upserts of contacts lose nothing, although the service drops some of what they say.

use canopy_store::{RunState, Store};
use serde_json::{Value, json};

use crate::support::World;

const UPSERT: &str = r#"
id = "upsert"
title = "Write somebody else"
on = ["contact.created"]
when = "contact.firstName == 'Start'"

[[do]]
id = "write"
action = "upsert-contact"
with = { locationId = "{{ location.id }}", email = "second@example.com", firstName = "Ada", gender = "female", website = "https://ada.example.com" }
"#;

async fn contact(world: &World, id: &str) -> Value {
    let read = json!({ "contactId": id });
    let connection = world.engine.connections().next().unwrap();
    let answer = connection.highlevel.invoke("get-contact", &read).await;
    answer.unwrap()["contact"].clone()
}

#[tokio::test]
async fn the_first_address_and_dropped_fields_are_kept() {
    let world = World::new(UPSERT).await;
    let drops = json!({ "upsert_drops": ["gender", "website"] });
    world.control("/settings", drops).await;
    let body = json!({ "firstName": "A", "email": "first@example.com" });
    let made = world.control("/contacts", body).await;
    let id = made["id"].as_str().unwrap();
    let second = json!({ "additionalEmails": ["second@example.com"] });
    world.control(&format!("/contacts/{id}"), second).await;

    world.create("Start").await;
    world.poll_and_drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.error);
    let after = contact(&world, id).await;
    assert_eq!(after["email"], "first@example.com");
    assert_eq!(after["firstName"], "Ada");
    assert_eq!(after["website"], "https://ada.example.com");
    let steps = world.store.steps(run.id).await.unwrap();
    let output = steps[0].output.as_ref().unwrap();
    assert_eq!(output["writtenAgain"], json!(["website"]));
    assert_eq!(output["notWritten"], json!(["gender"]));
}
