//! What keeps workflows from starting each other, or themselves, for ever.

use canopy_mapping::{Event, Source};
use canopy_store::{EventEnd, Fence, NewAlert, Run, RunState, RunUpdate, Trouble};
use jiff::SignedDuration;

use crate::Engine;
use crate::error::EngineError;

/// So many runs deep an event may be; further down workflows start each other for ever.
const DEEPEST: u32 = 8;
/// The time within which the runs of a workflow for one contact are counted.
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Clocks differ by less.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);

impl Engine {
    /// Ends an event that stands at the end of a long chain of runs, and tells a person. `false`: it does not.
    pub(crate) async fn stop_chain(
        &self,
        fence: &Fence,
        event: &Event,
    ) -> Result<bool, EngineError> {
        if event.trace.depth <= DEEPEST {
            return Ok(false);
        }
        let now = self.clock.now();
        let names = self.chain(event).await?;
        let who = match names.as_slice() {
            [one] => format!("workflow \"{one}\" starts itself"),
            [] => "workflows start each other".to_owned(),
            many => format!("workflows \"{}\" start each other", many.join("\" and \"")),
        };
        let alert = NewAlert {
            location: fence.location.clone(),
            kind: "loop".to_owned(),
            subject: names.join(" "),
            message: format!(
                "{who}: {} came out of {} runs in a row; it was not run again. Give one of them a condition (\"when\") that ends it",
                event.kind, event.trace.depth
            ),
        };
        self.store.raise_alert(alert, now).await?;
        self.store
            .settle_event(fence, event.id, EventEnd::NoMatch, now)
            .await?;
        Ok(true)
    }

    /// The workflows of the runs that led to an event, each once, in alphabetical order.
    async fn chain(&self, event: &Event) -> Result<Vec<String>, EngineError> {
        let mut names = std::collections::BTreeSet::new();
        let mut cause = event.trace.cause;
        while let Some(run) = cause {
            let Some(run) = self.store.run(run).await? else {
                break;
            };
            let row = self.store.event(run.event).await?;
            names.insert(run.workflow);
            cause = row.and_then(|row| row.event.trace.cause);
        }
        Ok(names.into_iter().collect())
    }

    /// Whether this workflow has run too often for the contact just now. What a person fired is not counted.
    pub(crate) async fn runs_too_often(
        &self,
        workflow: &str,
        event: &Event,
    ) -> Result<bool, EngineError> {
        if event.source == Source::Manual {
            return Ok(false);
        }
        // What lies in the future was begun by a clock that was ahead.
        let now = self.clock.now();
        let between = (now - WINDOW, now + AHEAD);
        let contact = event.contact.as_deref();
        let runs = self
            .store
            .runs_since(&event.location, workflow, contact, &event.record, between)
            .await?;
        Ok(runs >= u64::from(self.options.most_runs))
    }

    /// Holds a run that came too soon after many others, and tells a person. The run is kept: what it stands for may be
    /// meant.
    pub(crate) async fn hold_run(
        &self,
        fence: &Fence,
        run: &Run,
        event: &Event,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let most = self.options.most_runs;
        let whom = match &event.contact {
            Some(contact) => format!("contact {contact}"),
            None => format!("record {}", event.record),
        };
        let workflow = &run.workflow;
        let reason = format!(
            "workflow \"{workflow}\" ran {most} times within {} minutes for {whom}; if that is meant, `canopy retry {}` goes on",
            WINDOW.as_mins(),
            run.id
        );
        let update = RunUpdate {
            state: RunState::Held,
            attempts: run.attempts,
            next_attempt_at: None,
            error: Some(reason),
            trouble: Trouble::default(),
        };
        self.store.update_run(fence, run.id, update, now).await?;
        let alert = NewAlert {
            location: fence.location.clone(),
            kind: "loop".to_owned(),
            subject: format!("{workflow} {whom}"),
            message: format!(
                "workflow \"{workflow}\" ran {most} times within {} minutes for {whom}, so it probably starts itself by what it changes ({}); further runs are held. Give it a condition (\"when\"), then `canopy retry` those that are meant",
                WINDOW.as_mins(),
                event.kind
            ),
        };
        self.store.raise_alert(alert, now).await?;
        tracing::warn!(run = run.id, %workflow, "run held: it came too soon after many others");
        Ok(())
    }
}
