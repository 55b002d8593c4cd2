//! The long-running part: a worker for each location that drains when the bell rings, when something falls due, and
//! now and then in case a ring was lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use canopy_store::{Part, PartReport, PartState, Reports};
use futures::future::join_all;
use jiff::SignedDuration;

use crate::dispatch::LocalDispatch;
use crate::{Drained, Engine, EngineError};

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
        let mut reports = Reports::default();
        let mut told = None;
        while !*stopped.borrow() {
            let drained = self.drain(location).await;
            self.report_drain(location, drained.as_ref(), &mut reports)
                .await;
            let wait = match drained {
                Ok(_) => {
                    if told.take().is_some() {
                        tracing::info!(location, "the drain goes on");
                    }
                    self.until_due(location).await
                }
                Err(error) => {
                    // Once, until it is another: a disk that stays full would fill the log.
                    let text = error.to_string();
                    if told.as_ref() != Some(&text) {
                        tracing::error!(location, error = %text, "drain stopped; it is tried every {} s", PAUSE_AFTER_ERROR.as_secs());
                        told = Some(text);
                    }
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

    /// Reports how the work at a location fares.
    async fn report_drain(
        &self,
        location: &str,
        drained: Result<&Drained, &EngineError>,
        reports: &mut Reports,
    ) {
        let now = self.clock.now();
        let (state, wait) = match drained {
            // Another process works here.
            Ok(drained) if !drained.owner => return,
            Ok(_) => (PartState::Good, self.options.sweep),
            Err(error) => {
                let state = PartState::Failing {
                    cause: error.to_string(),
                    remedy: "it is tried again by itself, and nothing is lost meanwhile; see to what the cause names".to_owned(),
                    at_once: false,
                };
                (state, PAUSE_AFTER_ERROR)
            }
        };
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let report = PartReport {
            location: location.to_owned(),
            part: Part::Drain,
            name: location.to_owned(),
            state,
            next_try: now.checked_add(wait).ok(),
        };
        let news = reports.news(vec![report], now);
        if let Err(error) = self.store.report_health(news, now).await {
            tracing::debug!(location, %error, "the state of the drain could not be kept");
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
