//! Runs and their steps.

use canopy_store::{
    EventState, LinkUpdate, NewRun, NewStep, ProfileStore as _, RunState, RunUpdate, StepOutcome,
    StepState, Store, StoreError, Trouble, Written,
};
use serde_json::json;

use crate::support::{Fixture, LOCATION, at, event, outcome_of, step};

fn new_run(workflow: &str, definition: &str) -> NewRun {
    NewRun {
        workflow: workflow.into(),
        definition: definition.into(),
    }
}

fn update(state: RunState, hours: Option<i64>) -> RunUpdate {
    RunUpdate {
        state,
        attempts: 3,
        next_attempt_at: hours.map(at),
        error: Some("503".into()),
        trouble: Trouble::default(),
    }
}

#[tokio::test]
async fn runs_start_once_with_the_text_they_began_with() {
    let fixture = Fixture::new().await;
    let id = fixture.stored(event("c1", Some("created"))).await;
    let start = async |runs| {
        let runs = fixture
            .store
            .start_runs(&fixture.fence, id, runs, at(1))
            .await
            .unwrap();
        runs.len()
    };
    assert_eq!(
        start(vec![new_run("a", "one"), new_run("b", "one")]).await,
        2
    );
    assert_eq!(
        start(vec![new_run("a", "edited since"), new_run("c", "three")]).await,
        3
    );
    let runs = fixture
        .store
        .due_runs(LOCATION, at(1), (0, 0), 10)
        .await
        .unwrap();
    let found: Vec<_> = runs
        .iter()
        .map(|run| (run.workflow.as_str(), run.definition.as_str()))
        .collect();
    assert_eq!(found, [("a", "one"), ("b", "one"), ("c", "three")]);
    assert_eq!(runs[0].contact.as_deref(), Some("c1"));
    assert_eq!(
        (runs[0].event, runs[0].state, runs[0].created_at),
        (id, RunState::Ready, at(1))
    );
    assert_eq!(
        fixture.store.run(runs[0].id).await.unwrap().as_ref(),
        Some(&runs[0])
    );
    assert_eq!(
        fixture.store.event(id).await.unwrap().unwrap().state,
        EventState::Started
    );
}

#[tokio::test]
async fn due_runs_come_in_the_order_of_their_events() {
    let fixture = Fixture::new().await;
    let first = fixture.stored(event("c1", Some("created"))).await;
    let second = fixture.run("c2").await;
    fixture
        .store
        .start_runs(&fixture.fence, first, vec![new_run("a", "x")], at(0))
        .await
        .unwrap();
    let due = async |hours| {
        let runs = fixture
            .store
            .due_runs(LOCATION, at(hours), (0, 0), 10)
            .await
            .unwrap();
        runs.iter().map(|run| run.id).collect::<Vec<_>>()
    };
    let third = second + 1;
    assert_eq!(due(0).await, [third, second], "by event, not by run");
    let set = async |run, update| {
        fixture
            .store
            .update_run(&fixture.fence, run, update, at(0))
            .await
            .unwrap();
    };
    set(third, update(RunState::Waiting, Some(2))).await;
    assert_eq!(
        due(1).await,
        [second],
        "a waiting run does not block later ones"
    );
    assert_eq!(fixture.store.next_due(LOCATION).await.unwrap(), Some(at(2)));
    assert_eq!(due(2).await, [third, second]);
    let store = &fixture.store;
    let behind = store.due_runs(LOCATION, at(2), (first, third), 10).await;
    assert_eq!(behind.unwrap()[0].id, second, "the next page");
    for state in [RunState::Held, RunState::Done, RunState::Dead] {
        set(third, update(state, None)).await;
        assert_eq!(due(9).await, [second], "{state}");
    }
    let dead = fixture.store.runs(Some(RunState::Dead), 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (dead[0].id, dead[0].attempts, dead[0].error.as_deref()),
        (third, 3, Some("503"))
    );
    let all: Vec<_> = fixture
        .store
        .runs(None, 10)
        .await
        .unwrap()
        .iter()
        .map(|run| run.id)
        .collect();
    assert_eq!(all, [third, second]);
}

#[tokio::test]
async fn an_operator_requeues_dead_and_held_runs_only() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    for (state, taken) in [
        (RunState::Dead, true),
        (RunState::Held, true),
        (RunState::Done, false),
        (RunState::Waiting, false),
        (RunState::Ready, false),
    ] {
        fixture
            .store
            .update_run(&fixture.fence, run, update(state, Some(9)), at(0))
            .await
            .unwrap();
        assert_eq!(
            fixture.store.requeue_run(run, at(1)).await.unwrap(),
            taken,
            "{state}"
        );
        let now = fixture.store.run(run).await.unwrap().unwrap();
        if taken {
            assert_eq!(
                (now.state, now.attempts, now.next_attempt_at, now.error),
                (RunState::Ready, 0, None, None)
            );
        } else {
            assert_eq!((now.state, now.attempts), (state, 3));
        }
    }
    assert!(!fixture.store.requeue_run(999, at(1)).await.unwrap());
}

