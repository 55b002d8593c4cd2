//! A location as a process works on it.

use std::sync::Arc;

use canopy_store::clock::Clock;
use canopy_store::{Fence, Store, StoreError};
use jiff::SignedDuration;
use serde_json::Value;

/// Where the state of a location is kept, by which clock, and in whose name it is held.
#[derive(Debug, Clone)]
pub struct Site {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub location: String,
    /// The lease owner of the process: the engine's.
    pub owner: String,
}

impl Site {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        location: impl Into<String>,
        owner: impl Into<String>,
    ) -> Self {
        Self {
            store,
            clock,
            location: location.into(),
            owner: owner.into(),
        }
    }

    /// What is kept under this name.
    pub(crate) async fn cursor(&self, name: &str) -> Result<Option<Value>, StoreError> {
        let cursor = self.store.cursor(&self.location, name).await?;
        Ok(cursor.map(|cursor| cursor.state))
    }

    /// Takes or renews the location's lease. `None`: another process holds it.
    pub(crate) async fn lease(&self, ttl: SignedDuration) -> Result<Option<Fence>, StoreError> {
        let now = self.clock.now();
        self.store
            .acquire_lease(&self.location, &self.owner, now, ttl)
            .await
    }
}
