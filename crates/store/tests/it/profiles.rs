//! Notes, tasks and tags of profiles, and what is left when a person's data is removed.

use canopy_store::{
    Erased, EventState, NewPurchase, ProfileChange, ProfileStore, ProfileUpdate, RunState,
    StepOutcome, StepState, Store, StoreError,
};
use serde_json::{Map, json};

use crate::support::{Fixture, LOCATION, at, confirmed, event, outcome_of, step, tree};

fn note(body: &str, highlevel_id: Option<&str>) -> ProfileChange {
    ProfileChange::Note {
        id: "note_1".into(),
        contact: "c1".into(),
        highlevel_id: highlevel_id.map(Into::into),
        body: body.into(),
    }
}

fn tag(present: bool) -> ProfileChange {
    ProfileChange::Tag {
        contact: "c1".into(),
        tag: "green".into(),
        present,
    }
}

fn task(progress: u32) -> ProfileChange {
    ProfileChange::Task {
        id: "task_1".into(),
        contact: "c1".into(),
        highlevel_id: None,
        title: "Plant".into(),
        progress,
        completed: progress == 100,
    }
}

async fn finish(fixture: &Fixture, run: i64, changes: Vec<ProfileChange>) {
    let intent = step(run, "note", "k");
    fixture
        .store
        .intend_step(&fixture.fence, intent, at(0))
        .await
        .unwrap();
    let outcome = StepOutcome {
        changes,
        events: vec![event("c9", Some("told"))],
        ..outcome_of(run, "note", StepState::Done)
    };
    for _ in 0..2 {
        // An outcome that is written twice says the same.
        fixture
            .store
            .finish_step(&fixture.fence, outcome.clone(), at(1))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_step_writes_records_and_events_and_a_person_changes_them() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    finish(
        &fixture,
        run,
        vec![note("a", Some("n1")), task(20), tag(true)],
    )
    .await;
    let told = fixture.store.recent_events(10).await.unwrap();
    assert_eq!((told.len(), &*told[0].event.record), (2, "c9"));

    let changes = vec![note("b", None), task(100), tag(false)];
    fixture
        .store
        .edit_profile(LOCATION, None, changes, vec![], at(2))
        .await
        .unwrap();
    let notes = fixture.store.profile_notes(LOCATION, "c1").await.unwrap();
    assert_eq!(
        (&*notes[0].body, notes[0].highlevel_id.as_deref()),
        ("b", Some("n1"))
    );
    assert_eq!(
        (notes[0].created_at, notes[0].updated_at, notes[0].run),
        (at(1), at(2), None)
    );
    let tasks = fixture.store.profile_tasks(LOCATION, "c1").await.unwrap();
    assert_eq!((tasks[0].progress, tasks[0].completed), (100, true));
    assert!(
        fixture
            .store
            .profile_tags(LOCATION, "c1")
            .await
            .unwrap()
            .is_empty()
    );
    let history = fixture
        .store
        .profile_history(LOCATION, "c1", 100)
        .await
        .unwrap();
    let tags: Vec<_> = history
        .iter()
        .filter(|entry| entry.kind == "tag")
        .map(|entry| (entry.state.clone(), entry.run))
        .collect();
    assert_eq!(
        tags,
        [
            (json!({ "present": false }), None),
            (json!({ "present": true }), Some(run))
        ]
    );
    let linked = ProfileChange::Linked {
        id: "task_1".into(),
        highlevel_id: "t1".into(),
    };
    fixture
        .store
        .edit_profile(LOCATION, None, vec![linked], vec![], at(3))
        .await
        .unwrap();
    let tasks = fixture.store.profile_tasks(LOCATION, "c1").await.unwrap();
    assert_eq!(tasks[0].highlevel_id.as_deref(), Some("t1"));
}

#[tokio::test]
async fn a_foreign_event_is_refused_and_nothing_is_written() {
    let fixture = Fixture::new().await;
    let mut stranger = event("c1", Some("told"));
    stranger.location = "other".into();
    let refused = fixture
        .store
        .edit_profile(LOCATION, None, vec![note("a", None)], vec![stranger], at(1))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    assert!(
        fixture
            .store
            .profile_notes(LOCATION, "c1")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_erased_contact_leaves_the_ledger_and_nothing_personal() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    finish(&fixture, run, vec![note("secret", None), tag(true)]).await;
    let profile = ProfileUpdate {
        id: "eco_1".into(),
        contact: "c1".into(),
        fields: Map::new(),
    };
    fixture
        .store
        .edit_profile(LOCATION, Some(profile), vec![], vec![], at(1))
        .await
        .unwrap();
    let named = |key: &str| NewPurchase {
        request: json!({ "number": 1, "name": "Ada" }),
        ..tree(run, key)
    };
    fixture.intend(named("open"), vec![], at(1)).await;
    let refused = fixture.store.erase_contact(LOCATION, "c1").await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );

    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    finish(&fixture, run, vec![note("secret", None), tag(true)]).await;
    fixture.bought(named("k1"), confirmed("0.60")).await;
    let erased = fixture.store.erase_contact(LOCATION, "c1").await.unwrap();
    assert_eq!(
        erased,
        Erased {
            profiles: 0,
            records: 4,
            events: 1,
            steps: 2,
            purchases: 1
        }
    );
    let purchase = fixture.store.purchase("k1").await.unwrap().unwrap();
    assert_eq!(purchase.request, json!({ "number": 1 }));
    assert_eq!(fixture.store.ledger("k1").await.unwrap().len(), 3);
    assert!(
        fixture
            .store
            .profile_history(LOCATION, "c1", 9)
            .await
            .unwrap()
            .is_empty()
    );
    let row = fixture
        .store
        .contact_events(LOCATION, "c1", 9)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (row.state, row.event.payload),
        (EventState::Started, json!({}))
    );
    let steps = fixture.store.steps(run).await.unwrap();
    assert!(
        steps
            .iter()
            .all(|step| step.output.is_none() && step.request.is_null())
    );
    // It was not through, and nobody can let it go on.
    let ended = fixture.store.run(run).await.unwrap().unwrap();
    assert_eq!(ended.state, RunState::Done);
    assert_eq!(ended.error.as_deref(), Some("the contact was erased"));
    assert!(!fixture.store.requeue_run(run, at(9)).await.unwrap());
}

