//! Refused credentials, scopes and billing stop the purchases of a connection, until a check finds all well: nothing is
//! asked for again and again, nobody's run is given up, and runs wait in order.

use canopy_mapping::{ActionKind, Actions as _, Step, Workflow};
use canopy_store::{
    Breaker, Fence, PurchaseState, Run, RunState, StepRecord, StepState, Store, StoreError,
};
use jiff::{SignedDuration, Timestamp};

use crate::Engine;
use crate::actions::Catalog;
use crate::connection::Connection;
use crate::error::{EngineError, Verdict};
use crate::run::is_finished;
use crate::steps::StepRun;
use crate::steps::sync::writes_as;

/// Held runs that are looked through.
const LOOKED_AT: u32 = 1000;
/// An order that was refused is tried again after as long as it has been refused so far, within these bounds.
const ORDER_AGAIN: [SignedDuration; 2] =
    [SignedDuration::from_mins(1), SignedDuration::from_hours(1)];

/// What has to be mended before anything is bought again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Ecologi refuses the key, or the account has no billing details or may not do it.
    Ecologi,
    /// HighLevel refuses the token, or the token lacks a scope.
    HighLevel,
    /// The account's currency is another than the configured one, so caps say nothing.
    Currency,
}

impl Cause {
    pub const ALL: [Self; 3] = [Self::Ecologi, Self::HighLevel, Self::Currency];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ecologi => "ecologi",
            Self::HighLevel => "highlevel",
            Self::Currency => "currency",
        }
    }
}

/// What a check that found nothing wrong did for purchases that were stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Went {
    No,
    /// One run tries what was refused.
    One,
    /// They go on.
    On,
}

/// Whose purchases stop or go on.
#[derive(Debug, Clone, Copy)]
pub struct Buyer<'a> {
    pub store: &'a dyn Store,
    /// The connection's id, for people.
    pub connection: &'a str,
    pub location: &'a str,
}

impl Buyer<'_> {
    /// Stops its purchases. `false`: they are stopped for this cause already.
    pub async fn stop(self, cause: Cause, error: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.stop_for(cause, None, error, now).await
    }

    /// The same; `need`: the operation that was refused, where only its success shows that it is granted.
    pub(crate) async fn stop_for(
        self,
        cause: Cause,
        need: Option<&str>,
        error: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let connection = self.connection;
        let by = "`canopy check`, or the one that a running canopy makes by itself";
        let until = match need {
            None => format!("they go on by themselves once a check finds all well: {by}"),
            Some(need) if cause == Cause::Ecologi => format!(
                "a simulated order is taken, so no check can tell when real ones are: one of them tries {need} again, at first after a minute, later every hour, and the others go on by themselves once it goes through; `canopy check` has it tried at once"
            ),
            Some(need) => format!(
                "after each check that finds nothing else wrong one of them tries {need} again, and the others go on by themselves once it goes through: {by}"
            ),
        };
        let reason = format!(
            "connection {connection}: {error}. Nothing is bought and runs wait in order; {until}"
        );
        let (store, location) = (self.store, self.location);
        let opened = store
            .open_breaker(location, (cause.as_str(), need), &reason, now)
            .await?;
        if opened {
            tracing::error!(connection, cause = cause.as_str(), "{reason}");
        }
        Ok(opened)
    }

    /// Keeps that the account was seen to have this currency. A receipt in another one that is older stops nothing any more.
    pub async fn has_currency(self, currency: &str, now: Timestamp) -> Result<(), StoreError> {
        let name = format!("currency of {}", self.connection);
        self.store.put_fact(&name, currency.into(), now).await
    }

    /// A check found nothing wrong for this cause. Where a write was refused, or a real order while a simulated one was
    /// taken, that alone is no sign that it is granted: one of the runs that wait tries it. `tried`: whether the check saw
    /// that a scope is granted. `is_asked`: a person asked for the check, so an order is tried however often it was refused.
    pub async fn found_well(
        self,
        cause: Cause,
        tried: impl Fn(&str) -> bool,
        is_asked: bool,
        now: Timestamp,
    ) -> Result<Went, StoreError> {
        let (store, location) = (self.store, self.location);
        let open = store.breakers(Some(location)).await?;
        let Some(open) = open.into_iter().find(|one| one.cause == cause.as_str()) else {
            return Ok(Went::No);
        };
        if let Some(need) = &open.need {
            if cause == Cause::Ecologi && !is_asked && !is_time(&open, now) {
                return Ok(Went::No);
            }
            if let Some(run) = store.probe_breaker(location, cause.as_str(), now).await? {
                tracing::info!(
                    connection = self.connection,
                    run,
                    "a check finds nothing else wrong, so one run tries {need} again"
                );
                return Ok(Went::One);
            }
            let operation = canopy_highlevel::operation(need);
            let scopes = operation.map_or(&[][..], |operation| operation.scopes);
            // Where no run waits nobody can try an order, and whoever comes next does.
            if cause != Cause::Ecologi
                && (scopes.is_empty() || !scopes.iter().all(|scope| tried(scope)))
            {
                return Ok(Went::No);
            }
        }
        Ok(if self.resume(cause, now).await? {
            Went::On
        } else {
            Went::No
        })
    }

    /// Lets its purchases go on as far as this cause is concerned; what waited is due at once. `false`: they were not stopped
    /// for it.
    pub async fn resume(self, cause: Cause, now: Timestamp) -> Result<bool, StoreError> {
        let (store, connection) = (self.store, self.connection);
        let closed = store
            .close_breaker(self.location, cause.as_str(), now)
            .await?;
        if closed {
            tracing::info!(
                connection,
                cause = cause.as_str(),
                "all is well again, so purchases go on"
            );
        }
        Ok(closed)
    }
}

