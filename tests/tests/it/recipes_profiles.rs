//! The recipes about profiles, as they ship, against the sandbox.

use serde_json::{Value, json};

use crate::people::{mapped, writes};
use crate::support::{Running, World, eventually};

async fn with(recipes: &[&str]) -> World {
    let world = mapped().await;
    let config = std::fs::read_to_string(world.path("canopy.toml")).unwrap();
    world.write_config(&format!("recipes = {}\n{config}", json!(recipes)));
    world
}

async fn shown(world: &World, contact: &str) -> Value {
    let text = world.succeed(&["profile", "show", contact, "--json"]).await;
    serde_json::from_str::<Value>(&text).unwrap()[0].clone()
}

/// Waits until all deliveries are made and all events and runs are worked off, twice in a row.
async fn quiet(world: &World, running: &Running) {
    let mut last = usize::MAX;
    eventually("silence", async || {
        let deliveries = world.books("/webhooks").await;
        let under_way = deliveries
            .iter()
            .any(|one| ["held", "waiting", "sending"].contains(&one["state"].as_str().unwrap()));
        let summary = running.status(world).await["summary"].clone();
        let idle = !under_way && summary["events_pending"] == 0 && summary["runs_open"] == 0;
        let same = last == deliveries.len();
        last = deliveries.len();
        idle && same
    })
    .await;
    let summary = running.status(world).await["summary"].clone();
    assert_eq!(
        (&summary["runs_dead"], &summary["runs_held"]),
        (&json!(0), &json!(0)),
        "{summary}"
    );
}

async fn notes(world: &World, contact: &str) -> Vec<Value> {
    let answer = world.highlevel(&format!("/contacts/{contact}/notes")).await;
    answer["notes"].as_array().unwrap().clone()
}

async fn call(world: &World, operation: &str, arguments: Value) -> Value {
    let arguments = arguments.to_string();
    let answer = world
        .succeed(&["call", operation, "--body", &arguments])
        .await;
    serde_json::from_str(&answer).unwrap()
}

