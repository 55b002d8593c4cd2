//! Caps: what counts against them, and that simultaneous intents stay within.

use canopy_store::{
    Cap, CapScope, MoneyStore as _, NewEvent, NewPurchase, NewRun, PurchaseIntent, PurchaseOutcome,
    Store,
};
use futures::future::join_all;
use rust_decimal::Decimal;
use serde_json::json;

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
        scope: CapScope::Connection,
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

/// Its day is over when it is answered at last: until then it takes up room today as well, and then it counts where it was
/// sent last.
#[tokio::test]
async fn what_is_unanswered_over_midnight_counts_on_the_next_day_too() {
    let fixture = Fixture::new().await;
    let late = tree(fixture.run("c1").await, "late");
    fixture.intend(late.clone(), vec![day("1")], at(23)).await;
    fixture
        .store
        .mark_sent(&fixture.fence, "late", "account", at(23))
        .await
        .unwrap();
    let tomorrow = Cap {
        from: at(24),
        until: at(48),
        ..day("1")
    };
    let next = tree(fixture.run("c2").await, "next");
    let over =
        |intent| matches!(intent, PurchaseIntent::OverCap { used, .. } if used == money("0.60"));
    let intent = fixture
        .intend(next.clone(), vec![tomorrow.clone()], at(25))
        .await;
    assert!(over(intent), "it may be bought today");

    fixture
        .store
        .mark_sent(&fixture.fence, "late", "account", at(26))
        .await
        .unwrap();
    let step = crate::support::outcome_of(late.run, "buy", canopy_store::StepState::Done);
    fixture
        .store
        .settle_purchase(&fixture.fence, "late", confirmed("0.60"), step, at(26))
        .await
        .unwrap();
    let intent = fixture.intend(next, vec![tomorrow], at(27)).await;
    assert!(over(intent), "it was bought today");
}

/// A call that is repeated within itself over midnight: it may have been bought on either day.
#[tokio::test]
async fn what_is_answered_after_midnight_counts_on_the_new_day() {
    let fixture = Fixture::new().await;
    let late = tree(fixture.run("c1").await, "late");
    fixture.intend(late.clone(), vec![day("1")], at(23)).await;
    fixture
        .store
        .mark_sent(&fixture.fence, "late", "account", at(23))
        .await
        .unwrap();
    let step = crate::support::outcome_of(late.run, "buy", canopy_store::StepState::Done);
    fixture
        .store
        .settle_purchase(&fixture.fence, "late", confirmed("0.60"), step, at(24))
        .await
        .unwrap();
    let tomorrow = Cap {
        from: at(24),
        until: at(48),
        ..day("1")
    };
    let next = tree(fixture.run("c2").await, "next");
    let intent = fixture.intend(next, vec![tomorrow], at(25)).await;
    assert!(
        matches!(&intent, PurchaseIntent::OverCap { used, .. } if *used == money("0.60")),
        "{intent:?}"
    );
}

#[tokio::test]
async fn a_price_that_one_connection_met_is_reserved_by_the_others() {
    let fixture = Fixture::new().await;
    let first = fixture.run("c1").await;
    fixture.bought(tree(first, "first"), confirmed("5")).await;
    let other = NewPurchase {
        connection: "other".into(),
        ..tree(fixture.run("c2").await, "second")
    };
    let over = fixture
        .intend(other, vec![scoped(CapScope::All, "6")], at(2))
        .await;
    assert!(
        matches!(over, PurchaseIntent::OverCap { used, .. } if used == money("5")),
        "{over:?}"
    );
}

#[tokio::test]
async fn a_receipt_in_another_currency_stops_until_the_account_is_seen_to_have_the_configured_one()
{
    for response in [
        json!({ "treeUrl": "https://ecologi.com/x", "currency": "USD" }),
        json!({ "amount": 0.6, "currency": "usd" }),
    ] {
        let fixture = Fixture::new().await;
        let receipt = PurchaseOutcome::Confirmed {
            amount: money("0.60"),
            currency: "GBP".into(),
            url: None,
            response,
        };
        fixture
            .bought(tree(fixture.run("c1").await, "first"), receipt)
            .await;
        let next = tree(fixture.run("c2").await, "second");
        let intent = fixture.intend(next.clone(), vec![], at(2)).await;
        assert!(
            matches!(&intent, PurchaseIntent::OtherCurrency { currency } if currency == "USD"),
            "{intent:?}"
        );
        fixture
            .store
            .put_fact(
                &format!("currency of {}", next.connection),
                "GBP".into(),
                at(3),
            )
            .await
            .unwrap();
        let intent = fixture.intend(next, vec![], at(4)).await;
        assert!(matches!(intent, PurchaseIntent::Intended(_)), "{intent:?}");
    }
}

