//! The part of the trait that keeps profiles, their links and the records that were read.

use async_trait::async_trait;
use canopy_mapping::{Impact, Profile, ProfileNote, ProfileTask};
use jiff::Timestamp;

use crate::error::Result;
use crate::profile_types::{Erased, HistoryEntry, ProfileChange};
use crate::types::{
    Fence, Fired, InboxRow, Link, LinkUpdate, NewEvent, NewRecord, ProfileUpdate, Purchase, Run,
    StoredRecord,
};

/// What is durable about contacts: profiles, links, history, and the view. The rules of [`Store`](crate::Store), which
/// includes it, hold here too.
#[async_trait]
pub trait ProfileStore: Send + Sync + std::fmt::Debug + 'static {
    // Profiles and links
    /// The Ecologi side of a contact.
    async fn profile(&self, location: &str, contact: &str) -> Result<Option<Profile>>;
    /// The contacts of a location that have a profile, in the order of their ids.
    async fn contacts_with_profile(&self, location: &str) -> Result<Vec<String>>;
    /// What the contact's confirmed purchases add up to: those for real money, or those that were simulated in test mode.
    /// Never both.
    async fn impact(&self, location: &str, contact: &str, test: bool) -> Result<Impact>;
    /// The notes of a profile, oldest first.
    async fn profile_notes(&self, location: &str, contact: &str) -> Result<Vec<ProfileNote>>;
    /// The tasks of a profile, oldest first.
    async fn profile_tasks(&self, location: &str, contact: &str) -> Result<Vec<ProfileTask>>;
    /// The tags of a profile, in alphabetical order.
    async fn profile_tags(&self, location: &str, contact: &str) -> Result<Vec<String>>;
    /// What was written to notes, tasks and tags of a profile, newest first.
    async fn profile_history(
        &self,
        location: &str,
        contact: &str,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>>;
    /// A person's change of a profile, with the events that tell of it. Not fenced.
    async fn edit_profile(
        &self,
        location: &str,
        profile: Option<ProfileUpdate>,
        changes: Vec<ProfileChange>,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<()>;
    /// Takes a contact's personal data away: profile, notes, tasks, tags, payloads of events, requests and answers of
    /// steps, names in purchases. The ledger stays. Refused while a purchase of the contact is open. Not fenced.
    async fn erase_contact(&self, location: &str, contact: &str) -> Result<Erased>;
    /// The profiles of a contact, or the one with this `ecologiProfileId`, in all locations.
    async fn find_profiles(&self, contact_or_id: &str) -> Result<Vec<Profile>>;
    /// The locations in which an event speaks of this contact.
    async fn locations_of_contact(&self, contact: &str) -> Result<Vec<String>>;
    /// What happened to a contact, newest first.
    async fn contact_events(
        &self,
        location: &str,
        contact: &str,
        limit: u32,
    ) -> Result<Vec<InboxRow>>;
    /// The runs that an event started, in the order of their creation.
    async fn runs_of_event(&self, event: i64) -> Result<Vec<Run>>;
    /// What was bought for a contact, newest first.
    async fn contact_purchases(
        &self,
        location: &str,
        contact: &str,
        limit: u32,
    ) -> Result<Vec<Purchase>>;
    /// What belongs to a HighLevel record.
    async fn link(&self, location: &str, kind: &str, highlevel_id: &str) -> Result<Option<Link>>;
    /// Creates or replaces a link.
    async fn put_link(&self, fence: &Fence, link: LinkUpdate, now: Timestamp) -> Result<()>;
    /// Somebody else changed the record: what we wrote no longer stands there.
    async fn clear_written_hash(
        &self,
        fence: &Fence,
        kind: &str,
        highlevel_id: &str,
        now: Timestamp,
    ) -> Result<()>;

    // The view: records as they were read
    /// Stores what a page of a back-fill told and moves its cursor in the same transaction. What is older than the
    /// stored record changes nothing; the number of records that were new or not older is returned.
    async fn put_records(
        &self,
        fence: &Fence,
        name: &str,
        state: serde_json::Value,
        records: Vec<NewRecord>,
        now: Timestamp,
    ) -> Result<u64>;
    /// Records of one kind in the order of their ids, behind `after` (empty: from the first).
    async fn records(
        &self,
        location: &str,
        kind: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<StoredRecord>>;
    /// All records of a contact, itself among them.
    async fn records_of_contact(&self, location: &str, contact: &str) -> Result<Vec<StoredRecord>>;
    /// How many records of a kind the view has.
    async fn count_records(&self, location: &str, kind: &str) -> Result<u64>;
    /// Makes events pending and approved on a person's word, for the workflows that they name. Events that ran before
    /// run again for those; runs that exist are kept.
    async fn fire_events(
        &self,
        fence: &Fence,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Fired>;
    /// The run of a workflow that an event started before: firing it starts no other.
    async fn run_of(&self, event: &NewEvent, workflow: &str) -> Result<Option<i64>>;
}
