//! Webhooks: verify, normalise, store; only then may the sender be told that it arrived.

use std::collections::HashSet;
use std::sync::Arc;

use canopy_highlevel::webhook::{self, Delivered, Signatures, Verifier, VerifyError};
use canopy_store::clock::Clock;
use canopy_store::{DeliveryKey, Inserted, NewAlert, NewEvent, Store, StoreError, Taken};
use jiff::{SignedDuration, Timestamp};

use crate::counts::{Counts, Deliveries};
use crate::health::{AddressHealth, health_with};
use crate::hook_body::PayloadError;
use crate::normalise::{self, Told, events_of, hash_of};
use crate::tally::{self, Answered, Tally};
use crate::unknown_hooks::UnknownHooks;
use crate::workflow_hook::WorkflowHook;

/// Kind and subject of the alert that an app's removal raises and its return resolves.
const RECONNECT: &str = "reconnect";
const UNINSTALLED: &str = "uninstalled";
/// Deliveries that nobody can use are kept up to this number.
pub(crate) const MOST_ASIDE: u32 = 1000;
/// A delivery of the last 30 days may be sent again by hand.
pub(crate) const REMEMBERED: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Later than this, a delivery counts as late.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Unsigned or wrongly signed: answer 401.
    #[error(transparent)]
    Signature(#[from] VerifyError),
    /// A workflow's webhook with a wrong secret, or of a name that there is not: answer 401, which tells nobody which.
    #[error(
        "no workflow webhook has this name and this secret; compare the name in the address and the secret's header with [[webhooks.workflow]]"
    )]
    Secret,
    /// A call of a workflow's webhook that cannot be read: answer 400. A person is told.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// It could not be made durable: answer 429 or 503, so that it is sent again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a delivery that was taken: all of them are answered with 2xx, because anything else is sent again up to
/// twelve times, and counts against the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// In the inbox now; the doorbells of these locations should be rung.
    Stored { locations: Vec<String> },
    /// It was there before.
    Duplicate,
    /// Of a location that no connection is for: noted, and nothing runs.
    Foreign,
    /// It does not say its location, and there are several connections: kept, and nothing runs.
    Unplaced,
    /// Signed, but not to be read: noted, and nothing runs.
    Unreadable,
    /// Older than what is sent again: noted, and nothing runs.
    TooOld,
}

