//! Purchases: what the book allows.

use canopy_store::{
    Cap, NewPurchase, PurchaseIntent, PurchaseOutcome, PurchaseState, StepState, Store, StoreError,
};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::Executor as _;

use crate::support::{Fixture, LOCATION, at, confirmed, day, money, outcome_of, raw, step, tree};

pub fn refused() -> PurchaseOutcome {
    PurchaseOutcome::Refused {
        error: "no billing details".into(),
    }
}

fn unknown() -> PurchaseOutcome {
    PurchaseOutcome::Unknown {
        error: "no answer for 12 h".into(),
    }
}

async fn state(fixture: &Fixture, key: &str) -> PurchaseState {
    fixture.store.purchase(key).await.unwrap().unwrap().state
}

async fn book(fixture: &Fixture, key: &str) -> Vec<PurchaseState> {
    fixture
        .store
        .ledger(key)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.state)
        .collect()
}

#[tokio::test]
async fn a_purchase_goes_through_the_book() {
    use PurchaseState::{Confirmed, Intended, Sent};
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    let intent = fixture.intend(tree(run, "k"), vec![day("10")], at(1)).await;
    let PurchaseIntent::Intended(purchase) = intent else {
        panic!("{intent:?}")
    };
    assert_eq!(
        (purchase.state, purchase.estimate, purchase.created_at),
        (Intended, money("0.6"), at(1))
    );
    assert_eq!(
        (
            purchase.location.as_str(),
            purchase.sent_at,
            purchase.amount
        ),
        (LOCATION, None, None)
    );
    fixture
        .store
        .mark_sent(&fixture.fence, "k", "account", at(2))
        .await
        .unwrap();
    // A retry within the window.
    fixture
        .store
        .mark_sent(&fixture.fence, "k", "account", at(3))
        .await
        .unwrap();
    let outcome = outcome_of(run, "buy", StepState::Done);
    fixture
        .store
        .settle_purchase(&fixture.fence, "k", confirmed("0.57"), outcome, at(4))
        .await
        .unwrap();

    let purchase = fixture.store.purchase("k").await.unwrap().unwrap();
    assert_eq!(
        (purchase.state, purchase.amount),
        (Confirmed, Some(money("0.57")))
    );
    assert_eq!(
        (purchase.sent_at, purchase.updated_at),
        (Some(at(2)), at(4)),
        "the first time it went out"
    );
    assert_eq!(
        purchase.url.as_deref(),
        Some("https://ecologi.example/u?tree=1")
    );
    assert_eq!(purchase.response, Some(json!({"amount": "0.57"})));
    assert_eq!(book(&fixture, "k").await, [Intended, Sent, Sent, Confirmed]);
    let last = fixture.store.ledger("k").await.unwrap().pop().unwrap();
    assert_eq!(
        (last.amount, last.currency.as_deref(), last.at),
        (Some(money("0.57")), Some("GBP"), at(4))
    );
    assert_eq!(
        fixture.store.steps(run).await.unwrap()[0].state,
        StepState::Done
    );
    assert_eq!(fixture.store.purchases(5).await.unwrap(), [purchase]);
}

#[tokio::test]
async fn a_key_in_the_book_is_not_intended_again_unless_refused() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    let cases = [
        ("sent", None),
        ("confirmed", Some(confirmed("1"))),
        ("unknown", Some(unknown())),
    ];
    for (key, outcome) in cases {
        fixture.intend(tree(run, key), vec![], at(0)).await;
        fixture
            .store
            .mark_sent(&fixture.fence, key, "account", at(0))
            .await
            .unwrap();
        if let Some(outcome) = outcome {
            // Not done, so that the same step can serve the next case.
            let step = outcome_of(run, "buy", StepState::Failed);
            fixture
                .store
                .settle_purchase(&fixture.fence, key, outcome, step, at(0))
                .await
                .unwrap();
        }
        // Also when the caps are used up: nothing new is spent.
        let again = fixture.intend(tree(run, key), vec![day("0")], at(1)).await;
        assert!(
            matches!(&again, PurchaseIntent::Existing(found) if found.state.as_str() == key),
            "{again:?}"
        );
    }
    fixture.intend(tree(run, "intended"), vec![], at(0)).await;
    let again = fixture.intend(tree(run, "intended"), vec![], at(0)).await;
    assert!(matches!(again, PurchaseIntent::Existing(_)), "{again:?}");
}

