//! Polling for contacts: what webhooks could not deliver, or missed.
//!
//! One search asks for the contacts changed since the last poll, oldest change first, with an overlap because search
//! results lag behind writes. The cursor remembers what it saw within the overlap, so nothing is reported twice, and
//! moves in the transaction that stores the events. An idle poll costs one call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use canopy_highlevel::{Client, Priority};
use canopy_mapping::{Source, Trace, record_version};
use canopy_store::clock::Clock;
use canopy_store::{Fence, Inserted, NewEvent, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::normalise::once_version;

const OPERATION: &str = "search-contacts-advanced";
const CURSOR: &str = "contacts";
/// A page of the search; 500 is the most that the service gives.
const PAGE: u32 = 500;
/// A contact whose update time is this close to its creation has only been created.
const CREATION: SignedDuration = SignedDuration::from_secs(1);

/// How a location is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollOptions {
    /// 1 to 15 minutes. Default 5.
    pub every: Duration,
    /// How long search results may lag behind writes. Default 60 s.
    pub overlap: SignedDuration,
    /// Report the contacts that are there at the first poll, too. Default: they are the baseline.
    pub backfill: bool,
}

impl Default for PollOptions {
    fn default() -> Self {
        Self {
            every: Duration::from_mins(5),
            overlap: SignedDuration::from_secs(60),
            backfill: false,
        }
    }
}

/// Why a poll did not come through. The cursor has not moved: the next poll reads the same again.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    #[error("the contacts of location {location} could not be read: {source}")]
    Service {
        location: String,
        #[source]
        source: canopy_highlevel::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the cursor of location {location} cannot be read: {source}; delete it to begin with a new baseline"
    )]
    Cursor {
        location: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the search of location {location} gave the same page twice; nothing was stored")]
    Stuck { location: String },
}

/// What a poll found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Polled {
    /// `false`: another process holds the location; nothing was read.
    pub owner: bool,
    /// It was the first poll: what it read is the baseline.
    pub baseline: bool,
    pub stored: u64,
    pub duplicates: u64,
}

/// How far the contacts of a location have been read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Position {
    /// The newest change seen, in the service's time; nothing is older than the beginning of time.
    since: Option<Timestamp>,
    /// Id and version of what was seen within the overlap before `since`.
    seen: BTreeMap<String, String>,
    /// The newest change at the baseline: contacts added later are new.
    baseline: Option<Timestamp>,
    /// Ids that the baseline saw within its overlap: they are not new.
    known: Vec<String>,
}

/// Polls the contacts of one location.
#[derive(Debug)]
pub struct ContactPoll {
    client: Client,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    location: String,
    owner: String,
    options: PollOptions,
}

impl ContactPoll {
    /// `owner` is the lease owner of the process: the engine's.
    pub fn new(
        client: Client,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        location: impl Into<String>,
        owner: impl Into<String>,
        options: PollOptions,
    ) -> Self {
        Self {
            client,
            store,
            clock,
            location: location.into(),
            owner: owner.into(),
            options,
        }
    }

