//! `wait` and `stop`: steps that do nothing outside.

use canopy_mapping::{WAIT, wait_until, waits_by_local_clock};
use canopy_store::{StepRecord, StepState};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::StepRun;
use super::highlevel::verdict_of;
use crate::error::{EngineError, Verdict};

/// Clocks differ by less.
pub(crate) const AHEAD: SignedDuration = SignedDuration::from_mins(2);

impl StepRun<'_> {
    pub(crate) async fn control(&mut self) -> Result<Verdict, EngineError> {
        let arguments = match self.arguments() {
            Ok(arguments) => arguments,
            Err(error) => return self.refuse(error).await,
        };
        if self.step.action == WAIT {
            self.rest(&arguments).await
        } else {
            self.stop(&arguments).await
        }
    }

    /// The end of the wait is reckoned once, when it begins, and kept in the step's intent.
    async fn rest(&self, arguments: &Map<String, Value>) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let now = engine.clock.now();
        // One that was reckoned by a clock that was ahead is reckoned anew.
        let earlier = self.earlier.filter(|step| step.updated_at <= now + AHEAD);
        let until = if let Some(until) = earlier.and_then(until) {
            until
        } else {
            let local = if waits_by_local_clock(arguments) {
                match engine.zone(self.connection).await {
                    // Where it cannot be known, a day is that of UTC.
                    Ok(zone) => zone.unwrap_or(TimeZone::UTC),
                    Err(error) => return Ok(verdict_of(&error)),
                }
            } else {
                TimeZone::UTC
            };
            let until = match wait_until(arguments, now, &local) {
                Ok(until) => until,
                Err(error) => return self.refuse(error).await,
            };
            let intent = self.intent(json!({ "until": until }));
            engine.store.intend_step(self.fence, intent, now).await?;
            until
        };
        // What comes after the wait is to be shown too.
        if now < until && !engine.is_planning() {
            return Ok(Verdict::Wait {
                reason: format!("step \"{}\" waits until {until}", self.step.id),
                until,
            });
        }
        let output = json!({ "until": until });
        let outcome = self.outcome(StepState::Done, Some(output.clone()), None);
        engine.store.finish_step(self.fence, outcome, now).await?;
        Ok(Verdict::Done(output))
    }

    async fn stop(&self, arguments: &Map<String, Value>) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let now = engine.clock.now();
        let said = arguments.get("reason").map(|reason| match reason {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let reason = said
            .or_else(|| self.step.when.clone())
            .unwrap_or_else(|| "its workflow says so".to_owned());
        let intent = self.intent(Value::Object(arguments.clone()));
        engine.store.intend_step(self.fence, intent, now).await?;
        let output = json!({ "stopped": reason });
        let outcome = self.outcome(StepState::Done, Some(output), None);
        engine.store.finish_step(self.fence, outcome, now).await?;
        Ok(Verdict::Stopped(stopped(&self.step.id, &reason)))
    }
}

/// What a run that was stopped says of it.
pub(crate) fn stopped(step: &str, reason: &str) -> String {
    format!("stopped at step \"{step}\": {reason}")
}

/// When a wait that has begun is over.
fn until(record: &StepRecord) -> Option<Timestamp> {
    record.request["until"].as_str()?.parse().ok()
}
