//! Many callers on one budget.

use super::*;
use crate::limits::{DailyLimit, Limits, Reserves, WindowLimit};

#[tokio::test(start_paused = true)]
async fn a_used_up_day_is_refused_without_sending() {
    let script = Script::of([]);
    let limits = Limits {
        daily: Some(DailyLimit {
            max: 10,
            reserves: Reserves {
                workflow: 0,
                poll: 0,
                backfill: 50,
            },
        }),
        ..Limits::UNLIMITED
    };
    let transport = transport(&script, |it| it.limits(limits).used_today(5));
    let refused = transport
        .with_priority(Priority::Backfill)
        .execute(&READ, request())
        .await
        .unwrap();
    assert_eq!(refused.status(), 429);
    let error = crate::CallError::from_response(&READ, &refused);
    assert!(error.is_retryable() && error.retry_after().is_some() && !error.outcome_unknown());
    assert!(script.times().is_empty());
    assert_eq!(
        transport.execute(&READ, request()).await.unwrap().status(),
        200
    );
    assert_eq!(transport.budget().daily.unwrap().used, 6);
}

fn windowed() -> Limits {
    let max = std::num::NonZeroU32::new(100).unwrap();
    Limits {
        window: Some(WindowLimit {
            max,
            per: Duration::from_secs(10),
        }),
        ..Limits::UNLIMITED
    }
}

#[tokio::test(start_paused = true)]
async fn many_callers_at_once_stay_below_the_window() {
    let script = Script::of([]);
    let transport = transport(&script, |it| it.limits(windowed()));
    futures_join((0..350).map(|_| {
        let transport = transport.clone();
        async move { transport.execute(&READ, request()).await.unwrap() }
    }))
    .await;
    let times = script.times();
    assert_eq!(times.len(), 350);
    for start in &times {
        let inside = times
            .iter()
            .filter(|at| *at >= start && **at <= *start + Duration::from_secs(10))
            .count();
        assert!(inside <= 100, "{inside}");
    }
    assert!(transport.budget().window.unwrap().used <= 100);
}

