//! What values mean in a run: numbers that come as texts, what is missing, days where the location is, merge fields.

use std::fmt::Write as _;

use canopy_engine::Catalog;
use canopy_mapping::{Actions as _, CONTACT_WORDS};
use canopy_store::{ProfileStore as _, RunState};
use serde_json::json;

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

#[tokio::test]
async fn a_whole_value_is_written_as_text_where_a_text_is_wanted() {
    let steps = [
        "contact.tags",
        "true",
        "7",
        "3.30",
        "contact.firstName == 'Ada'",
        "[1, none, 2]",
    ];
    let mut text = "id = \"texts\"\ntitle = \"Texts\"\non = \"contact.created\"\n".to_owned();
    for (place, expression) in steps.iter().enumerate() {
        let _ = write!(
            text,
            "\n[[do]]\nid = \"note{place}\"\naction = \"create-note\"\nwith = {{ contactId = \"{{{{ contact.id }}}}\", body = \"{{{{ {expression} }}}}\" }}\n"
        );
    }
    text +=
        "\n[[do]]\nid = \"own\"\naction = \"profile.note\"\nwith = { body = \"{{ [1, 2] }}\" }\n";
    let world = World::new(&text).await;
    let contact = world
        .invoke(
            "create-contact",
            json!({ "locationId": world.location, "firstName": "Ada", "tags": ["vip", "gold"] }),
        )
        .await;
    let contact = contact["contact"]["id"].as_str().unwrap().to_owned();
    world.poll_and_drain().await;
    let runs = world.runs_of("texts").await;
    assert_eq!(runs[0].state, RunState::Done, "{:?}", runs[0].error);
    let notes = world.notes(&contact).await;
    let mut bodies: Vec<&str> = notes
        .iter()
        .filter_map(|note| note["body"].as_str())
        .collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["1, 2", "3.3", "7", "true", "true", "vip, gold"]);
}

#[tokio::test]
async fn a_list_within_a_list_of_tags_is_its_items() {
    let world = World::new(
        r#"
id = "tags"
title = "Tags"
on = "contact.created"

[[do]]
id = "several"
action = "add-tags"
with = { contactId = "{{ contact.id }}", tags = ["a", "{{ ['vip', none, ''] }}", "{{ contact.tags }}", "{{ contact.city }}"] }

[[do]]
id = "one"
action = "add-tags"
with = { contactId = "{{ contact.id }}", tags = "{{ contact.firstName }}" }

[[do]]
id = "own"
action = "profile.tag"
with = { add = ["b", "{{ ['vip', 'gold'] }}"] }

[[do]]
id = "none"
action = "add-tags"
with = { contactId = "{{ contact.id }}", tags = "{{ contact.city }}" }
"#,
    )
    .await;
    let contact = json!({ "locationId": world.location, "firstName": "ada", "tags": ["new"] });
    let contact = world.invoke("create-contact", contact).await;
    let contact = contact["contact"]["id"].clone();
    world.poll_and_drain().await;
    let runs = world.runs_of("tags").await;
    assert_eq!(runs[0].state, RunState::Dead);
    assert_eq!(
        runs[0].error.as_deref(),
        Some("\"tags\" is missing, because {{ contact.city }} has no value")
    );
    let shown = world.invoke("get-contact", json!({ "contactId": contact }));
    let mut tags: Vec<String> =
        serde_json::from_value(shown.await["contact"]["tags"].take()).unwrap();
    tags.sort_unstable();
    assert_eq!(tags, ["a", "ada", "new", "vip"]);
    let location = &world.location;
    let contact = contact.as_str().unwrap();
    let own = world.store.profile_tags(location, contact).await.unwrap();
    assert_eq!(own, ["b", "gold", "vip"]);
}

#[tokio::test]
async fn a_quantity_that_is_none_names_field_and_value() {
    let world = World::new(
        r#"
id = "amount"
title = "By amount"
on = "contact.created"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = "{{ contact.lastName }}" }
"#,
    )
    .await;
    for (name, told) in [
        (
            json!("1,000"),
            "`number` must be a number: contact.lastName is \"1,000\", and is no number as programs read it; can be read in two ways, 1000 and 1.000; name what stands before the fraction: | amount('.') or | amount(',')",
        ),
        (
            json!("x"),
            "`number` must be a number: contact.lastName is \"x\", and is a text that is no number",
        ),
        (
            json!(""),
            "`number` is missing: contact.lastName has no value; say what counts then, e.g. | default(1)",
        ),
    ] {
        world
            .invoke(
                "create-contact",
                json!({ "locationId": world.location, "firstName": "Ada", "lastName": name }),
            )
            .await;
        world.poll_and_drain().await;
        let runs = world.runs_of("amount").await;
        let newest = runs.iter().max_by_key(|run| run.id).unwrap();
        assert_eq!(newest.state, RunState::Dead);
        assert_eq!(newest.error.as_deref(), Some(told));
    }
    assert_eq!(world.bought().await.len(), 0);
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
