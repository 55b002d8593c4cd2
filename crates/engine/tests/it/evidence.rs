//! Writes whose answer shows nothing: never done, and never made twice.

use canopy_store::{PurchaseState, RunState, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{TREE_ONLY, World};

const NOTE: &str = r#"
id = "note"
title = "A note"
on = ["contact.created"]

[[do]]
id = "it"
action = "create-note"
once = "contact"
with = { contactId = "{{ contact.id }}", body = "Welcome" }
"#;

/// A tree, and a note that tells the contact of it.
fn tree_and_note() -> String {
    let note = &NOTE[NOTE.find("[[do]]").unwrap()..];
    format!("{TREE_ONLY}\n{note}")
}

/// What comes in place of a receipt.
fn no_receipts() -> Vec<Value> {
    let answer = |status: u16, kind: &str, body: Value| json!({ "kind": "answer", "service": "ecologi", "status": status, "content_type": kind, "body": body });
    let json = "application/json";
    vec![
        answer(200, json, json!({ "error": "Account suspended" })),
        answer(200, "text/html", json!("<html>Down for maintenance</html>")),
        answer(202, json, json!({ "message": "accepted" })),
        answer(201, json, json!({ "amount": 0.6 })),
        answer(204, json, json!("")),
        answer(
            201,
            json,
            json!({ "success": false, "treeUrl": "https://ecologi.com/x?tree=1", "amount": 0.6 }),
        ),
        answer(
            200,
            json,
            json!({ "status": "error", "message": "failed", "amount": 0.6, "currency": "GBP" }),
        ),
        answer(201, json, json!({ "amount": 0, "currency": "GBP" })),
        answer(201, json, json!({ "amount": -5, "currency": "GBP" })),
        answer(201, json, json!({ "amount": 1e28, "currency": "GBP" })),
        answer(201, json, json!({ "amount": 61, "currency": "GBP" })),
        answer(201, json, json!({ "amount": 0.6, "currency": "pounds" })),
    ]
}

#[tokio::test]
async fn an_answer_without_a_receipt_buys_nothing_until_the_key_brings_one() {
    for nothing in no_receipts() {
        let world = World::new(&tree_and_note()).await;
        let contact = world.create("Ada").await;
        world.control("/faults", nothing.clone()).await;
        world.poll_and_drain().await;
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        let run = world.run().await;
        assert_eq!(
            (purchase.state, run.state),
            (PurchaseState::Sent, RunState::Waiting),
            "{nothing}"
        );
        assert!(run.error.unwrap().contains("shows no success"), "{nothing}");
        assert!(world.notes(&contact).await.is_empty(), "{nothing}");
        // It was never carried out; now it is, once.
        world.clear_faults().await;
        world.wait(SignedDuration::from_mins(5));
        world.drain().await;
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        assert_eq!(purchase.state, PurchaseState::Confirmed, "{nothing}");
        assert_eq!(world.bought().await.len(), 1, "{nothing}");
        assert_eq!(world.notes(&contact).await.len(), 1, "{nothing}");
    }
}

#[tokio::test]
async fn without_a_receipt_in_time_a_person_decides() {
    let world = World::new(&tree_and_note()).await;
    let contact = world.create("Ada").await;
    let nothing = no_receipts().remove(1);
    world.control("/faults", nothing).await;
    world.poll_and_drain().await;
    world.wait(SignedDuration::from_hours(13));
    world.drain().await;
    let purchase = world.store.purchases(1).await.unwrap().remove(0);
    let run = world.run().await;
    assert_eq!(
        (purchase.state, run.state),
        (PurchaseState::Unknown, RunState::Held)
    );
    assert!(world.notes(&contact).await.is_empty());
}

#[tokio::test]
async fn a_page_in_place_of_a_refusal_refuses_no_purchase() {
    let world = World::new(TREE_ONLY).await;
    world.create("Ada").await;
    let page = json!({ "kind": "answer", "service": "ecologi", "status": 403,
        "text": "<html>Blocked</html>" });
    world.control("/faults", page).await;
    world.poll_and_drain().await;
    let purchase = world.store.purchases(1).await.unwrap().remove(0);
    let run = world.run().await;
    assert_eq!(
        (purchase.state, run.state),
        (PurchaseState::Sent, RunState::Waiting),
        "{:?}",
        run.error
    );
}

/// Ecologi carried it out, and what came back is no refusal of it.
#[tokio::test]
async fn what_is_no_refusal_books_no_purchase_as_refused() {
    let json = |status: u16, body: Value| json!({ "kind": "answer", "service": "ecologi", "status": status, "body": body, "after_work": true });
    let page = |status: u16| json!({ "kind": "answer", "service": "ecologi", "status": status, "text": "<html>Bad</html>", "after_work": true });
    for answer in [
        json(409, json!({ "message": "Conflict" })),
        json(404, json!({ "message": "Cannot POST /impact/trees" })),
        page(400),
        page(402),
        page(422),
    ] {
        let world = World::new(TREE_ONLY).await;
        world.create("Ada").await;
        world.control("/faults", answer.clone()).await;
        world.poll_and_drain().await;
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        assert_eq!(purchase.state, PurchaseState::Sent, "{answer}");
        world.clear_faults().await;
        world.wait(SignedDuration::from_mins(5));
        world.drain().await;
        let purchase = world.store.purchases(1).await.unwrap().remove(0);
        assert_eq!(purchase.state, PurchaseState::Confirmed, "{answer}");
        assert_eq!(world.bought().await.len(), 1, "{answer}");
    }
}

/// How often a create went out.
async fn creates(world: &World) -> usize {
    let requests = world.requests().await;
    let is_create = |request: &&Value| request["operation"] == "create-note";
    requests.iter().filter(is_create).count()
}

#[tokio::test]
async fn a_create_that_shows_nothing_is_looked_up_before_it_is_repeated() {
    for after_work in [true, false] {
        let world = World::new(NOTE).await;
        let contact = world.create("Ada").await;
        let torn = json!({ "kind": "status", "operation": "create-note", "status": 200, "times": 1,
            "body": { "note": null }, "after_work": after_work });
        world.control("/faults", torn).await;
        world.poll_and_drain().await;
        assert_eq!(world.run().await.state, RunState::Waiting);
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
        assert_eq!(world.run().await.state, RunState::Done, "{after_work}");
        assert_eq!(world.notes(&contact).await.len(), 1, "{after_work}");
        let sent = if after_work { 1 } else { 2 };
        assert_eq!(creates(&world).await, sent, "{after_work}");
    }
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_not_sent_again() {
    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    let torn = json!({ "kind": "status", "operation": "create-note", "status": 200, "times": 1,
        "body": { "note": null }, "after_work": true });
    world.control("/faults", torn).await;
    world.poll_and_drain().await;
    let unreadable = json!({ "kind": "status", "operation": "get-all-notes", "status": 200,
        "body": { "notes": null } });
    world.control("/faults", unreadable).await;
    for _ in 0..2 {
        world.wait(SignedDuration::from_hours(1));
        world.drain().await;
        assert_eq!(world.run().await.state, RunState::Waiting);
        assert_eq!(creates(&world).await, 1);
    }
    world.clear_faults().await;
    world.wait(SignedDuration::from_hours(1));
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(world.notes(&contact).await.len(), 1);
    assert_eq!(creates(&world).await, 1);
}

#[tokio::test]
async fn a_422_of_a_create_is_looked_up_and_then_believed() {
    let refusal = |after_work: bool| {
        json!({ "kind": "status", "operation": "create-note", "status": 422, "after_work": after_work,
            "body": { "statusCode": 422, "message": "Could not save", "traceId": "t-1" } })
    };
    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    world.control("/faults", refusal(true)).await;
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
    assert_eq!(world.notes(&contact).await.len(), 1);
    assert_eq!(creates(&world).await, 1);

    let world = World::new(NOTE).await;
    let contact = world.create("Ada").await;
    world.control("/faults", refusal(false)).await;
    world.poll_and_drain().await;
    let run = world.run().await;
    assert_eq!(run.state, RunState::Dead);
    let told = run.error.unwrap();
    assert!(
        told.contains("Could not save") && told.contains("is not there"),
        "{told}"
    );
    assert_eq!(creates(&world).await, 1);
    assert!(world.notes(&contact).await.is_empty());
}

/// A create that was not carried out, and whose answer says nothing.
async fn tear(world: &World, operation: &str, after_work: bool) {
    let torn = json!({ "kind": "answer", "operation": operation, "status": 200, "body": { "note": null, "task": null },
        "times": 1, "after_work": after_work });
    world.control("/faults", torn).await;
}

#[tokio::test]
async fn an_equal_record_of_before_is_not_taken_for_the_one_that_was_asked_for() {
    for after_work in [true, false] {
        let world = World::new(NOTE).await;
        let contact = world.create("Ada").await;
        world.create_note(&contact, "Welcome").await;
        world.pass(SignedDuration::from_mins(10)).await;
        tear(&world, "create-note", after_work).await;
        world.poll_and_drain().await;
        assert_eq!(world.run().await.state, RunState::Waiting);
        world.pass(SignedDuration::from_hours(1)).await;
        world.drain().await;
        assert_eq!(world.run().await.state, RunState::Done, "{after_work}");
        assert_eq!(world.notes(&contact).await.len(), 2, "{after_work}");
        // The first one is the person's.
        let sent = if after_work { 2 } else { 3 };
        assert_eq!(creates(&world).await, sent, "{after_work}");
    }
}

#[tokio::test]
async fn what_another_step_made_just_now_is_not_taken_either() {
    // Tasks have no date that could tell.
    let world = World::new(
        r#"
id = "tasks"
title = "Two equal tasks"
on = ["contact.created"]

[[do]]
id = "one"
action = "create-task"
with = { contactId = "{{ contact.id }}", title = "Call", dueDate = "2027-01-01T00:00:00Z", completed = false }

[[do]]
id = "other"
action = "create-task"
with = { contactId = "{{ contact.id }}", title = "Call", dueDate = "2027-01-01T00:00:00Z", completed = false }
"#,
    )
    .await;
    let contact = world.create("Ada").await;
    let torn = json!({ "kind": "answer", "operation": "create-task", "status": 200, "body": { "task": null },
        "times": 1, "skip": 1 });
    world.control("/faults", torn).await;
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    world.pass(SignedDuration::from_hours(1)).await;
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
    let tasks = world
        .invoke("get-all-tasks", json!({ "contactId": contact }))
        .await;
    assert_eq!(tasks["tasks"].as_array().unwrap().len(), 2, "{tasks}");
}
