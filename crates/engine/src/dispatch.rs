//! The doorbell: who calls `drain`, and when.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes the worker of a location. A ring may be lost (a process dies), so workers sweep as well.
pub trait Dispatch: Send + Sync + Debug {
    /// There is something new to do at this location.
    fn ring(&self, location: &str);
}

/// Doorbells inside one process.
#[derive(Debug, Clone, Default)]
pub struct LocalDispatch {
    bells: Arc<HashMap<String, Arc<Notify>>>,
}

impl LocalDispatch {
    /// One bell for each location.
    pub fn new(locations: impl IntoIterator<Item = String>) -> Self {
        let bells = locations
            .into_iter()
            .map(|location| (location, Arc::new(Notify::new())));
        Self {
            bells: Arc::new(bells.collect()),
        }
    }

    /// Resolves at the next ring, or at once if one came since the last call.
    pub async fn wait(&self, location: &str) {
        match self.bells.get(location) {
            Some(bell) => bell.notified().await,
            None => std::future::pending().await,
        }
    }
}

impl Dispatch for LocalDispatch {
    fn ring(&self, location: &str) {
        if let Some(bell) = self.bells.get(location) {
            bell.notify_one();
        }
    }
}
