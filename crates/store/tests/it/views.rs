//! Profiles, links, impact, call log, summary.

use canopy_mapping::{Impact, profile_id};
use canopy_store::{
    CallEntry, EventEnd, LinkUpdate, NewPurchase, ProfileStore, ProfileUpdate, RunState, RunUpdate,
    StepOutcome, StepState, Store, Trouble,
};
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::support::{Fixture, LOCATION, at, confirmed, event, money, outcome_of, step, tree};

fn fields(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else {
        panic!("{value}")
    };
    fields
}

fn link(hash: Option<&str>) -> LinkUpdate {
    LinkUpdate {
        kind: "contact".into(),
        highlevel_id: "c1".into(),
        ecologi_id: "eco_1".into(),
        written_hash: hash.map(Into::into),
    }
}

#[tokio::test]
async fn a_step_writes_profile_and_link_with_its_outcome() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    let id = profile_id("main", LOCATION, "c1");
    let finish = async |values: Value, hours| {
        let step = step(run, "profile", "k");
        fixture
            .store
            .intend_step(&fixture.fence, step, at(hours))
            .await
            .unwrap();
        let profile = ProfileUpdate {
            id: id.clone(),
            contact: "c1".into(),
            fields: fields(values),
        };
        let outcome = StepOutcome {
            profile: Some(profile),
            links: vec![link(Some("h1"))],
            ..outcome_of(run, "profile", StepState::Failed)
        };
        fixture
            .store
            .finish_step(&fixture.fence, outcome, at(hours))
            .await
            .unwrap();
    };
    assert_eq!(fixture.store.profile(LOCATION, "c1").await.unwrap(), None);
    finish(json!({"name": "Ada", "city": "London"}), 1).await;
    finish(json!({"name": "Ada L.", "email": "ada@example.org"}), 2).await;
    let profile = fixture
        .store
        .profile(LOCATION, "c1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(profile.id, id);
    let expected = json!({"name": "Ada L.", "city": "London", "email": "ada@example.org"});
    assert_eq!(Value::Object(profile.fields), expected);
    assert_eq!((profile.created_at, profile.updated_at), (at(1), at(2)));
    let stored = fixture
        .store
        .link(LOCATION, "contact", "c1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (stored.ecologi_id.as_str(), stored.written_hash.as_deref()),
        ("eco_1", Some("h1"))
    );
}

