//! Custom fields of contacts: written and read by name or key, each with its own type.

use canopy_store::RunState;
use serde_json::{Value, json};

use crate::support::World;

/// Ten fields of a contact, as many as the catalog's actions have, of all types.
const FIELDS: [(&str, &str, &[&str]); 10] = [
    ("Ten words", "TEXT", &[]),
    ("Story", "LARGE_TEXT", &[]),
    ("Trees", "NUMERICAL", &[]),
    ("Share", "FLOAT", &[]),
    ("Spent", "MONETORY", &[]),
    ("Since", "DATE", &[]),
    ("Agreed", "CHECKBOX", &["I agree"]),
    ("Tier", "SINGLE_OPTIONS", &["Gold", "Silver"]),
    ("Colour", "RADIO", &["Green", "Blue"]),
    ("Topics", "MULTIPLE_OPTIONS", &["Sea", "Air", "Land"]),
];

const TEN: &str = r#"
id = "ten"
title = "Ten fields"
on = ["contact.created"]

[[do]]
id = "fields"
action = "update-contact"
with = { contactId = "{{ contact.id }}" }

[do.custom_fields]
"ten WORDS" = { value = 10 }
"Story" = { value = "Of {{ contact.firstName }}" }
"contact.trees" = { value = "12" }
"share" = { value = "0.25" }
"Spent" = { value = "{{ 12.5 }}" }
"contact.since" = { value = "2026-03-01T09:30:00Z" }
"Agreed" = { value = true }
"tier" = { value = "gold" }
"Colour" = { value = "Green" }
"Topics" = { value = ["Sea", "land"] }

[[do]]
id = "again"
action = "update-contact"
with = { contactId = "{{ contact.id }}" }

[do.custom_fields]
"contact.tier" = { value = "Gold" }
"Topics" = { value = "{{ custom.topics }}" }
"#;

/// The fields exist before a workflow runs.
async fn with_fields(workflow: &str) -> World {
    let world = World::new(workflow).await;
    for (name, data_type, options) in FIELDS {
        let options: Vec<Value> = options
            .iter()
            .map(|label| json!({ "label": label }))
            .collect();
        let field = json!({ "locationId": world.location, "name": name, "dataType": data_type,
            "model": "contact", "textBoxListOptions": options });
        world.invoke("create-custom-field", field).await;
    }
    world
}

/// The contact's custom fields by name.
async fn values(world: &World, contact: &str) -> Value {
    let location = json!({ "locationId": world.location, "model": "contact" });
    let fields = world.invoke("get-custom-fields", location).await;
    let contact = world
        .invoke("get-contact", json!({ "contactId": contact }))
        .await;
    let mut values = json!({});
    for field in fields["customFields"].as_array().unwrap() {
        let own = contact["contact"]["customFields"].as_array().unwrap();
        if let Some(own) = own.iter().find(|own| own["id"] == field["id"]) {
            values[field["name"].as_str().unwrap()] = own["value"].clone();
        }
    }
    values
}

#[tokio::test]
async fn ten_fields_are_written_by_name_or_key_as_their_types_take_them() {
    let world = with_fields(TEN).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.error);
    let expected = json!({
        "Ten words": "10", "Story": "Of Ada", "Trees": 12, "Share": 0.25, "Spent": 12.5, "Since": "2026-03-01",
        "Agreed": ["I agree"], "Tier": "Gold", "Colour": "Green", "Topics": ["Land", "Sea"],
    });
    assert_eq!(values(&world, &contact).await, expected);
    let writes = world.requests().await;
    let writes = writes
        .iter()
        .filter(|one| one["operation"] == "update-contact");
    assert_eq!(writes.count(), 1, "the second step has nothing to write");
}

