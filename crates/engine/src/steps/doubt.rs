//! Calls of which it is not known whether they were carried out.

use std::collections::HashSet;

use canopy_highlevel::operation::{Idempotency, Lookup, Operation};
use canopy_highlevel::{Error, Priority, TryStreamExt as _};
use canopy_store::{StepRecord, StepState};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::StepRun;
use super::highlevel::verdict_of;
use crate::account::Copied;
use crate::error::{EngineError, Verdict};

/// Pages of a list that are looked through for what may have been created.
const PAGES: u32 = 20;
/// A search may lag behind writes: what it does not show this long after a call was sent is not there.
const LAG: SignedDuration = SignedDuration::from_secs(60);
const TOO_MANY: &str = "the list that would tell has more than 20 pages";
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
    /// A search does not show it, and may not yet: until then.
    TooSoon(Timestamp),
    /// Looking tells nothing, for this reason; what to do is part of it.
    Blind(&'static str),
}

/// Whether the answer to the repetition of a deletion shows that the deletion was done: an earlier attempt may have been
/// carried out, and the service itself says now that there is no such record. A first attempt says less: the record may
/// not have been replicated yet.
pub(super) fn is_proof_of_deletion(
    operation: &Operation,
    doubtful: &[StepRecord],
    error: &Error,
) -> bool {
    let of_a_record = operation.http_method == "DELETE"
        && operation.idempotency == Idempotency::Idempotent
        && operation.path.ends_with('}');
    of_a_record && !doubtful.is_empty() && error.is_gone()
}

