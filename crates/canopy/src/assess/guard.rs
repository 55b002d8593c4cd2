//! The check that a running canopy makes: before the first purchase, and every hour.

use std::time::Duration;

use canopy_engine::{Buyer, Connection, Dispatch as _, Engine, LocalDispatch, Went};
use canopy_store::{
    BreakerStore as _, HealthStore as _, Part, PartHealth, SqliteStore, StoreError,
};
use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Assessment, Listed, Mode, PATIENCE, Subject};
use crate::auth;
use crate::config::Loaded;
use crate::health::Answers;

/// While purchases are stopped, or Ecologi does not answer, it is looked this often, so that what was mended is soon seen.
const WHILE_STOPPED: Duration = Duration::from_mins(5);

/// Looks after the connections of a running program.
pub(crate) struct Guard<'a> {
    pub loaded: &'a Loaded,
    pub store: &'a SqliteStore,
    pub engine: &'a Engine,
    pub bells: &'a LocalDispatch,
    pub answers: &'a Answers,
}

impl Guard<'_> {
    /// Looks at all connections, side by side, within the bound of one.
    pub async fn look(&self) {
        let deadline = Instant::now() + PATIENCE;
        let looks = self.engine.connections().map(|connection| async move {
            if let Err(error) = self.look_at(connection, deadline).await {
                tracing::warn!(connection = %connection.id, %error, "what its check found could not be stored");
            }
        });
        join_all(looks).await;
    }

    async fn look_at(&self, connection: &Connection, deadline: Instant) -> Result<(), StoreError> {
        let configs = &self.loaded.config.connection;
        let Some(config) = configs.iter().find(|one| one.id == connection.id) else {
            return Ok(());
        };
        let workflows = connection.workflows.current();
        let listed = Listed::of(config, Some(self.store)).await;
        let needs = auth::needs(self.loaded, config, &workflows);
        let subject = Subject {
            location: &connection.location,
            highlevel: &connection.highlevel,
            ecologi: &connection.ecologi,
            currency: &connection.currency,
            needs: &needs,
            listed: &listed,
            workflows: &workflows,
        };
        let assessment = Assessment::of(subject, deadline).await;
        if assessment.account.late {
            // The call was given up, so the call log does not have it.
            let how = format!("no answer within {} s", PATIENCE.as_secs());
            let location = &connection.location;
            self.answers.unanswered("ecologi", location, how);
        }
        let buyer = Buyer {
            store: self.store,
            connection: &connection.id,
            location: &connection.location,
        };
        let mode = Mode {
            test: connection.test,
            writes: connection.writes(),
            is_asked: false,
        };
        if assessment.enforce(buyer, mode, Timestamp::now()).await? != Went::No {
            self.bells.ring(&connection.location);
        }
        Ok(())
    }

    /// Looks again and again until `shutdown`; the first look has been.
    pub async fn serve(&self, shutdown: &CancellationToken) {
        let every = self.loaded.config.check.every;
        let mut looked = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep(every.min(WHILE_STOPPED)) => {}
                () = shutdown.cancelled() => return,
            }
            let open = self.store.breakers(None).await;
            let stopped = open.is_ok_and(|open| !open.is_empty());
            let is_down =
                |part: &PartHealth| part.part == Part::Ecologi && part.failing_since.is_some();
            let parts = self.store.health().await;
            let down = parts.is_ok_and(|parts| parts.iter().any(is_down));
            if stopped || down || looked.elapsed() >= every {
                looked = Instant::now();
                self.look().await;
            }
        }
    }
}
