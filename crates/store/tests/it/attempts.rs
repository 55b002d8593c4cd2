//! Several attempts at what is bought once: one key has one request, and one attempt stands.

use canopy_store::{NewPurchase, PurchaseIntent, PurchaseState, StepState, Store};
use serde_json::json;

use crate::ledger::refused;
use crate::support::{Fixture, at, outcome_of, tree};

fn two(run: i64) -> NewPurchase {
    NewPurchase {
        request: json!({ "number": 2 }),
        ..tree(run, "k")
    }
}

async fn refuse(fixture: &Fixture, run: i64, key: &str) {
    let (store, fence) = (&fixture.store, &fixture.fence);
    store.mark_sent(fence, key, "account", at(0)).await.unwrap();
    let failed = outcome_of(run, "buy", StepState::Failed);
    store
        .settle_purchase(fence, key, refused(), failed, at(0))
        .await
        .unwrap();
}

#[tokio::test]
async fn another_request_after_a_refusal_has_a_key_of_its_own_which_is_found_again() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    fixture.intend(tree(run, "k"), vec![], at(0)).await;
    refuse(&fixture, run, "k").await;
    let PurchaseIntent::Intended(other) = fixture.intend(two(run), vec![], at(1)).await else {
        panic!("not intended");
    };
    assert_eq!((other.key == "k", other.slot.as_str()), (false, "k"));
    // It stands in the way of both, whatever is asked for.
    for new in [tree(run, "k"), two(run)] {
        let found = fixture.intend(new, vec![], at(2)).await;
        assert_eq!(found, PurchaseIntent::Existing(other.clone()));
    }
    let standing = fixture.store.purchase_for("k").await.unwrap().unwrap();
    assert_eq!(standing.key, other.key);
    // The first key cannot be sent beside it.
    let sent = fixture
        .store
        .mark_sent(&fixture.fence, "k", "account", at(2))
        .await;
    assert!(sent.is_err());

    refuse(&fixture, run, &other.key).await;
    for (new, key) in [(two(run), other.key.as_str()), (tree(run, "k"), "k")] {
        let PurchaseIntent::Intended(again) = fixture.intend(new, vec![], at(3)).await else {
            panic!("not intended");
        };
        assert_eq!(
            (again.key.as_str(), again.state),
            (key, PurchaseState::Intended)
        );
        refuse(&fixture, run, key).await;
    }
}
