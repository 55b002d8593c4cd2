//! Webhooks that do not say all: whose record, which state, which record, or whether it was removed.

use canopy_store::EventState;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Told, kinds, text};

#[tokio::test]
async fn a_task_webhook_without_its_contact_waits_for_the_poll_that_knows_it() {
    let mut told = Told::new(&["task.created"]).await;
    let contact = told.contact().await;
    told.later().await;
    let task = json!({ "contactId": contact, "title": "Call", "dueDate": "2100-12-01T00:00:00Z", "completed": false });
    let task = told.call("create-task", task).await["task"]["id"].clone();
    let body = json!({ "type": "TaskCreate", "locationId": told.world.location, "id": task, "title": "Call" });
    told.deliver(&body.to_string()).await;
    told.drain().await;
    let row = told.rows().await.pop().unwrap();
    assert_eq!((row.state, row.event.contact), (EventState::Pending, None));
    assert!(row.error.unwrap().contains("without the contact"));
    told.later().await;
    told.drain().await;
    let rows = told.rows().await;
    let row = rows.iter().find(|row| row.event.kind == "task.created");
    let row = row.unwrap();
    assert_eq!(row.state, EventState::Started);
    assert_eq!(row.event.contact.as_ref(), Some(&contact));
    assert_eq!(
        row.event.payload["contactId"],
        json!(contact),
        "as it was read"
    );
    assert_eq!(told.started().await.len(), 1);
}

#[tokio::test]
async fn an_update_without_a_version_takes_that_of_the_state_that_is_read() {
    let mut told = Told::new(&["contact.updated"]).await;
    let contact = told.contact().await;
    told.later().await;
    told.world.rename(&contact, "Grace").await;
    told.arrive("ContactUpdate").await;
    let row = told.rows().await.pop().unwrap();
    assert_eq!((row.state, row.event.version), (EventState::Pending, None));
    told.drain().await;
    let read = told
        .call("get-contact", json!({ "contactId": contact }))
        .await;
    let at: jiff::Timestamp = text(&read["contact"]["dateUpdated"]).parse().unwrap();
    let row = told.rows().await.pop().unwrap();
    assert_eq!(row.event.version, Some(at.to_string()));
    assert_eq!(row.event.payload["firstName"], "Grace");
}

/// A record as a webhook without a type tells it, with these members only.
fn untyped(record: &Value, members: &[&str]) -> String {
    let mut body = record.clone();
    let body = body.as_object_mut().unwrap();
    body.retain(|member, _| members.contains(&member.as_str()));
    assert!(!body.contains_key("type"));
    json!(body).to_string()
}

#[tokio::test]
async fn the_removal_of_an_association_is_told_from_its_change_by_a_read() {
    let of = ["association.updated", "association.deleted"];
    for wanted in [&of[..], &of[1..]] {
        let mut told = Told::new(wanted).await;
        let made = json!({ "locationId": told.world.location, "key": "tenant_of", "firstObjectKey": "contact",
            "firstObjectLabel": "Tenant", "secondObjectKey": "custom_objects.flat", "secondObjectLabel": "Flat" });
        let made = told.call("create-association", made).await;
        let id = text(&made["id"]);
        let change = json!({ "associationId": id, "firstObjectLabel": "Lodger", "secondObjectLabel": "Flat" });
        told.call("update-association", change).await;
        assert_eq!(told.arrive("AssociationUpdate").await, 1);
        told.drain().await;
        told.call("delete-association", json!({ "associationId": id }))
            .await;
        assert_eq!(told.arrive("AssociationDelete").await, 1);
        told.drain().await;
        // What was just made may not be there yet, either.
        told.patience().await;
        assert_eq!(kinds(&told.started().await, &id), wanted);
        // The poll finds the removal, too.
        told.later().await;
        told.drain().await;
        assert_eq!(kinds(&told.started().await, &id), wanted);
    }
}

#[tokio::test]
async fn the_removal_of_a_relation_is_told_from_its_creation_by_the_list() {
    let told = Told::new(&["relation.created", "relation.deleted"]).await;
    let (ada, grace) = (told.contact().await, told.world.create("Grace").await);
    let made = json!({ "locationId": told.world.location, "key": "friend_of", "firstObjectKey": "contact",
        "firstObjectLabel": "Friend", "secondObjectKey": "contact", "secondObjectLabel": "Friend" });
    let association = told.call("create-association", made).await["id"].clone();
    let relation = json!({ "locationId": told.world.location, "associationId": association,
        "firstRecordId": ada, "secondRecordId": grace });
    let made = told.call("create-relation", relation).await;
    let members = [
        "id",
        "locationId",
        "associationId",
        "firstRecordId",
        "secondRecordId",
        "firstObjectKey",
        "secondObjectKey",
    ];
    let body = untyped(&made, &members);
    for _ in 0..2 {
        told.deliver(&body).await;
        told.drain().await;
    }
    let id = text(&made["id"]);
    assert_eq!(kinds(&told.started().await, &id), ["relation.created"]);
    told.call(
        "delete-relation",
        json!({ "relationId": id, "locationId": told.world.location }),
    )
    .await;
    for _ in 0..2 {
        told.deliver(&body).await;
        told.drain().await;
        assert_eq!(kinds(&told.started().await, &id), ["relation.created"]);
    }
    told.patience().await;
    let expected = ["relation.created", "relation.deleted"];
    assert_eq!(kinds(&told.started().await, &id), expected);
}

#[tokio::test]
async fn a_message_that_its_conversation_never_shows_runs_in_the_end() {
    let told = Told::new(&["message.received"]).await;
    let contact = told.contact().await;
    let body =
        json!({ "contactId": contact, "type": "SMS", "message": "Hello", "direction": "inbound" });
    let made = told.world.control("/messages", body).await;
    let body = json!({ "type": "InboundMessage", "locationId": told.world.location, "contactId": contact,
        "conversationId": made["conversationId"], "direction": "inbound", "messageType": "SMS", "body": "Another",
        "dateAdded": "2100-01-01T00:00:00Z" });
    told.deliver(&body.to_string()).await;
    told.drain().await;
    assert_eq!(told.started().await, []);
    for _ in 0..8 {
        told.world.wait(SignedDuration::from_hours(1));
        told.drain().await;
    }
    let conversation = text(&made["conversationId"]);
    assert_eq!(
        told.started().await,
        [("message.received".to_owned(), conversation)]
    );
}
