//! Refused credentials, scopes and billing stop the purchases of a connection, until a check finds all well: nothing is
//! asked for again and again, nobody's run is given up, and runs wait in order.

use canopy_mapping::{ActionKind, Actions as _, Workflow};
use canopy_store::{Breaker, Fence, PurchaseState, Run, StepRecord, Store, StoreError};
use jiff::Timestamp;

use crate::Engine;
use crate::actions::Catalog;
use crate::connection::Connection;
use crate::error::{EngineError, Verdict};
use crate::run::is_finished;
use crate::steps::StepRun;

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
        let connection = self.connection;
        let reason = format!(
            "connection {connection}: {error}. Nothing is bought and runs wait in order; they go on by themselves once a check finds all well: `canopy check`, or the one that a running canopy makes by itself"
        );
        let (store, location) = (self.store, self.location);
        let opened = store
            .open_breaker(location, cause.as_str(), &reason, now)
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
                "a check finds all well, so purchases go on"
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
        cause: Cause,
        error: &str,
    ) -> Result<(), EngineError> {
        let buyer = Buyer {
            store: &*self.store,
            connection: &connection.id,
            location: &connection.location,
        };
        buyer.stop(cause, error, self.clock.now()).await?;
        self.stop_run(fence, run, error).await
    }

    /// Why a run is not begun or gone on with at all: it is to buy, and what comes of it could not be written back.
    pub(crate) async fn cannot_write_back(
        &self,
        workflow: &Workflow,
        location: &str,
        records: &[StepRecord],
    ) -> Result<Option<Verdict>, EngineError> {
        if !is_to_buy(workflow, records) {
            return Ok(None);
        }
        let open = self.store.breakers(Some(location)).await?;
        let highlevel = open
            .into_iter()
            .find(|breaker| breaker.cause == Cause::HighLevel.as_str());
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
        let Some(open) = store.breakers(Some(location)).await?.into_iter().next() else {
            return Ok(None);
        };
        let known = store.purchase_for(&self.key).await?;
        if known.is_some_and(|purchase| purchase.state == PurchaseState::Confirmed) {
            return Ok(None);
        }
        Ok(Some(barred(&open)))
    }
}

/// Whether a purchase of the workflow is still to be made.
pub(crate) fn is_to_buy(workflow: &Workflow, records: &[StepRecord]) -> bool {
    workflow.steps.iter().any(|step| {
        let finished = records
            .iter()
            .any(|record| record.step == step.id && is_finished(record));
        !finished && Catalog.kind(&step.action) == Some(ActionKind::Purchase)
    })
}

fn barred(breaker: &Breaker) -> Verdict {
    Verdict::Barred(format!(
        "purchases are stopped since {:.0}: {}",
        breaker.opened_at, breaker.reason
    ))
}
