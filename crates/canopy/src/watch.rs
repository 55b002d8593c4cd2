//! Keeps the figures of webhooks, and tells when they fail or fall silent, or when others use up the day's calls.

use std::sync::Arc;
use std::time::Duration;

use canopy_engine::Engine;
use canopy_store::{SqliteStore, StoreError};
use canopy_triggers::{Receiver, Watch};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::neighbours;

/// After so long the figures of webhooks are written, and looked at where there are new ones; once in so many times in any
/// case.
const FLUSH: Duration = Duration::from_secs(10);
const LOOKS: u32 = 6;

/// Until `shutdown`; the last figures are written then.
pub(crate) async fn serve(
    store: &SqliteStore,
    receiver: &Receiver,
    engine: &Engine,
    shutdown: &CancellationToken,
) {
    let connections = engine.connections();
    let locations: Vec<_> = connections.map(|one| one.location.clone()).collect();
    let mut watch = Watch::new(Arc::new(store.clone()), &locations);
    let mut ticks = tokio::time::interval(FLUSH);
    for tick in 0_u32.. {
        let stop = tokio::select! {
            _ = ticks.tick() => false,
            () = shutdown.cancelled() => true,
        };
        let looked = async {
            let is_new = receiver.flush().await?;
            if !stop && (is_new || tick.is_multiple_of(LOOKS)) {
                watch.look(Timestamp::now()).await?;
            }
            if !stop {
                neighbours::look(store, engine, Timestamp::now()).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = looked.await {
            tracing::warn!(%error, "the figures of webhooks and calls could not be kept or looked at");
        }
        if stop {
            return;
        }
    }
}
