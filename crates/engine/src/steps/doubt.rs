//! Calls of which it is not known whether they were carried out.

use canopy_highlevel::Error;
use canopy_highlevel::operation::{Idempotency, Lookup, Operation};
use canopy_store::StepState;
use serde_json::{Map, Value, json};

use super::StepRun;
use super::highlevel::{Sent, verdict_of};
use crate::error::{EngineError, Verdict};

/// What a create that was not answered with success turned out to be.
pub(super) enum Perhaps {
    Created(Value),
    Not(Error),
    Unknown(Error),
}

impl StepRun<'_> {
    /// HighLevel is known to create records and answer 422 all the same. Where there is a way to look, looking tells at
    /// once; what is not there was refused.
    pub(super) async fn perhaps_created(
        &self,
        operation: &Operation,
        arguments: &Map<String, Value>,
        error: Error,
    ) -> Perhaps {
        match operation.idempotency {
            Idempotency::Lookup(lookup)
                if error.outcome_unknown() && error.status() == Some(422) =>
            {
                match self.find(operation, &lookup, arguments).await {
                    Ok(Some(answer)) => Perhaps::Created(answer),
                    Ok(None) => {
                        Perhaps::Not(error.with_advice("it was looked for, and is not there"))
                    }
                    // It is looked for before it is sent again.
                    Err(_) => Perhaps::Unknown(error),
                }
            }
            _ => Perhaps::Unknown(error),
        }
    }

    /// The service does not take it, whatever is tried.
    pub(super) async fn refused(&self, error: &Error) -> Result<Verdict, EngineError> {
        let text = error.to_string();
        let outcome = self.outcome(StepState::Failed, None, Some(text.clone()));
        let now = self.engine.clock.now();
        self.engine
            .store
            .finish_step(self.fence, outcome, now)
            .await?;
        Ok(Verdict::Dead(text))
    }

    /// Whether an earlier attempt carried it out could not be looked up: it is not sent again before that.
    pub(super) async fn still_unsure(&self, error: &Error) -> Result<Verdict, EngineError> {
        let outcome = self.outcome(StepState::Unsure, None, Some(error.to_string()));
        let now = self.engine.clock.now();
        self.engine
            .store
            .finish_step(self.fence, outcome, now)
            .await?;
        Ok(verdict_of(error))
    }

    /// An earlier attempt left its outcome open.
    pub(super) async fn look_up_or_call(
        &self,
        operation: &Operation,
        asked: &Map<String, Value>,
        arguments: &Map<String, Value>,
    ) -> Result<Sent, EngineError> {
        match operation.idempotency {
            Idempotency::Read | Idempotency::Idempotent | Idempotency::Keyed { .. } => {}
            Idempotency::Lookup(lookup) => match self.find(operation, &lookup, asked).await {
                Ok(Some(found)) => return Ok(Sent::Answer(Ok(found))),
                Ok(None) => {}
                Err(error) => return Ok(Sent::Unlooked(error)),
            },
            Idempotency::Unsafe => {
                // The run was held in doubt before, and a person has let it go on.
                let said_again = self
                    .earlier
                    .is_some_and(|step| step.state == StepState::Unsure);
                if !said_again {
                    let reason = self.in_doubt(operation, "the program was stopped meanwhile");
                    let outcome = self.outcome(StepState::Unsure, None, Some(reason.clone()));
                    let now = self.engine.clock.now();
                    self.engine
                        .store
                        .finish_step(self.fence, outcome, now)
                        .await?;
                    return Ok(Sent::Person(reason));
                }
            }
        }
        Ok(self.make_call(operation, arguments).await)
    }

    /// Lists what is there and compares it with the intent.
    pub(super) async fn find(
        &self,
        operation: &Operation,
        lookup: &Lookup,
        arguments: &Map<String, Value>,
    ) -> Result<Option<Value>, Error> {
        let Some(list) = canopy_highlevel::operation(lookup.operation) else {
            return Ok(None);
        };
        let question: Map<String, Value> = list
            .parameters
            .iter()
            .filter_map(|parameter| {
                Some((
                    parameter.name.to_owned(),
                    arguments.get(parameter.name)?.clone(),
                ))
            })
            .collect();
        let answer = self.invoke(list, &question).await?;
        let items = list.items.and_then(|pointer| answer.pointer(pointer));
        let found = items.and_then(Value::as_array).and_then(|items| {
            items.iter().find(|item| {
                lookup.equal.iter().all(|name| {
                    item.get(*name).unwrap_or(&Value::Null)
                        == arguments.get(*name).unwrap_or(&Value::Null)
                })
            })
        });
        Ok(found.map(|item| {
            match operation
                .record
                .and_then(|pointer| pointer.strip_prefix('/'))
            {
                Some(member) => json!({ member: item }),
                None => item.clone(),
            }
        }))
    }
}
