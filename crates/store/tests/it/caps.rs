//! Caps: what counts against them, and that simultaneous intents stay within.

use canopy_store::{Cap, NewPurchase, PurchaseIntent, Store};
use futures::future::join_all;
use rust_decimal::Decimal;

use crate::ledger::refused;
use crate::support::{Fixture, at, confirmed, day, money, tree};

#[tokio::test]
async fn caps_count_charges_where_known_and_estimates_else() {
    let fixture = Fixture::new().await;
    let run = fixture.run("c1").await;
    fixture
        .bought(tree(run, "confirmed"), confirmed("0.50"))
        .await;
    // Not counted: refused, in test mode, of another connection, of another day.
    let mut runs = Vec::new();
    for n in 2..9 {
        runs.push(fixture.run(&format!("c{n}")).await);
    }
    fixture.bought(tree(runs[0], "refused"), refused()).await;
    fixture
        .bought(
            NewPurchase {
                test: true,
                ..tree(runs[1], "test")
            },
            confirmed("5"),
        )
        .await;
    fixture
        .intend(
            NewPurchase {
                connection: "other".into(),
                ..tree(runs[2], "other")
            },
            vec![],
            at(0),
        )
        .await;
    fixture
        .intend(tree(runs[3], "tomorrow"), vec![], at(24))
        .await;
    // Counted by its estimate.
    fixture.intend(tree(runs[4], "open"), vec![], at(23)).await;

    let month = Cap {
        name: "month",
        from: at(0),
        until: at(720),
        limit: money("100"),
    };
    let over = fixture
        .intend(tree(runs[5], "k"), vec![month.clone(), day("1.69")], at(2))
        .await;
    assert_eq!(
        over,
        PurchaseIntent::OverCap {
            cap: day("1.69"),
            used: money("1.1")
        }
    );
    assert_eq!(fixture.store.purchase("k").await.unwrap(), None);
    assert_eq!(
        fixture.store.steps(runs[5]).await.unwrap().len(),
        1,
        "the page shows what waits"
    );

    let test = NewPurchase {
        test: true,
        ..tree(runs[6], "k test")
    };
    assert!(matches!(
        fixture.intend(test, vec![day("0")], at(2)).await,
        PurchaseIntent::Intended(_)
    ));
    let exactly = fixture
        .intend(tree(runs[5], "k"), vec![month, day("1.70")], at(2))
        .await;
    assert!(
        matches!(exactly, PurchaseIntent::Intended(_)),
        "{exactly:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_intents_stay_within_the_cap() {
    let fixture = Fixture::new().await;
    let mut runs = Vec::new();
    for n in 0..40 {
        runs.push(fixture.run(&format!("c{n}")).await);
    }
    let intents = runs
        .iter()
        .map(|run| fixture.intend(tree(*run, &format!("k{run}")), vec![day("6")], at(1)));
    let intents = join_all(intents).await;
    let granted = intents
        .iter()
        .filter(|intent| matches!(intent, PurchaseIntent::Intended(_)))
        .count();
    assert_eq!(granted, 10);
    let purchases = fixture.store.purchases(100).await.unwrap();
    assert_eq!(
        purchases
            .iter()
            .map(|purchase| purchase.estimate)
            .sum::<Decimal>(),
        money("6")
    );
}
