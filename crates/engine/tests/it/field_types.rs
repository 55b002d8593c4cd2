//! Custom fields of each type, mapped both ways: a number stays a number and a list a list.

use std::sync::Arc;

use canopy_engine::Options;
use canopy_mapping::fields::FieldRules;
use canopy_store::Store as _;
use serde_json::{Value, json};

use crate::fields::{SYNC, contact, create_field, custom, edit, profile, settle, updates, write};
use crate::support::World;

const RULES: &str = r#"
pledge = { field = "Pledge", direction = "both" }
groups = { field = "Groups", direction = "both" }
agreed = { field = "Agreed", direction = "both" }
tier = { field = "Tier", direction = "both" }
colours = { field = "Colours", direction = "both" }
"#;

/// Name, type and options of each field.
const FIELDS: [(&str, &str, &[&str]); 6] = [
    ("Pledge", "MONETORY", &[]),
    ("Groups", "CHECKBOX", &["Board", "Staff", "Friends"]),
    ("Agreed", "CHECKBOX", &["Yes"]),
    ("Tier", "SINGLE_OPTIONS", &["Gold", "Silver"]),
    ("Colours", "MULTIPLE_OPTIONS", &["Red", "Green", "Blue"]),
    ("Contract", "FILE_UPLOAD", &[]),
];

async fn world(rules: &str) -> World {
    let rules: FieldRules = toml::from_str(rules).unwrap();
    let world = World::with(
        SYNC,
        |connection| connection.fields = Arc::new(rules),
        Options::default(),
    )
    .await;
    for (name, data_type, options) in FIELDS {
        create_field(&world, name, data_type, options).await;
    }
    world
}

/// What the contact's fields say, in the order of `FIELDS` without the file.
async fn there(world: &World, id: &str) -> Value {
    let mut values = Vec::new();
    for (name, ..) in &FIELDS[..5] {
        values.push(custom(world, id, name).await);
    }
    json!(values)
}

/// What the profile's say.
async fn here(world: &World, id: &str) -> Value {
    let fields = profile(world, id).await.fields;
    let names = ["pledge", "groups", "agreed", "tier", "colours"];
    json!(names.map(|name| fields.get(name)))
}

#[tokio::test]
async fn a_number_stays_a_number_and_a_list_a_list_in_both_directions() {
    let world = world(RULES).await;
    let id = world.create("Ada").await;
    settle(&world).await;

    let said = json!({ "pledge": 12.5, "groups": ["Staff", "Board"], "agreed": true, "tier": "gold", "colours": ["Blue"] });
    edit(&world, &id, said).await;
    settle(&world).await;
    let expected = json!([12.5, ["Board", "Staff"], ["Yes"], "Gold", ["Blue"]]);
    assert_eq!(there(&world, &id).await, expected);
    assert_eq!(updates(&world).await, 1);

    // What a form writes: money as a text, too, and a whole amount as an integer.
    for (written, expected) in [
        (
            json!([99.95, ["Friends"], [], "Silver", ["Red", "Green"]]),
            json!([99.95, ["Friends"], false, "Silver", ["Green", "Red"]]),
        ),
        (
            json!(["7.50", "Board, Friends", "Yes", ["Gold"], "Blue"]),
            json!([7.5, ["Board", "Friends"], true, "Gold", ["Blue"]]),
        ),
        (
            json!([20.0, ["Staff"], ["Yes"], "Gold", ["Blue"]]),
            json!([20, ["Staff"], true, "Gold", ["Blue"]]),
        ),
    ] {
        for ((name, ..), value) in FIELDS.iter().zip(written.as_array().unwrap()) {
            write(&world, &id, name, value).await;
        }
        settle(&world).await;
        assert_eq!(here(&world, &id).await, expected);
    }
    // Neither side was asked to repeat what it had said.
    assert_eq!(updates(&world).await, 1 + 3 * 5);
    let before = contact(&world, &id).await;
    settle(&world).await;
    assert_eq!(contact(&world, &id).await, before);
    assert!(world.store.alerts(true, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_is_not_mapped_and_the_others_are() {
    let world = world(&format!(
        "{RULES}contract = {{ field = \"Contract\", direction = \"from\" }}\n"
    ))
    .await;
    let id = world.create("Ada").await;
    settle(&world).await;
    edit(&world, &id, json!({ "pledge": 3, "contract": "mine" })).await;
    settle(&world).await;
    assert_eq!(custom(&world, &id, "Pledge").await, 3);
    assert_eq!(profile(&world, &id).await.fields["contract"], "mine");
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert!(
        alerts[0]
            .message
            .contains("is of type FILE_UPLOAD, which is not mapped"),
        "{alerts:?}"
    );
}