impl StepRun<'_> {
    /// HighLevel is known to create records and answer 422 all the same. Where there is a way to look, looking tells at
    /// once; what is not there was refused. A search may lag by some seconds: there, unless the text names what is wrong,
    /// the next attempt looks, and only a second 422 is believed. `is_repeat`: it was looked for before it was sent.
    pub(super) async fn perhaps_created(
        &self,
        operation: &Operation,
        (arguments, asked_at, is_repeat): (&Map<String, Value>, Timestamp, bool),
        error: Error,
    ) -> Result<Perhaps, EngineError> {
        match operation.idempotency {
            Idempotency::Lookup(lookup)
                if error.outcome_unknown() && error.status() == Some(422) =>
            {
                let is_named = error.field().is_some();
                if is_searched(&lookup) && !is_named && !is_repeat {
                    return Ok(Perhaps::Unknown(error));
                }
                match self.find(operation, &lookup, (arguments, asked_at)).await {
                    Ok(Some(answer)) => Ok(Perhaps::Created(answer)),
                    Ok(None) => Ok(Perhaps::Not(
                        error.with_advice("it was looked for, and is not there"),
                    )),
                    Err(LookUpError::Store(error)) => Err(error),
                    // Who cannot look believes what the text says.
                    Err(LookUpError::Blind(_)) if is_named => Ok(Perhaps::Not(error)),
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
        let now = self.engine.clock.now();
        for step in doubtful {
            let Some(asked) = step.request.as_object() else {
                continue;
            };
            let asked = (asked, step.created_at);
            match self.find(operation, &lookup, asked).await {
                Ok(Some(there)) => return Ok(LookedUp::Found(there)),
                Ok(None) => {
                    // Of a clock that was set back nothing can be said.
                    let sent = step.updated_at;
                    let is_soon = sent <= now && now.duration_since(sent) < LAG;
                    if is_soon && is_searched(&lookup) && matches!(found, LookedUp::Nothing) {
                        found = LookedUp::TooSoon(sent.checked_add(LAG).unwrap_or(now));
                    }
                }
                Err(LookUpError::Call(error)) => return Ok(LookedUp::Not(error)),
                Err(LookUpError::Store(error)) => return Err(error),
                Err(LookUpError::Blind(why)) => found = LookedUp::Blind(why),
            }
        }
        Ok(found)
    }

    /// What earlier attempts asked for, and why they are in doubt. On a store that was put back from an older copy the newer
    /// one may have carried out what happened before, and nobody is to be told twice: creates that this store knows
    /// nothing of are looked up as well.
    pub(super) async fn or_forgotten(
        &self,
        operation: &Operation,
        doubtful: Vec<StepRecord>,
        arguments: &Map<String, Value>,
    ) -> Result<(Vec<StepRecord>, String), EngineError> {
        let cut_off = "the program was stopped meanwhile".to_owned();
        let creates = matches!(
            operation.idempotency,
            Idempotency::Lookup(_) | Idempotency::Unsafe
        );
        if !doubtful.is_empty() || !creates || self.is_withheld(operation) {
            return Ok((doubtful, cut_off));
        }
        let copied = Copied::of(&*self.engine.store).await?;
        let forgotten = copied.filter(|copied| {
            let tried = self
                .earlier
                .is_some_and(|step| step.created_at >= copied.at);
            copied.certain && self.event.occurred_at < copied.at && !tried
        });
        let Some(copied) = forgotten else {
            return Ok((doubtful, cut_off));
        };
        let at = self.event.occurred_at;
        let perhaps = StepRecord {
            run: self.run,
            step: self.step.id.clone(),
            key: self.key.clone(),
            action: self.step.action.clone(),
            state: StepState::Unsure,
            request: Value::Object(arguments.clone()),
            output: None,
            error: None,
            attempts: 0,
            created_at: at,
            updated_at: at,
        };
        let why = format!(
            "{} at {:.0}, and the newer store may have done it",
            copied.how, copied.at
        );
        Ok((vec![perhaps], why))
    }

    /// A person has to say whether a create may be made that may have happened and cannot be looked up.
    pub(super) async fn ask_before(
        &self,
        operation: &Operation,
        (doubtful, why): (&[StepRecord], &str),
        looked: &LookedUp,
    ) -> Result<Option<String>, EngineError> {
        let (reason, said_again) = if let LookedUp::Blind(why) = looked {
            let reason = format!(
                "whether \"{}\" happened is unknown: {why}; look there, then `canopy retry {}` does it again",
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
            let reason = self.in_doubt(operation, why);
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

    /// Asks for what is there and compares it with the intent. What was there before it, or was made by another step, only
    /// looks the same.
    pub(super) async fn find(
        &self,
        operation: &Operation,
        lookup: &Lookup,
        asked: (&Map<String, Value>, Timestamp),
    ) -> Result<Option<Value>, LookUpError> {
        let Some(list) = canopy_highlevel::operation(lookup.operation) else {
            return Ok(None);
        };
        let by = (operation, lookup, list);
        if lookup.by.is_empty() {
            return self.find_in(by, self.question(list, asked.0), asked).await;
        }
        let mut can_look = false;
        for key in lookup.by {
            let value = asked.0.get(key.member);
            let Some(value) = value.filter(|value| !value.is_null() && *value != "") else {
                continue;
            };
            can_look = true;
            let mut question = self.question(list, asked.0);
            question.retain(|name, _| is_required(list, name));
            question.insert(key.parameter.to_owned(), value.clone());
            let found = if list.items.is_some() {
                self.find_in(by, question, asked).await?
            } else {
                self.find_one(by, question, asked).await?
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        if can_look {
            return Ok(None);
        }
        Err(LookUpError::Blind(
            "what it would be found by was not given, so that HighLevel offers no way to look",
        ))
    }

    /// What the look-up takes of what the create was given. The same argument may be `locationId` here and `location_id`
    /// there.
    fn question(&self, list: &Operation, arguments: &Map<String, Value>) -> Map<String, Value> {
        let plain = |name: &str| name.replace('_', "").to_lowercase();
        let value = |name: &str| {
            let same = || {
                let mut arguments = arguments.iter();
                arguments.find(|(other, _)| plain(other) == plain(name))
            };
            let value = arguments.get(name).or_else(|| Some(same()?.1)).cloned();
            value.or_else(|| (plain(name) == "locationid").then(|| json!(self.connection.location)))
        };
        let named = list
            .parameters
            .iter()
            .filter_map(|parameter| Some((parameter.name.to_owned(), value(parameter.name)?)));
        named.collect()
    }

    /// The record that the service itself takes for the same. One of before hides whether there is a newer one.
    async fn find_one(
        &self,
        (operation, lookup, one): (&Operation, &Lookup, &Operation),
        question: Map<String, Value>,
        (arguments, asked_at): (&Map<String, Value>, Timestamp),
    ) -> Result<Option<Value>, LookUpError> {
        let highlevel = self.connection.highlevel.with_priority(Priority::Workflow);
        let answer = highlevel.invoke(one.name, &Value::Object(question)).await?;
        let pointer = one.record.unwrap_or_default();
        let Some(item) = answer.pointer(pointer).filter(|item| !item.is_null()) else {
            return Ok(None);
        };
        let before = self.known_before(arguments, asked_at).await?;
        let id = one.id.and_then(|id| answer.pointer(id)?.as_str());
        let earliest = self.service_time_of(asked_at);
        let made = made_at(lookup, one, item);
        let is_new = matches!((made, earliest), (Some(made), Some(earliest)) if made >= earliest);
        if !is_new || self.is_anothers(operation, id, &before).await? {
            return Err(LookUpError::Blind(
                "something like it was there before, behind which a newer one would not show",
            ));
        }
        Ok(Some(as_answer(operation, item)))
    }

    async fn find_in(
        &self,
        (operation, lookup, list): (&Operation, &Lookup, &Operation),
        question: Map<String, Value>,
        (arguments, asked_at): (&Map<String, Value>, Timestamp),
    ) -> Result<Option<Value>, LookUpError> {
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
                let made = made_at(lookup, list, item);
                let is_old =
                    matches!((made, earliest), (Some(made), Some(earliest)) if made < earliest);
                let id = list.id.and_then(|pointer| item.pointer(pointer)?.as_str());
                if is_equal && !is_old && !self.is_anothers(operation, id, &before).await? {
                    return Ok(Some(as_answer(operation, item)));
                }
            }
        }
        match pages.try_next().await? {
            None => Ok(None),
            Some(_) => Err(LookUpError::Blind(TOO_MANY)),
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
        id: Option<&str>,
        before: &HashSet<String>,
    ) -> Result<bool, EngineError> {
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

/// Whether the look-up asks a search for the record, and does not read a list.
fn is_searched(lookup: &Lookup) -> bool {
    !lookup.by.is_empty()
}

/// When a record was made, by its own date.
fn made_at(lookup: &Lookup, list: &Operation, item: &Value) -> Option<Timestamp> {
    let created = lookup.created.or_else(|| list.trigger?.created)?;
    item.pointer(created)?.as_str()?.parse().ok()
}

/// A record that was found, as the create would have answered.
fn as_answer(operation: &Operation, item: &Value) -> Value {
    let record = operation
        .record
        .and_then(|pointer| pointer.strip_prefix('/'));
    match record {
        Some(member) => json!({ member: item }),
        None => item.clone(),
    }
}

fn is_required(list: &Operation, name: &str) -> bool {
    let mut parameters = list.parameters.iter();
    parameters.any(|parameter| parameter.name == name && parameter.required)
}

/// Why it is not known whether a record is there.
#[derive(Debug)]
pub(super) enum LookUpError {
    Call(Error),
    Store(EngineError),
    /// Looking tells nothing, for this reason.
    Blind(&'static str),
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