#[tokio::test(start_paused = true)]
async fn urgent_calls_overtake_those_that_wait() {
    let script = Script::of([]);
    let transport = transport(&script, |it| it.limits(windowed()));
    let order = Arc::new(Mutex::new(Vec::new()));
    let waiting: Vec<_> = [Priority::Backfill, Priority::Poll, Priority::Workflow]
        .into_iter()
        .flat_map(|priority| std::iter::repeat_n(priority, 30))
        .map(|priority| {
            let (transport, order) = (transport.with_priority(priority), Arc::clone(&order));
            tokio::spawn(async move {
                transport.execute(&READ, request()).await.unwrap();
                order.lock().unwrap().push(priority);
            })
        })
        .collect();
    // All of them are in the queue, and the burst is used up.
    while transport.budget().waiting < 70 {
        tokio::task::yield_now().await;
    }
    let before = order.lock().unwrap().len();
    transport.execute(&READ, request()).await.unwrap();
    assert_eq!(
        order.lock().unwrap().len(),
        before,
        "the interactive call goes first"
    );
    for task in waiting {
        served(task).await;
    }
    let order = order.lock().unwrap();
    assert!(order[before..].is_sorted(), "{:?}", &order[before..]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_block_the_queue() {
    let script = Script::of([]);
    let transport = transport(&script, |it| it.limits(windowed()));
    for _ in 0..20 {
        transport.execute(&READ, request()).await.unwrap();
    }
    let first = {
        let transport = transport.clone();
        tokio::spawn(async move { transport.execute(&READ, request()).await })
    };
    let second = {
        let transport = transport.clone();
        tokio::spawn(async move { transport.execute(&READ, request()).await })
    };
    while transport.budget().waiting < 2 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert_eq!(served(second).await.unwrap().status(), 200);
    assert_eq!(transport.budget().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_others_used_up_is_waited_for() {
    let headers = [
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-interval-milliseconds", "10000"),
        ("x-ratelimit-max", "100"),
    ];
    let script = Script::of([answer(200, &headers, "{}")]);
    let transport = transport(&script, |it| it.limits(windowed()));
    transport.execute(&READ, request()).await.unwrap();
    transport.execute(&READ, request()).await.unwrap();
    let times = script.times();
    assert_eq!((times[1] - times[0]).as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_the_service_names_never_makes_us_faster_and_never_sleeps_for_ever() {
    // Nothing at all, and 31 years.
    let at_once = || answer(429, &[("retry-after", "0")], "");
    let script = Script::of([at_once(), at_once(), at_once()]);
    let transport = transport(&script, |it| it.limits(windowed()));
    transport.execute(&CREATE, request()).await.unwrap();
    let times = script.times();
    for (pair, least) in times.windows(2).zip([500, 1_000, 2_000]) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(least));
    }
    let script = Script::of([answer(429, &[("retry-after", "999999999")], "")]);
    let transport = super::transport(&script, |it| it.limits(windowed()));
    let refused = transport.execute(&READ, request()).await.unwrap();
    let error = crate::CallError::from_response(&READ, &refused);
    assert_eq!(error.retry_after(), Some(Duration::from_mins(15)));
    // Others wait no longer, either.
    tokio::time::advance(Duration::from_mins(15)).await;
    let served = transport.execute(&READ, request()).await.unwrap();
    assert_eq!(served.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_headers_go_before_the_configuration_and_our_own_count() {
    let limits = || Limits {
        daily: Some(DailyLimit {
            max: 200_000,
            reserves: Reserves::default(),
        }),
        ..windowed()
    };
    // A trial account: a fourth of the burst, and a neighbour has used most of the day.
    let headers = [
        ("x-ratelimit-limit-daily", "10000"),
        ("x-ratelimit-daily-remaining", "40"),
        ("x-ratelimit-interval-milliseconds", "10000"),
        ("x-ratelimit-max", "25"),
        ("x-ratelimit-remaining", "24"),
    ];
    let script = Script::of([answer(200, &headers, "{}")]);
    let transport = transport(&script, |it| it.limits(limits()));
    transport.execute(&READ, request()).await.unwrap();
    let budget = transport.budget();
    let (window, daily) = (budget.window.unwrap(), budget.daily.unwrap());
    assert_eq!((window.max, window.per), (25, Duration::from_secs(10)));
    assert_eq!(
        (daily.limit, daily.remaining, daily.used, daily.others),
        (10_000, 40, 9_960, 9_959)
    );
    // What is left is for the urgent ones.
    let poll = transport.with_priority(Priority::Poll);
    assert_eq!(poll.execute(&READ, request()).await.unwrap().status(), 429);
}

async fn futures_join<F: Future<Output: Send> + Send + 'static>(futures: impl Iterator<Item = F>) {
    let tasks: Vec<_> = futures
        .map(|future| tokio::spawn(async move { drop(future.await) }))
        .collect();
    for task in tasks {
        served(task).await;
    }
}

/// A caller that nobody calls would wait for ever; on the paused clock this costs no time.
async fn served<T>(task: tokio::task::JoinHandle<T>) -> T {
    let served = tokio::time::timeout(Duration::from_hours(1), task).await;
    served.expect("the queue forgot a caller").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_short_longest_pause_does_not_shorten_the_window() {
    let headers = [
        ("x-ratelimit-max", "100"),
        ("x-ratelimit-interval-milliseconds", "10000"),
    ];
    let script = Script::of((0..350).map(|_| answer(200, &headers, "{}")));
    let limits = Limits {
        longest_pause: Duration::from_secs(1),
        ..windowed()
    };
    let transport = transport(&script, |it| it.limits(limits));
    futures_join((0..350).map(|_| {
        let transport = transport.clone();
        async move { transport.execute(&READ, request()).await.unwrap() }
    }))
    .await;
    let times = script.times();
    for start in &times {
        let inside = times
            .iter()
            .filter(|at| **at >= *start && **at <= *start + Duration::from_secs(10))
            .count();
        assert!(inside <= 100, "{inside}");
    }
}
