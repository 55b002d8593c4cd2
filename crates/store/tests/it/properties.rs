//! Whatever is asked of the ledger, in whatever order: the book holds.

use std::cell::Cell;

use canopy_store::{PurchaseIntent, PurchaseOutcome, PurchaseState, StepState, Store, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Fixture, at, confirmed, day, money, outcome_of, tree};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ask {
    Intend,
    Send,
    Confirm,
    Refuse,
    GiveUp,
    Resolve(bool),
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        3 => Just(Ask::Intend),
        3 => Just(Ask::Send),
        2 => Just(Ask::Confirm),
        2 => Just(Ask::Refuse),
        2 => Just(Ask::GiveUp),
        1 => any::<bool>().prop_map(Ask::Resolve),
    ]
}

/// The rules, written down once more: the state after asking, `None` where it is refused.
fn model(state: Option<PurchaseState>, ask: Ask) -> Option<PurchaseState> {
    use PurchaseState::{Confirmed, Intended, Refused, Sent, Unknown};
    match (state, ask) {
        (None | Some(Refused), Ask::Intend) => Some(Intended),
        (Some(known), Ask::Intend) => Some(known),
        (Some(Intended | Sent), Ask::Send) => Some(Sent),
        (Some(Sent), Ask::Confirm) | (Some(Unknown), Ask::Resolve(true)) => Some(Confirmed),
        (Some(Intended | Sent), Ask::Refuse) | (Some(Unknown), Ask::Resolve(false)) => {
            Some(Refused)
        }
        (Some(Sent), Ask::GiveUp) => Some(Unknown),
        _ => None,
    }
}

async fn put(fixture: &Fixture, run: i64, key: &str, ask: Ask) -> Result<bool, StoreError> {
    let store = &fixture.store;
    let settle = async |outcome| {
        let step = outcome_of(run, "buy", StepState::Failed);
        store
            .settle_purchase(&fixture.fence, key, outcome, step, at(1))
            .await
            .map(|()| true)
    };
    match ask {
        Ask::Intend => {
            let intent = fixture.intend(tree(run, key), vec![], at(1)).await;
            Ok(!matches!(intent, PurchaseIntent::OverCap { .. }))
        }
        Ask::Send => store
            .mark_sent(&fixture.fence, key, "account", at(1))
            .await
            .map(|()| true),
        Ask::Confirm => settle(confirmed("0.55")).await,
        Ask::Refuse => settle(PurchaseOutcome::Refused { error: "no".into() }).await,
        Ask::GiveUp => settle(PurchaseOutcome::Unknown { error: "?".into() }).await,
        Ask::Resolve(bought) => store.resolve_purchase(key, bought, "said so", at(1)).await,
    }
}

/// Runs `asks` and compares the store with the model after each.
async fn follow(fixture: &Fixture, key: &str, asks: &[Ask]) {
    let run = fixture.run(key).await;
    let mut expected = None;
    for (n, ask) in asks.iter().enumerate() {
        let answer = put(fixture, run, key, *ask).await;
        let allowed = model(expected, *ask);
        match (&answer, allowed) {
            (Ok(true), Some(next)) => expected = Some(next),
            (Ok(false) | Err(StoreError::Conflict(_)), None) => {}
            _ => panic!("{ask:?} at {expected:?} gave {answer:?} (step {n} of {asks:?})"),
        }
        let purchase = fixture.store.purchase(key).await.unwrap();
        let book = fixture.store.ledger(key).await.unwrap();
        let newest = book.last();
        assert_eq!(purchase.as_ref().map(|purchase| purchase.state), expected);
        assert_eq!(
            newest.map(|entry| entry.state),
            expected,
            "the row says what the newest entry says"
        );
        assert_eq!(
            newest.and_then(|entry| entry.amount),
            purchase.as_ref().and_then(|purchase| purchase.amount)
        );
        let confirmations = book
            .iter()
            .filter(|entry| entry.state == PurchaseState::Confirmed)
            .count();
        assert!(confirmations <= 1, "{book:?}");
        assert!(
            confirmations == 0 || expected == Some(PurchaseState::Confirmed),
            "nothing follows a confirmation"
        );
    }
}

#[test]
fn the_book_holds_whatever_is_asked_of_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fixture = runtime.block_on(Fixture::new());
    let config = Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    };
    // One store for all cases, each with a key of its own.
    let cases = Cell::new(0);
    TestRunner::new(config)
        .run(&proptest::collection::vec(ask(), 1..16), |asks| {
            cases.set(cases.get() + 1);
            let key = format!("k{}", cases.get());
            runtime.block_on(follow(&fixture, &key, &asks));
            Ok(())
        })
        .unwrap();
}

#[test]
fn caps_hold_whatever_is_bought_at_the_same_time() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases: 6,
        failure_persistence: None,
        ..Config::default()
    };
    let prices = proptest::collection::vec(1_i64..500, 1..24);
    TestRunner::new(config)
        .run(&(prices, 1_i64..2000), |(cents, limit)| {
            runtime.block_on(async {
                let fixture = Fixture::new().await;
                let limit = rust_decimal::Decimal::new(limit, 2);
                let mut purchases = Vec::new();
                for (n, cents) in cents.iter().enumerate() {
                    let mut purchase = tree(fixture.run(&format!("c{n}")).await, &format!("k{n}"));
                    purchase.estimate = rust_decimal::Decimal::new(*cents, 2);
                    purchases.push(purchase);
                }
                let cap = day(&limit.to_string());
                let intents = purchases
                    .iter()
                    .map(|one| fixture.intend(one.clone(), vec![cap.clone()], at(1)));
                let mut spent = money("0");
                let mut others_wait = false;
                // The writer takes them in order, so that each answer can be checked against those before it.
                for (intent, purchase) in futures::future::join_all(intents)
                    .await
                    .iter()
                    .zip(&purchases)
                {
                    match intent {
                        PurchaseIntent::Intended(granted) => spent += granted.estimate,
                        PurchaseIntent::OverCap { used, .. } => {
                            assert_eq!(*used, spent);
                            let fits = spent + purchase.estimate <= limit;
                            assert!(!fits || others_wait, "it would have fitted");
                            // What is dearer than the whole cap keeps nobody waiting.
                            others_wait |= purchase.estimate <= limit;
                        }
                        PurchaseIntent::Existing(_) | PurchaseIntent::OtherCurrency { .. } => {
                            panic!("{intent:?}")
                        }
                    }
                    assert!(spent <= limit, "{spent} of {limit}");
                }
            });
            Ok(())
        })
        .unwrap();
}