#[tokio::test]
async fn a_refused_purchase_is_a_new_attempt_under_its_key() {
    use PurchaseState::{Confirmed, Intended, Refused, Sent};
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    fixture.intend(tree(run, "k"), vec![], at(0)).await;
    fixture
        .store
        .mark_sent(&fixture.fence, "k", "account", at(0))
        .await
        .unwrap();
    let failed = outcome_of(run, "buy", StepState::Failed);
    fixture
        .store
        .settle_purchase(&fixture.fence, "k", refused(), failed, at(0))
        .await
        .unwrap();
    let purchase = fixture.store.purchase("k").await.unwrap().unwrap();
    assert_eq!(
        (purchase.state, purchase.error.as_deref()),
        (Refused, Some("no billing details"))
    );

    let dearer = NewPurchase {
        estimate: money("0.70"),
        ..tree(run, "k")
    };
    let intent = fixture.intend(dearer, vec![], at(30)).await;
    let PurchaseIntent::Intended(purchase) = intent else {
        panic!("{intent:?}")
    };
    assert_eq!(
        (purchase.estimate, purchase.created_at, purchase.updated_at),
        (money("0.7"), at(0), at(30))
    );
    assert_eq!(
        (purchase.sent_at, purchase.error),
        (None, None),
        "this attempt has not gone out"
    );
    // It counts on the day of the new attempt.
    let other = fixture.run("c2").await;
    let tomorrow = Cap {
        from: at(24),
        until: at(48),
        ..day("1")
    };
    let over = fixture
        .intend(tree(other, "k2"), vec![tomorrow.clone()], at(31))
        .await;
    assert_eq!(
        over,
        PurchaseIntent::OverCap {
            cap: tomorrow,
            used: money("0.7")
        }
    );

    fixture
        .store
        .mark_sent(&fixture.fence, "k", "account", at(31))
        .await
        .unwrap();
    let done = outcome_of(run, "buy", StepState::Done);
    fixture
        .store
        .settle_purchase(&fixture.fence, "k", confirmed("0.7"), done, at(32))
        .await
        .unwrap();
    assert_eq!(
        book(&fixture, "k").await,
        [Intended, Sent, Refused, Intended, Sent, Confirmed]
    );
}

#[tokio::test]
async fn what_was_never_sent_is_not_confirmed_and_what_is_unknown_waits_for_a_person() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    fixture.intend(tree(run, "k"), vec![], at(0)).await;
    let settle = async |outcome| {
        let step = outcome_of(run, "buy", StepState::Failed);
        fixture
            .store
            .settle_purchase(&fixture.fence, "k", outcome, step, at(1))
            .await
    };
    let conflict = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
    };
    conflict(settle(confirmed("1")).await);
    conflict(settle(unknown()).await);
    assert_eq!(state(&fixture, "k").await, PurchaseState::Intended);
    assert_eq!(
        fixture.store.steps(run).await.unwrap()[0].state,
        StepState::Intended,
        "the step waits with it"
    );
    assert!(
        !fixture
            .store
            .resolve_purchase("k", true, "?", at(1))
            .await
            .unwrap(),
        "only what is unknown"
    );

    fixture
        .store
        .mark_sent(&fixture.fence, "k", "account", at(1))
        .await
        .unwrap();
    settle(unknown()).await.unwrap();
    conflict(settle(confirmed("1")).await);
    conflict(settle(refused()).await);
    conflict(
        fixture
            .store
            .mark_sent(&fixture.fence, "k", "account", at(2))
            .await,
    );
    assert_eq!(fixture.store.summary().await.unwrap().purchases_unknown, 1);

    assert!(
        fixture
            .store
            .resolve_purchase("k", true, "seen on the invoice", at(3))
            .await
            .unwrap()
    );
    assert!(
        !fixture
            .store
            .resolve_purchase("k", false, "no, wait", at(3))
            .await
            .unwrap()
    );
    let purchase = fixture.store.purchase("k").await.unwrap().unwrap();
    assert_eq!(
        (purchase.state, purchase.amount),
        (PurchaseState::Confirmed, Some(purchase.estimate))
    );
    let last = fixture.store.ledger("k").await.unwrap().pop().unwrap();
    assert_eq!(last.detail.as_deref(), Some("seen on the invoice"));
    assert!(
        !fixture
            .store
            .resolve_purchase("missing", true, "", at(3))
            .await
            .unwrap()
    );
    conflict(settle(confirmed("1")).await);
}

