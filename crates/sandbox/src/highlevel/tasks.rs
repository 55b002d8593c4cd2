//! Tasks of a contact.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::described::with_nulls;
use crate::records::Task;
use crate::world::World;

pub fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let contact_id = call.argument(0);
    world.contact(contact_id)?;
    Ok(Answer::ok(json!({ "tasks": views(world, contact_id) })))
}

/// A contact's tasks, the oldest first.
pub fn views(world: &World, contact_id: &str) -> Vec<Value> {
    let tasks = world.tasks.get(contact_id).into_iter().flatten();
    tasks.map(|task| view(task, contact_id)).collect()
}

pub fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let (contact_id, id) = (call.argument(0), call.argument(1));
    let task = find(world, contact_id, id)?;
    Ok(Answer::ok(json!({ "task": view(task, contact_id) })))
}

pub fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let contact_id = call.argument(0);
    world.contact(contact_id)?;
    due_date_is_one(call)?;
    let mut task = Task {
        id: world.ids.record(),
        title: call.required("title")?.to_owned(),
        body: None,
        due_date: call.required("dueDate")?.to_owned(),
        completed: false,
        assigned_to: None,
        date_added: call.now,
    };
    write(&mut task, call);
    world
        .tasks
        .entry(contact_id.to_owned())
        .or_default()
        .push(task.clone());
    world.task_event(
        Some("TaskCreate"),
        "task.created",
        contact_id,
        &task,
        call.act(),
    );
    Ok(Answer::created(json!({ "task": view(&task, contact_id) })))
}

/// Also sets `completed` alone. Only completing has a webhook; any other edit has none.
pub fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let (contact_id, id) = (call.argument(0), call.argument(1));
    due_date_is_one(call)?;
    let task = find(world, contact_id, id)?;
    let before = task.clone();
    write(task, call);
    let task = task.clone();
    if task.completed && !before.completed {
        world.task_event(
            Some("TaskComplete"),
            "task.completed",
            contact_id,
            &task,
            call.act(),
        );
    } else if task != before {
        world.task_event(None, "task.updated", contact_id, &task, call.act());
    }
    Ok(Answer::ok(json!({ "task": view(&task, contact_id) })))
}

pub fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let (contact_id, id) = (call.argument(0), call.argument(1));
    let task = find(world, contact_id, id)?.clone();
    if let Some(tasks) = world.tasks.get_mut(contact_id) {
        tasks.retain(|other| other.id != id);
    }
    world.task_event(
        Some("TaskDelete"),
        "task.deleted",
        contact_id,
        &task,
        call.act(),
    );
    Ok(Answer::ok(json!({ "succeded": true })))
}

fn find<'w>(world: &'w mut World, contact_id: &str, id: &str) -> Result<&'w mut Task, Answer> {
    world.contact(contact_id)?;
    let tasks = world.tasks.get_mut(contact_id).into_iter().flatten();
    tasks
        .into_iter()
        .find(|task| task.id == id)
        .ok_or_else(|| Answer::not_found(format!("Task with id {id} not found")))
}

/// A due date is a date or a time in ISO 8601. Whether the service would take other texts is not described, so nobody
/// should come to rely on them here.
fn due_date_is_one(call: &Call<'_>) -> Result<(), Answer> {
    let Some(text) = call.body_text("dueDate") else {
        return Ok(());
    };
    let is_one = text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok();
    if is_one {
        return Ok(());
    }
    let message = "dueDate must be a valid ISO 8601 date string".to_owned();
    Err(Answer::invalid(vec![message]))
}

fn write(task: &mut Task, call: &Call<'_>) {
    for (member, slot) in [("title", &mut task.title), ("dueDate", &mut task.due_date)] {
        if let Some(text) = call.body_text(member) {
            text.clone_into(slot);
        }
    }
    for (member, slot) in [
        ("body", &mut task.body),
        ("assignedTo", &mut task.assigned_to),
    ] {
        if let Some(text) = call.body_text(member) {
            *slot = Some(text.to_owned());
        }
    }
    if let Some(completed) = call.body.get("completed").and_then(Value::as_bool) {
        task.completed = completed;
    }
}

fn view(task: &Task, contact_id: &str) -> Value {
    let view = json!({
        "id": task.id, "title": task.title, "dueDate": task.due_date, "completed": task.completed,
        "contactId": contact_id, "body": task.body, "assignedTo": task.assigned_to,
    });
    with_nulls("Task", &[], view)
}
