//! The long-running part: a worker for each location that drains when the bell rings, when something falls due, and
//! now and then in case a ring was lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;

use crate::dispatch::LocalDispatch;
use crate::{Engine, EngineError};

/// Wait after a drain that failed, so that a full disk is not hammered.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(2);

impl Engine {
    /// Drains all locations until `shutdown` resolves; a step in progress is finished first.
    pub async fn serve(
        self: Arc<Self>,
        bells: LocalDispatch,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let workers = self.connections.keys().map(|location| {
            let (engine, bells, stopped) = (self.clone(), bells.clone(), stopped.clone());
            async move { engine.work(location, &bells, stopped).await }
        });
        let watch = async {
            shutdown.await;
            self.stopping.store(true, Ordering::Relaxed);
            // The workers hold the receivers, so this cannot fail while there is somebody to tell.
            let _ = stop.send(true);
        };
        tokio::join!(join_all(workers), watch);
    }

    async fn work(
        &self,
        location: &str,
        bells: &LocalDispatch,
        mut stopped: tokio::sync::watch::Receiver<bool>,
    ) {
        while !*stopped.borrow() {
            let wait = match self.drain(location).await {
                Ok(_) => self.until_due(location).await,
                Err(error) => {
                    tracing::error!(location, %error, "drain stopped; it will be tried again");
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::select! {
                () = bells.wait(location) => {}
                () = tokio::time::sleep(wait) => {}
                _ = stopped.changed() => {}
            }
        }
        if let Err(error) = self.release(location).await {
            tracing::warn!(location, %error, "the lease was not given back; it expires by itself");
        }
    }

    /// Time until the next retry, at most the sweep interval.
    async fn until_due(&self, location: &str) -> Duration {
        let sweep = self.options.sweep;
        match self.store.next_due(location).await {
            Ok(Some(due)) => {
                let wait = due.duration_since(self.clock.now());
                Duration::try_from(wait)
                    .unwrap_or(Duration::from_millis(1))
                    .min(sweep)
            }
            Ok(None) | Err(_) => sweep,
        }
    }

    async fn release(&self, location: &str) -> Result<(), EngineError> {
        if let Some(fence) = self.lease(location).await? {
            self.store.release_lease(&fence).await?;
        }
        Ok(())
    }
}