#[tokio::test]
async fn each_fields_change_is_dated_and_what_both_sides_agree_on_is_kept() {
    let fixture = Fixture::new().await;
    let edit = async |fields: serde_json::Value, changes, hours| {
        let profile = ProfileUpdate {
            id: "eco_1".into(),
            contact: "c1".into(),
            fields: fields.as_object().unwrap().clone(),
        };
        let store = &fixture.store;
        store
            .edit_profile(LOCATION, Some(profile), changes, vec![], at(hours))
            .await
    };
    let agreed = ProfileChange::Synced {
        contact: "c1".into(),
        fields: json!({ "name name": "Ada" }).as_object().unwrap().clone(),
    };
    let alone = fixture
        .store
        .edit_profile(LOCATION, None, vec![agreed.clone()], vec![], at(0))
        .await;
    assert!(
        matches!(alone, Err(StoreError::Conflict { .. })),
        "{alone:?}"
    );
    edit(json!({ "name": "Ada", "city": "Rome" }), vec![agreed], 1)
        .await
        .unwrap();
    edit(json!({ "name": "Ada", "city": null }), vec![], 2)
        .await
        .unwrap();
    let profile = fixture.store.profile(LOCATION, "c1").await.unwrap();
    let profile = profile.unwrap();
    assert_eq!(profile.changed["name"], at(1), "it said the same before");
    assert_eq!(profile.changed["city"], at(2));
    assert_eq!(json!(profile.synced), json!({ "name name": "Ada" }));
}