#[tokio::test]
async fn a_run_can_go_on_with_another_text_of_its_workflow() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    let store = &fixture.store;
    let before = store.run(run).await.unwrap().unwrap().definition;
    // While it is not stopped it keeps its own.
    assert!(!store.requeue_run_with(run, "other", at(1)).await.unwrap());
    assert_eq!(store.run(run).await.unwrap().unwrap().definition, before);
    let dead = update(RunState::Dead, None);
    store
        .update_run(&fixture.fence, run, dead, at(0))
        .await
        .unwrap();
    assert!(store.requeue_run_with(run, "other", at(1)).await.unwrap());
    let now = store.run(run).await.unwrap().unwrap();
    assert_eq!((now.state, &*now.definition), (RunState::Ready, "other"));
}

#[tokio::test]
async fn runs_are_counted_by_workflow_and_contact_or_record() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    fixture.run("c2").await;
    let began = fixture.store.run(run).await.unwrap().unwrap();
    let contact = began.contact.as_deref();
    let count = async |workflow: &str, contact, since| {
        let counted = fixture.store.runs_since(
            &began.location,
            workflow,
            contact,
            "c1",
            (since, at(1_000_000)),
        );
        counted.await.unwrap()
    };
    let before = began.created_at - jiff::SignedDuration::from_secs(1);
    assert_eq!(count(&began.workflow, contact, before).await, 1);
    assert_eq!(count(&began.workflow, contact, began.created_at).await, 0);
    assert_eq!(count("another", contact, before).await, 0);
    assert_eq!(count(&began.workflow, Some("nobody"), before).await, 0);
}

/// As long as nobody knows what came of a write it counts as made, so that older ones yield to it.
#[tokio::test]
async fn what_is_about_to_be_written_counts_until_it_is_known_not_to_be() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    let (store, fence) = (&fixture.store, &fixture.fence);
    let intend = async |part: &str, hash: &str| {
        let step = NewStep {
            written: vec![Written {
                target: "/contacts/c1".into(),
                parts: vec![part.into()],
                contact: Some("c1".into()),
                position: 5,
            }],
            links: vec![LinkUpdate {
                kind: "contact".into(),
                highlevel_id: "c1".into(),
                ecologi_id: "p1".into(),
                written_hash: Some(hash.into()),
            }],
            ..step(run, "write", "k1")
        };
        store.intend_step(fence, step, at(1)).await.unwrap();
    };
    let finish = async |state| {
        let outcome = outcome_of(run, "write", state);
        store.finish_step(fence, outcome, at(2)).await.unwrap();
    };
    let stands = async |position| {
        let newer = store.newer_writes(LOCATION, "/contacts/c1", position, run);
        let contents = store.intended_contents(LOCATION, "contact", "c1");
        (newer.await.unwrap(), contents.await.unwrap())
    };
    let (city, tags) = (("city".to_owned(), run), ("tags".to_owned(), run));
    intend("city", "h1").await;
    assert_eq!(stands(4).await, (vec![city.clone()], vec!["h1".to_owned()]));
    assert_eq!(stands(5).await.0, [], "to none that is as new");
    finish(StepState::Failed).await;
    assert_eq!(stands(4).await, (vec![], vec![]), "it was refused");
    intend("city", "h1").await;
    finish(StepState::Unsure).await;
    assert_eq!(stands(4).await, (vec![city.clone()], vec!["h1".to_owned()]));
    // What is refused now may have been done before.
    intend("tags", "h2").await;
    finish(StepState::Failed).await;
    let (newer, contents) = stands(4).await;
    assert_eq!(newer, [city, tags]);
    assert_eq!(contents.len(), 2, "{contents:?}");
    store
        .clear_written_hash(fence, "contact", "c1", at(3))
        .await
        .unwrap();
    assert_eq!(stands(4).await.1, [] as [String; 0], "somebody changed it");
    intend("city", "h1").await;
    finish(StepState::Done).await;
    assert_eq!(stands(4).await, (vec![], vec![]), "its outcome says it");
}

