//! One run: its steps in the file's order, each resumed where an earlier attempt left it.

use canopy_highlevel::operation::Idempotency;
use canopy_mapping::{
    ActionKind, Actions, Event, KeyScope, STOP, Step, WAIT, Workflow, after_write, template,
};
use canopy_store::{Fence, Run, RunState, RunUpdate, StepRecord, StepState, Trouble};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::Engine;
use crate::actions::Catalog;
use crate::breaker::{Cause, buys, is_to_buy};
use crate::connection::Connection;
use crate::context::Context;
use crate::drain::Item;
use crate::error::{EngineError, Verdict};
use crate::keys::{self, key_of};
use crate::patience::later;
use crate::steps::control::stopped;
use crate::steps::{self, StepRun, somebody};

const DELETE_CONTACT: &str = "delete-contact";
/// A run that is carried out within this time after it began has seen all there is to see.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(1);

impl Engine {
    /// `contact`: it was read just now.
    pub(crate) async fn execute(
        &self,
        connection: &Connection,
        (fence, item): (&Fence, &Item<'_>),
        run: &Run,
        contact: Option<Value>,
    ) -> Result<(), EngineError> {
        let workflow: Workflow = match serde_json::from_str(&run.definition) {
            Ok(workflow) => workflow,
            Err(error) => {
                let error = format!(
                    "its workflow was written by another version and cannot be read: {error}"
                );
                return self
                    .end(connection, fence, run, Verdict::Dead(error), false)
                    .await;
            }
        };
        if self
            .is_switched_off(connection, fence, &run.workflow)
            .await?
        {
            return Ok(());
        }
        let records = self.store.steps(run.id).await?;
        let Some(row) = self.store.event(run.event).await? else {
            return self
                .end(
                    connection,
                    fence,
                    run,
                    Verdict::Dead("its event is no longer in the store".to_owned()),
                    false,
                )
                .await;
        };
        if let Some(held) = self
            .in_other_mode(connection, (run, &workflow), &records)
            .await?
        {
            return self.end(connection, fence, run, held, false).await;
        }
        if let Some(barred) = self.cannot_write_back(&workflow, run, &records).await? {
            return self.end(connection, fence, run, barred, false).await;
        }
        let order = (row.event.occurred_at, row.event.id);
        item.line.set_to_buy(is_to_buy(&workflow, &records), order);
        let mut position = row.position;
        let mut event = row.event;
        let seen = match row.seen {
            _ if is_about_contact(&event) && !event.kind.ends_with(".deleted") => {
                somebody::parts_of(&event.payload)
            }
            seen => seen,
        };
        // After a wait, what was known when the run began may be old.
        let waited = records.iter().any(|record| record.action == WAIT);
        let read = if waited {
            // What is read now is as new as all that has arrived.
            position = self.store.position(&event.location).await?;
            self.read_again(connection, &mut event).await
        } else if let Some(contact) = contact {
            Ok(contact)
        } else {
            self.contact_of(connection, &event).await
        };
        let contact = match read {
            Ok(contact) => contact,
            // Its own steps tell what cannot be done any more.
            Err(Verdict::Missing(_)) if waited && is_about_contact(&event) && self.is_gone(run) => {
                Value::Null
            }
            Err(verdict) => return self.end(connection, fence, run, verdict, false).await,
        };
        // What was read after a wait is as new as all that anybody did.
        let seen = seen.filter(|_| !waited);
        // What a step of it has done or begun, an attempt before did that was cut off.
        let late = run.attempts > 0
            || !records.is_empty()
            || run.updated_at > run.created_at
            || self.clock.now().duration_since(run.created_at) > AT_ONCE;
        let mut context = Context::new(self, connection, &workflow, &event, contact).await?;
        if let Err(verdict) = self.read_more(connection, &workflow, &mut context).await {
            return self.end(connection, fence, run, verdict, false).await;
        }
        let when = workflow.when.as_deref();
        let holds = when.map(|when| template::holds(when, &context.value));
        if let (Some(when), Some(Ok(false))) = (when, &holds)
            && is_judged_late(&workflow, &event, &records, late)
        {
            let reason = format!(
                "\"when\" ({when}) does not hold any more for the contact as it is now, so nothing is bought"
            );
            let stopped = Verdict::Stopped(reason);
            return self.end(connection, fence, run, stopped, false).await;
        }
        if let Some(Err(error)) = holds {
            let error = format!("\"when\": {error}");
            return self
                .end(connection, fence, run, Verdict::Dead(error), false)
                .await;
        }
        if records.is_empty()
            && let Some(error) = keys::mistake(connection, &workflow, &event, &context.value)
        {
            return self
                .end(
                    connection,
                    fence,
                    run,
                    Verdict::Dead(error.to_string()),
                    false,
                )
                .await;
        }
        let mut progressed = false;
        for (index, step) in workflow.steps.iter().enumerate() {
            let earlier = records.iter().find(|record| record.step == step.id);
            if let Some(finished) = earlier.filter(|record| is_finished(record)) {
                if let Some(reason) = reason_to_stop(finished) {
                    return self
                        .end(connection, fence, run, Verdict::Stopped(reason), false)
                        .await;
                }
                replay(&mut context, finished, waited);
                continue;
            }
            // Many runs can be under way at once, so they do not all go on to their ends.
            if self.is_stopping()
                || self
                    .is_switched_off(connection, fence, &workflow.id)
                    .await?
            {
                return Ok(());
            }
            let Some(kind) = Catalog.kind(&step.action) else {
                let error = format!(
                    "step \"{}\": there is no action \"{}\"",
                    step.id, step.action
                );
                return self
                    .end(connection, fence, run, Verdict::Dead(error), false)
                    .await;
            };
            let scope = KeyScope {
                connection: &connection.id,
                test: connection.test,
                workflow: &workflow.id,
                step: &step.id,
            };
            let key = match key_of(scope, step, kind, &event, &context.value) {
                Ok(key) => key,
                Err(error) => {
                    return self
                        .end(
                            connection,
                            fence,
                            run,
                            Verdict::Dead(error.to_string()),
                            false,
                        )
                        .await;
                }
            };
            let mut step_run = StepRun {
                engine: self,
                connection,
                fence,
                item,
                run: run.id,
                event: &event,
                step,
                key,
                position,
                late,
                is_fresh: waited || removes_contact(&workflow.steps[..index]),
                when: workflow.when.as_deref(),
                began: run.created_at,
                seen: seen.as_ref(),
                earlier,
                context: &mut context,
            };
            match step_run.carry_out(kind).await? {
                Verdict::Done(output) => {
                    context.add_step(&step.id, output);
                    progressed = true;
                    let left = workflow.steps.get(index + 1..).unwrap_or_default();
                    item.line.set_to_buy(left.iter().any(buys), order);
                }
                Verdict::Refused { cause, error } => {
                    // Only what buys waits for a write, so that what it buys is written back.
                    let need = write_of(&step.action).filter(|_| is_to_buy(&workflow, &[]));
                    return self
                        .refused(connection, (fence, run), (cause, need), &error)
                        .await;
                }
                Verdict::Forbidden(error) => {
                    let need = write_of(&step.action).filter(|_| is_to_buy(&workflow, &[]));
                    let general = match need {
                        Some(need) => self.is_forbidden_in_general(run, need).await?,
                        None => false,
                    };
                    if general {
                        let cause = (Cause::HighLevel, need);
                        return self.refused(connection, (fence, run), cause, &error).await;
                    }
                    let held = Verdict::Held(error);
                    return self.end(connection, fence, run, held, progressed).await;
                }
                stopped => return self.end(connection, fence, run, stopped, progressed).await,
            }
        }
        self.end(
            connection,
            fence,
            run,
            Verdict::Done(Value::Null),
            progressed,
        )
        .await
    }

    /// Whether the contact of a run has been missing for so long that it is gone.
    fn is_gone(&self, run: &Run) -> bool {
        let patience = self.options.retry.gone_after;
        let since = run.trouble.missing_since;
        since.is_some_and(|since| self.clock.now().duration_since(since) >= patience)
    }

    /// `progressed`: a step was done on the way, so that what failed is another one than before.
    async fn end(
        &self,
        connection: &Connection,
        fence: &Fence,
        run: &Run,
        verdict: Verdict,
        progressed: bool,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let retry = self.options.retry;
        let attempts = run.attempts + 1;
        let before = if progressed {
            Trouble::default()
        } else {
            // What lies in the future was written by a clock that was ahead.
            Trouble {
                failing_since: run.trouble.failing_since.map(|since| since.min(now)),
                missing_since: run.trouble.missing_since.map(|since| since.min(now)),
            }
        };
        let what_failed = match &verdict {
            Verdict::Retry { .. } => Some("a step failed; it will be tried again"),
            Verdict::Missing(_) | Verdict::NotThere(_) => {
                Some("what a step is about is not there; it will be looked for again")
            }
            _ => None,
        };
        let update = match verdict {
            Verdict::Done(_) => update(RunState::Done, attempts, None, None),
            Verdict::Stopped(reason) => update(RunState::Done, attempts, None, Some(reason)),
            Verdict::Unsent => return Ok(()),
            Verdict::Refused { cause, error } => {
                let cause = (cause, None);
                return self.refused(connection, (fence, run), cause, &error).await;
            }
            Verdict::Barred(reason) => return self.stop_run(fence, run, &reason).await,
            Verdict::Dead(error) => update(RunState::Dead, attempts, None, Some(error)),
            Verdict::Held(error) | Verdict::Forbidden(error) => {
                update(RunState::Held, attempts, None, Some(error))
            }
            Verdict::Wait { reason, until } => {
                update(RunState::Waiting, run.attempts, Some(until), Some(reason))
            }
            Verdict::NotThere(error) if self.is_gone(run) => {
                let patience = retry.gone_after;
                let error = format!("not there for {patience:#}: {error}");
                update(RunState::Dead, attempts, None, Some(error))
            }
            Verdict::Missing(error) | Verdict::NotThere(error) => {
                let since = before.missing_since.unwrap_or(now);
                if self.is_gone(run) {
                    self.tell_run_ended(fence, run).await?;
                    let reason = format!("ended: {error}");
                    update(RunState::Done, attempts, None, Some(reason))
                } else {
                    let attempts = if before.missing_since.is_some() {
                        attempts
                    } else {
                        1
                    };
                    let until =
                        (now + retry.reading_delay(attempts)).min(later(since, retry.gone_after));
                    let trouble = Trouble {
                        failing_since: None,
                        missing_since: Some(since),
                    };
                    RunUpdate {
                        trouble,
                        ..update(RunState::Waiting, attempts, Some(until), Some(error))
                    }
                }
            }
            Verdict::Retry { error, after } => {
                let attempts = if progressed { 1 } else { attempts };
                let since = before.failing_since.unwrap_or(now);
                if retry.gives_up(attempts, now.duration_since(since)) {
                    let error =
                        format!("gave up after {attempts} attempts since {since:.0}: {error}");
                    update(RunState::Dead, attempts, None, Some(error))
                } else {
                    let until = now + retry.within(after, retry.delay(attempts));
                    let trouble = Trouble {
                        failing_since: Some(since),
                        ..before
                    };
                    RunUpdate {
                        trouble,
                        ..update(RunState::Waiting, attempts, Some(until), Some(error))
                    }
                }
            }
        };
        if let (RunState::Dead | RunState::Held, Some(error)) = (update.state, &update.error) {
            tracing::warn!(run = run.id, workflow = %run.workflow, state = ?update.state, %error, "run stopped");
        }
        if let (Some(what), RunState::Waiting) = (what_failed, update.state) {
            let error = update.error.as_deref().unwrap_or_default();
            let next = update.next_attempt_at.map(|at| format!("{at:.0}"));
            tracing::warn!(run = run.id, workflow = %run.workflow, attempts = update.attempts, next, error, "{what}");
        }
        let went_through = update.state == RunState::Done;
        self.store.update_run(fence, run.id, update, now).await?;
        if went_through {
            self.went_through(connection, run).await?;
        }
        Ok(())
    }
}

impl StepRun<'_> {
    pub(crate) async fn carry_out_now(&mut self, kind: ActionKind) -> Result<Verdict, EngineError> {
        if let Some(when) = &self.step.when {
            match template::holds(when, &self.context.value) {
                Ok(true) => {}
                Ok(false) => return self.skip(Value::Null, json!({ "skipped": when })).await,
                Err(error) => return self.refuse(error.to_string()).await,
            }
        }
        match (kind, canopy_highlevel::operation(&self.step.action)) {
            (ActionKind::Profile, _) if self.step.action == crate::SAVE_PROFILE => {
                self.save_profile().await
            }
            (ActionKind::Profile, _) if self.step.action == crate::SYNC_PROFILE => {
                self.sync_profile().await
            }
            (ActionKind::Profile, _) => self.keep_record().await,
            (ActionKind::Control, _) => self.control().await,
            (ActionKind::Purchase, _) => self.buy().await,
            (ActionKind::HighLevel, Some(operation)) => self.call(operation).await,
            (ActionKind::HighLevel, None) => {
                self.refuse(format!("there is no action \"{}\"", self.step.action))
                    .await
            }
        }
    }
}

