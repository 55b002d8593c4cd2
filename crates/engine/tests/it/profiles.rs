//! Notes, tasks and tags of profiles, the events that tell of them, and both ways between the two sides.

use canopy_mapping::{Source, Trace};
use canopy_store::clock::Clock;
use canopy_store::{EventState, NewEvent, ProfileStore, Store};
use serde_json::{Value, json};

use crate::support::World;

/// Puts a webhook about a record of the contact into the inbox.
async fn hook(world: &World, kind: &str, contact: &str, record: &str, delivery: &str) {
    let now = world.clock.now();
    let created = kind.ends_with(".created");
    let event = NewEvent {
        source: Source::Webhook,
        kind: kind.into(),
        location: world.location.clone(),
        contact: Some(contact.to_owned()),
        record: record.to_owned(),
        occurred_at: now,
        version: created.then(|| "created".to_owned()),
        delivery: (!created).then(|| delivery.to_owned()),
        payload: json!({ "id": record, "contactId": contact }),
        trace: Trace::default(),
    };
    world.store.insert_events(vec![event], now).await.unwrap();
}

/// What a person does in HighLevel.
async fn invoke(world: &World, operation: &str, arguments: Value) -> Value {
    let connection = world.engine.connections().next().unwrap();
    connection
        .highlevel
        .invoke(operation, &arguments)
        .await
        .unwrap()
}

async fn newest(world: &World, kind: &str) -> canopy_store::InboxRow {
    let rows = world.store.recent_events(100).await.unwrap();
    rows.into_iter().find(|row| row.event.kind == kind).unwrap()
}

#[tokio::test]
async fn a_note_is_kept_with_its_history_and_told_of_once() {
    let world = World::new(include_str!(
        "../../../../recipes/contact-notes-to-profile.toml"
    ))
    .await;
    let contact = world.create("Ada").await;
    let note = world.create_note(&contact, "Call back").await;
    hook(&world, "note.created", &contact, &note, "d0").await;
    world.drain().await;
    let change = json!({ "contactId": contact, "id": note, "body": "Called" });
    invoke(&world, "update-note", change).await;
    hook(&world, "note.updated", &contact, &note, "d1").await;
    hook(&world, "note.updated", &contact, &note, "d2").await;
    world.drain().await;

    let notes = world
        .store
        .profile_notes(&world.location, &contact)
        .await
        .unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(
        (&*notes[0].body, notes[0].highlevel_id.as_ref()),
        ("Called", Some(&note))
    );
    let history = world
        .store
        .profile_history(&world.location, &contact, 10)
        .await
        .unwrap();
    let bodies: Vec<_> = history
        .iter()
        .map(|entry| entry.state["body"].clone())
        .collect();
    assert_eq!(bodies, ["Called", "Call back"]);
    assert!(history.iter().all(|entry| entry.run.is_some()));
    let told = newest(&world, "profile_note.created").await;
    assert_eq!(told.event.source, Source::Workflow);
    assert_eq!(
        (told.event.trace.depth, told.event.trace.cause),
        (1, history[1].run)
    );
    assert_eq!(
        newest(&world, "profile_note.updated").await.event.payload["body"],
        "Called"
    );
    let profile = world
        .store
        .profile(&world.location, &contact)
        .await
        .unwrap();
    assert!(
        profile.is_some(),
        "a note makes the profile that it belongs to"
    );
}

#[tokio::test]
async fn a_new_profile_starts_workflows() {
    let world = World::with(
        r#"
id = "keep"
title = "Keep"
on = ["contact.created", "contact.updated"]

[[do]]
id = "profile"
action = "profile.save"
with = { name = "{{ contact.firstName }}" }
"#,
        |connection| {
            let tag = r#"
id = "tag"
title = "Tag"
on = ["profile.created"]

[[do]]
id = "own"
action = "profile.tag"
with = { add = ["New"] }

[[do]]
id = "task"
action = "profile.task"
with = { title = "Welcome ({{ profile.tags | join(',') }})", progress = 20 }
"#;
            let parsed = canopy_mapping::Workflow::parse("tag", tag, &canopy_engine::Catalog);
            let recipe = include_str!("../../../../recipes/tag-new-profiles.toml");
            let recipe = canopy_mapping::Workflow::parse("recipe", recipe, &canopy_engine::Catalog);
            let mut workflows: Vec<_> = connection.workflows.current().to_vec();
            workflows.extend([recipe.unwrap(), parsed.unwrap()]);
            connection.workflows = workflows.into();
        },
        canopy_engine::Options::default(),
    )
    .await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let read = invoke(&world, "get-contact", json!({ "contactId": contact })).await;
    assert_eq!(read["contact"]["tags"], json!(["ecologi-profile"]));
    let tags = world
        .store
        .profile_tags(&world.location, &contact)
        .await
        .unwrap();
    assert_eq!(tags, ["new"]);
    let tasks = world
        .store
        .profile_tasks(&world.location, &contact)
        .await
        .unwrap();
    assert_eq!((&*tasks[0].title, tasks[0].progress), ("Welcome (new)", 20));
    // The same profile saved again tells of nothing.
    world.hint(&contact, "d1").await;
    world.drain().await;
    let rows = world.store.recent_events(100).await.unwrap();
    let created = rows
        .iter()
        .filter(|row| row.event.kind == "profile.created");
    assert_eq!(created.count(), 1);
}

