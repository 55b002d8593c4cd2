//! Workflows that are switched off (`enabled = false`): nothing starts them, and what was begun of them waits as it is, so
//! that it spends nothing more. Switched on again, it goes on where it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use canopy_store::Fence;

use crate::Engine;
use crate::connection::{Connection, Present};
use crate::error::EngineError;

/// By location: the workflows to which the runs were last fitted.
#[derive(Debug, Default)]
pub(crate) struct Switched(Mutex<HashMap<String, Arc<Present>>>);

impl Engine {
    /// Fits the runs of a location to the workflows that are switched off, where these have changed.
    pub(crate) async fn fit_to_switches(
        &self,
        connection: &Connection,
        fence: &Fence,
    ) -> Result<(), EngineError> {
        let present = connection.workflows.present();
        let is_done = {
            let done = self.switched.0.lock();
            let done = done.unwrap_or_else(PoisonError::into_inner);
            let known = done.get(&connection.location);
            known.is_some_and(|known| Arc::ptr_eq(known, &present))
        };
        if is_done {
            return Ok(());
        }
        let on = present.ids().map(str::to_owned).collect();
        let now = self.clock.now();
        let switched = self
            .store
            .switch_runs(fence, present.off.clone(), on, now)
            .await?;
        if switched.off + switched.on > 0 {
            tracing::info!(
                connection = connection.id,
                wait = switched.off,
                go_on = switched.on,
                "runs that had begun follow the switches of their workflows"
            );
        }
        let done = self.switched.0.lock();
        // Nothing that is done under the lock can leave it half done.
        let mut done = done.unwrap_or_else(PoisonError::into_inner);
        done.insert(connection.location.clone(), present);
        Ok(())
    }

    /// Whether a run may not go on because its workflow is switched off; it waits then.
    pub(crate) async fn is_switched_off(
        &self,
        connection: &Connection,
        fence: &Fence,
        workflow: &str,
    ) -> Result<bool, EngineError> {
        if !connection.workflows.is_off(workflow) {
            return Ok(false);
        }
        let now = self.clock.now();
        let off = vec![workflow.to_owned()];
        self.store.switch_runs(fence, off, Vec::new(), now).await?;
        Ok(true)
    }
}