    /// Polls at once and then every interval until `shutdown`; `found` is told of new events.
    pub async fn serve(
        &self,
        found: impl Fn(&str) + Send,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        tokio::pin!(shutdown);
        let mut ticks = tokio::time::interval(self.options.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = &mut shutdown => return,
            }
            match self.poll().await {
                Ok(polled) if polled.stored > 0 => found(&self.location),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(location = %self.location, %error, "poll failed; it will be tried again");
                }
            }
        }
    }

    /// Polls once.
    pub async fn poll(&self) -> Result<Polled, PollError> {
        let now = self.clock.now();
        let lease = SignedDuration::from_secs(60);
        let Some(fence) = self
            .store
            .acquire_lease(&self.location, &self.owner, now, lease)
            .await?
        else {
            return Ok(Polled::default());
        };
        match self.store.cursor(&self.location, CURSOR).await? {
            None if !self.options.backfill => self.set_baseline(&fence).await,
            None => self.read_changes(&fence, Position::default()).await,
            Some(cursor) => {
                let position =
                    serde_json::from_value(cursor.state).map_err(|source| PollError::Cursor {
                        location: self.location.clone(),
                        source,
                    })?;
                self.read_changes(&fence, position).await
            }
        }
    }

    /// The first poll: remembers how far the location has come, and fires nothing.
    async fn set_baseline(&self, fence: &Fence) -> Result<Polled, PollError> {
        let newest = self
            .search(&json!({
                "locationId": self.location, "pageLimit": 1, "page": 1,
                "sort": [{ "field": "dateUpdated", "direction": "desc" }],
            }))
            .await?;
        let mut position = Position::default();
        if let Some(newest) = newest.first().and_then(changed_at) {
            let newest = newest.min(self.clock.now());
            position.since = Some(newest);
            for contact in self
                .changed_since(Some(newest - self.options.overlap))
                .await?
            {
                position.remember(&contact);
            }
            position.since = Some(newest);
            position.forget_before(self.options.overlap);
        }
        // An empty location has no baseline: everybody who comes is new.
        position.baseline = position.since;
        position.known = position.seen.keys().cloned().collect();
        self.commit(fence, &position, Vec::new()).await?;
        Ok(Polled {
            owner: true,
            baseline: true,
            ..Polled::default()
        })
    }

    async fn read_changes(
        &self,
        fence: &Fence,
        mut position: Position,
    ) -> Result<Polled, PollError> {
        let from = position.since.map(|since| since - self.options.overlap);
        let mut events = Vec::new();
        for contact in self.changed_since(from).await? {
            if position.has_seen(&contact) {
                continue;
            }
            events.extend(self.events_of(&position, &contact));
            position.remember(&contact);
        }
        // A wrong date in the future must not blind later polls.
        position.since = position.since.min(Some(self.clock.now()));
        position.forget_before(self.options.overlap);
        let inserted = self.commit(fence, &position, events).await?;
        let stored = inserted
            .iter()
            .filter(|one| matches!(one, Inserted::Stored(_)))
            .count();
        Ok(Polled {
            owner: true,
            baseline: false,
            stored: stored as u64,
            duplicates: (inserted.len() - stored) as u64,
        })
    }

    async fn commit(
        &self,
        fence: &Fence,
        position: &Position,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Inserted>, PollError> {
        let state = json!(position);
        let now = self.clock.now();
        Ok(self
            .store
            .commit_poll(fence, CURSOR, state, events, now)
            .await?)
    }

    /// A contact that appeared is a creation; one that changed since it appeared is an update as well.
    fn events_of(&self, position: &Position, contact: &Value) -> Vec<NewEvent> {
        let (Some(id), Some(changed)) = (contact["id"].as_str(), changed_at(contact)) else {
            return Vec::new();
        };
        let added = instant(&contact["dateAdded"]).unwrap_or(changed);
        let is_new = match position.baseline {
            None => true,
            Some(baseline) => {
                added > baseline - self.options.overlap
                    && !position.known.iter().any(|known| known == id)
            }
        };
        let event = |kind: &str, occurred_at, version| NewEvent {
            source: Source::Poll,
            kind: kind.to_owned(),
            location: self.location.clone(),
            contact: Some(id.to_owned()),
            record: id.to_owned(),
            occurred_at,
            version: Some(version),
            delivery: None,
            payload: contact.clone(),
            trace: Trace::default(),
        };
        let mut events = Vec::new();
        if is_new {
            events.push(event(
                "contact.created",
                added,
                once_version("contact.created"),
            ));
        }
        // What was seen in an earlier state has changed since, however soon after its creation.
        if !is_new || position.seen.contains_key(id) || changed.duration_since(added) > CREATION {
            events.push(event("contact.updated", changed, changed.to_string()));
        }
        events
    }

    /// All contacts changed at or after an instant, oldest change first.
    async fn changed_since(&self, from: Option<Timestamp>) -> Result<Vec<Value>, PollError> {
        let mut contacts: Vec<Value> = Vec::new();
        let mut after = Value::Null;
        loop {
            let mut query = json!({
                "locationId": self.location,
                "pageLimit": PAGE,
                "sort": [{ "field": "dateUpdated", "direction": "asc" }],
            });
            if let Some(from) = from {
                query["filters"] = json!([{ "field": "dateUpdated", "operator": "range", "value": { "gte": from } }]);
            }
            // Continued by the last record, never by page number: a contact that changes meanwhile moves to the end
            // and would shift another one off the page.
            if after.is_null() {
                query["page"] = json!(1);
            } else {
                query["searchAfter"] = after.clone();
            }
            let page = self.search(&query).await?;
            let full = page.len() >= PAGE as usize;
            let next = page
                .last()
                .map_or(Value::Null, |last| last["searchAfter"].clone());
            contacts.extend(page);
            if !full || next.is_null() {
                return Ok(contacts);
            }
            if next == after {
                return Err(PollError::Stuck {
                    location: self.location.clone(),
                });
            }
            after = next;
        }
    }

    async fn search(&self, query: &Value) -> Result<Vec<Value>, PollError> {
        let answer = self
            .client
            .invoke_as(Priority::Poll, OPERATION, query)
            .await
            .map_err(|source| PollError::Service {
                location: self.location.clone(),
                source,
            })?;
        Ok(answer["contacts"].as_array().cloned().unwrap_or_default())
    }
}

impl Position {
    fn has_seen(&self, contact: &Value) -> bool {
        let id = contact["id"].as_str().unwrap_or_default();
        self.seen
            .get(id)
            .is_some_and(|version| Some(version) == version_of(contact).as_ref())
    }

    fn remember(&mut self, contact: &Value) {
        if let (Some(id), Some(version)) = (contact["id"].as_str(), version_of(contact)) {
            self.since = self.since.max(changed_at(contact));
            self.seen.insert(id.to_owned(), version);
        }
    }

    /// Keeps what the next poll will read again.
    fn forget_before(&mut self, overlap: SignedDuration) {
        if let Some(since) = self.since {
            let from = since - overlap;
            self.seen.retain(|_, version| {
                version
                    .parse::<Timestamp>()
                    .is_ok_and(|changed| changed >= from)
            });
        }
    }
}

fn version_of(contact: &Value) -> Option<String> {
    record_version(&contact["dateUpdated"]).or_else(|| record_version(&contact["dateAdded"]))
}

fn changed_at(contact: &Value) -> Option<Timestamp> {
    version_of(contact)?.parse().ok()
}

fn instant(value: &Value) -> Option<Timestamp> {
    record_version(value)?.parse().ok()
}
