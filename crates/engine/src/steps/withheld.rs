//! Test mode: what would be written to HighLevel is recorded as it would be sent, and not sent. Later steps see answers of the
//! described form, whose texts are marked as planned.

use canopy_highlevel::operation::{Idempotency, Operation};
use canopy_store::{PurchaseState, Run, StepRecord, StepState};
use serde_json::{Map, Value};

use super::StepRun;
use crate::Engine;
use crate::connection::Connection;
use crate::error::{EngineError, Verdict};

impl StepRun<'_> {
    /// Whether the call is recorded in place of being made. A plan has a way of its own of not making it.
    pub(super) fn is_withheld(&self, operation: &Operation) -> bool {
        operation.idempotency != Idempotency::Read && self.withholds()
    }

    pub(super) fn withholds(&self) -> bool {
        !self.connection.writes() && !self.engine.is_planning()
    }

    /// The intent is written; its outcome is that nothing went out.
    pub(super) async fn withhold(
        &mut self,
        operation: &Operation,
        arguments: &Map<String, Value>,
    ) -> Result<Verdict, EngineError> {
        // It is held against the description, as a call would be.
        let answer = match self.invoke(operation, arguments).await {
            Ok(answer) => answer,
            Err(error) => return self.failed(operation, &error).await,
        };
        // Later steps see the contact as it would stand; nothing is remembered of it.
        self.context.wrote(operation.name, arguments);
        let outcome = self.outcome(StepState::Withheld, Some(answer.clone()), None);
        let (store, now) = (&self.engine.store, self.engine.clock.now());
        store.finish_step(self.fence, outcome, now).await?;
        Ok(Verdict::Done(answer))
    }
}

impl Engine {
    /// Whether what writes at a location is answered here: by a plan, or in test mode.
    pub(crate) fn holds_back(&self, location: &str) -> bool {
        let writes = self.connections.get(location).map(|one| one.writes());
        self.is_planning() || writes == Some(false)
    }

    /// Why a run does not go on by itself: a part of it was only simulated, and what follows would be real.
    pub(crate) async fn began_in_test(
        &self,
        connection: &Connection,
        run: &Run,
        records: &[StepRecord],
    ) -> Result<Option<Verdict>, EngineError> {
        if !connection.writes() || self.is_planning() {
            return Ok(None);
        }
        let mut simulated = records
            .iter()
            .any(|record| record.state == StepState::Withheld);
        if !connection.test {
            for record in records {
                let purchase = self.store.purchase_for(&record.key).await?;
                simulated |= purchase.is_some_and(|purchase| {
                    purchase.test
                        && purchase.state == PurchaseState::Confirmed
                        && record.state != StepState::Failed
                });
            }
        }
        let run = run.id;
        Ok(simulated.then(|| {
            Verdict::Held(format!(
                "it began in test mode, where what it wrote and bought was only recorded; `canopy retry {run}` carries it out now, for real"
            ))
        }))
    }
}