#[tokio::test]
async fn the_progress_of_a_task_follows_the_task() {
    let world = World::new(include_str!("../../../../recipes/task-progress.toml")).await;
    let contact = world.create("Ada").await;
    let task = json!({ "contactId": contact, "title": "Plant", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = invoke(&world, "create-task", task).await;
    let task = task["task"]["id"].as_str().unwrap().to_owned();
    hook(&world, "task.created", &contact, &task, "d0").await;
    world.drain().await;
    let standing = async || {
        let tasks = world.store.profile_tasks(&world.location, &contact).await;
        let tasks = tasks.unwrap();
        assert_eq!(tasks.len(), 1);
        (tasks[0].progress, tasks[0].completed)
    };
    assert_eq!(standing().await, (0, false));
    let change = json!({ "contactId": contact, "taskId": task, "completed": true });
    invoke(&world, "update-task-completed", change).await;
    hook(&world, "task.completed", &contact, &task, "d1").await;
    world.drain().await;
    assert_eq!(standing().await, (100, true));
    assert_eq!(
        newest(&world, "profile_task.completed").await.event.payload["progress"],
        100
    );
}

#[tokio::test]
async fn our_own_changes_of_notes_and_tasks_start_nothing_and_later_ones_do() {
    let world = World::new(
        r#"
id = "finish"
title = "Finish"
on = ["task.completed", "note.updated"]

[[do]]
id = "done"
when = "event.kind == 'note.updated'"
action = "update-task-completed"
with = { contactId = "{{ contact.id }}", taskId = "{{ record.body }}", completed = true }

[[do]]
id = "note"
when = "event.kind == 'note.updated'"
action = "update-note"
with = { contactId = "{{ contact.id }}", id = "{{ record.id }}", body = "finished" }
"#,
    )
    .await;
    let contact = world.create("Ada").await;
    let task = json!({ "contactId": contact, "title": "Call", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = invoke(&world, "create-task", task).await;
    let task = task["task"]["id"].as_str().unwrap().to_owned();
    let note = world.create_note(&contact, &task).await;
    hook(&world, "note.updated", &contact, &note, "d1").await;
    world.drain().await;
    assert_eq!(
        newest(&world, "note.updated").await.state,
        EventState::Started
    );

    hook(&world, "task.completed", &contact, &task, "d2").await;
    hook(&world, "note.updated", &contact, &note, "d3").await;
    world.drain().await;
    assert_eq!(
        newest(&world, "task.completed").await.state,
        EventState::Echo
    );
    assert_eq!(newest(&world, "note.updated").await.state, EventState::Echo);

    for completed in [false, true] {
        let change = json!({ "contactId": contact, "taskId": task, "title": "Call again", "completed": completed });
        invoke(&world, "update-task", change).await;
    }
    hook(&world, "task.completed", &contact, &task, "d4").await;
    world.drain().await;
    assert_eq!(
        newest(&world, "task.completed").await.state,
        EventState::Started
    );
}

#[tokio::test]
async fn workflows_that_start_each_other_stop_with_an_alert() {
    let world = World::new(
        r#"
id = "loop"
title = "Loop"
on = ["contact.created", "profile.created", "profile.updated"]

[[do]]
id = "again"
action = "profile.save"
with = { turn = "{{ (profile.fields.turn or 0) + 1 }}" }
"#,
    )
    .await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!((alerts.len(), &*alerts[0].kind), (1, "loop"));
    assert_eq!(world.store.summary().await.unwrap().runs_done, 9);
}
