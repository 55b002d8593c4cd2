//! Calls of which it is not known whether they were carried out.

use std::collections::HashSet;

use canopy_highlevel::operation::{Idempotency, Lookup, Operation};
use canopy_highlevel::{Error, Priority, TryStreamExt as _};
use canopy_store::{StepRecord, StepState};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::StepRun;
use super::highlevel::verdict_of;
use crate::error::{EngineError, Verdict};

/// Pages of a list that are looked through for what may have been created.
const PAGES: u32 = 20;
/// The service's clock is known to the second, and some time passes between its answer and our look at it.
const APART: SignedDuration = SignedDuration::from_secs(60);

/// What a create that was not answered with success turned out to be.
pub(super) enum Perhaps {
    Created(Value),
    Not(Error),
    Unknown(Error),
}

/// What came of looking for what earlier attempts may have done.
pub(super) enum LookedUp {
    Nothing,
    Found(Value),
    /// It could not be looked up.
    Not(Error),
    /// The list has more pages than are read for this.
    TooMany,
}

impl StepRun<'_> {
    /// HighLevel is known to create records and answer 422 all the same. Where there is a way to look, looking tells at
    /// once; what is not there was refused.
    pub(super) async fn perhaps_created(
        &self,
        operation: &Operation,
        (arguments, asked_at): (&Map<String, Value>, Timestamp),
        error: Error,
    ) -> Result<Perhaps, EngineError> {
        match operation.idempotency {
            Idempotency::Lookup(lookup)
                if error.outcome_unknown() && error.status() == Some(422) =>
            {
                match self.find(operation, &lookup, (arguments, asked_at)).await {
                    Ok(Some(answer)) => Ok(Perhaps::Created(answer)),
                    Ok(None) => Ok(Perhaps::Not(
                        error.with_advice("it was looked for, and is not there"),
                    )),
                    Err(LookUpError::Store(error)) => Err(error),
                    // It is looked for before it is sent again.
                    Err(_) => Ok(Perhaps::Unknown(error)),
                }
            }
            _ => Ok(Perhaps::Unknown(error)),
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

    /// Whether an earlier attempt carried it out could not be looked up: it is not sent again before that. What was asked
    /// for then stays as it is, as only that can be looked up.
    pub(super) async fn still_unsure(&self, error: &Error) -> Result<Verdict, EngineError> {
        if self.earlier.is_some() {
            let outcome = self.outcome(StepState::Unsure, None, Some(error.to_string()));
            let now = self.engine.clock.now();
            self.engine
                .store
                .finish_step(self.fence, outcome, now)
                .await?;
        }
        Ok(verdict_of(error))
    }

    /// Looks for what earlier attempts, of this run or others with its key, may have done. What may be there says what
    /// was asked for then, and they need not have asked for the same.
    pub(super) async fn look_up(
        &self,
        operation: &Operation,
        doubtful: &[StepRecord],
    ) -> Result<LookedUp, EngineError> {
        let Idempotency::Lookup(lookup) = operation.idempotency else {
            return Ok(LookedUp::Nothing);
        };
        let mut found = LookedUp::Nothing;
        for step in doubtful {
            let Some(asked) = step.request.as_object() else {
                continue;
            };
            let asked = (asked, step.created_at);
            match self.find(operation, &lookup, asked).await {
                Ok(Some(there)) => return Ok(LookedUp::Found(there)),
                Ok(None) => {}
                Err(LookUpError::Call(error)) => return Ok(LookedUp::Not(error)),
                Err(LookUpError::Store(error)) => return Err(error),
                Err(LookUpError::TooMany) => found = LookedUp::TooMany,
            }
        }
        Ok(found)
    }

    /// A person has to say whether a create may be made that may have happened and cannot be looked up.
    pub(super) async fn ask_before(
        &self,
        operation: &Operation,
        doubtful: &[StepRecord],
        looked: &LookedUp,
    ) -> Result<Option<String>, EngineError> {
        let (reason, said_again) = if matches!(looked, LookedUp::TooMany) {
            let reason = format!(
                "whether \"{}\" happened is unknown: the list that would tell has more than {PAGES} pages; look there, then `canopy retry {}` does it again",
                operation.name, self.run
            );
            let said_again = self
                .earlier
                .is_some_and(|step| step.error.as_ref() == Some(&reason));
            (reason, said_again)
        } else if operation.idempotency == Idempotency::Unsafe && !doubtful.is_empty() {
            // The run was held in doubt before, and a person has let it go on.
            let said_again = self
                .earlier
                .is_some_and(|step| step.state == StepState::Unsure);
            let reason = self.in_doubt(operation, "the program was stopped meanwhile");
            (reason, said_again)
        } else {
            return Ok(None);
        };
        if said_again {
            return Ok(None);
        }
        let outcome = self.outcome(StepState::Unsure, None, Some(reason.clone()));
        let now = self.engine.clock.now();
        self.engine
            .store
            .finish_step(self.fence, outcome, now)
            .await?;
        Ok(Some(reason))
    }

    /// Lists what is there and compares it with the intent. What was there before it, or was made by another step, only
    /// looks the same.
    pub(super) async fn find(
        &self,
        operation: &Operation,
        lookup: &Lookup,
        (arguments, asked_at): (&Map<String, Value>, Timestamp),
    ) -> Result<Option<Value>, LookUpError> {
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
        let highlevel = self.connection.highlevel.with_priority(Priority::Workflow);
        let mut pages = highlevel.pages(list.name, &Value::Object(question));
        let before = self.known_before(arguments, asked_at).await?;
        for _ in 0..PAGES {
            let Some(page) = pages.try_next().await? else {
                return Ok(None);
            };
            // By the service's clock, which the page's own answer tells.
            let earliest = self.service_time_of(asked_at);
            for item in page.items() {
                let is_equal = lookup.equal.iter().all(|name| {
                    item.get(*name).unwrap_or(&Value::Null)
                        == arguments.get(*name).unwrap_or(&Value::Null)
                });
                if is_equal
                    && !made_before(list, item, earliest)
                    && !self.is_anothers(operation, list, item, &before).await?
                {
                    let record = operation
                        .record
                        .and_then(|pointer| pointer.strip_prefix('/'));
                    return Ok(Some(match record {
                        Some(member) => json!({ member: item }),
                        None => item.clone(),
                    }));
                }
            }
        }
        match pages.try_next().await? {
            None => Ok(None),
            Some(_) => Err(LookUpError::TooMany),
        }
    }

    /// The records of the contact that were read before we asked for one more.
    async fn known_before(
        &self,
        arguments: &Map<String, Value>,
        asked_at: Timestamp,
    ) -> Result<HashSet<String>, EngineError> {
        let Some(contact) = arguments.get("contactId").and_then(Value::as_str) else {
            return Ok(HashSet::new());
        };
        let (store, location) = (&self.engine.store, &self.connection.location);
        let mut known = store.records_of_contact(location, contact).await?;
        known.retain(|record| record.read_at < asked_at);
        Ok(known.into_iter().map(|record| record.record).collect())
    }

    /// A moment of our clock by the service's; `None` where ours has been set back since, so that nothing can be said.
    fn service_time_of(&self, ours: Timestamp) -> Option<Timestamp> {
        let now = self.engine.clock.now();
        if ours > now {
            return None;
        }
        let ahead = self
            .connection
            .highlevel
            .service_time()?
            .duration_since(now);
        ours.checked_add(ahead.saturating_sub(APART)).ok()
    }

    /// Whether it was known before, or another step made it.
    async fn is_anothers(
        &self,
        operation: &Operation,
        list: &Operation,
        item: &Value,
        before: &HashSet<String>,
    ) -> Result<bool, EngineError> {
        let id = list.id.and_then(|pointer| item.pointer(pointer)?.as_str());
        let Some(id) = id else {
            return Ok(false);
        };
        if before.contains(id) {
            return Ok(true);
        }
        let made = operation.record.unwrap_or_default().trim_start_matches('/');
        let kind = crate::echo::created_kind(made);
        let (store, location) = (&self.engine.store, &self.connection.location);
        let link = store.link(location, &kind, id).await?;
        Ok(link.is_some_and(|link| link.ecologi_id != self.key))
    }
}

/// Whether its own date says that it was there already.
fn made_before(list: &Operation, item: &Value, earliest: Option<Timestamp>) -> bool {
    let created = list.trigger.and_then(|trigger| trigger.created);
    let made: Option<Timestamp> =
        created.and_then(|pointer| item.pointer(pointer)?.as_str()?.parse().ok());
    matches!((made, earliest), (Some(made), Some(earliest)) if made < earliest)
}

/// Why it is not known whether a record is there.
#[derive(Debug)]
pub(super) enum LookUpError {
    Call(Error),
    Store(EngineError),
    /// The list has more pages than are read for this.
    TooMany,
}

impl From<Error> for LookUpError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<EngineError> for LookUpError {
    fn from(error: EngineError) -> Self {
        Self::Store(error)
    }
}
