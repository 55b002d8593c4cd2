//! Lists that hang on other records, read for all of them: a trigger without the parameter that names one.

use std::collections::BTreeSet;

use canopy_triggers::PollOptions;
use serde_json::{Map, Value};

use super::{Case, Play, all};

/// Within a week, and a day for the sweep to come round, each record has been read.
const DAYS: usize = 8;

fn hanging() -> Vec<Case> {
    let cases = all().into_iter();
    let each = |case: &Case| {
        let trigger = canopy_highlevel::operation(case.operation).unwrap().trigger;
        trigger.unwrap().each.is_some()
    };
    cases.filter(each).collect()
}

async fn hold(case: &Case) -> Result<(), String> {
    let mut play = Play::new().await;
    for done in &case.before {
        play.act(done).await?;
    }
    let spec = play.spec(case.operation, &Value::Object(Map::new()));
    let options = PollOptions::default();
    let poller = play.world.poller(options, "test", &[spec], &[]);
    let polls = poller.polls();
    let poll = polls.iter().find(|poll| poll.named).unwrap();
    let word = poll.trigger.record;
    let read = async |play: &Play| {
        let mut told: Vec<String> = Vec::new();
        for _ in 0..DAYS {
            play.world.advance(24 * 3600).await;
            let before = play.world.events().await.len();
            poller.poll().await.map_err(|error| error.to_string())?;
            let events = play.world.events().await.split_off(before);
            // Its parents' own poll tells of them, too.
            let own = events
                .into_iter()
                .filter(|(kind, _)| kind.split('.').next() == Some(word));
            told.extend(own.map(|(kind, _)| kind));
        }
        Ok::<_, String>(told)
    };
    let told = read(&play).await?;
    if !told.is_empty() {
        return Err(format!("the baseline told {told:?}"));
    }
    for (done, kind) in [&case.new, &case.changed].into_iter().flatten() {
        for done in done {
            play.act(done).await?;
        }
        for expected in [&[*kind][..], &[]] {
            let told = read(&play).await?;
            if told != expected {
                return Err(format!("it told {told:?} and not {expected:?}"));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_new_and_changed_in_the_lists_of_all_parents_is_told_once() {
    let mut wrong = Vec::new();
    for case in hanging() {
        if let Err(problem) = hold(&case).await {
            wrong.push(format!("{}: {problem}", case.operation));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn four_lists_hang_on_others_and_one_on_a_few_that_are_read_at_once() {
    let names: BTreeSet<_> = hanging().iter().map(|case| case.operation).collect();
    let expected = [
        "get-all-notes",
        "get-all-tasks",
        "get-appointments-for-contact",
        "get-calendar-events",
        "get-messages",
    ];
    assert_eq!(names, BTreeSet::from(expected));
}
