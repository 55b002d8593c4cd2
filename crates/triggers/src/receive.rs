//! Webhooks: verify, normalise, store; only then may the sender be told that it arrived.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canopy_highlevel::webhook::{Signatures, Verifier, VerifyError};
use canopy_store::clock::Clock;
use canopy_store::{Inserted, Store, StoreError};
use serde::Serialize;

use crate::normalise::{PayloadError, event_of};

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Unsigned, wrongly signed or too old: answer 401.
    #[error(transparent)]
    Signature(#[from] VerifyError),
    /// Signed, but not an event: answer 400.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// It could not be made durable: answer 429, so that it is sent again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a delivery that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// In the inbox now; the location's doorbell should be rung.
    Stored { location: String },
    /// It was there before.
    Duplicate,
    /// Of a location that no connection is for. Nothing to do, nothing stored.
    Foreign,
}

/// Counts since the process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Deliveries {
    pub stored: u64,
    pub duplicates: u64,
    pub foreign: u64,
    /// Unsigned or wrongly signed.
    pub refused: u64,
    /// Signed, but not an event.
    pub malformed: u64,
    /// Told to come again because the store could not write.
    pub put_off: u64,
}

/// Takes webhook deliveries into the inbox.
#[derive(Debug)]
pub struct Receiver {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    verifier: Verifier,
    locations: HashSet<String>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    stored: AtomicU64,
    duplicates: AtomicU64,
    foreign: AtomicU64,
    refused: AtomicU64,
    malformed: AtomicU64,
    put_off: AtomicU64,
}

impl Receiver {
    /// A receiver for the webhooks of these locations.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        verifier: Verifier,
        locations: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            store,
            clock,
            verifier,
            locations: locations.into_iter().collect(),
            counts: Counts::default(),
        }
    }

    /// Takes one delivery: the signature headers and the body's raw bytes. When it returns `Ok` the event is durable.
    pub async fn receive(
        &self,
        signatures: Signatures<'_>,
        body: &[u8],
    ) -> Result<Received, ReceiveError> {
        let now = self.clock.now();
        let received = self.take(signatures, body, now).await;
        let count = match &received {
            Ok(Received::Stored { .. }) => &self.counts.stored,
            Ok(Received::Duplicate) => &self.counts.duplicates,
            Ok(Received::Foreign) => &self.counts.foreign,
            Err(ReceiveError::Signature(_)) => &self.counts.refused,
            Err(ReceiveError::Payload(_)) => &self.counts.malformed,
            Err(ReceiveError::Store(_)) => &self.counts.put_off,
        };
        count.fetch_add(1, Ordering::Relaxed);
        received
    }

    async fn take(
        &self,
        signatures: Signatures<'_>,
        body: &[u8],
        now: jiff::Timestamp,
    ) -> Result<Received, ReceiveError> {
        self.verifier.verify(signatures, body, now)?;
        let event = event_of(body, now)?;
        let location = event.location.clone();
        if !self.locations.contains(&location) {
            return Ok(Received::Foreign);
        }
        let inserted = self.store.insert_events(vec![event], now).await?;
        Ok(match inserted.first() {
            Some(Inserted::Duplicate(_)) => Received::Duplicate,
            Some(Inserted::Stored(_)) | None => Received::Stored { location },
        })
    }

    /// What has come in since the process started.
    pub fn deliveries(&self) -> Deliveries {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Deliveries {
            stored: read(&self.counts.stored),
            duplicates: read(&self.counts.duplicates),
            foreign: read(&self.counts.foreign),
            refused: read(&self.counts.refused),
            malformed: read(&self.counts.malformed),
            put_off: read(&self.counts.put_off),
        }
    }
}