#[tokio::test]
async fn a_repeated_intent_counts_an_attempt_and_remembers_doubt() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    let intend = async |request, hours| {
        let step = NewStep {
            request,
            ..step(run, "note", "k1")
        };
        fixture
            .store
            .intend_step(&fixture.fence, step, at(hours))
            .await
    };
    let finish = async |state| {
        let outcome = StepOutcome {
            error: Some("time-out".into()),
            ..outcome_of(run, "note", state)
        };
        fixture
            .store
            .finish_step(&fixture.fence, outcome, at(5))
            .await
    };
    let first = intend(json!(1), 1).await.unwrap();
    assert_eq!(
        (first.state, first.attempts, first.created_at),
        (StepState::Intended, 1, at(1))
    );
    finish(StepState::Failed).await.unwrap();
    let second = intend(json!(2), 2).await.unwrap();
    assert_eq!(
        (second.state, second.attempts, &second.request),
        (StepState::Intended, 2, &json!(2))
    );
    assert_eq!(
        (second.created_at, second.updated_at, second.error),
        (at(1), at(2), None)
    );
    finish(StepState::Unsure).await.unwrap();
    let third = intend(json!(3), 3).await.unwrap();
    assert_eq!(
        (third.state, third.attempts),
        (StepState::Unsure, 3),
        "somebody must still look"
    );
    finish(StepState::Done).await.unwrap();
    assert!(
        matches!(intend(json!(4), 4).await, Err(StoreError::Conflict(_))),
        "done is not done again"
    );
    assert!(matches!(
        finish(StepState::Failed).await,
        Err(StoreError::Conflict(_))
    ));
    let steps = fixture.store.steps(run).await.unwrap();
    assert_eq!(steps.len(), 1);
    assert_eq!(
        (steps[0].state, &steps[0].output),
        (StepState::Done, &Some(json!({"ok": true})))
    );
}

#[tokio::test]
async fn the_most_telling_record_of_a_key_is_found() {
    let fixture = Fixture::new().await;
    let mut telling = None;
    for (n, state) in [
        StepState::Skipped,
        StepState::Intended,
        StepState::Unsure,
        StepState::Done,
        StepState::Failed,
    ]
    .iter()
    .enumerate()
    {
        let run = fixture.run(&format!("c{n}")).await;
        fixture
            .store
            .intend_step(&fixture.fence, step(run, "note", "k1"), at(0))
            .await
            .unwrap();
        fixture
            .store
            .finish_step(&fixture.fence, outcome_of(run, "note", *state), at(0))
            .await
            .unwrap();
        let found = fixture
            .store
            .step_by_key(LOCATION, "k1")
            .await
            .unwrap()
            .unwrap();
        if *state != StepState::Failed {
            telling = Some(run);
        }
        assert_eq!(Some(found.run), telling, "{state}");
    }
    assert_eq!(
        fixture.store.step_by_key("other", "k1").await.unwrap(),
        None
    );
    assert_eq!(
        fixture.store.step_by_key(LOCATION, "k2").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn steps_are_listed_in_the_order_in_which_they_began() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    for id in ["profile", "buy", "note", "buy"] {
        fixture
            .store
            .intend_step(&fixture.fence, step(run, id, id), at(0))
            .await
            .unwrap();
    }
    let ids: Vec<_> = fixture
        .store
        .steps(run)
        .await
        .unwrap()
        .into_iter()
        .map(|step| step.step)
        .collect();
    assert_eq!(ids, ["profile", "buy", "note"]);
}

#[tokio::test]
async fn a_lease_does_not_cover_the_rows_of_another_location() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    let event = fixture.stored(event("c2", Some("created"))).await;
    fixture
        .store
        .intend_step(&fixture.fence, step(run, "note", "k1"), at(0))
        .await
        .unwrap();
    let other = fixture
        .store
        .acquire_lease("other", "me", at(0), crate::support::HOUR)
        .await
        .unwrap()
        .unwrap();
    let store = &fixture.store;
    let refusals = [
        store
            .start_runs(&other, event, vec![], at(0))
            .await
            .map(drop),
        store
            .settle_event(&other, event, canopy_store::EventEnd::Gone, at(0))
            .await,
        store
            .update_run(&other, run, update(RunState::Done, None), at(0))
            .await,
        store
            .intend_step(&other, step(run, "note", "k1"), at(0))
            .await
            .map(|_| ()),
        store
            .finish_step(&other, outcome_of(run, "note", StepState::Done), at(0))
            .await,
        store
            .finish_step(
                &fixture.fence,
                outcome_of(run, "missing", StepState::Done),
                at(0),
            )
            .await,
        store
            .update_run(&fixture.fence, 999, update(RunState::Done, None), at(0))
            .await,
    ];
    for (n, refusal) in refusals.iter().enumerate() {
        assert!(
            matches!(refusal, Err(StoreError::Conflict(_))),
            "{n}: {refusal:?}"
        );
    }
    assert_eq!(
        store.run(run).await.unwrap().unwrap().state,
        RunState::Ready
    );
}
