//! The part of the trait that knows what is not there: how events are given up for want of a record, looked for again and
//! brought back, and what somebody else did meanwhile to the contact that late steps write to.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::error::Result;
use crate::types::{Fence, StepRecord};

/// How an event is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// What is not there, where it is not the event's own record but its contact.
    pub missing: Option<String>,
    /// Since when; `None`: nobody needs to look for it, because its deletion was told.
    pub since: Option<Timestamp>,
    /// When it is looked for again; `None`: not any more.
    pub next: Option<Timestamp>,
    /// What a person reads beside the event.
    pub error: String,
}

/// What is durable about things that are not there. The rules of [`Store`](crate::Store), which includes it, hold here too.
#[async_trait]
pub trait PatienceStore: Send + Sync + std::fmt::Debug + 'static {
    /// Ends a pending event because what it is about is not there. Others that were given up for want of the same are
    /// looked for at the same time again.
    async fn give_up_event(
        &self,
        fence: &Fence,
        id: i64,
        given_up: GivenUp,
        now: Timestamp,
    ) -> Result<()>;
    /// Has events that were given up be pending once more, where a second look is due: one for each record, and so many
    /// within this time at most; the others come later. Of what was told to be deleted none is made. Tells how many.
    async fn look_again(
        &self,
        fence: &Fence,
        most: u32,
        within: SignedDuration,
        now: Timestamp,
    ) -> Result<u32>;
    /// A read shows this record or contact, so it is there: all events that were given up for want of it are pending again.
    async fn found(&self, fence: &Fence, record: &str, now: Timestamp) -> Result<()>;
    /// Keeps hashes of a contact's parts with a pending event, as they are when its runs begin.
    async fn keep_seen(
        &self,
        fence: &Fence,
        event: i64,
        seen: BTreeMap<String, String>,
    ) -> Result<()>;
    /// Steps of a contact's runs that came further since then, or may have.
    async fn steps_since(
        &self,
        location: &str,
        contact: &str,
        since: Timestamp,
    ) -> Result<Vec<StepRecord>>;
}