/// Takes webhook deliveries into the inbox.
#[derive(Debug)]
pub struct Receiver {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) verifier: Verifier,
    pub(crate) locations: HashSet<String>,
    pub(crate) hooks: Vec<WorkflowHook>,
    pub(crate) counts: Counts,
    pub(crate) tally: Tally,
    pub(crate) unknown: UnknownHooks,
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
            tally: Tally::default(),
            unknown: UnknownHooks::default(),
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
        self.receive_at(None, signatures, body).await
    }

    /// The same for an address that was registered for one event. Its name counts more than what the payload says.
    pub async fn receive_at(
        &self,
        event: Option<&str>,
        signatures: Signatures<'_>,
        body: &[u8],
    ) -> Result<Received, ReceiveError> {
        let now = self.clock.now();
        let received = self.take(event, signatures, body, now).await;
        self.count(event, &received, now);
        received
    }

    pub(crate) fn count(
        &self,
        event: Option<&str>,
        received: &Result<Received, ReceiveError>,
        now: Timestamp,
    ) {
        self.counts.count(received);
        let answered = match received {
            Ok(Received::Stored { .. } | Received::Unplaced) => Answered::Taken,
            Ok(Received::Duplicate) => Answered::Duplicate,
            Ok(Received::Foreign | Received::Unreadable | Received::TooOld) => Answered::Useless,
            Err(ReceiveError::Signature(VerifyError::Unsigned)) => Answered::Unsigned,
            Err(ReceiveError::Signature(_)) => Answered::Forged,
            Err(_) => Answered::Failed,
        };
        self.tally.note(tally::address(event), answered, now);
    }

    /// Refuses by the headers alone what cannot be authentic, before anybody reads its body.
    pub fn look_at(
        &self,
        event: Option<&str>,
        signatures: Signatures<'_>,
    ) -> Result<(), ReceiveError> {
        let Err(error) = self.verifier.look_at(signatures) else {
            return Ok(());
        };
        let answered = match error {
            VerifyError::Unsigned => Answered::Unsigned,
            _ => Answered::Forged,
        };
        let refused = Err(ReceiveError::Signature(error));
        self.counts.count(&refused);
        self.tally
            .note(tally::address(event), answered, self.clock.now());
        refused.map(|_| ())
    }

    /// Notes a delivery that could not be read as a whole: nobody knows whether HighLevel signed it.
    pub fn unread(&self, event: Option<&str>) {
        self.counts.put_off();
        let now = self.clock.now();
        self.tally
            .note(tally::address(event), Answered::Forged, now);
    }

    /// Notes a delivery that was there as a whole and is to come again, because too many wait or the store is too slow. One
    /// that HighLevel signed counts as failed, as it does there.
    pub fn put_off(&self, event: Option<&str>, signatures: Signatures<'_>, body: &[u8]) {
        self.counts.put_off();
        let answered = match self.verifier.authenticate(signatures, body) {
            Ok(()) => Answered::Failed,
            Err(_) => Answered::Forged,
        };
        let now = self.clock.now();
        self.tally.note(tally::address(event), answered, now);
    }

    /// Writes how deliveries were answered; `true`: there were some. What cannot be written is kept for the next time.
    pub async fn flush(&self) -> Result<bool, StoreError> {
        self.tell_unknown_hooks().await?;
        self.tally.flush(&*self.store).await
    }

    /// How addresses fared over three days, with what is not written yet.
    pub async fn health(&self) -> Result<Vec<AddressHealth>, StoreError> {
        health_with(&*self.store, self.tally.waiting(), self.clock.now()).await
    }

    async fn take(
        &self,
        event: Option<&str>,
        signatures: Signatures<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Received, ReceiveError> {
        self.verifier.authenticate(signatures, body)?;
        let parts = match webhook::read(event, body) {
            Ok(parts) => parts,
            Err(error) => {
                let problem = error.to_string();
                let event = normalise::unreadable(None, body, &problem, now);
                self.aside(event, &problem, now).await?;
                return Ok(Received::Unreadable);
            }
        };
        if let Some(old) = parts.iter().find(|part| self.is_too_old(part, now)) {
            let event = normalise::too_old(old, body, now);
            let reason = "it was made longer ago than anything is sent again";
            self.aside(event, reason, now).await?;
            return Ok(Received::TooOld);
        }
        let events = match events_of(&parts, body, &self.locations, now) {
            Told::Events(events) => events,
            Told::Unplaced(events) => return self.unplaced(events, now).await,
            Told::Foreign(event) => {
                let reason = "no connection is for this location";
                self.aside(*event, reason, now).await?;
                return Ok(Received::Foreign);
            }
        };
        let marks: Vec<_> = events
            .iter()
            .map(|event| (event.kind.clone(), event.location.clone()))
            .collect();
        let is_late = events.iter().any(|event| {
            let made_at = event.trace.made_at;
            made_at.is_some_and(|at| now.duration_since(at) > LATE)
        });
        let received = self
            .keep(key_of(&parts, &events, body, now), events, now)
            .await?;
        if received != Received::Duplicate {
            let unknown = marks.iter().any(|(kind, _)| kind.starts_with("webhook."));
            self.counts.stored(is_late, unknown);
            for (kind, location) in &marks {
                self.note_app(kind, [location], now).await?;
            }
        }
        Ok(received)
    }

    fn is_too_old(&self, part: &Delivered, now: Timestamp) -> bool {
        let oldest = SignedDuration::try_from(self.verifier.oldest());
        webhook::made_at(&part.payload)
            .zip(oldest.ok())
            .is_some_and(|(at, oldest)| now.duration_since(at) > oldest)
    }

    /// Keeps events that nobody can run.
    async fn unplaced(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Received, ReceiveError> {
        let mut received = Received::Duplicate;
        for event in events {
            let kind = event.kind.clone();
            let reason = "it does not say its location, and there are several connections";
            let inserted = self.aside(event, reason, now).await?;
            if matches!(inserted, Inserted::Stored(_)) {
                received = Received::Unplaced;
            }
            // It names no location where an agency is meant, and that is all of them.
            self.note_app(&kind, &self.locations, now).await?;
        }
        Ok(received)
    }

    async fn aside(
        &self,
        event: NewEvent,
        reason: &str,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        self.store.set_aside(event, reason, MOST_ASIDE, now).await
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

    pub(crate) async fn keep(
        &self,
        key: Option<DeliveryKey>,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Received, StoreError> {
        let places: Vec<_> = events.iter().map(|event| event.location.clone()).collect();
        let Taken::Now(inserted) = self.store.take_delivery(key, events, now).await? else {
            return Ok(Received::Duplicate);
        };
        let stored = places.into_iter().zip(&inserted);
        let stored = stored.filter(|(_, one)| matches!(one, Inserted::Stored(_)));
        let mut locations: Vec<_> = stored.map(|(location, _)| location).collect();
        locations.dedup();
        Ok(if locations.is_empty() {
            Received::Duplicate
        } else {
            Received::Stored { locations }
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
        self.counts.deliveries()
    }
}

/// The delivery's own id, together with what it tells: should the sender ever use one id for several events, none is lost.
///
/// Without an id its bytes name it. Where they say when it was made, which state they speak of, or what happens once, the same
/// bytes are the same delivery. Where they do not, they are a hint, and may speak of a later change that looks alike: reading
/// the record tells, and what comes of it is as late as the first of them.
fn key_of(
    parts: &[Delivered],
    events: &[NewEvent],
    body: &[u8],
    now: Timestamp,
) -> Option<DeliveryKey> {
    let id = webhook::delivery_id(&parts.first()?.payload);
    let says_when = |part: &Delivered| webhook::made_at(&part.payload).is_some();
    let is_sure = id.is_some()
        || parts.iter().all(says_when)
        || events.iter().all(|event| event.version.is_some());
    let mut what = match id {
        Some(id) => vec![b"webhook".as_slice(), id.as_bytes()],
        None => vec![b"webhook body".as_slice(), body],
    };
    // The same bytes at the addresses of two events are two deliveries.
    for event in events {
        what.extend([event.kind.as_bytes(), event.record.as_bytes()]);
    }
    Some(DeliveryKey {
        is_hint: !is_sure,
        is_content: false,
        key: hash_of(&what),
        until: now + REMEMBERED,
    })
}
