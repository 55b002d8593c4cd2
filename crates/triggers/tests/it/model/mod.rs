//! The poller against random histories: random edits (ties, returns to an earlier state, deletions), a search that lags,
//! clocks that differ, edits while a poll is between two pages, polls that are dropped at any request or in any other
//! place, and commits that are refused. What the inbox then holds is compared with a model of what was done and with the
//! sandbox's own history. Each file says what exactly is promised.

mod contacts;
mod lists;
mod notes;
mod proxy;
mod scene;

use proptest::prelude::*;

use self::scene::{Step, Trouble};

/// Steps of one history with edits of a kind.
fn steps<E: std::fmt::Debug + Clone + 'static>(
    edit: impl Strategy<Value = E> + Clone + 'static,
) -> impl Strategy<Value = Vec<Step<E>>> {
    let pause = prop_oneof![
        Just(1_u32),
        Just(400),
        Just(1_000),
        Just(5_000),
        Just(20_000),
        Just(20_000),
        Just(61_000),
        Just(600_000)
    ];
    let trouble = prop_oneof![
        6 => edit.clone().prop_map(Trouble::Edit),
        1 => pause.clone().prop_map(Trouble::Wait),
        1 => Just(Trouble::Crash),
        1 => Just(Trouble::Robbed),
    ];
    let troubles = prop::collection::vec((0..5_u8, trouble), 1..5);
    let calm = Just(Step::Poll {
        troubles: Vec::new(),
        wakes: None,
    });
    let disturbed = (troubles, prop::option::weighted(0.2, 0..60_u16))
        .prop_map(|(troubles, wakes)| Step::Poll { troubles, wakes });
    let step = prop_oneof![
        7 => edit.prop_map(Step::Edit),
        4 => pause.prop_map(Step::Wait),
        2 => calm,
        4 => disturbed,
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 6..30)
}

/// So many random histories; the same ones each time.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        rng_seed: prop::test_runner::RngSeed::Fixed(2026),
        ..ProptestConfig::default()
    }
}

/// How far our clock is ahead of the service's, in seconds.
fn skew() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0_i64),
        Just(300),
        Just(-300),
        Just(3_600),
        Just(-3_600)
    ]
}
