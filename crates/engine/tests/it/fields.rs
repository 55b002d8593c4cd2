//! Mapped fields: both sides come to say the same, once, and nothing goes round in circles.

use std::sync::Arc;

use canopy_engine::Options;
use canopy_mapping::fields::FieldRules;
use canopy_mapping::{Profile, Source, Trace, profile_id};
use canopy_store::clock::Clock;
use canopy_store::{NewEvent, ProfileStore, ProfileUpdate, RunState, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::World;

pub const SYNC: &str = include_str!("../../../../recipes/sync-fields.toml");
const RULES: &str = r#"
name = { field = "name", direction = "both" }
email = { field = "email", direction = "both", transform = ["trim", "lower"] }
trees = { field = "contact.trees_funded", direction = "to" }
topics = { field = "Topics", direction = "both" }
since = { field = "Member since", direction = "both", date = "%d.%m.%Y", conflict = "profile" }
"#;

async fn world() -> World {
    with(Options::default()).await
}

async fn with(options: Options) -> World {
    let rules: FieldRules = toml::from_str(RULES).unwrap();
    let world = World::with(
        SYNC,
        |connection| connection.fields = Arc::new(rules),
        options,
    )
    .await;
    create_field(&world, "Trees funded", "NUMERICAL", &[]).await;
    create_field(&world, "Topics", "MULTIPLE_OPTIONS", &["Sea", "Air"]).await;
    create_field(&world, "Member since", "DATE", &[]).await;
    world
}

/// Adds a custom field of contacts to the location.
pub async fn create_field(world: &World, name: &str, data_type: &str, options: &[&str]) {
    let options: Vec<_> = options
        .iter()
        .map(|label| json!({ "label": label }))
        .collect();
    let field = json!({ "locationId": world.location, "name": name, "dataType": data_type, "model": "contact",
        "textBoxListOptions": options });
    let created = client(world).invoke("create-custom-field", &field).await;
    created.unwrap();
}

/// Somebody writes the contact's custom field of this name.
pub async fn write(world: &World, id: &str, name: &str, value: &Value) {
    let fields = json!([{ "id": field_id(world, name).await, "field_value": value }]);
    let update = json!({ "contactId": id, "customFields": fields });
    client(world)
        .invoke("update-contact", &update)
        .await
        .unwrap();
}

async fn field_id(world: &World, name: &str) -> String {
    let all = canopy_engine::custom_fields(client(world), &world.location).await;
    let all = all.unwrap();
    all.iter()
        .find(|field| field.name == name)
        .unwrap()
        .id
        .clone()
}

fn client(world: &World) -> &canopy_highlevel::Client {
    &world.connection().highlevel
}

pub async fn contact(world: &World, id: &str) -> Value {
    let answer = client(world)
        .invoke("get-contact", &json!({ "contactId": id }))
        .await;
    answer.unwrap()["contact"].clone()
}

pub async fn profile(world: &World, contact: &str) -> Profile {
    world
        .store
        .profile(&world.location, contact)
        .await
        .unwrap()
        .unwrap()
}

/// The contact's custom field of this name.
pub async fn custom(world: &World, id: &str, name: &str) -> Value {
    let field = field_id(world, name).await;
    let contact = contact(world, id).await;
    let fields = contact["customFields"].as_array().unwrap();
    let found = fields.iter().find(|one| one["id"] == field.as_str());
    found.map_or(Value::Null, |one| one["value"].clone())
}

/// A person's change of a profile.
pub async fn edit(world: &World, contact: &str, fields: Value) {
    world.wait(SignedDuration::from_secs(1));
    let now = world.clock.now();
    let id = profile_id("main", &world.location, contact);
    let event = NewEvent {
        source: Source::Manual,
        kind: "profile.updated".into(),
        location: world.location.clone(),
        contact: Some(contact.to_owned()),
        record: id.clone(),
        occurred_at: now,
        version: Some(now.to_string()),
        delivery: None,
        payload: json!({}),
        trace: Trace::default(),
    };
    let update = ProfileUpdate {
        id,
        contact: contact.to_owned(),
        fields: fields.as_object().unwrap().clone(),
    };
    world
        .store
        .edit_profile(&world.location, Some(update), vec![], vec![event], now)
        .await
        .unwrap();
}

/// How often the contact was written.
pub async fn updates(world: &World) -> usize {
    let requests = world.requests().await;
    requests
        .iter()
        .filter(|one| one["operation"] == "update-contact")
        .count()
}

/// Polls and drains until nothing happens any more; a storm would not end.
pub async fn settle(world: &World) {
    for _ in 0..6 {
        world.wait(SignedDuration::from_mins(5));
        world.poll_and_drain().await;
    }
    let runs = world.runs().await;
    assert!(
        runs.iter().all(|run| run.state == RunState::Done),
        "{runs:?}"
    );
    let summary = world.store.summary().await.unwrap();
    assert_eq!(summary.events_pending, 0);
}

#[tokio::test]
async fn each_side_follows_the_other_and_then_there_is_silence() {
    let world = world().await;
    let id = world.create("Ada").await;
    settle(&world).await;
    assert_eq!(profile(&world, &id).await.fields["name"], "Ada");
    assert_eq!(updates(&world).await, 0);

    let fields = json!({ "name": "Ada King", "email": " Ada@Example.com", "trees": 12, "topics": ["sea"], "since": "29.02.2024" });
    edit(&world, &id, fields).await;
    settle(&world).await;
    let there = contact(&world, &id).await;
    assert_eq!(there["lastName"], "King");
    assert_eq!(there["email"], "ada@example.com");
    assert_eq!(custom(&world, &id, "Trees funded").await, 12);
    assert_eq!(custom(&world, &id, "Topics").await, json!(["Sea"]));
    assert_eq!(custom(&world, &id, "Member since").await, "2024-02-29");
    assert_eq!(
        updates(&world).await,
        1,
        "one write brings all of them there"
    );
    assert_eq!(
        profile(&world, &id).await.fields["email"],
        "ada@example.com"
    );

    let runs = world.runs().await.len();
    settle(&world).await;
    assert_eq!(world.runs().await.len(), runs, "nothing starts any more");

    world.rename(&id, "Augusta").await;
    settle(&world).await;
    assert_eq!(profile(&world, &id).await.fields["name"], "Augusta King");
    assert_eq!(updates(&world).await, 1);
    assert!(world.store.alerts(true, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_told_to_a_person_and_overwrites_nothing() {
    let world = world().await;
    let id = world.create("Ada").await;
    settle(&world).await;
    edit(
        &world,
        &id,
        json!({ "trees": "a few", "topics": ["Fire"], "name": "Ada King" }),
    )
    .await;
    settle(&world).await;
    assert_eq!(
        contact(&world, &id).await["lastName"],
        "King",
        "the others go on"
    );
    assert_eq!(profile(&world, &id).await.fields["trees"], "a few");
    let alerts = world.store.alerts(true, 10).await.unwrap();
    let mut told: Vec<_> = alerts.iter().map(|alert| &*alert.subject).collect();
    told.sort_unstable();
    assert_eq!(told, ["topics", "trees"]);
    let run = world.run().await;
    let steps = world.store.steps(run.id).await.unwrap();
    let problems = steps[0].output.as_ref().unwrap()["problems"].to_string();
    assert!(
        problems.contains("\\\"a few\\\" is no number"),
        "{problems}"
    );
    assert!(problems.contains("is none of Sea, Air"), "{problems}");
}

#[tokio::test]
async fn what_the_service_drops_without_a_word_is_told_and_written_again() {
    let world = world().await;
    let id = world.create("Ada").await;
    settle(&world).await;
    // Answered as if it had been done.
    let fault = json!({ "kind": "status", "operation": "update-contact", "status": 200, "times": 1,
        "body": { "succeded": true, "contact": { "id": id } } });
    world.control("/faults", fault).await;
    edit(&world, &id, json!({ "trees": 3 })).await;
    settle(&world).await;
    assert_eq!(custom(&world, &id, "Trees funded").await, Value::Null);
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert!(
        alerts[0]
            .message
            .contains("took field \"trees\" and does not show it"),
        "{alerts:?}"
    );

    edit(&world, &id, json!({ "name": "Ada King" })).await;
    settle(&world).await;
    assert_eq!(custom(&world, &id, "Trees funded").await, 3);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_no_second_change() {
    let world = world().await;
    let id = world.create("Ada").await;
    settle(&world).await;
    let fault = json!({ "kind": "status", "operation": "update-contact", "status": 502, "times": 1, "after_work": true });
    world.control("/faults", fault).await;
    edit(&world, &id, json!({ "trees": 3 })).await;
    // Between the write and its repeat, a person changes something else.
    world.drain().await;
    world.rename(&id, "Augusta").await;
    settle(&world).await;
    assert_eq!(custom(&world, &id, "Trees funded").await, 3);
    assert_eq!(contact(&world, &id).await["firstName"], "Augusta");
    assert_eq!(profile(&world, &id).await.fields["name"], "Augusta");
}

#[tokio::test]
async fn a_write_that_could_not_be_read_back_is_known_when_a_poll_tells_of_it() {
    let mut options = Options::default();
    // The poll comes before the run does.
    options.retry.base = std::time::Duration::from_hours(1);
    options.retry.max = std::time::Duration::from_hours(1);
    let world = with(options).await;
    let id = world.create("Ada").await;
    settle(&world).await;
    // The run's reading, the step's, and then the one after the write.
    let fault = json!({ "kind": "status", "operation": "get-contact", "status": 503, "skip": 2 });
    world.control("/faults", fault).await;
    edit(&world, &id, json!({ "trees": 3 })).await;
    world.drain().await;
    world.clear_faults().await;
    assert_eq!(updates(&world).await, 1);
    let runs = world.runs().await;
    assert!(runs.iter().any(|run| run.state == RunState::Waiting));
    world.wait(SignedDuration::from_mins(5));
    world.poll_and_drain().await;
    assert_eq!(world.runs().await.len(), runs.len(), "it is our own write");
    world.wait(SignedDuration::from_hours(2));
    settle(&world).await;
    assert_eq!(custom(&world, &id, "Trees funded").await, 3);
    assert_eq!(updates(&world).await, 1);
    assert_eq!(world.runs().await.len(), runs.len());
}

#[test]
fn the_standard_fields_are_those_that_the_operations_take() {
    let (updated, created) = canopy_mapping::fields::written_fields();
    let takes = |operation: &str| {
        let description = canopy_highlevel::describe(operation).unwrap();
        description
            .fields
            .iter()
            .map(|field| field.name.clone())
            .collect::<Vec<_>>()
    };
    let (update, create) = (takes("update-contact"), takes("create-contact"));
    for name in updated {
        assert!(update.iter().any(|known| known == name), "{name}");
        assert!(create.iter().any(|known| known == name), "{name}");
    }
    for name in created {
        assert!(
            !update.iter().any(|known| known == name),
            "{name} can be updated, too"
        );
        assert!(create.iter().any(|known| known == name), "{name}");
    }
}

#[tokio::test]
async fn a_contact_that_is_once_said_not_to_be_there_is_written_all_the_same() {
    // At the first read of the run, and at the one within the step.
    for skip in [0, 1] {
        let world = world().await;
        let id = world.create("Ada").await;
        settle(&world).await;
        edit(&world, &id, json!({ "trees": 12 })).await;
        let body = json!({ "statusCode": 404, "message": "Contact not found" });
        let absent = json!({ "kind": "status", "operation": "get-contact", "skip": skip, "times": 1, "status": 404, "body": body });
        world.control("/faults", absent).await;
        settle(&world).await;
        assert_eq!(custom(&world, &id, "Trees funded").await, 12, "{skip}");
    }
}
