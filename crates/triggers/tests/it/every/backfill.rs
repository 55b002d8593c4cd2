//! `backfill = true`: the first poll tells what is there, once.

use std::collections::BTreeSet;

use canopy_highlevel::operation::Reading;
use canopy_triggers::{PollOptions, PollSpec};

use super::{Case, Play, all};

async fn hold(case: &Case) -> Result<(), String> {
    let mut play = Play::new().await;
    let made = case.new.as_ref().map_or(&[][..], |(done, _)| done);
    for done in case.before.iter().chain(made) {
        play.act(done).await?;
    }
    play.world.advance(600).await;
    let spec = PollSpec {
        backfill: true,
        ..play.spec(case.operation, &case.arguments)
    };
    let token = play.token(case.operation);
    let poller = play.world.poller_as(token, PollOptions::default(), &[spec]);
    let poll = async || poller.poll().await.map_err(|error| error.to_string());
    poll().await?;
    let told = play.world.events().await;
    let trigger = canopy_highlevel::operation(case.operation).and_then(|found| found.trigger);
    let trigger = trigger.unwrap();
    let verb = match trigger.reading {
        Reading::Answer | Reading::Bytes => "changed",
        _ => "created",
    };
    let kind = format!("{}.{verb}", trigger.record);
    let kinds: BTreeSet<_> = told.iter().map(|(kind, _)| kind).collect();
    if kinds != BTreeSet::from([&kind]) {
        return Err(format!("it told {kinds:?} and not {kind}"));
    }
    let records: BTreeSet<_> = told.iter().map(|(_, record)| record).collect();
    if records.len() != told.len() {
        return Err(format!("it told a record twice: {told:?}"));
    }
    let new = made.iter().filter_map(|done| play.ids.get(done.name));
    if let Some(new) = new.clone().find(|new| !records.contains(new)) {
        return Err(format!("it did not tell {new}: {told:?}"));
    }

    play.world.advance(600).await;
    poll().await?;
    let second = play.world.events().await.split_off(told.len());
    if second.is_empty() {
        Ok(())
    } else {
        Err(format!("the second poll told {second:?}"))
    }
}

#[tokio::test]
async fn the_first_poll_tells_what_is_there_when_it_is_asked_to() {
    let mut wrong = Vec::new();
    for case in all() {
        if let Err(problem) = hold(&case).await {
            wrong.push(format!("{}: {problem}", case.operation));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
