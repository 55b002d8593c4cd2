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
    assert_eq!(told(&world).await, ["gender"]);
}

/// The fields that alerts name.
async fn told(world: &World) -> Vec<String> {
    let alerts = world.store.alerts(true, 100).await.unwrap();
    let of_fields = alerts.into_iter().filter(|alert| alert.kind == "fields");
    of_fields.map(|alert| alert.subject).collect()
}

/// The service leaves out a number that is another contact's and says that it is done (#37).
#[tokio::test]
async fn a_number_that_is_another_contacts_is_not_called_written() {
    let workflow = |phone: &str| {
        format!(
            r#"
id = "upsert"
title = "Write somebody"
on = ["contact.created"]
when = "contact.firstName == 'Start'"

[[do]]
id = "write"
action = "upsert-contact"
with = {{ locationId = "{{{{ location.id }}}}", email = "first@example.com", phone = "{phone}" }}
"#
        )
    };
    for (phone, first_has, lost) in [
        ("+12015550177", None, true),
        ("+12015550177", Some("+12015550166"), true),
        ("+12015550188", Some("+12015550166"), false),
        ("(201) 555-0188", None, false),
    ] {
        let about = format!("{phone} {first_has:?}");
        let world = World::new(&workflow(phone)).await;
        let first = json!({ "firstName": "A", "email": "first@example.com", "phone": first_has });
        let first = world.control("/contacts", first).await["id"].clone();
        let other = json!({ "firstName": "B", "phone": "+12015550177" });
        let other = world.control("/contacts", other).await["id"].clone();
        world.create("Start").await;
        world.poll_and_drain().await;
        let run = world.run().await;
        assert_eq!(run.state, RunState::Done, "{about}: {:?}", run.error);
        let steps = world.store.steps(run.id).await.unwrap();
        let output = steps[0].output.as_ref().unwrap();
        let names: &[&str] = if lost { &["phone"] } else { &[] };
        assert_eq!(output["notWritten"], json!(names), "{about}");
        assert_eq!(output["writtenAgain"], json!([]), "{about}");
        assert_eq!(told(&world).await, names, "{about}");
        let after = contact(&world, first.as_str().unwrap()).await;
        let expected = if lost {
            first_has
        } else {
            Some("+12015550188")
        };
        assert_eq!(after["phone"].as_str(), expected, "{about}");
        let after = contact(&world, other.as_str().unwrap()).await;
        assert_eq!(after["phone"], "+12015550177", "{about}");
    }
}
