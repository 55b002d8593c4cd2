//! Calls of HighLevel. It knows no idempotency keys, so a create whose outcome is unknown is looked up first.

use canopy_highlevel::operation::{Idempotency, Operation};
use canopy_highlevel::{Error, Refusal};
use canopy_mapping::fields::CustomFieldInfo;
use canopy_mapping::{When, has_custom_fields, record_hash, template};
use canopy_store::{LinkUpdate, ProfileChange, StepState};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::StepRun;
use super::bulk::{Stopped, is_for_nobody};
use super::clock::OffClock;
use super::doubt::{LookedUp, Perhaps, is_proof_of_deletion};
use super::order::Target;
use super::tag_writes::Merged;
use crate::Cause;
use crate::blanks;
use crate::custom_fields::FieldError;
use crate::error::{EngineError, Verdict};
use crate::observer::Boundary;

impl StepRun<'_> {
    pub(crate) async fn call(
        &mut self,
        operation: &'static Operation,
    ) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let other = engine
            .store
            .step_by_key(&self.connection.location, &self.key)
            .await?;
        if let Some(done) = other.as_ref().filter(|step| {
            step.run != self.run
                && match step.state {
                    StepState::Done | StepState::Skipped => true,
                    // Recorded once is enough, as long as nothing is sent.
                    StepState::Withheld => self.withholds(),
                    StepState::Intended | StepState::Unsure | StepState::Failed => false,
                }
        }) {
            return self
                .skip(
                    done.request.clone(),
                    done.output.clone().unwrap_or_default(),
                )
                .await;
        }
        let mut arguments = match self.arguments() {
            Ok(arguments) => blanks::fitting(operation.name, arguments),
            Err(error) => return self.refuse(error).await,
        };
        match self.on_the_clock(operation.name, &mut arguments).await {
            Ok(()) => {}
            Err(OffClock::Refused(error)) => return self.refuse(error).await,
            Err(OffClock::Verdict(verdict)) => return Ok(verdict),
        }
        if let Err(verdict) = self.look_at_contact(operation).await {
            return Ok(verdict);
        }
        if !self.step.custom_fields.is_empty() {
            let fields = match self.custom_fields().await {
                Ok(fields) => fields,
                Err(FieldsError::Refused(error)) => return self.refuse(error).await,
                Err(FieldsError::Directory(FieldError::Service(error))) => {
                    return Ok(verdict_of(&error));
                }
                Err(FieldsError::Directory(error)) => {
                    let (error, after) = (error.to_string(), None);
                    return Ok(Verdict::Retry { error, after });
                }
            };
            let unchanged = writes_nothing_else(operation, &arguments)
                && has_custom_fields(self.context.present(), &fields);
            let list: Value = fields
                .into_iter()
                .map(|(id, value)| json!({ "id": id, "field_value": value }))
                .collect();
            // Where none of them has a value, there is none to send beside the rest.
            if unchanged || list != json!([]) {
                arguments.insert("customFields".to_owned(), list);
            }
            if unchanged {
                let target = Target::of(operation, &arguments);
                let written = target.map(|target| self.written(target));
                let output = json!({ "unchanged": true });
                return self
                    .stands(
                        Value::Object(arguments),
                        output,
                        written.into_iter().collect(),
                    )
                    .await;
            }
        }
        let upserted = match self.keep_first_email(operation, &mut arguments).await {
            Ok(found) => found,
            Err(error) => return Ok(verdict_of(&error)),
        };
        let (mut left_out, superseded) = self
            .yield_to_newer(operation, &mut arguments, upserted.as_deref())
            .await?;
        if let Some(verdict) = superseded {
            return Ok(verdict);
        }
        let sorted = match self.sort_out(operation, &mut arguments).await {
            Ok(sorted) => sorted,
            Err(Stopped::Verdict(verdict)) => return Ok(verdict),
            Err(Stopped::Engine(error)) => return Err(error),
        };
        left_out.extend(sorted.left_out);
        // Before an intent takes the place of what was asked for then.
        let doubtful = engine
            .store
            .open_steps(&self.connection.location, &self.key)
            .await?;
        let (doubtful, why) = self.or_forgotten(operation, doubtful, &arguments).await?;
        let looked = match self.look_up(operation, &doubtful).await? {
            LookedUp::Not(error) => return self.still_unsure(&error).await,
            LookedUp::TooSoon(until) => {
                let reason = format!(
                    "whether \"{}\" happened is unknown, and a search may not show it yet: it is looked for again before it is \
                     sent again",
                    operation.name
                );
                return Ok(Verdict::Wait { reason, until });
            }
            looked => looked,
        };
        engine.observer.at(Boundary::BeforeIntent, &self.step.id);
        let intent = self
            .intent_to_write(operation, &arguments, upserted.as_deref())
            .await?;
        let now = engine.clock.now();
        engine.store.intend_step(self.fence, intent, now).await?;
        engine.observer.at(Boundary::AfterIntent, &self.step.id);
        if self.is_withheld(operation) {
            return self.withhold(operation, &arguments).await;
        }
        let asked_at = doubtful.first().map_or(now, |earlier| earlier.created_at);
        if let Some(reason) = self
            .ask_before(operation, (&doubtful, &why), &looked)
            .await?
        {
            return Ok(Verdict::Held(reason));
        }
        let sent = match looked {
            LookedUp::Found(found) => Sent::Answer(Ok(found)),
            // Each of those who were left had calls of their own.
            _ if is_for_nobody(operation, &arguments) => Sent::Answer(Ok(json!({}))),
            _ => {
                let sent = self.make_call(operation, &arguments).await;
                if matches!(sent, Sent::Answer(Ok(_))) {
                    engine.took(self.connection, operation.name).await?;
                }
                sent
            }
        };
        let answer = match sent {
            Sent::Answer(answer) => answer,
            Sent::Nothing => return Ok(Verdict::Unsent),
        };
        engine.observer.at(Boundary::AfterCall, &self.step.id);
        let answer = match answer {
            Err(error) if is_proof_of_deletion(operation, &doubtful, &error) => {
                Ok(json!({ "alreadyGone": true }))
            }
            Ok(answer) => self.complete_upsert(operation, &arguments, answer).await,
            failed => failed,
        };
        match answer {
            Ok(answer) => {
                self.tell_not_written(operation, &answer).await?;
                let answer = named(answer, &left_out);
                self.done(operation, &arguments, answer, sorted.written)
                    .await
            }
            Err(error) => match self
                .perhaps_created(
                    operation,
                    (&arguments, asked_at, !doubtful.is_empty()),
                    error,
                )
                .await?
            {
                Perhaps::Created(answer) => {
                    self.done(operation, &arguments, answer, Vec::new()).await
                }
                Perhaps::Not(error) => self.refused(&error).await,
                Perhaps::Unknown(error) => self.failed(operation, &error).await,
            },
        }
    }

    /// Makes the call: by itself, or where others want the same of their contacts together with them.
    pub(super) async fn make_call(
        &self,
        operation: &Operation,
        arguments: &Map<String, Value>,
    ) -> Sent {
        if let Some((change, contact)) = self.change_of_tags(operation, arguments) {
            match self.merge(&change, contact).await {
                Merged::Answer(answer) => return Sent::Answer(answer),
                Merged::Stopped => return Sent::Nothing,
                Merged::Alone => {}
            }
        }
        Sent::Answer(self.invoke(operation, arguments).await)
    }

    pub(super) async fn invoke(
        &self,
        operation: &Operation,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Error> {
        let of = (&self.connection.highlevel, &*self.connection.location);
        let arguments = Value::Object(arguments.clone());
        self.engine.invoke(of, operation.name, &arguments).await
    }

    async fn custom_fields(&self) -> Result<Vec<(String, Value)>, FieldsError> {
        let wrong = |name: &str, problem: String| {
            FieldsError::Refused(format!("custom field \"{name}\": {problem}"))
        };
        let mut wanted = Vec::new();
        for (name, field) in &self.step.custom_fields {
            let value = template::render(&field.value, &self.context.value);
            wanted.push(value.map_err(|error| wrong(name, error.to_string()))?);
        }
        let fields = self.engine.fields.resolve(
            self.engine,
            &self.connection.highlevel,
            &self.connection.location,
            self.step.custom_fields.iter(),
        );
        let fields = fields.await.map_err(|error| match error {
            FieldError::UnknownKey { .. } | FieldError::Several(_) => {
                FieldsError::Refused(error.to_string())
            }
            other => FieldsError::Directory(other),
        })?;
        let mut values = Vec::new();
        for (((name, given), field), value) in
            self.step.custom_fields.iter().zip(fields).zip(wanted)
        {
            // A value that is not there yet (an expression over nothing) leaves the field as it is.
            let is_given = template::is_dynamic(&given.value);
            let value = if is_given { field.given(value) } else { value };
            let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
            // What the file itself says empties the field; a list without items that a template gave is nothing.
            let is_nothing = value.is_null()
                || is_given && (is_blank && field.is_measured() || value == json!([]));
            if !is_nothing {
                let is_time = template::is_time(&given.value);
                let value = self.as_day(&field, value, is_time).await?;
                let value = value.map_err(|problem| wrong(name, problem))?;
                let written = field.written(&value);
                values.push((field.id, written.map_err(|problem| wrong(name, problem))?));
            }
        }
        Ok(values)
    }

    /// A time that a date field takes is the day of it where the location is: in UTC it could be the next one.
    async fn as_day(
        &self,
        field: &CustomFieldInfo,
        value: Value,
        is_time: bool,
    ) -> Result<Result<Value, String>, FieldsError> {
        let when = When::read(&value).map(|when| if is_time { when.as_time() } else { when });
        if let Some(day @ When::Midnight(_)) = when.filter(|_| field.is_date()) {
            return Ok(Ok(json!(day.day(&TimeZone::UTC).to_string())));
        }
        let when = when.filter(|when| field.is_date() && when.needs_zone());
        let Some(when) = when else {
            return Ok(Ok(value));
        };
        let zone = self.engine.zone(self.connection).await;
        let zone = zone.map_err(|error| FieldsError::Directory(FieldError::Service(error)))?;
        Ok(zone.map(|zone| json!(when.day(&zone).to_string())))
    }

    async fn done(
        &mut self,
        operation: &Operation,
        arguments: &Map<String, Value>,
        answer: Value,
        besides: Vec<Target>,
    ) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let mut outcome = self.outcome(StepState::Done, Some(answer.clone()), None);
        let targets = Target::all_of(operation, arguments, &answer);
        let targets = targets.into_iter().chain(besides);
        outcome
            .written
            .extend(targets.map(|target| self.written(target)));
        if let Some((before, after)) = self.context.wrote(operation.name, arguments) {
            outcome
                .links
                .extend(self.contact_link(&before, &after).await?);
        } else if operation.idempotency != Idempotency::Read {
            if let Some(link) = self.created_link(operation, &answer) {
                outcome.changes = self.counterpart(operation, &link.highlevel_id);
                outcome.links.push(link);
            } else {
                outcome.links.extend(self.written_link(operation, &answer));
            }
            // What belongs to a contact may move its time of change with it.
            let present = self.context.present().clone();
            outcome
                .links
                .extend(self.contact_link(&present, &present).await?);
        }
        let linked = !outcome.changes.is_empty();
        engine.observer.at(Boundary::BeforeOutcome, &self.step.id);
        engine
            .store
            .finish_step(self.fence, outcome, engine.clock.now())
            .await?;
        engine.observer.at(Boundary::AfterOutcome, &self.step.id);
        if linked {
            // A later step may write to the counterpart.
            self.context.reload_profile(engine, self.connection).await?;
        }
        Ok(Verdict::Done(answer))
    }

    /// Remembers a record that we created: its creation event is an echo.
    fn created_link(&self, operation: &Operation, answer: &Value) -> Option<LinkUpdate> {
        if !matches!(
            operation.idempotency,
            Idempotency::Lookup(_) | Idempotency::Unsafe
        ) {
            return None;
        }
        let id = answer.pointer(operation.id?)?.as_str()?;
        Some(LinkUpdate {
            kind: crate::echo::created_kind(
                operation.record.unwrap_or_default().trim_start_matches('/'),
            ),
            highlevel_id: id.to_owned(),
            ecologi_id: self.key.clone(),
            written_hash: None,
        })
    }

    /// Remembers what a note or task looks like now that we wrote it: the echo guard compares with it.
    fn written_link(&self, operation: &Operation, answer: &Value) -> Option<LinkUpdate> {
        let pointer = operation.record?;
        let kind = pointer.trim_start_matches('/');
        if operation.idempotency == Idempotency::Read || !["note", "task"].contains(&kind) {
            return None;
        }
        let record = answer.pointer(pointer)?;
        let id = record["id"].as_str()?;
        Some(LinkUpdate {
            kind: kind.to_owned(),
            highlevel_id: id.to_owned(),
            ecologi_id: self.key.clone(),
            written_hash: Some(record_hash(kind, record)),
        })
    }

    /// A note or task that was made for one of the profile belongs to it from now on, so that a later change of it in
    /// HighLevel finds its way back.
    fn counterpart(&self, operation: &Operation, highlevel_id: &str) -> Vec<ProfileChange> {
        let made = operation.record.unwrap_or_default().trim_start_matches('/');
        let ours = match made {
            "note" => self.event.kind.starts_with("profile_note."),
            "task" => self.event.kind.starts_with("profile_task."),
            _ => false,
        };
        if !ours {
            return Vec::new();
        }
        vec![ProfileChange::Linked {
            id: self.event.record.clone(),
            highlevel_id: highlevel_id.to_owned(),
        }]
    }

    pub(super) async fn failed(
        &self,
        operation: &Operation,
        error: &Error,
    ) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let state = if error.outcome_unknown() {
            StepState::Unsure
        } else {
            StepState::Failed
        };
        let outcome = self.outcome(state, None, Some(error.to_string()));
        engine
            .store
            .finish_step(self.fence, outcome, engine.clock.now())
            .await?;
        if !self.step.custom_fields.is_empty() {
            engine.fields.forget(&self.connection.location).await;
        }
        if state == StepState::Unsure && operation.idempotency == Idempotency::Unsafe {
            return Ok(Verdict::Held(self.in_doubt(operation, &error.to_string())));
        }
        Ok(verdict_of(error))
    }

    /// What a person is told when a create that cannot be looked up may have happened.
    pub(super) fn in_doubt(&self, operation: &Operation, why: &str) -> String {
        format!(
            "whether \"{}\" happened is unknown ({why}) and HighLevel offers no way to look; check there, then `canopy retry {}` does it again",
            operation.name, self.run
        )
    }
}

