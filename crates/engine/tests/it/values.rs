//! What values mean in a run: numbers that come as texts, what is missing, days where the location is, merge fields.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use canopy_engine::Catalog;
use canopy_mapping::{Actions as _, CONTACT_WORDS, template};
use canopy_store::RunState;
use serde_json::{Map, Value, json};

use crate::support::World;

#[tokio::test]
async fn an_amount_that_is_no_number_ends_the_run_before_anything_is_bought() {
    let world = World::new(
        r#"
id = "amount"
title = "By amount"
on = "contact.created"
when = "contact.firstName > 100"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = "{{ contact.firstName }}" }
"#,
    )
    .await;
    for amount in ["5", "1,000", "five", "101"] {
        world.create(amount).await;
    }
    world.poll_and_drain().await;
    let bought = world.bought().await;
    assert_eq!(bought.len(), 1, "{bought:?}");
    assert_eq!(bought[0]["quantity"], json!(101));
    let runs = world.runs_of("amount").await;
    let dead = runs.iter().filter(|run| run.state == RunState::Dead);
    let mut errors: Vec<&str> = dead.filter_map(|run| run.error.as_deref()).collect();
    errors.sort_unstable();
    assert_eq!(errors.len(), 2, "{runs:?}");
    assert!(
        errors[0].contains("contact.firstName is \"1,000\", and is no number as programs read it"),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("contact.firstName is \"five\", and is a text that is no number"),
        "{errors:?}"
    );
}

#[tokio::test]
async fn merge_fields_read_the_location_and_the_contacts_own_fields() {
    let world = World::new(
        r#"
id = "merge"
title = "Merge"
on = "contact.created"

[[do]]
id = "note"
action = "create-note"
with = { contactId = "{{ contact.id }}", body = "{{contact.full_name}} of {{location.name}}, {{contact.city}}{{user.name}}{{contact.nickname}}." }
"#,
    )
    .await;
    let location = world
        .invoke("get-location", json!({ "locationId": world.location }))
        .await;
    let name = location["location"]["name"].as_str().unwrap().to_owned();
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let notes = world.notes(&contact).await;
    assert_eq!(notes[0]["body"], json!(format!("Ada of {name}, .")));
}

/// A text template over a record in which one member is null says no word for it, whatever filter it goes through.
#[test]
fn a_null_in_any_nullable_member_of_the_description_is_printed_by_no_filter() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../highlevel-api/openapi/highlevel.json"
    );
    let bundle: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let schemas = bundle["components"]["schemas"].as_object().unwrap();
    let filters = [
        "upper",
        "lower",
        "title",
        "capitalize",
        "trim",
        "string",
        "round",
        "money",
        "date",
        "int",
        "float",
        "join",
        "first",
        "last",
        "length | string | replace('0', '')",
        "default('')",
        "tojson",
        "abs",
        "split(',')",
        "sort",
        "unique",
        "list",
        "reverse",
        "lines",
        "indent",
        "later('1d')",
        "min",
        "max",
        "map('upper') | join",
        "select | join",
    ];
    // HighLevel answers null for any member that is empty, whether or not its description says so.
    let (mut members, mut described) = (BTreeSet::new(), 0);
    for schema in schemas.values() {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            described += usize::from(member["nullable"] == true);
            members.insert(name.clone());
        }
    }
    assert!(
        described > 40 && members.len() > 500,
        "{described} {}",
        members.len()
    );
    let mut context = Map::new();
    for name in &members {
        context.insert(name.clone(), Value::Null);
    }
    let context = json!({ "record": context, "location": { "timezone": "Europe/London" } });
    for name in &members {
        let mut text = format!("<{{{{ record['{name}'] }}}}{{{{ record['{name}'] ~ '' }}}}");
        for filter in filters {
            let _ = write!(text, "{{{{ record['{name}'] | {filter} }}}}");
        }
        let _ = write!(
            text,
            "{{% for one in record['{name}'] %}}x{{% endfor %}}{{% if record['{name}'] or 'x' in record['{name}'] or record['{name}'] < 1 %}}y{{% endif %}}>"
        );
        assert_eq!(
            template::render(&json!(text), &context),
            Ok(json!("<>")),
            "{name}"
        );
        let whole = json!({ "value": format!("{{{{ record['{name}'] }}}}") });
        assert_eq!(template::render(&whole, &context), Ok(json!({})), "{name}");
    }
}

#[test]
fn members_of_contacts_in_one_word_are_no_keys_of_custom_fields() {
    let is_word = |name: &String| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let described: Vec<String> = Catalog
        .members("contact")
        .into_iter()
        .filter(is_word)
        .collect();
    assert!(described.len() > 10, "{described:?}");
    for name in described {
        assert!(
            CONTACT_WORDS.contains(&&*name),
            "{name} is missing in mapping/src/merge.rs"
        );
    }
}
