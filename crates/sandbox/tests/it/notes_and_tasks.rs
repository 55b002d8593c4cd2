//! Notes and tasks, and whether they move their contact.

use serde_json::{Value, json};

use crate::harness::{World, settled};

async fn date_updated(world: &World, id: &str) -> Value {
    world.get(&format!("/contacts/{id}")).await.expect(200)["contact"]["dateUpdated"].clone()
}

#[tokio::test]
async fn a_note_is_created_listed_changed_and_deleted() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "n@example.com" })).await;
    let notes = format!("/contacts/{id}/notes");
    let note = world
        .call("POST", &notes, json!({ "body": "hello" }))
        .await
        .expect(201)["note"]
        .clone();
    assert_eq!(
        (&note["body"], &note["contactId"]),
        (&json!("hello"), &json!(id))
    );
    let path = format!("{notes}/{}", note["id"].as_str().unwrap());
    let changed = world
        .call("PUT", &path, json!({ "body": "bye" }))
        .await
        .expect(200);
    assert_eq!(changed["note"]["body"], "bye");
    assert_eq!(
        world.get(&notes).await.expect(200)["notes"],
        json!([changed["note"]])
    );
    world.call("DELETE", &path, Value::Null).await.expect(200);
    world.get(&path).await.expect(404);
    world
        .call("POST", "/contacts/nobody/notes", json!({ "body": "x" }))
        .await
        .expect(404);
    world.call("POST", &notes, json!({})).await.expect(422);
}

#[tokio::test]
async fn a_task_is_created_completed_and_deleted() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "t@example.com" })).await;
    let tasks = format!("/contacts/{id}/tasks");
    let body = json!({ "title": "call", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = world.call("POST", &tasks, body).await.expect(201)["task"].clone();
    for due in ["five", "true", "12/02/2026", "1796169600000"] {
        let body = json!({ "title": "call", "dueDate": due, "completed": false });
        world.call("POST", &tasks, body).await.expect(422);
    }
    let path = format!("{tasks}/{}", task["id"].as_str().unwrap());
    world
        .call("PUT", &path, json!({ "dueDate": "soon" }))
        .await
        .expect(422);
    let renamed = world
        .call("PUT", &path, json!({ "title": "call back" }))
        .await
        .expect(200);
    assert_eq!(
        (&renamed["task"]["title"], &renamed["task"]["completed"]),
        (&json!("call back"), &json!(false))
    );
    let done = world
        .call(
            "PUT",
            &format!("{path}/completed"),
            json!({ "completed": true }),
        )
        .await
        .expect(200);
    assert_eq!(done["task"]["completed"], true);
    assert_eq!(
        world.get(&tasks).await.expect(200)["tasks"],
        json!([done["task"]])
    );
    world.call("DELETE", &path, Value::Null).await.expect(200);
    world.get(&path).await.expect(404);

    let history = world.control("GET", "/history", Value::Null).await;
    let kinds: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["record_id"] == task["id"])
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "task.created",
            "task.updated",
            "task.completed",
            "task.deleted"
        ]
    );
}

#[tokio::test]
async fn a_note_moves_its_contact_only_in_the_world_where_it_does() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "n@example.com" })).await;
    let notes = format!("/contacts/{id}/notes");
    let before = date_updated(&world, &id).await;

    world
        .control("POST", "/clock", json!({ "advance_seconds": 60 }))
        .await;
    world
        .call("POST", &notes, json!({ "body": "still" }))
        .await
        .expect(201);
    assert_eq!(date_updated(&world, &id).await, before);

    world
        .control("POST", "/settings", json!({ "note_moves_contact": true }))
        .await;
    world
        .call("POST", &notes, json!({ "body": "moves" }))
        .await
        .expect(201);
    assert_ne!(date_updated(&world, &id).await, before);
}