/// Whether the call would write the custom fields and nothing besides.
fn writes_nothing_else(operation: &Operation, arguments: &Map<String, Value>) -> bool {
    arguments.keys().all(|name| {
        operation
            .parameters
            .iter()
            .any(|parameter| parameter.name == name)
    })
}

/// The answer, with the parts that were left out of the call because a newer event had written them.
fn named(mut answer: Value, left_out: &[String]) -> Value {
    if let (false, Some(members)) = (left_out.is_empty(), answer.as_object_mut()) {
        members.insert("leftOut".to_owned(), json!(left_out));
    }
    answer
}

/// What came of a step's call.
pub(super) enum Sent {
    Answer(Result<Value, Error>),
    /// The program stops, and it was not made.
    Nothing,
}

enum FieldsError {
    /// The step cannot be carried out as it is written.
    Refused(String),
    Directory(FieldError),
}

pub(crate) fn verdict_of(error: &Error) -> Verdict {
    let text = error.to_string();
    if error.is_retryable() || error.outcome_unknown() {
        let after = error.retry_after();
        return Verdict::Retry { error: text, after };
    }
    if no_access(error) {
        let cause = Cause::HighLevel;
        return Verdict::Refused { cause, error: text };
    }
    if error.is_gone() {
        return Verdict::NotThere(text);
    }
    match error.refusal() {
        // What a person grants lets the same request work.
        Some(Refusal::Forbidden) => Verdict::Forbidden(text),
        _ => Verdict::Dead(text),
    }
}

/// Whether the credential is at fault, not the request: once it is mended the same request works.
pub(crate) fn no_access(error: &Error) -> bool {
    matches!(
        error.refusal(),
        Some(
            Refusal::ScopeMissing { .. }
                | Refusal::UserTypeMismatch
                | Refusal::WrongLocation
                | Refusal::WrongAuthClass
                | Refusal::Unauthorized
        )
    )
}
