//! From workflows to polls: what the triggers of a configuration ask `HighLevel` for, and whether that fits into a day.

use std::collections::BTreeSet;

use canopy_mapping::{On, Workflow};
use canopy_triggers::{DayPlan, PollOptions, PollSpec, Polls};
use jiff::SignedDuration;

use crate::config::{self, Loaded};
use crate::exit::Failure;

/// How the locations of a configuration are polled.
pub(crate) fn options(poll: &config::Poll) -> PollOptions {
    PollOptions {
        every: poll.every,
        overlap: signed(poll.overlap),
        sweep: signed(poll.sweep),
        backfill: poll.backfill,
        ..PollOptions::default()
    }
}

/// The polls that these workflows wait for. Every location has the same, as every connection has the same workflows.
pub(crate) fn polls(loaded: &Loaded, workflows: &[Workflow]) -> Result<Polls, Failure> {
    let (specs, kinds) = wanted(workflows);
    Polls::new(&specs, &kinds, &options(&loaded.config.poll))
        .map_err(|error| Failure::BadInput(format!("{}: {error}", loaded.file)))
}

/// Refuses polls that cannot fit into the day of a connection, even if each took one call only.
pub(crate) fn must_fit(loaded: &Loaded, polls: &Polls) -> Result<(), Failure> {
    if !loaded.config.poll.enabled {
        return Ok(());
    }
    for connection in &loaded.config.connection {
        let plan = DayPlan::at_least(polls, connection.highlevel.requests_per_day);
        if let Some(refusal) = plan.refusal() {
            return Err(Failure::BadInput(format!(
                "{}: connection \"{}\": {refusal}",
                loaded.file, connection.id
            )));
        }
    }
    Ok(())
}

/// The triggers of workflows, and the kinds of events that they wait for.
fn wanted(workflows: &[Workflow]) -> (Vec<PollSpec>, BTreeSet<String>) {
    let mut specs = Vec::new();
    let mut kinds = BTreeSet::new();
    for on in workflows.iter().flat_map(|workflow| &workflow.on) {
        match on {
            On::Kind(kind) => {
                kinds.insert(kind.clone());
            }
            On::Trigger(trigger) => specs.push(PollSpec {
                operation: trigger.trigger.clone(),
                arguments: trigger.with.clone(),
                every: trigger
                    .every
                    .and_then(|every| std::time::Duration::try_from(every).ok()),
                backfill: trigger.backfill,
            }),
            // Nothing at HighLevel is to be asked.
            On::Schedule(_) | On::Webhook(_) => {}
        }
    }
    (specs, kinds)
}

pub(crate) fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
