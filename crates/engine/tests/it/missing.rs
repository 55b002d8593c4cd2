//! Records that a service says are not there, or that an answer does not show.

use canopy_engine::Options;
use canopy_mapping::{Source, Trace};
use canopy_store::{Alert, EventState, InboxRow, NewEvent, RunState, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{TREE_ONLY, World};

const SECONDS: SignedDuration = SignedDuration::from_secs(3);

/// Answers reads of one record like this, so many times.
pub async fn answers(world: &World, operation: &str, times: Option<u32>, status: u16, body: Value) {
    let mut fault =
        json!({ "kind": "status", "operation": operation, "status": status, "body": body });
    if let Some(times) = times {
        fault["times"] = json!(times);
    }
    world.control("/faults", fault).await;
}

pub fn not_found() -> Value {
    json!({ "statusCode": 404, "message": "Contact not found" })
}

async fn only_event(world: &World) -> InboxRow {
    let mut rows = world.store.recent_events(10).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

async fn gone_alerts(world: &World) -> Vec<Alert> {
    let mut alerts = world.store.alerts(true, 10).await.unwrap();
    alerts.retain(|alert| alert.kind == "gone");
    alerts
}

/// Puts a webhook about a record into the inbox.
async fn told(world: &World, kind: &str, record: &str, contact: Option<&str>) {
    let now = world.now();
    let created = kind.ends_with(".created");
    let event = NewEvent {
        source: Source::Webhook,
        kind: kind.into(),
        location: world.location.clone(),
        contact: contact.map(str::to_owned),
        record: record.to_owned(),
        occurred_at: now,
        version: created.then(|| "created".to_owned()),
        delivery: (!created).then(|| format!("{kind} {record} {now}")),
        payload: json!({ "id": record, "contactId": contact }),
        trace: Trace::default(),
    };
    world.insert(event).await;
}

#[tokio::test]
async fn a_404_is_asked_again_within_seconds() {
    let world = World::new(TREE_ONLY).await;
    world.create("Ada").await;
    answers(&world, "get-contact", Some(1), 404, not_found()).await;
    world.poll_and_drain().await;
    let row = only_event(&world).await;
    assert_eq!(row.state, EventState::Pending);
    let wait = row.next_attempt_at.unwrap().duration_since(world.now());
    assert!(wait <= SignedDuration::from_secs(2), "{wait:?}");
    assert!(
        row.error
            .unwrap()
            .contains("counts as gone at 2026-11-23T12:15:00Z")
    );
    world.wait(SECONDS);
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1);
}

#[tokio::test]
async fn a_404_of_somebody_else_says_nothing_however_often() {
    for status in [401, 403, 404] {
        let mut world = World::new(TREE_ONLY).await;
        world.be_impatient();
        world.create("Ada").await;
        answers(
            &world,
            "get-contact",
            None,
            status,
            json!("<html>nginx</html>"),
        )
        .await;
        world.poll_and_drain().await;
        for _ in 0..20 {
            world.wait(SignedDuration::from_mins(30));
            world.drain().await;
        }
        let row = only_event(&world).await;
        assert_eq!(row.state, EventState::Pending, "{status}");
        world.clear_faults().await;
        world.wait(SignedDuration::from_mins(30));
        world.drain().await;
        assert_eq!(world.bought().await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn what_is_missing_for_a_quarter_of_an_hour_is_gone_and_counted_where_a_webhook_told_it() {
    let world = World::new(TREE_ONLY).await;
    for contact in ["nobodyknowsthiscontact", "norisanybodyawareofit"] {
        told(&world, "contact.created", contact, Some(contact)).await;
    }
    world.drain().await;
    for _ in 0..15 {
        world.wait(SignedDuration::from_mins(1));
        assert!(gone_alerts(&world).await.is_empty());
        world.drain().await;
    }
    let rows = world.store.recent_events(10).await.unwrap();
    assert!(
        rows.iter().all(|row| row.state == EventState::Gone),
        "{rows:?}"
    );
    let alerts = gone_alerts(&world).await;
    assert_eq!((alerts.len(), alerts[0].times), (1, 2));
    assert!(alerts[0].message.contains("contact.created"));
}

#[tokio::test]
async fn what_was_told_to_be_deleted_is_not_waited_for_and_needs_no_alert() {
    let world = World::new(TREE_ONLY).await;
    let contact = world.create("Ada").await;
    world
        .invoke("delete-contact", json!({ "contactId": contact }))
        .await;
    told(&world, "contact.created", &contact, Some(&contact)).await;
    told(&world, "contact.deleted", &contact, Some(&contact)).await;
    world.drain().await;
    let rows = world.store.recent_events(10).await.unwrap();
    let created = rows.iter().find(|row| row.event.kind == "contact.created");
    assert_eq!(created.unwrap().state, EventState::Gone);
    assert!(gone_alerts(&world).await.is_empty());
}

#[tokio::test]
async fn a_poll_that_shows_the_record_brings_its_event_back() {
    let world = World::new(TREE_ONLY).await;
    let contact = world.create("Ada").await;
    told(&world, "contact.created", &contact, Some(&contact)).await;
    answers(&world, "get-contact", None, 404, not_found()).await;
    world.drain().await;
    world.wait(SignedDuration::from_mins(15));
    world.drain().await;
    assert_eq!(only_event(&world).await.state, EventState::Gone);
    world.clear_faults().await;
    world.poll_and_drain().await;
    assert_eq!(only_event(&world).await.state, EventState::Started);
    assert_eq!(world.bought().await.len(), 1);
}

#[tokio::test]
async fn no_condition_is_judged_on_a_contact_that_the_answer_does_not_show() {
    let workflow = TREE_ONLY.replace(
        "[[do]]",
        "when = \"not ('no-trees' in (contact.tags or []))\"\n\n[[do]]",
    );
    for body in [
        json!({ "contact": { "firstName": "Ada" } }),
        json!({ "contact": { "id": "another", "firstName": "Ada" } }),
        json!({ "contact": null }),
        json!({}),
    ] {
        let world = World::new(&workflow).await;
        world
            .control(
                "/contacts",
                json!({ "firstName": "Ada", "tags": ["no-trees"] }),
            )
            .await;
        answers(&world, "get-contact", None, 200, body.clone()).await;
        world.poll_and_drain().await;
        let row = only_event(&world).await;
        assert_eq!(
            (row.state, row.missing_since),
            (EventState::Pending, None),
            "{body}"
        );
        assert!(
            row.error.is_some() && world.bought().await.is_empty(),
            "{body}"
        );
        world.clear_faults().await;
        world.wait(SECONDS);
        world.drain().await;
        assert_eq!(
            only_event(&world).await.state,
            EventState::NoMatch,
            "{body}"
        );
    }
}

const TASK: &str = r#"
id = "done"
title = "Done"
on = ["task.created", "opportunity.created"]
when = "'tree' in (contact.tags or [])"

[[do]]
id = "tree"
action = "buy-trees"
once = "record"
with = { number = 1 }
"#;

#[tokio::test]
async fn an_event_of_a_contact_that_is_gone_ends() {
    // The service may say that the task is not there, or that asking for it is wrong.
    for (status, message) in [
        (404, "Task not found"),
        (400, "Contact with id x not found"),
    ] {
        let world = World::new(TASK).await;
        let contact = world.create("Ada").await;
        let body = json!({ "contactId": contact, "title": "Plant", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
        let task = world.invoke("create-task", body).await;
        let task = task["task"]["id"].as_str().unwrap();
        world
            .invoke("delete-contact", json!({ "contactId": contact }))
            .await;
        told(&world, "task.created", task, Some(&contact)).await;
        let body = json!({ "statusCode": status, "message": message });
        answers(&world, "get-task", None, status, body).await;
        world.drain().await;
        world.wait(SignedDuration::from_mins(15));
        world.drain().await;
        assert_eq!(
            only_event(&world).await.state,
            EventState::Gone,
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_task_of_which_nobody_tells_whose_it_is_is_told_after_a_while_and_ends_some_time() {
    let world = World::new(TASK).await;
    told(&world, "task.created", "sometaskofnobody1234", None).await;
    world.drain().await;
    for _ in 0..15 {
        assert_eq!(gone_alerts(&world).await, []);
        world.wait(SignedDuration::from_mins(1));
        world.drain().await;
    }
    let subjects = async || {
        let alerts = gone_alerts(&world).await.into_iter();
        let mut subjects: Vec<_> = alerts.map(|alert| (alert.subject, alert.times)).collect();
        subjects.sort();
        subjects
    };
    let waits = ("task.created without contact".to_owned(), 1);
    assert_eq!(subjects().await, std::slice::from_ref(&waits));
    for _ in 0..7 {
        world.wait(SignedDuration::from_hours(24));
        world.drain().await;
        assert_eq!(only_event(&world).await.state, EventState::Pending);
    }
    assert_eq!(subjects().await, std::slice::from_ref(&waits));
    world.wait(SignedDuration::from_hours(24));
    world.drain().await;
    assert_eq!(only_event(&world).await.state, EventState::Gone);
    assert_eq!(subjects().await, [("task.created".to_owned(), 1), waits]);
}

/// The same without a condition, so that nothing of it looks at the contact before its run begins.
fn blind() -> String {
    TASK.replace("when = \"'tree' in (contact.tags or [])\"\n", "")
}

async fn task(world: &World, contact: &str, title: &str) -> String {
    let body = json!({ "contactId": contact, "title": title, "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = world.invoke("create-task", body).await;
    task["task"]["id"].as_str().unwrap().to_owned()
}

async fn opportunity(world: &World, contact: &str) -> String {
    let made = world.opportunity(contact).await;
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_event_whose_contact_is_missing_waits_and_is_counted_like_others() {
    let world = World::with(&blind(), |_| {}, Options::default()).await;
    let contact = world.create("Ada").await;
    for kind in ["task.created", "opportunity.created"] {
        let record = match kind {
            "task.created" => task(&world, &contact, "Plant").await,
            _ => opportunity(&world, &contact).await,
        };
        answers(&world, "get-contact", Some(1), 404, not_found()).await;
        told(&world, kind, &record, Some(&contact)).await;
        let bought = world.bought().await.len();
        world.drain().await;
        let row = world.store.recent_events(1).await.unwrap().remove(0);
        assert_eq!(row.state, EventState::Pending, "{kind}");
        assert_eq!(row.missing.as_deref(), Some(&*contact), "{kind}");
        world.wait(SECONDS);
        world.drain().await;
        assert_eq!(
            world.bought().await.len(),
            bought + 1,
            "it was there after all"
        );
    }
    let contact = world.create("Bob").await;
    let record = opportunity(&world, &contact).await;
    answers(&world, "get-contact", None, 404, not_found()).await;
    told(&world, "opportunity.created", &record, Some(&contact)).await;
    for _ in 0..16 {
        world.drain().await;
        world.wait(SignedDuration::from_mins(1));
    }
    let row = world.store.recent_events(1).await.unwrap().remove(0);
    assert_eq!(row.state, EventState::Gone);
    let alerts = gone_alerts(&world).await;
    assert_eq!(
        (alerts.len(), &*alerts[0].subject),
        (1, "opportunity.created")
    );
    assert!(alerts[0].message.contains("whose contacts"), "{alerts:?}");
    assert_eq!(world.bought().await.len(), 2);
    // The contact shows up: a poll of contacts brings back what waited for it.
    world.clear_faults().await;
    world.rename(&contact, "Eve").await;
    world.poll_and_drain().await;
    assert_eq!(world.bought().await.len(), 3);
}

#[tokio::test]
async fn a_run_whose_contact_is_gone_after_it_began_ends_and_is_counted() {
    let mut world = World::with(&blind(), |_| {}, Options::default()).await;
    world.be_impatient();
    let contact = world.create("Ada").await;
    let record = task(&world, &contact, "Plant").await;
    answers(&world, "buy-trees", None, 503, json!({})).await;
    told(&world, "task.created", &record, Some(&contact)).await;
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    answers(&world, "get-contact", None, 404, not_found()).await;
    for _ in 0..3 {
        world.wait(SignedDuration::from_mins(15));
        world.drain().await;
    }
    let run = world.run().await;
    assert_eq!(run.state, RunState::Done);
    assert!(run.error.unwrap().contains("is not there"));
    assert_eq!(gone_alerts(&world).await.len(), 1);
}

/// How often a contact was read.
async fn reads(world: &World) -> usize {
    let requests = world.requests().await;
    let reads = requests
        .iter()
        .filter(|request| request["operation"] == "get-contact");
    reads.count()
}

#[tokio::test]
async fn what_was_given_up_is_looked_for_again_though_no_poll_shows_it() {
    let world = World::new(TREE_ONLY).await;
    let contact = world.create("Ada").await;
    answers(&world, "get-contact", None, 404, not_found()).await;
    told(&world, "contact.created", &contact, Some(&contact)).await;
    told(&world, "contact.updated", &contact, Some(&contact)).await;
    for _ in 0..16 {
        world.drain().await;
        world.wait(SignedDuration::from_mins(1));
    }
    let gone = async || {
        let rows = world.store.recent_events(10).await.unwrap();
        let gone = rows.iter().filter(|row| row.state == EventState::Gone);
        gone.count()
    };
    assert_eq!((gone().await, gone_alerts(&world).await.len()), (2, 2));
    let before = reads(&world).await;
    // One read after an hour for both of them, and one after six hours.
    for (minutes, looks) in [(40, 0), (10, 1), (200, 1), (120, 2), (600, 2)] {
        world.wait(SignedDuration::from_mins(minutes));
        world.drain().await;
        assert_eq!(reads(&world).await - before, looks, "{minutes}");
        assert_eq!(gone().await, 2);
    }
    let alerts = gone_alerts(&world).await;
    assert!(alerts.iter().all(|alert| alert.times == 1), "{alerts:?}");
    // The next day it is there.
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(12));
    world.drain().await;
    world.drain().await;
    assert_eq!(gone().await, 0);
    assert_eq!(world.bought().await.len(), 1);
}

#[tokio::test]
async fn looks_are_few_at_a_time_and_leave_out_what_was_told_to_be_deleted() {
    let world = World::new(TREE_ONLY).await;
    for number in 0..40 {
        let contact = format!("nobodyknowsthiscontact{number}");
        told(&world, "contact.created", &contact, Some(&contact)).await;
    }
    for _ in 0..16 {
        world.drain().await;
        world.wait(SignedDuration::from_mins(1));
    }
    told(
        &world,
        "contact.deleted",
        "nobodyknowsthiscontact0",
        Some("nobodyknowsthiscontact0"),
    )
    .await;
    world.drain().await;
    let mut before = reads(&world).await;
    let mut looks = async |minutes| {
        world.wait(SignedDuration::from_mins(minutes));
        world.drain().await;
        world.drain().await;
        let now = reads(&world).await;
        let made = now - before;
        before = now;
        made
    };
    assert_eq!(looks(60).await, 25);
    assert_eq!(looks(5).await, 0);
    assert_eq!(looks(6).await, 14, "one was deleted");
}

#[tokio::test]
async fn looks_end_when_nothing_can_be_sent_again_any_more() {
    let world = World::new(TREE_ONLY).await;
    let contact = "nobodyknowsthiscontact";
    told(&world, "contact.created", contact, Some(contact)).await;
    for _ in 0..16 {
        world.drain().await;
        world.wait(SignedDuration::from_mins(1));
    }
    for _ in 0..31 {
        assert!(only_event(&world).await.next_attempt_at.is_some());
        world.wait(SignedDuration::from_hours(24));
        world.drain().await;
    }
    let row = only_event(&world).await;
    assert_eq!((row.state, row.next_attempt_at), (EventState::Gone, None));
    assert!(row.error.unwrap().contains("not looked for any more"));
}
