//! The part of the trait that knows deliveries of webhooks: which came before, which are of no use, how they were answered.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::types::{Inserted, NewEvent};

/// The location of events that do not say theirs, or that are of none that we know. Nothing runs there.
pub const UNKNOWN_LOCATION: &str = "unknown";

/// Names a delivery that may come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryKey {
    /// One that has the key may all the same tell of a later change, so it is taken again; it counts as made when the first
    /// one came.
    pub is_hint: bool,
    /// It is made of what was said, with no name of its own: another that says the same is the same for a while only. So a
    /// first one that lies in the future, after a clock that was ahead, is none.
    pub is_content: bool,
    /// A hash: it may be made of what a person chose.
    pub key: String,
    /// Until then the same key is the same delivery.
    pub until: Timestamp,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// One with its key came before; nothing was stored but that it came again.
    Before,
    Now(Vec<Inserted>),
}

/// How the deliveries to an address were answered within ten minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCount {
    pub address: String,
    /// When the ten minutes began.
    pub slot: Timestamp,
    /// New events, answered 200; so are the next two.
    pub taken: u64,
    pub duplicate: u64,
    /// Kept aside: of another location, too old, or not to be read.
    pub useless: u64,
    /// Without any signature, so hardly HighLevel's: refused.
    pub unsigned: u64,
    /// With a signature that does not fit, or too big to be looked at: refused, and nobody knows whose they are.
    pub forged: u64,
    /// Not to be stored at the moment: told to come again.
    pub failed: u64,
}

impl DeliveryCount {
    /// Answered with success.
    pub fn succeeded(&self) -> u64 {
        self.taken + self.duplicate + self.useless
    }

    /// Those that are HighLevel's: with a signature that fits.
    pub fn all(&self) -> u64 {
        self.succeeded() + self.failed
    }

    /// Those that say that they are HighLevel's: with any signature.
    pub fn signed(&self) -> u64 {
        self.all() + self.forged
    }

    /// Adds the figures of another.
    pub fn add(&mut self, other: &Self) {
        self.taken += other.taken;
        self.duplicate += other.duplicate;
        self.useless += other.useless;
        self.unsigned += other.unsigned;
        self.forged += other.forged;
        self.failed += other.failed;
    }
}

/// What is durable about deliveries. The rules of [`Store`](crate::Store), which includes it, hold here too.
#[async_trait]
pub trait DeliveryStore: Send + Sync + std::fmt::Debug + 'static {
    /// Stores the events of a delivery as [`Store::insert_events`](crate::Store::insert_events) does, unless one with its
    /// key came before.
    async fn take_delivery(
        &self,
        key: Option<DeliveryKey>,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Taken>;
    /// Keeps an event that nobody can run at [`UNKNOWN_LOCATION`], settled at once, with the reason. The newest `most` stay.
    async fn set_aside(
        &self,
        event: NewEvent,
        reason: &str,
        most: u32,
        now: Timestamp,
    ) -> Result<Inserted>;
    /// Adds to the figures of addresses.
    async fn count_deliveries(&self, counts: Vec<DeliveryCount>) -> Result<()>;
    /// The figures since an instant, by address and time.
    async fn delivery_counts(&self, since: Timestamp) -> Result<Vec<DeliveryCount>>;
    /// Deletes what is of no use any more: keys that have ended, figures and unknown events (`webhook.*`) from before
    /// `before` that no run came of.
    async fn prune_deliveries(&self, before: Timestamp, now: Timestamp) -> Result<u64>;
    /// The event that told this version of a record.
    async fn event_of(
        &self,
        location: &str,
        kind: &str,
        record: &str,
        version: &str,
    ) -> Result<Option<i64>>;
}
