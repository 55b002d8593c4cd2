//! [`ProfileStore`] for [`SqliteStore`]: the connection of each method, and whether it is fenced. The modules do the work.

use async_trait::async_trait;
use canopy_mapping::{Impact, Profile, ProfileNote, ProfileTask};
use jiff::Timestamp;
use serde_json::Value;

use super::macros::{fenced, read, write};
use super::{SqliteStore, ledger, profile_records, profiles, records, runs};
use crate::error::Result;
use crate::profile_store::ProfileStore;
use crate::types::{
    Erased, Fence, Fired, HistoryEntry, InboxRow, Link, LinkUpdate, NewEvent, NewRecord,
    ProfileChange, ProfileUpdate, Purchase, Run, StoredRecord,
};

#[async_trait]
impl ProfileStore for SqliteStore {
    async fn profile(&self, location: &str, contact: &str) -> Result<Option<Profile>> {
        read!(self, profiles::profile(location, contact))
    }

    async fn contacts_with_profile(&self, location: &str) -> Result<Vec<String>> {
        read!(self, profiles::contacts(location))
    }

    async fn impact(&self, location: &str, contact: &str, test: bool) -> Result<Impact> {
        read!(self, profiles::impact(location, contact, test))
    }

    async fn profile_notes(&self, location: &str, contact: &str) -> Result<Vec<ProfileNote>> {
        read!(self, profile_records::notes(location, contact))
    }

    async fn profile_tasks(&self, location: &str, contact: &str) -> Result<Vec<ProfileTask>> {
        read!(self, profile_records::tasks(location, contact))
    }

    async fn profile_tags(&self, location: &str, contact: &str) -> Result<Vec<String>> {
        read!(self, profile_records::tags(location, contact))
    }

    async fn profile_history(
        &self,
        location: &str,
        contact: &str,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>> {
        read!(self, profile_records::history(location, contact, limit))
    }

    async fn edit_profile(
        &self,
        location: &str,
        profile: Option<ProfileUpdate>,
        changes: Vec<ProfileChange>,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<()> {
        let location = location.to_owned();
        write!(
            self,
            profile_records::edit(&location, profile.as_ref(), &changes, &events, now)
        )
    }

    async fn erase_contact(&self, location: &str, contact: &str) -> Result<Erased> {
        let (location, contact) = (location.to_owned(), contact.to_owned());
        write!(self, profile_records::erase(&location, &contact))
    }

    async fn find_profiles(&self, contact_or_id: &str) -> Result<Vec<Profile>> {
        read!(self, profiles::find(contact_or_id))
    }

    async fn locations_of_contact(&self, contact: &str) -> Result<Vec<String>> {
        read!(self, records::locations_of_contact(contact))
    }

    async fn contact_events(
        &self,
        location: &str,
        contact: &str,
        limit: u32,
    ) -> Result<Vec<InboxRow>> {
        read!(self, records::events_of_contact(location, contact, limit))
    }

    async fn runs_of_event(&self, event: i64) -> Result<Vec<Run>> {
        read!(self, runs::of_event(event))
    }

    async fn contact_purchases(
        &self,
        location: &str,
        contact: &str,
        limit: u32,
    ) -> Result<Vec<Purchase>> {
        read!(self, ledger::of_contact(location, contact, limit))
    }

    async fn link(&self, location: &str, kind: &str, highlevel_id: &str) -> Result<Option<Link>> {
        read!(self, profiles::link(location, kind, highlevel_id))
    }

    async fn put_link(&self, fence: &Fence, link: LinkUpdate, now: Timestamp) -> Result<()> {
        fenced!(self, fence, profiles::put_link(&link, now))
    }

    async fn clear_written_hash(
        &self,
        fence: &Fence,
        kind: &str,
        highlevel_id: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (kind, highlevel_id) = (kind.to_owned(), highlevel_id.to_owned());
        fenced!(
            self,
            fence,
            profiles::clear_written_hash(&kind, &highlevel_id, now)
        )
    }

    async fn put_records(
        &self,
        fence: &Fence,
        name: &str,
        state: Value,
        records: Vec<NewRecord>,
        now: Timestamp,
    ) -> Result<u64> {
        let name = name.to_owned();
        fenced!(self, fence, records::put(&name, &state, &records, now))
    }

    async fn records(
        &self,
        location: &str,
        kind: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<StoredRecord>> {
        read!(self, records::page(location, kind, after, limit))
    }

    async fn records_of_contact(&self, location: &str, contact: &str) -> Result<Vec<StoredRecord>> {
        read!(self, records::of_contact(location, contact))
    }

    async fn count_records(&self, location: &str, kind: &str) -> Result<u64> {
        read!(self, records::count(location, kind))
    }

    async fn fire_events(
        &self,
        fence: &Fence,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Fired> {
        fenced!(self, fence, records::fire(&events, now))
    }

    async fn run_of(&self, event: &NewEvent, workflow: &str) -> Result<Option<i64>> {
        read!(self, records::run_of(event, workflow))
    }
}
