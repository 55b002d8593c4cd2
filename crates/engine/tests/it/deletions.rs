//! Steps that delete: what is gone is deleted only where an earlier sending may have done it.

use canopy_store::{RunState, StepState, Store};
use jiff::SignedDuration;
use serde_json::json;

use crate::missing::{answers, not_found};
use crate::support::World;

/// A deletion, and a step behind it that needs no contact.
const DELETE_THEN_TREE: &str = r#"
id = "delete-then-tree"
title = "Forget, and plant a tree"
on = ["contact.created"]

[[do]]
id = "delete"
action = "delete-contact"
with = { contactId = "{{ contact.id }}" }

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }
"#;

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_done_once_its_repetition_finds_nothing() {
    for (form, lost) in [
        (
            "HTML",
            json!({ "kind": "answer", "status": 200, "text": "<html>", "content_type": "text/html", "after_work": true }),
        ),
        ("no answer", json!({ "kind": "drop_answer" })),
    ] {
        let world = World::new(DELETE_THEN_TREE).await;
        let contact = world.create("Ada").await;
        let mut fault = lost;
        fault["operation"] = json!("delete-contact");
        fault["times"] = json!(1);
        world.control("/faults", fault).await;
        world.poll_and_drain().await;
        for _ in 0..3 {
            world.wait(SignedDuration::from_mins(1));
            world.drain().await;
        }
        let run = world.run().await;
        assert_eq!(run.state, RunState::Done, "{form}: {:?}", run.error);
        assert_eq!(world.bought().await.len(), 1, "{form}");
        let there = world.store.steps(run.id).await.unwrap();
        assert_eq!(there[0].state, StepState::Done, "{form} {contact}");
    }
}

#[tokio::test]
async fn a_deletion_that_finds_nothing_the_first_time_is_no_proof_of_anything() {
    let world = World::new(DELETE_THEN_TREE).await;
    world.create("Ada").await;
    answers(&world, "delete-contact", Some(1), 404, not_found()).await;
    world.poll_and_drain().await;
    assert_eq!(world.run().await.state, RunState::Waiting);
    assert!(world.bought().await.is_empty());
    // It was only not replicated yet.
    world.wait(SignedDuration::from_mins(1));
    world.drain().await;
    assert_eq!(world.run().await.state, RunState::Done);
    let deletions = world.requests().await;
    let last = deletions
        .iter()
        .rfind(|one| one["operation"] == "delete-contact");
    assert_eq!(last.unwrap()["status"], 200);
}
