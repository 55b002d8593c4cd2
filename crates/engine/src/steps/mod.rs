//! The kinds of step: keep a profile (and bring its fields in step with the contact's), buy at Ecologi, call HighLevel,
//! wait or stop.

mod bulk;
pub(crate) mod caps;
mod clock;
pub(crate) mod control;
mod doubt;
pub(crate) mod highlevel;
mod judged;
mod mail;
mod memory;
pub(crate) mod order;
pub(crate) mod profile;
pub(crate) mod purchase;
pub(crate) mod records;
mod refused;
pub(crate) mod somebody;
pub(crate) mod sync;
pub(crate) mod tag_writes;
mod told;
pub(crate) mod unknown;
mod upsert;
mod withheld;

use canopy_mapping::{Event, Step, template};
use canopy_store::{Fence, NewStep, StepOutcome, StepRecord, StepState, Written};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::Engine;
use crate::connection::Connection;
use crate::context::Context;
use crate::drain::Item;
use crate::error::{EngineError, Verdict};
use somebody::Parts;

pub use clock::writes_by_local_clock;

/// Everything that a step needs to know about where it stands.
pub(crate) struct StepRun<'a> {
    pub engine: &'a Engine,
    pub connection: &'a Connection,
    pub fence: &'a Fence,
    /// What is shared with others of the drain.
    pub item: &'a Item<'a>,
    pub run: i64,
    pub event: &'a Event,
    pub step: &'a Step,
    pub key: String,
    /// Place of what the step knows in the order of the location's events.
    pub position: i64,
    /// The run comes back to a step that failed or was cut off before, or began more than a minute ago.
    pub late: bool,
    /// Its contact was read after the last wait, or it has deleted it: what it knows is what there is to know.
    pub is_fresh: bool,
    /// The workflow's condition.
    pub when: Option<&'a str>,
    /// When it began.
    pub began: Timestamp,
    /// The parts of its contact as they were then; `None`: not known.
    pub seen: Option<&'a Parts>,
    /// The step's record of an earlier attempt of this run.
    pub earlier: Option<&'a StepRecord>,
    pub context: &'a mut Context,
}

impl StepRun<'_> {
    pub fn intent(&self, request: Value) -> NewStep {
        NewStep {
            run: self.run,
            step: self.step.id.clone(),
            key: self.key.clone(),
            action: self.step.action.clone(),
            request,
            written: Vec::new(),
            links: Vec::new(),
        }
    }

    pub fn outcome(
        &self,
        state: StepState,
        output: Option<Value>,
        error: Option<String>,
    ) -> StepOutcome {
        StepOutcome {
            run: self.run,
            step: self.step.id.clone(),
            state,
            output,
            error,
            profile: None,
            links: Vec::new(),
            written: Vec::new(),
            changes: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Records that there was nothing to do.
    pub async fn skip(&self, request: Value, output: Value) -> Result<Verdict, EngineError> {
        self.stands(request, output, Vec::new()).await
    }

    /// Records that there was nothing to do, because what was to be written stands already.
    async fn stands(
        &self,
        request: Value,
        output: Value,
        written: Vec<Written>,
    ) -> Result<Verdict, EngineError> {
        let now = self.engine.clock.now();
        let store = &self.engine.store;
        store
            .intend_step(self.fence, self.intent(request), now)
            .await?;
        let mut outcome = self.outcome(StepState::Skipped, Some(output.clone()), None);
        outcome.written = written;
        store.finish_step(self.fence, outcome, now).await?;
        Ok(Verdict::Done(output))
    }

    /// Records a step that cannot be carried out as it is written.
    pub async fn refuse(&self, error: String) -> Result<Verdict, EngineError> {
        let now = self.engine.clock.now();
        let store = &self.engine.store;
        store
            .intend_step(self.fence, self.intent(Value::Null), now)
            .await?;
        let outcome = self.outcome(StepState::Failed, None, Some(error.clone()));
        store.finish_step(self.fence, outcome, now).await?;
        Ok(Verdict::Dead(error))
    }

    /// The step's arguments with all templates filled in.
    pub fn arguments(&self) -> Result<Map<String, Value>, String> {
        arguments(self.step, self.context)
    }
}

/// A step's arguments with all templates filled in.
pub(crate) fn arguments(step: &Step, context: &Context) -> Result<Map<String, Value>, String> {
    let with = Value::Object(step.with.clone());
    match template::render(&with, &context.value) {
        Ok(Value::Object(arguments)) => {
            let arguments = crate::fitting::fitted(&step.action, &step.with, arguments)?;
            Ok(with_texts(step, arguments))
        }
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(error.to_string()),
    }
}

/// A value that is exactly one expression keeps its type. Where a text is wanted, it is written as texts write it: a list
/// with commas, true, 7.
fn with_texts(step: &Step, mut arguments: Map<String, Value>) -> Map<String, Value> {
    let is_whole = |name: &str| {
        let given = step.with.get(name);
        given.is_some_and(|given| given.is_string() && template::is_dynamic(given))
    };
    let is_other =
        |(name, value): (&String, &Value)| !value.is_string() && !value.is_null() && is_whole(name);
    if !arguments.iter().any(is_other) {
        return arguments;
    }
    let texts = crate::arguments::texts(&step.action);
    for (name, value) in &mut arguments {
        if texts.contains(name)
            && is_other((name, value))
            && let Some(text) = template::as_text(value)
        {
            *value = Value::String(text);
        }
    }
    arguments
}