#[tokio::test]
async fn a_link_forgets_what_we_wrote_once_somebody_else_wrote() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store
        .put_link(&fixture.fence, link(Some("h1")), at(1))
        .await
        .unwrap();
    store
        .clear_written_hash(&fixture.fence, "contact", "c1", at(2))
        .await
        .unwrap();
    // Of a record that has no link: nothing to forget.
    store
        .clear_written_hash(&fixture.fence, "contact", "c2", at(2))
        .await
        .unwrap();
    let stored = store
        .link(LOCATION, "contact", "c1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stored.written_hash, stored.updated_at), (None, at(2)));
    store
        .put_link(&fixture.fence, link(Some("h2")), at(3))
        .await
        .unwrap();
    let stored = store
        .link(LOCATION, "contact", "c1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.written_hash.as_deref(), Some("h2"));
    assert_eq!(store.link(LOCATION, "note", "c1").await.unwrap(), None);
}

#[tokio::test]
async fn impact_adds_up_confirmed_purchases_of_the_contact() {
    let fixture = Fixture::new().await;
    let cases = [
        ("trees", "3", "c1", false),
        ("trees", "2", "c1", true),
        ("kg_co2e", "100.5", "c1", false),
        ("kg_co2e_removed", "7", "c1", false),
        ("m2", "0.1", "c1", false),
        ("m2", "0.2", "c1", false),
        ("trees", "50", "c2", false),
    ];
    for (n, (unit, quantity, contact, test)) in cases.into_iter().enumerate() {
        let run = fixture.run(&format!("r{n}")).await;
        let purchase = NewPurchase {
            contact: Some(contact.into()),
            unit: unit.into(),
            quantity: money(quantity),
            test,
            ..tree(run, &format!("k{n}"))
        };
        fixture.bought(purchase, confirmed("1")).await;
    }
    let open = fixture.run("open").await;
    fixture.intend(tree(open, "open"), vec![], at(0)).await;
    let impact = async |contact, test| {
        let impact = fixture.store.impact(LOCATION, contact, test);
        impact.await.unwrap()
    };
    let expected = Impact {
        trees: money("3"),
        carbon_kg: money("100.5"),
        carbon_removal_kg: money("7"),
        habitat_m2: money("0.3"),
        purchases: 5,
    };
    assert_eq!(impact("c1", false).await, expected);
    let simulated = Impact {
        trees: money("2"),
        purchases: 1,
        ..Impact::default()
    };
    assert_eq!(impact("c1", true).await, simulated);
    assert_eq!(impact("nobody", false).await, Impact::default());
}

#[tokio::test]
async fn the_call_log_keeps_calls_until_they_are_pruned() {
    let fixture = Fixture::new().await;
    let call = |minutes: i64, status| CallEntry {
        at: at(0) + SignedDuration::from_mins(minutes),
        service: "highlevel".into(),
        location: LOCATION.into(),
        operation: "get-contact".into(),
        method: "GET".into(),
        status,
        elapsed_ms: 12,
        attempt: 1,
        trace_id: Some("t".into()),
        error: None,
        day_limit: None,
        day_used: None,
    };
    let calls = vec![call(1, Some(200)), call(3, None), call(2, Some(503))];
    let commits = fixture.store.commits();
    fixture.store.log_calls(calls.clone()).await.unwrap();
    assert_eq!(fixture.store.commits(), commits + 1);
    let recent = fixture.store.recent_calls(10).await.unwrap();
    assert_eq!(
        recent,
        [calls[1].clone(), calls[2].clone(), calls[0].clone()]
    );
    assert_eq!(fixture.store.prune_calls(calls[2].at).await.unwrap(), 1);
    assert_eq!(
        fixture.store.recent_calls(1).await.unwrap(),
        [calls[1].clone()]
    );
    assert_eq!(fixture.store.summary().await.unwrap().calls, 2);
}

#[tokio::test]
async fn the_day_is_what_the_service_told_last() {
    let fixture = Fixture::new().await;
    let call = |minutes: i64, location: &str, told: Option<(u32, u32)>| CallEntry {
        at: at(0) + SignedDuration::from_mins(minutes),
        service: "highlevel".into(),
        location: location.into(),
        operation: "get-contact".into(),
        method: "GET".into(),
        status: Some(200),
        elapsed_ms: 12,
        attempt: 1,
        trace_id: None,
        error: None,
        day_limit: told.map(|(limit, _)| limit),
        day_used: told.map(|(_, used)| used),
    };
    let calls = vec![
        call(-10, LOCATION, Some((1_000, 999))),
        call(1, LOCATION, Some((1_000, 1))),
        call(2, LOCATION, Some((1_000, 500))),
        call(3, LOCATION, None),
        call(3, "silent", None),
    ];
    fixture.store.log_calls(calls).await.unwrap();
    let days = fixture.store.days_of_calls("highlevel", at(0)).await;
    let days = days.unwrap();
    assert_eq!(days.len(), 1, "{days:?}");
    assert_eq!(
        (days[0].limit, days[0].used, days[0].own, days[0].others()),
        (1_000, 500, 2, 498)
    );
    let none = fixture.store.days_of_calls("ecologi", at(0)).await;
    assert!(none.unwrap().is_empty());
}

#[tokio::test]
async fn the_summary_counts() {
    let fixture = Fixture::new().await;
    let mut runs = Vec::new();
    for n in 0..6 {
        runs.push(fixture.run(&format!("c{n}")).await);
    }
    fixture.bought(tree(runs[0], "k0"), confirmed("0.57")).await;
    fixture
        .bought(
            NewPurchase {
                test: true,
                ..tree(runs[1], "k1")
            },
            confirmed("0.60"),
        )
        .await;
    let euros = canopy_store::PurchaseOutcome::Confirmed {
        amount: money("2.90"),
        currency: "EUR".into(),
        url: None,
        response: json!({}),
    };
    let carbon = NewPurchase {
        unit: "kg_co2e".into(),
        quantity: money("9"),
        ..tree(runs[2], "k2")
    };
    fixture.bought(carbon, euros).await;
    fixture.intend(tree(runs[3], "k3"), vec![], at(0)).await;
    for (run, state) in [
        (0, RunState::Done),
        (1, RunState::Done),
        (2, RunState::Dead),
        (3, RunState::Held),
    ] {
        let update = RunUpdate {
            state,
            attempts: 0,
            next_attempt_at: None,
            error: None,
            trouble: Trouble::default(),
        };
        fixture
            .store
            .update_run(&fixture.fence, runs[run], update, at(0))
            .await
            .unwrap();
    }
    let echo = fixture.stored(event("echo", Some("v"))).await;
    fixture
        .store
        .settle_event(&fixture.fence, echo, EventEnd::Echo, at(0))
        .await
        .unwrap();
    fixture.stored(event("new", None)).await;

    let summary = fixture.store.summary().await.unwrap();
    assert_eq!(
        (summary.events, summary.events_pending, summary.events_echo),
        (8, 1, 1)
    );
    // What was simulated is in no sum of real money.
    assert_eq!((summary.purchases, summary.test.purchases), (2, 1));
    assert_eq!(summary.test.trees, Decimal::ONE);
    assert_eq!(summary.test.cost, [("GBP".to_owned(), money("0.6"))]);
    assert_eq!((summary.purchases_open, summary.purchases_unknown), (1, 0));
    assert_eq!(summary.trees, Decimal::ONE);
    assert_eq!(
        summary.cost,
        [
            ("EUR".to_owned(), money("2.9")),
            ("GBP".to_owned(), money("0.57"))
        ]
    );
    assert_eq!((summary.runs_done, summary.runs_dead), (2, 1));
    assert_eq!((summary.runs_held, summary.runs_waiting), (1, 0));
    assert_eq!(summary.runs_open, 2);
    // All of it happened at this location, and nothing at another.
    let here = fixture.store.summary_of(Some(crate::support::LOCATION));
    assert_eq!(here.await.unwrap(), summary);
    let elsewhere = fixture.store.summary_of(Some("elsewhere")).await.unwrap();
    assert_eq!(
        (elsewhere.events, elsewhere.runs_done, elsewhere.purchases),
        (0, 0, 0)
    );
    assert_eq!((elsewhere.cost, elsewhere.test.cost), (vec![], vec![]));
    let created = fixture
        .store
        .event_records(crate::support::LOCATION, "contact.created");
    let mut created = created.await.unwrap();
    created.sort();
    assert!(created.contains(&"echo".to_owned()) && created.contains(&"new".to_owned()));
    assert_eq!(created.len(), 8);
    let none = fixture.store.event_records("elsewhere", "contact.created");
    assert_eq!(none.await.unwrap(), Vec::<String>::new());
}