/// The profile's notes once there are so many and the last one says this.
async fn until_note(world: &World, contact: &str, count: usize, body: &str) -> Value {
    let mut note = Value::Null;
    eventually(&format!("the note \"{body}\" on the profile"), async || {
        let view = shown(world, contact).await;
        let notes = view["notes"].as_array().cloned().unwrap_or_default();
        note = notes.last().cloned().unwrap_or_default();
        notes.len() == count && note["body"] == body
    })
    .await;
    note
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_in_step_in_both_directions_without_an_echo() {
    let world = with(&["sync-fields", "notes-in-step"]).await;
    let running = world.start().await;
    let contact = world.seed(1).await.remove(0);
    quiet(&world, &running).await;

    // From HighLevel, created and changed.
    let arguments = json!({ "contactId": contact, "body": "Call back" });
    let made = call(&world, "create-note", arguments).await;
    let note = until_note(&world, &contact, 1, "Call back").await;
    assert_eq!(note["highlevelId"], made["note"]["id"]);
    let change = json!({ "contactId": contact, "id": made["note"]["id"], "body": "Called" });
    call(&world, "update-note", change).await;
    until_note(&world, &contact, 1, "Called").await;
    quiet(&world, &running).await;
    let before = writes(&world).await;

    // From the profile, created and changed.
    world
        .succeed(&["profile", "note", &contact, "Wants oaks"])
        .await;
    eventually("the note in HighLevel", async || {
        notes(&world, &contact).await.len() == 2
    })
    .await;
    quiet(&world, &running).await;
    let note = until_note(&world, &contact, 2, "Wants oaks").await;
    let (id, there) = (note["id"].as_str().unwrap(), note["highlevelId"].clone());
    assert!(there.is_string(), "the two belong together: {note}");
    world
        .succeed(&["profile", "note", &contact, "Wants elms", "--id", id])
        .await;
    eventually("the change in HighLevel", async || {
        let all = notes(&world, &contact).await;
        all.iter()
            .any(|one| one["id"] == there && one["body"] == "Wants elms")
    })
    .await;
    quiet(&world, &running).await;
    assert_eq!(
        writes(&world).await,
        before + 2,
        "one create and one update, and no echo"
    );

    // And back: the note that we created is changed in HighLevel.
    let change = json!({ "contactId": contact, "id": there, "body": "Wants ash" });
    call(&world, "update-note", change).await;
    until_note(&world, &contact, 2, "Wants ash").await;
    quiet(&world, &running).await;
    assert_eq!(
        writes(&world).await,
        before + 3,
        "the person's own change alone"
    );
    assert_eq!(notes(&world, &contact).await.len(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_in_step_in_both_directions_without_an_echo() {
    let world = with(&["sync-fields"]).await;
    let running = world.start().await;
    let contact = world.seed(1).await.remove(0);
    quiet(&world, &running).await;
    let before = writes(&world).await;
    world
        .succeed(&["profile", "set", &contact, "trees=5", "since=01.02.2024"])
        .await;
    eventually("the fields in HighLevel", async || {
        let there = world.highlevel(&format!("/contacts/{contact}")).await;
        there["contact"]["customFields"].as_array().unwrap().len() == 2
    })
    .await;
    quiet(&world, &running).await;
    assert_eq!(writes(&world).await, before + 1, "one write, and no echo");

    world
        .control(
            &format!("/contacts/{contact}"),
            json!({ "city": "Rome", "email": "New@Example.com" }),
        )
        .await;
    eventually("the fields on the profile", async || {
        let fields = shown(&world, &contact).await["profile"]["fields"].clone();
        fields["city"] == "Rome" && fields["mail"] == "new@example.com" && fields["trees"] == 5
    })
    .await;
    quiet(&world, &running).await;
    assert_eq!(writes(&world).await, before + 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_of_mapped_fields_tells_the_write_and_makes_none() {
    let world = with(&["sync-fields"]).await;
    let contact = world.seed(1).await.remove(0);
    world.succeed(&["run", "--once"]).await;
    world
        .succeed(&["profile", "set", &contact, "trees=5"])
        .await;
    let before = writes(&world).await;
    let told = world.succeed(&["run", "--dry-run", "--json"]).await;
    assert!(
        told.contains("update-contact") || told.contains("toHighLevel"),
        "{told}"
    );
    assert_eq!(writes(&world).await, before);
    assert_eq!(world.succeed(&["alerts"]).await, "no alerts\n");
    world.succeed(&["run", "--once"]).await;
    assert_eq!(writes(&world).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_gets_profile_mapped_fields_tree_and_ids() {
    let world = with(&["new-contact", "tag-new-profiles"]).await;
    let running = world.start().await;
    let contact = world
        .control(
            "/contacts",
            json!({ "firstName": "Ada", "email": "Ada@Example.com", "city": "Rome" }),
        )
        .await;
    let id = contact["id"].as_str().unwrap();
    eventually("the tag of new profiles", async || {
        let there = world.highlevel(&format!("/contacts/{id}")).await;
        let tags = there["contact"]["tags"].as_array().unwrap().clone();
        tags.contains(&json!("ecologi-profile")) && tags.contains(&json!("ecologi"))
    })
    .await;
    quiet(&world, &running).await;
    let view = shown(&world, id).await;
    let fields = &view["profile"]["fields"];
    assert_eq!(
        (&fields["city"], &fields["mail"]),
        (&json!("Rome"), &json!("ada@example.com"))
    );
    let there = world.highlevel(&format!("/contacts/{id}")).await["contact"].clone();
    let custom = there["customFields"].as_array().unwrap();
    assert!(
        custom
            .iter()
            .any(|field| field["value"] == view["profile"]["ecologiProfileId"]),
        "{there}"
    );
    let purchases = world.books("/purchases").await;
    assert_eq!(purchases.len(), 1);
    assert!(
        custom
            .iter()
            .any(|field| field["value"] == purchases[0]["url"]),
        "{there}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_of_contacts_are_kept_on_the_profile_with_their_history() {
    let world = with(&["sync-fields", "contact-notes-to-profile"]).await;
    let running = world.start().await;
    let contact = world.seed(1).await.remove(0);
    quiet(&world, &running).await;
    let made = call(
        &world,
        "create-note",
        json!({ "contactId": contact, "body": "Call back" }),
    )
    .await;
    until_note(&world, &contact, 1, "Call back").await;
    let change = json!({ "contactId": contact, "id": made["note"]["id"], "body": "Called" });
    call(&world, "update-note", change).await;
    until_note(&world, &contact, 1, "Called").await;
    quiet(&world, &running).await;
    let view = shown(&world, &contact).await;
    let history = view["history"].as_array().unwrap();
    let said: Vec<_> = history
        .iter()
        .map(|entry| entry["state"]["body"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["Called", "Call back"], "newest first");
    assert!(history.iter().all(|entry| entry["run"].is_i64()));
    running.stop().await;
}
