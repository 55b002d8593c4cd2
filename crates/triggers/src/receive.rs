//! Webhooks: verify, normalise, store; only then may the sender be told that it arrived.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canopy_highlevel::webhook::{Signatures, Verifier, VerifyError};
use canopy_store::clock::Clock;
use canopy_store::{EventEnd, Inserted, NewAlert, NewEvent, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::normalise::{PayloadError, UNKNOWN_LOCATION, events_of, hook_of};
use crate::workflow_hook::WorkflowHook;

/// Kind and subject of the alert that an app's removal raises and its return resolves.
const RECONNECT: &str = "reconnect";
const UNINSTALLED: &str = "uninstalled";

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Unsigned, wrongly signed or too old: answer 401.
    #[error(transparent)]
    Signature(#[from] VerifyError),
    /// A workflow's webhook with a wrong secret, or of a name that there is not: answer 401, which tells nobody which.
    #[error(
        "no workflow webhook has this name and this secret; compare the name in the address and the secret's header with [[webhooks.workflow]]"
    )]
    Secret,
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
    /// In the inbox now; the doorbells of these locations should be rung.
    Stored { locations: Vec<String> },
    /// It was there before.
    Duplicate,
    /// Of a location that no connection is for. Nothing to do, nothing stored.
    Foreign,
    /// It does not say its location, and there are several connections: kept, and nothing runs.
    Unplaced,
}

/// Counts since the process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Deliveries {
    pub stored: u64,
    pub duplicates: u64,
    pub foreign: u64,
    /// Kept without a location, because the payload does not say it and there are several connections.
    pub unplaced: u64,
    /// Kept as `webhook.<Type>`, of a type that is not documented.
    pub unrecognised: u64,
    /// Unsigned or wrongly signed, or with a wrong secret.
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
    hooks: Vec<WorkflowHook>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    stored: AtomicU64,
    duplicates: AtomicU64,
    foreign: AtomicU64,
    unplaced: AtomicU64,
    unrecognised: AtomicU64,
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
            hooks: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Also takes the webhook actions of workflows.
    #[must_use]
    pub fn with_hooks(mut self, hooks: impl IntoIterator<Item = WorkflowHook>) -> Self {
        self.hooks.extend(hooks);
        self
    }

    /// Takes one delivery: the signature headers and the body's raw bytes. When it returns `Ok` the event is durable.
    pub async fn receive(
        &self,
        signatures: Signatures<'_>,
        body: &[u8],
    ) -> Result<Received, ReceiveError> {
        let now = self.clock.now();
        let received = self.take(signatures, body, now).await;
        self.count(&received);
        received
    }

    /// Takes one call of a workflow's own webhook. `header` tells the value of a header by its name.
    pub async fn receive_hook<'a>(
        &self,
        name: &str,
        header: impl Fn(&str) -> Option<&'a [u8]>,
        body: &[u8],
    ) -> Result<Received, ReceiveError> {
        let now = self.clock.now();
        let given = |hook: &&WorkflowHook| hook.name == name && hook.admits(header(&hook.header));
        let received = match self.hooks.iter().find(given) {
            Some(hook) => match hook_of(name, &hook.location, body, now) {
                Ok(event) => self
                    .keep(vec![event], now)
                    .await
                    .map_err(ReceiveError::from),
                Err(error) => Err(error.into()),
            },
            None => Err(ReceiveError::Secret),
        };
        self.count(&received);
        received
    }

    fn count(&self, received: &Result<Received, ReceiveError>) {
        let count = match received {
            Ok(Received::Stored { .. }) => &self.counts.stored,
            Ok(Received::Duplicate) => &self.counts.duplicates,
            Ok(Received::Foreign) => &self.counts.foreign,
            Ok(Received::Unplaced) => &self.counts.unplaced,
            Err(ReceiveError::Signature(_) | ReceiveError::Secret) => &self.counts.refused,
            Err(ReceiveError::Payload(_)) => &self.counts.malformed,
            Err(ReceiveError::Store(_)) => &self.counts.put_off,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    async fn take(
        &self,
        signatures: Signatures<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Received, ReceiveError> {
        self.verifier.verify(signatures, body, now)?;
        let events = events_of(body, &self.locations, now)?;
        let Some(first) = events.first() else {
            return Ok(Received::Foreign);
        };
        if first.location == UNKNOWN_LOCATION {
            let kind = first.kind.clone();
            let received = self.set_aside(events, now).await?;
            // It names no location where an agency is meant, and that is all of them.
            self.note_app(&kind, &self.locations, now).await?;
            return Ok(received);
        }
        let (kind, location) = (first.kind.clone(), first.location.clone());
        let received = self.keep(events, now).await?;
        if kind.starts_with("webhook.") && received != Received::Duplicate {
            self.counts.unrecognised.fetch_add(1, Ordering::Relaxed);
        }
        self.note_app(&kind, [&location], now).await?;
        Ok(received)
    }

    /// Tells a person when the app was removed, until it is back.
    async fn note_app(
        &self,
        kind: &str,
        locations: impl IntoIterator<Item = &String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for location in locations {
            match kind {
                "app.uninstalled" => self.disconnected(location, now).await?,
                "app.installed" => {
                    let (kind, subject) = (RECONNECT, UNINSTALLED);
                    self.store
                        .resolve_alert(location, kind, subject, now)
                        .await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn keep(&self, events: Vec<NewEvent>, now: Timestamp) -> Result<Received, StoreError> {
        let places: Vec<_> = events.iter().map(|event| event.location.clone()).collect();
        let inserted = self.store.insert_events(events, now).await?;
        let stored = places.into_iter().zip(&inserted);
        let stored = stored.filter(|(_, one)| matches!(one, Inserted::Stored(_)));
        let locations: Vec<_> = stored.map(|(location, _)| location).collect();
        Ok(if locations.is_empty() {
            Received::Duplicate
        } else {
            Received::Stored { locations }
        })
    }

    /// Keeps an event that nobody can run, settled at once: it would count as waiting for ever.
    async fn set_aside(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Received, StoreError> {
        let inserted = self.store.insert_events(events, now).await?;
        let (owner, ttl) = ("webhooks", SignedDuration::from_secs(10));
        if let Some(Inserted::Stored(id)) = inserted.first()
            && let Some(fence) = self
                .store
                .acquire_lease(UNKNOWN_LOCATION, owner, now, ttl)
                .await?
        {
            self.store
                .settle_event(&fence, *id, EventEnd::NoMatch, now)
                .await?;
        }
        Ok(match inserted.first() {
            Some(Inserted::Duplicate(_)) => Received::Duplicate,
            _ => Received::Unplaced,
        })
    }

    async fn disconnected(&self, location: &str, now: Timestamp) -> Result<(), StoreError> {
        let alert = NewAlert {
            location: location.to_owned(),
            kind: RECONNECT.to_owned(),
            subject: UNINSTALLED.to_owned(),
            message: "the app was uninstalled from this location or its agency, so its tokens no longer work; install it again, or remove the connection".to_owned(),
        };
        self.store.raise_alert(alert, now).await.map(drop)
    }

    /// What has come in since the process started.
    pub fn deliveries(&self) -> Deliveries {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Deliveries {
            stored: read(&self.counts.stored),
            duplicates: read(&self.counts.duplicates),
            foreign: read(&self.counts.foreign),
            unplaced: read(&self.counts.unplaced),
            unrecognised: read(&self.counts.unrecognised),
            refused: read(&self.counts.refused),
            malformed: read(&self.counts.malformed),
            put_off: read(&self.counts.put_off),
        }
    }
}