/// Empty form fields come as empty texts: they take nothing away, and what the file itself says to empty is emptied.
#[tokio::test]
async fn an_empty_text_leaves_a_number_and_a_date_and_a_list_is_a_text() {
    let file = TEN
        .split("[[do]]")
        .next()
        .map(|head| {
            format!(
                r#"{head}[[do]]
id = "before"
action = "update-contact"
with = {{ contactId = "{{{{ contact.id }}}}" }}

[do.custom_fields]
"Trees" = {{ value = 12 }}
"Spent" = {{ value = 3 }}
"Since" = {{ value = "2026-03-01" }}
"Story" = {{ value = "kept" }}

[[do]]
id = "after"
action = "update-contact"
with = {{ contactId = "{{{{ contact.id }}}}", city = "{{{{ contact.tags }}}}" }}

[do.custom_fields]
"Trees" = {{ value = "{{{{ contact.lastName | default('') }}}}" }}
"Since" = {{ value = "{{{{ contact.lastName | default('') }}}}" }}
"Spent" = {{ value = "" }}
"Story" = {{ value = "{{{{ contact.tags + [none, ''] }}}}" }}
"Topics" = {{ value = "{{{{ ['Sea', none, ''] }}}}" }}
"#
            )
        })
        .unwrap();
    let world = with_fields(&file).await;
    let contact = world
        .invoke(
            "create-contact",
            json!({ "locationId": world.location, "firstName": "Ada", "tags": ["vip", "gold"] }),
        )
        .await;
    let contact = contact["contact"]["id"].as_str().unwrap().to_owned();
    world.poll_and_drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.error);
    let values = values(&world, &contact).await;
    for (name, right) in [
        ("Trees", json!(12)),
        ("Since", json!("2026-03-01")),
        ("Story", json!("vip, gold")),
        ("Topics", json!(["Sea"])),
    ] {
        assert_eq!(values[name], right, "{name}: {values}");
    }
    let spent = &values["Spent"];
    assert!(spent.is_null() || spent == "", "{values}");
}

#[tokio::test]
async fn a_value_that_a_field_cannot_have_and_a_key_that_is_not_there_are_told() {
    for (field, told) in [
        (
            "\"Tier\" = { value = \"Bronze\" }",
            "custom field \"Tier\": \"Bronze\" is none of Gold, Silver",
        ),
        (
            "\"Trees\" = { value = \"many\" }",
            "custom field \"Trees\": \"many\" is no number",
        ),
        (
            "\"contact.teir\" = { value = \"Gold\" }",
            "the location has no custom field with the key \"contact.teir\"; did you mean \"contact.tier\"?",
        ),
    ] {
        let start = TEN.split("[do.custom_fields]").next().unwrap();
        let world = with_fields(&format!("{start}[do.custom_fields]\n{field}\n")).await;
        let contact = world.create("Ada").await;
        world.poll_and_drain().await;
        let run = world.run().await;
        assert_eq!(run.state, RunState::Dead);
        assert_eq!(run.error.as_deref(), Some(told));
        assert_eq!(values(&world, &contact).await, json!({}));
    }
}

#[tokio::test]
async fn conditions_and_templates_read_custom_fields_by_name() {
    let workflow = r#"
id = "gold"
title = "Gold"
on = ["contact.updated", "note.created"]
when = "custom.tier == 'Gold' and custom['Trees'] > 2 and 'Sea' in custom.topics"

[[do]]
id = "note"
action = "create-note"
with = { contactId = "{{ contact.id }}", body = "{{ custom['Trees'] + 1 }} {{ custom.colour or 'no colour' }}" }
"#;
    let world = with_fields(workflow).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let write = async |fields: Value| {
        world.wait(jiff::SignedDuration::from_secs(60));
        let location = json!({ "locationId": world.location, "model": "contact" });
        let known = world.invoke("get-custom-fields", location).await;
        let id = |name: &str| {
            let mut known = known["customFields"].as_array().unwrap().iter();
            known.find(|field| field["name"] == name).unwrap()["id"].clone()
        };
        let fields = fields.as_object().unwrap().iter();
        let fields: Vec<_> = fields
            .map(|(name, value)| json!({ "id": id(name), "field_value": value }))
            .collect();
        let edit = json!({ "customFields": fields });
        world.control(&format!("/contacts/{contact}"), edit).await;
        world.poll_and_drain().await;
    };
    write(json!({ "Tier": "Silver", "Trees": 3, "Topics": ["Sea"] })).await;
    assert!(world.notes(&contact).await.is_empty());
    write(json!({ "Tier": "Gold" })).await;
    let notes = world.notes(&contact).await;
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0]["body"], "4 no colour");
    // The event is about another record, and the contact is read for its fields.
    world
        .note_webhook(&contact, notes[0]["id"].as_str().unwrap())
        .await;
    world.drain().await;
    assert_eq!(
        world.notes(&contact).await.len(),
        1,
        "our own note is an echo"
    );
    let own = world.create_note(&contact, "Hello").await;
    world.note_webhook(&contact, &own).await;
    world.drain().await;
    assert_eq!(world.notes(&contact).await.len(), 3);
}