/// The operation by which a step writes to HighLevel.
fn write_of(action: &str) -> Option<&'static str> {
    let operation = canopy_highlevel::operation(steps::sync::writes_as(action))?;
    (operation.idempotency != Idempotency::Read).then_some(operation.name)
}

/// A condition on the contact, which was read just now for an event of something else. What the run itself has done since
/// ends nothing.
fn is_judged_late(workflow: &Workflow, event: &Event, records: &[StepRecord], late: bool) -> bool {
    let is_contacts = |when: &str| {
        let names = template::names_in_expression(when);
        names
            .iter()
            .any(|name| name.split('.').next() == Some("contact"))
    };
    late && event.contact.is_some()
        && !is_about_contact(event)
        && !records.iter().any(is_finished)
        && is_to_buy(workflow, records)
        && workflow.when.as_deref().is_some_and(is_contacts)
}

/// After its own deletion of the contact a run has only what its event told.
fn removes_contact(earlier: &[Step]) -> bool {
    earlier.iter().any(|step| step.action == DELETE_CONTACT)
}

pub(crate) fn is_about_contact(event: &Event) -> bool {
    event.kind.starts_with("contact.")
}

pub(crate) fn is_finished(record: &StepRecord) -> bool {
    matches!(
        record.state,
        StepState::Done | StepState::Skipped | StepState::Withheld
    )
}

/// The reason of a `stop` that an earlier attempt came to.
fn reason_to_stop(record: &StepRecord) -> Option<String> {
    if record.action != STOP || record.state != StepState::Done {
        return None;
    }
    let reason = record.output.as_ref()?["stopped"].as_str()?;
    Some(stopped(&record.step, reason))
}

/// Puts the effect of a step that an earlier attempt finished back into the context. `is_read`: the contact has been
/// read since, and shows it.
fn replay(context: &mut Context, record: &StepRecord, is_read: bool) {
    if let (false, StepState::Done | StepState::Withheld, Some(arguments)) =
        (is_read, record.state, record.request.as_object())
        && let Some(after) = after_write(
            steps::sync::writes_as(&record.action),
            arguments,
            context.contact(),
        )
    {
        context.set_contact(after);
    }
    context.add_step(&record.step, record.output.clone().unwrap_or_default());
}

fn update(
    state: RunState,
    attempts: u32,
    next_attempt_at: Option<jiff::Timestamp>,
    error: Option<String>,
) -> RunUpdate {
    RunUpdate {
        state,
        attempts,
        next_attempt_at,
        error,
        trouble: Trouble::default(),
    }
}