/// After the configuration changed its currency: five pounds are not five dollars.
#[tokio::test]
async fn what_was_bought_in_another_currency_is_told_beside_a_cap_and_not_added_to_it() {
    for scope in [
        CapScope::Connection,
        CapScope::Contact,
        CapScope::Workflow,
        CapScope::All,
    ] {
        let fixture = Fixture::new().await;
        let run = fixture.run("c1").await;
        let first = tree(run, "first");
        let id = first.connection.clone();
        fixture.bought(first, confirmed("0.60")).await;
        let dollars = NewPurchase {
            currency: "USD".into(),
            ..tree(fixture.run("c2").await, "second")
        };
        let seen = format!("currency of {id}");
        fixture
            .store
            .put_fact(&seen, "USD".into(), at(2))
            .await
            .unwrap();
        let intent = fixture
            .intend(dollars, vec![scoped(scope, "1")], at(2))
            .await;
        assert!(
            matches!(intent, PurchaseIntent::Intended(_)),
            "{scope:?} {intent:?}"
        );
        let beside = fixture
            .store
            .spent_elsewhere(&id, "USD", at(0))
            .await
            .unwrap();
        assert_eq!(beside, [("GBP".to_owned(), money("0.60"))]);
    }
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

/// A cap of the day with this scope.
fn scoped(scope: CapScope, limit: &str) -> Cap {
    Cap {
        scope,
        ..day(limit)
    }
}

#[tokio::test]
async fn a_cap_counts_what_is_in_its_scope() {
    let fixture = Fixture::new().await;
    let base = fixture.run("c0").await;
    let first = tree(base, "first");
    fixture.intend(first.clone(), vec![], at(0)).await;
    for (n, (scope, name, change)) in [
        (CapScope::Connection, "connection", 0),
        (CapScope::Workflow, "connection", 0),
        (CapScope::Workflow, "workflow", 1),
        (CapScope::Contact, "contact", 2),
        (CapScope::All, "currency", 3),
    ]
    .into_iter()
    .enumerate()
    {
        // The same in every respect: 0.60 and 0.60 are too much for 1.
        let same = NewPurchase {
            key: format!("same {n}"),
            ..first.clone()
        };
        let over = fixture
            .intend(same.clone(), vec![scoped(scope, "1")], at(1))
            .await;
        assert!(
            matches!(over, PurchaseIntent::OverCap { used, .. } if used == money("0.60")),
            "{scope:?}: {over:?}"
        );
        // Different in the one respect that the scope is about: it is alone.
        let mut other = same;
        match change {
            0 => other.connection = format!("other {n}"),
            1 => other.workflow = format!("other {n}"),
            2 => other.contact = Some(format!("other {n}")),
            _ => other.currency = "NOK".into(),
        }
        let alone = fixture
            .intend(other.clone(), vec![scoped(scope, "1")], at(1))
            .await;
        assert!(
            matches!(alone, PurchaseIntent::Intended(_)),
            "{scope:?} by {name}: {alone:?}"
        );
        // It goes, so that the next scope finds one purchase again.
        fixture
            .store
            .mark_sent(&fixture.fence, &other.key, "account", at(1))
            .await
            .unwrap();
        let step = crate::support::outcome_of(other.run, "buy", canopy_store::StepState::Failed);
        fixture
            .store
            .settle_purchase(&fixture.fence, &other.key, refused(), step, at(1))
            .await
            .unwrap();
    }
}

/// A run of a new event at the fence's location.
async fn run_of(fixture: &Fixture, fence: &canopy_store::Fence, n: i32) -> i64 {
    let event = NewEvent {
        location: fence.location.clone(),
        ..crate::support::event(&format!("c{n}"), Some("created"))
    };
    let event = fixture.stored(event).await;
    let new = NewRun {
        workflow: "plant".into(),
        definition: "{}".into(),
    };
    let runs = fixture
        .store
        .start_runs(fence, event, vec![new], at(0))
        .await;
    runs.unwrap()[0].id
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_intents_of_many_locations_stay_within_every_cap() {
    let fixture = Fixture::new().await;
    let mut asks = Vec::new();
    for n in 0..60 {
        let location = format!("location {}", n % 3);
        let fence = fixture
            .store
            .acquire_lease(&location, "o", at(0), jiff::SignedDuration::from_hours(48))
            .await
            .unwrap()
            .unwrap();
        let run = run_of(&fixture, &fence, n).await;
        let purchase = NewPurchase {
            connection: location,
            workflow: format!("w{}", n % 2),
            contact: Some(format!("contact {}", n % 7)),
            ..tree(run, &format!("k{n}"))
        };
        asks.push((fence, purchase));
    }
    let caps = [
        scoped(CapScope::All, "9"),
        scoped(CapScope::Connection, "4"),
        scoped(CapScope::Workflow, "2.5"),
        scoped(CapScope::Contact, "1.2"),
    ];
    let intents = asks.iter().map(|(fence, purchase)| {
        let step = crate::support::step(purchase.run, "buy", &purchase.key);
        fixture
            .store
            .intend_purchase(fence, purchase.clone(), step, caps.to_vec(), at(1))
    });
    for intent in join_all(intents).await {
        intent.unwrap();
    }
    let book = fixture.store.purchases(100).await.unwrap();
    let spent = |belongs: &dyn Fn(&canopy_store::Purchase) -> bool| {
        book.iter()
            .filter(|one| belongs(one))
            .map(|one| one.estimate)
            .sum::<Decimal>()
    };
    // 15 of 0.60 are 9: whichever came first, there were enough that fitted.
    assert!(spent(&|_| true) > money("6") && spent(&|_| true) <= money("9"));
    for one in &book {
        assert!(spent(&|other| other.connection == one.connection) <= money("4"));
        let workflow = |other: &canopy_store::Purchase| {
            (&other.connection, &other.workflow) == (&one.connection, &one.workflow)
        };
        assert!(spent(&workflow) <= money("2.5"));
        let contact = |other: &canopy_store::Purchase| {
            (&other.location, &other.contact) == (&one.location, &one.contact)
        };
        assert!(spent(&contact) <= money("1.2"));
    }
}
