//! Test mode: what would be written to HighLevel is recorded as it would be sent, and not sent. Later steps see answers of the
//! described form, whose texts are marked as planned.

use canopy_highlevel::operation::{Idempotency, Operation};
use canopy_mapping::Workflow;
use canopy_store::{PurchaseState, Run, StepRecord, StepState};
use serde_json::{Map, Value};

use super::StepRun;
use crate::Engine;
use crate::breaker::is_to_buy;
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

    /// Keeps in which mode the connections are, before anything more comes: what came in test mode buys nothing for real by
    /// itself, and what came while purchases were real is not simulated. A drain does it as well.
    pub async fn enter_modes(&self) -> Result<(), EngineError> {
        for connection in self.connections() {
            self.enter_mode(connection).await?;
        }
        Ok(())
    }

    pub(crate) async fn enter_mode(&self, connection: &Connection) -> Result<(), EngineError> {
        if self.is_planning() {
            return Ok(());
        }
        let (location, test) = (&connection.location, connection.test);
        let now = self.clock.now();
        if self.store.enter_mode(location, test, now).await? {
            let mode = if test { "test" } else { "real" };
            tracing::info!(connection = %connection.id, mode, "the mode has changed; runs of events that came before wait for `canopy retry`");
        }
        Ok(())
    }

    /// Why a run does not go on by itself: it began in the other mode than the one in which it would be carried out now.
    pub(crate) async fn in_other_mode(
        &self,
        connection: &Connection,
        (run, workflow): (&Run, &Workflow),
        records: &[StepRecord],
    ) -> Result<Option<Verdict>, EngineError> {
        if self.is_planning() {
            return Ok(None);
        }
        let began_in_test = self.store.began_in_test(run.id).await?;
        let (id, run) = (&connection.id, run.id);
        match (began_in_test, connection.test) {
            (Some(true), false) => Ok(Some(Verdict::Held(in_test(run)))),
            (Some(false), true) if is_to_buy(workflow, records) => {
                Ok(Some(Verdict::Held(format!(
                    "it began while purchases were real, and connection {id} is in test mode now, which buys nothing; with test = false, `canopy retry {run}` lets it go on"
                ))))
            }
            _ if self.was_simulated(connection, records).await? => {
                Ok(Some(Verdict::Held(in_test(run))))
            }
            _ => Ok(None),
        }
    }

    /// Whether a part of a run was only simulated, and what follows would be real.
    async fn was_simulated(
        &self,
        connection: &Connection,
        records: &[StepRecord],
    ) -> Result<bool, EngineError> {
        if !connection.writes() {
            return Ok(false);
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
        Ok(simulated)
    }
}

fn in_test(run: i64) -> String {
    format!(
        "it began in test mode, where nothing is bought and what it wrote was only recorded; `canopy retry {run}` carries it out now, for real"
    )
}