impl Engine {
    /// A service refuses the connection: its purchases stop, and the run waits.
    pub(crate) async fn refused(
        &self,
        connection: &Connection,
        (fence, run): (&Fence, &Run),
        (cause, need): (Cause, Option<&str>),
        error: &str,
    ) -> Result<(), EngineError> {
        let buyer = Buyer {
            store: &*self.store,
            connection: &connection.id,
            location: &connection.location,
        };
        let now = self.clock.now();
        buyer.stop_for(cause, need, error, now).await?;
        self.stop_run(fence, run, error).await
    }

    /// HighLevel took a write: purchases that were stopped because it was refused go on.
    pub(crate) async fn took(
        &self,
        connection: &Connection,
        operation: &str,
    ) -> Result<(), EngineError> {
        let ends = |one: &Breaker| one.need.as_deref() == Some(operation);
        self.end_stop(connection, Cause::HighLevel, ends).await
    }

    /// Ecologi took an order: purchases that were stopped because a real one was refused go on.
    pub(crate) async fn took_order(&self, connection: &Connection) -> Result<(), EngineError> {
        let ends = |one: &Breaker| one.need.is_some();
        self.end_stop(connection, Cause::Ecologi, ends).await
    }

    /// A run that was to try what was refused has come to its end. Where neither it nor an active workflow that buys needs it
    /// any more (a person mended the file), purchases go on.
    pub(crate) async fn went_through(
        &self,
        connection: &Connection,
        run: &Run,
    ) -> Result<(), EngineError> {
        let own = serde_json::from_str::<Workflow>(&run.definition).ok();
        let active = connection.workflows.current();
        let is_needed = |need: &str| {
            let mut all = own.iter().chain(active.iter());
            all.any(|workflow| {
                let mut steps = workflow.steps.iter();
                is_to_buy(workflow, &[]) && steps.any(|step| writes_as(&step.action) == need)
            })
        };
        self.end_stop(connection, Cause::HighLevel, |one| {
            one.probe == Some(run.id) && one.need.as_deref().is_some_and(|need| !is_needed(need))
        })
        .await
    }