#[tokio::test]
async fn a_person_may_say_that_it_was_not_bought() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    fixture.intend(tree(run, "k"), vec![], at(0)).await;
    fixture
        .store
        .mark_sent(&fixture.fence, "k", "account", at(0))
        .await
        .unwrap();
    let step = outcome_of(run, "buy", StepState::Unsure);
    fixture
        .store
        .settle_purchase(&fixture.fence, "k", unknown(), step, at(0))
        .await
        .unwrap();
    assert!(
        fixture
            .store
            .resolve_purchase("k", false, "not on the invoice", at(1))
            .await
            .unwrap()
    );
    let purchase = fixture.store.purchase("k").await.unwrap().unwrap();
    assert_eq!(
        (purchase.state, purchase.error.as_deref()),
        (PurchaseState::Refused, Some("not on the invoice"))
    );
    assert!(matches!(
        fixture.intend(tree(run, "k"), vec![], at(2)).await,
        PurchaseIntent::Intended(_)
    ));
}

#[tokio::test]
async fn what_was_decided_but_never_sent_can_be_refused() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    fixture.intend(tree(run, "k"), vec![], at(0)).await;
    let step = outcome_of(run, "buy", StepState::Failed);
    fixture
        .store
        .settle_purchase(&fixture.fence, "k", refused(), step, at(1))
        .await
        .unwrap();
    assert_eq!(state(&fixture, "k").await, PurchaseState::Refused);
}

#[tokio::test]
async fn the_ledger_cannot_be_rewritten_even_with_sql() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    fixture.bought(tree(run, "k"), confirmed("1")).await;
    let mut connection = raw(&fixture.path()).await;
    for attempt in [
        "UPDATE ledger SET amount = 0",
        "DELETE FROM ledger",
        "DELETE FROM purchases",
        "INSERT INTO ledger (key, location, epoch, state, at) VALUES ('k', 'loc', 1, 'confirmed', 0)",
        "INSERT INTO ledger (key, location, epoch, state, at) VALUES ('unheard of', 'loc', 1, 'intended', 0)",
    ] {
        connection.execute(attempt).await.expect_err(attempt);
    }
    assert_eq!(book(&fixture, "k").await.len(), 3);
}

#[tokio::test]
async fn impossible_values_are_refused_and_leave_nothing() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    let cases = [
        NewPurchase {
            estimate: money("-1"),
            ..tree(run, "k")
        },
        NewPurchase {
            quantity: money("-1"),
            ..tree(run, "k")
        },
        NewPurchase {
            estimate: Decimal::MAX,
            ..tree(run, "k")
        },
    ];
    for purchase in cases {
        let refusal = fixture
            .store
            .intend_purchase(
                &fixture.fence,
                purchase,
                step(run, "buy", "k"),
                vec![],
                at(0),
            )
            .await;
        assert!(
            matches!(refusal, Err(StoreError::Invalid { .. })),
            "{refusal:?}"
        );
    }
    let no_run = fixture
        .store
        .intend_purchase(
            &fixture.fence,
            tree(999, "k"),
            step(run, "buy", "k"),
            vec![],
            at(0),
        )
        .await;
    assert!(matches!(no_run, Err(StoreError::Conflict(_))), "{no_run:?}");
    assert_eq!(fixture.store.purchase("k").await.unwrap(), None);
    assert!(fixture.store.steps(run).await.unwrap().is_empty());
}
