//! How parts of the program fare, and what a person is told of it.

use canopy_store::{
    Alert, HealthStore as _, NewAlert, Part, PartHealth, PartReport, PartState, Store as _,
    not_good,
};
use jiff::SignedDuration;

use crate::support::{Fixture, LOCATION, at};

fn report(part: Part, name: &str, state: PartState) -> PartReport {
    PartReport {
        location: LOCATION.to_owned(),
        part,
        name: name.to_owned(),
        state,
        next_try: None,
    }
}

fn failing(at_once: bool) -> PartState {
    PartState::Failing {
        cause: "no answer".to_owned(),
        remedy: "wait".to_owned(),
        at_once,
    }
}

async fn say(
    fixture: &Fixture,
    name: &str,
    state: PartState,
    hour: i64,
) -> (PartHealth, Vec<Alert>) {
    let reports = vec![report(Part::Poll, name, state)];
    fixture
        .store
        .report_health(reports, at(hour))
        .await
        .unwrap();
    let parts = fixture.store.health().await.unwrap();
    let part = parts.into_iter().find(|part| part.name == name);
    (part.unwrap(), fixture.store.alerts(true, 10).await.unwrap())
}

#[tokio::test]
async fn the_second_failure_in_a_row_is_told_until_the_next_success() {
    let fixture = Fixture::new().await;
    let (part, alerts) = say(&fixture, "p", PartState::Good, 1).await;
    assert_eq!(
        (part.good_since, part.last_success),
        (Some(at(1)), Some(at(1)))
    );
    assert!(alerts.is_empty());
    say(&fixture, "p", PartState::Good, 2).await;

    let (part, alerts) = say(&fixture, "p", failing(false), 3).await;
    assert_eq!((part.good_since, part.failing_since), (None, Some(at(3))));
    assert_eq!((part.failures, part.alerting), (1, false));
    assert_eq!(part.last_success, Some(at(2)));
    assert!(alerts.is_empty(), "one failure is none yet");
    // A success in between begins the count anew.
    let (part, _) = say(&fixture, "p", PartState::Good, 4).await;
    assert_eq!((part.failures, part.failing_since), (0, None));
    say(&fixture, "p", failing(false), 5).await;
    let (part, alerts) = say(&fixture, "p", failing(false), 6).await;
    assert_eq!(
        (part.failing_since, part.failures, part.alerting),
        (Some(at(5)), 2, true)
    );
    assert_eq!(part.cause.as_deref(), Some("no answer"));
    let [alert] = &*alerts else {
        panic!("{alerts:?}")
    };
    assert_eq!(
        (&*alert.kind, &*alert.subject, &*alert.message),
        ("poll", "p", "no answer; wait")
    );

    let (part, alerts) = say(&fixture, "p", PartState::Good, 7).await;
    assert_eq!(
        (part.good_since, part.alerting, part.cause),
        (Some(at(7)), false, None)
    );
    assert!(alerts.is_empty(), "it ends by itself");
}

#[tokio::test]
async fn what_trying_again_does_not_mend_is_told_at_once() {
    let fixture = Fixture::new().await;
    let (part, alerts) = say(&fixture, "p", failing(true), 1).await;
    assert!(part.alerting);
    assert_eq!(alerts.len(), 1);
    // Still the same trouble, though the newest failure would not be told alone.
    let (part, alerts) = say(&fixture, "p", failing(false), 2).await;
    assert!(part.alerting);
    assert_eq!(alerts.len(), 1);
}

#[tokio::test]
async fn parts_that_are_not_there_any_more_are_forgotten_with_their_alerts() {
    let fixture = Fixture::new().await;
    say(&fixture, "gone", failing(true), 1).await;
    say(&fixture, "kept", failing(true), 1).await;
    let kept = vec!["kept".to_owned()];
    fixture
        .store
        .keep_parts(LOCATION, Part::Poll, kept, at(2))
        .await
        .unwrap();
    let parts = fixture.store.health().await.unwrap();
    assert_eq!(parts.len(), 1);
    let alerts = fixture.store.alerts(true, 10).await.unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].subject, "kept");
    // And those of locations that are not there any more.
    let other = vec!["another".to_owned()];
    fixture
        .store
        .keep_places(vec![LOCATION.to_owned()], at(3))
        .await
        .unwrap();
    assert_eq!(fixture.store.health().await.unwrap().len(), 1);
    fixture.store.keep_places(other, at(3)).await.unwrap();
    assert!(fixture.store.health().await.unwrap().is_empty());
    assert!(fixture.store.alerts(true, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_only_tells_of_something_that_happened_ends_by_itself_and_states_do_not() {
    let fixture = Fixture::new().await;
    for kind in ["trigger", "budget"] {
        let alert = NewAlert {
            location: LOCATION.to_owned(),
            kind: kind.to_owned(),
            subject: "s".to_owned(),
            message: "m".to_owned(),
        };
        fixture.store.raise_alert(alert, at(1)).await.unwrap();
    }
    assert_eq!(fixture.store.end_notices(at(1), at(2)).await.unwrap(), 0);
    assert_eq!(fixture.store.end_notices(at(2), at(3)).await.unwrap(), 1);
    let open = fixture.store.alerts(true, 10).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].kind, "budget");
}

#[tokio::test]
async fn a_part_whose_next_try_is_long_past_is_overdue() {
    let fixture = Fixture::new().await;
    let (mut part, _) = say(&fixture, "p", PartState::Good, 1).await;
    assert!(!part.is_overdue(at(100)), "nothing was announced");
    part.next_try = Some(at(2));
    assert!(!part.is_overdue(at(2) + SignedDuration::from_mins(15)));
    assert!(part.is_overdue(at(2) + SignedDuration::from_mins(16)));
}

#[tokio::test]
async fn what_is_not_good_is_what_is_told_what_lasts_and_what_nobody_looks_after() {
    let fixture = Fixture::new().await;
    let mut heart = report(Part::Store, "store", PartState::Good);
    heart.next_try = Some(at(2));
    let mut late = report(Part::Poll, "late", PartState::Good);
    late.next_try = Some(at(1));
    let once = report(Part::Poll, "once", failing(false));
    let told = report(Part::Token, "main", failing(true));
    let reports = vec![heart, late, once, told];
    fixture.store.report_health(reports, at(1)).await.unwrap();
    for kind in ["budget", "trigger"] {
        let alert = NewAlert {
            location: LOCATION.to_owned(),
            kind: kind.to_owned(),
            subject: "s".to_owned(),
            message: "m".to_owned(),
        };
        fixture.store.raise_alert(alert, at(1)).await.unwrap();
    }
    let parts = fixture.store.health().await.unwrap();
    let alerts = fixture.store.alerts(true, 10).await.unwrap();
    let at_hour = |hour| {
        let reasons = not_good(&parts, &alerts, at(hour));
        reasons
            .into_iter()
            .map(|one| (one.kind, one.name))
            .collect::<Vec<_>>()
    };
    let of = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    let (token, budget) = (of("token", "main"), of("budget", "s"));
    assert_eq!(at_hour(1), [token.clone(), budget.clone()]);
    // It runs, and one poll hangs.
    assert_eq!(
        at_hour(2),
        [token.clone(), of("overdue", "late"), budget.clone()]
    );
    // Nothing runs any more.
    assert_eq!(at_hour(3), [token, of("overdue", "store"), budget]);
}