    /// Whether a write that was forbidden is taken for forbidden to all, until one goes through. Who tried it for the
    /// others and was the first to be refused again may have a record that is special: then the next one tries it. Two
    /// are no accident, and nobody buys any more to find out.
    pub(crate) async fn is_forbidden_in_general(
        &self,
        run: &Run,
        need: &str,
    ) -> Result<bool, EngineError> {
        let open = self.store.breakers(Some(&run.location)).await?;
        let mut open = open.iter().filter(|one| one.need.as_deref() == Some(need));
        let Some(open) = open.find(|one| one.probe == Some(run.id)) else {
            return Ok(true);
        };
        let held = self.store.runs(Some(RunState::Held), LOOKED_AT).await?;
        let since = |one: &&Run| one.location == run.location && one.updated_at >= open.opened_at;
        for other in held.iter().filter(since) {
            let mut steps = self.store.steps(other.id).await?.into_iter();
            if steps.any(|step| step.state == StepState::Failed && writes_as(&step.action) == need)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn end_stop(
        &self,
        connection: &Connection,
        cause: Cause,
        ends: impl Fn(&Breaker) -> bool,
    ) -> Result<(), EngineError> {
        let open = self.store.breakers(Some(&connection.location)).await?;
        let mut open = open.iter().filter(|one| one.cause == cause.as_str());
        if open.any(ends) {
            let buyer = Buyer {
                store: &*self.store,
                connection: &connection.id,
                location: &connection.location,
            };
            buyer.resume(cause, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Why a run is not begun or gone on with at all: it is to buy, and what comes of it could not be written back.
    pub(crate) async fn cannot_write_back(
        &self,
        workflow: &Workflow,
        run: &Run,
        records: &[StepRecord],
    ) -> Result<Option<Verdict>, EngineError> {
        if !is_to_buy(workflow, records) {
            return Ok(None);
        }
        let open = self.store.breakers(Some(&run.location)).await?;
        let highlevel = open.into_iter().find(|breaker| {
            breaker.cause == Cause::HighLevel.as_str() && breaker.probe != Some(run.id)
        });
        Ok(highlevel.as_ref().map(barred))
    }

    /// Lets a run wait for the breakers of its location. Where they were closed meanwhile it stays due.
    pub(crate) async fn stop_run(
        &self,
        fence: &Fence,
        run: &Run,
        reason: &str,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        self.store.stop_run(fence, run.id, reason, now).await?;
        Ok(())
    }
}

impl StepRun<'_> {
    /// Why the step may not buy now. What was bought already is no purchase any more.
    pub(crate) async fn barred(&self) -> Result<Option<Verdict>, EngineError> {
        let store = &self.engine.store;
        let location = &self.connection.location;
        let open = store.breakers(Some(location)).await?;
        let mut open = open.into_iter();
        let Some(open) = open.find(|one| one.probe != Some(self.run)) else {
            return Ok(None);
        };
        let known = store.purchase_for(&self.key).await?;
        if known.is_some_and(|purchase| purchase.state == PurchaseState::Confirmed) {
            return Ok(None);
        }
        Ok(Some(barred(&open)))
    }
}

/// Whether a run is to try an order again that was refused. What lies in the future was written by a clock that was ahead.
fn is_time(open: &Breaker, now: Timestamp) -> bool {
    let last = open.refused_at.unwrap_or(open.opened_at);
    let [shortest, longest] = ORDER_AGAIN;
    let pause = last.duration_since(open.opened_at).clamp(shortest, longest);
    last > now || now.duration_since(last) >= pause
}

/// Whether a purchase of the workflow is still to be made.
pub(crate) fn is_to_buy(workflow: &Workflow, records: &[StepRecord]) -> bool {
    workflow.steps.iter().any(|step| {
        let finished = records
            .iter()
            .any(|record| record.step == step.id && is_finished(record));
        !finished && buys(step)
    })
}

pub(crate) fn buys(step: &Step) -> bool {
    Catalog.kind(&step.action) == Some(ActionKind::Purchase)
}

fn barred(breaker: &Breaker) -> Verdict {
    Verdict::Barred(format!(
        "purchases are stopped since {:.0}: {}",
        breaker.opened_at, breaker.reason
    ))
}
