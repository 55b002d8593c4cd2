//! Reading a location as a whole, beyond the 10,000 records that a search pages through by number.
//!
//! Contacts are read in the order of their creation and continued by the last one, so that neither changes nor new
//! contacts shift the pages; then the notes and tasks of each contact of the page. The place moves in the transaction
//! that stores the records: a back-fill that was stopped goes on where it was, one that came to its end begins anew.
//! It has the last place in the location's limits and stops when its share of the day is used up. It makes no events.

mod options;

use std::collections::HashSet;

use canopy_highlevel::{Cause, Client, Exhausted, NotSent, Priority, Reserves};
use canopy_mapping::record_version;
use canopy_store::{NewRecord, StoreError};
use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::options::{BackfillError, BackfillOptions, Backfilled, Progress, RecordKind, Since};
use crate::Site;

const SEARCH: &str = "search-contacts-advanced";
/// A page of the search; 500 is the most that the service gives.
const PAGE: u32 = 500;
/// Contacts whose notes and tasks are stored together.
const TOGETHER: usize = 25;
/// Contacts that are read side by side; the limits still hold.
const ASIDE: usize = 8;
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// Times that a lease may be lost between taking and using it.
const FENCED: u32 = 5;

/// How far it has come, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Place {
    asked: Option<String>,
    since: Option<Timestamp>,
    /// `searchAfter` of the last contact that was read.
    after: Value,
    /// Contacts whose notes and tasks are still to be read.
    open: Vec<String>,
    /// All contacts have been seen.
    ended: bool,
    contacts: u64,
    total: u64,
    records: u64,
    done: bool,
}

/// Reads one location.
#[derive(Debug)]
pub struct Backfill {
    client: Client,
    site: Site,
    options: BackfillOptions,
}

impl Backfill {
    pub fn new(client: Client, site: Site, mut options: BackfillOptions) -> Self {
        options.kinds.sort_unstable();
        options.kinds.dedup();
        Self {
            client,
            site,
            options,
        }
    }

    /// Reads to the end. `report` is told after each step; dropping the future loses at most what was not reported.
    pub async fn run(
        &self,
        report: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Backfilled, BackfillError> {
        let (mut place, resumed) = self.begin().await?;
        report(self.progress(&place));
        loop {
            if !place.open.is_empty() {
                self.read_members(&mut place).await?;
            } else if !place.ended {
                self.read_page(&mut place).await?;
            } else {
                break;
            }
            report(self.progress(&place));
        }
        place.done = true;
        self.commit(&mut place, Vec::new()).await?;
        Ok(Backfilled {
            resumed,
            progress: self.progress(&place),
        })
    }

    async fn begin(&self) -> Result<(Place, bool), BackfillError> {
        let since = self.options.since.as_ref();
        let asked = since.map(|since| since.asked.clone());
        if let Some(state) = self.site.cursor(&self.name()).await? {
            let place: Place =
                serde_json::from_value(state).map_err(|source| BackfillError::Place {
                    location: self.site.location.clone(),
                    source,
                })?;
            if !place.done && place.asked == asked {
                return Ok((place, true));
            }
        }
        let place = Place {
            asked,
            since: since.map(|since| since.at),
            ..Place::default()
        };
        Ok((place, false))
    }

    /// One page of contacts. An empty one is the last: a short one may only be filtered.
    async fn read_page(&self, place: &mut Place) -> Result<(), BackfillError> {
        let mut query = json!({
            "locationId": self.site.location,
            "pageLimit": PAGE,
            "sort": [{ "field": "dateAdded", "direction": "asc" }],
        });
        // A new note need not move its contact's time of change, so the contacts of notes and tasks are all read.
        if let (Some(since), [RecordKind::Contact]) = (place.since, &*self.options.kinds) {
            query["filters"] =
                json!([{ "field": "dateUpdated", "operator": "range", "value": { "gte": since } }]);
        }
        if place.after.is_null() {
            query["page"] = json!(1);
        } else {
            query["searchAfter"] = place.after.clone();
        }
        let answer = self.call(place, SEARCH, &query).await?;
        let page = self.list(SEARCH, &answer, "contacts")?;
        let next = page
            .last()
            .map_or(Value::Null, |last| last["searchAfter"].clone());
        if !next.is_null() && next == place.after {
            return Err(BackfillError::Stuck {
                location: self.site.location.clone(),
            });
        }
        let ids: Vec<String> = page
            .iter()
            .filter_map(|contact| contact["id"].as_str().map(str::to_owned))
            .collect();
        let mut records = Vec::new();
        if self.wants(RecordKind::Contact) {
            records.extend(
                page.iter()
                    .filter_map(|contact| record_of(RecordKind::Contact, None, contact))
                    .filter(|record| place.takes(record)),
            );
        }
        place.total = answer["total"].as_u64().unwrap_or(place.total);
        place.after = next;
        if self.members().next().is_some() {
            place.open = ids;
        } else {
            place.contacts += ids.len() as u64;
        }
        place.ended = place.after.is_null();
        self.commit(place, records).await
    }

    /// Notes and tasks of the next contacts. What was read before a failure is kept.
    async fn read_members(&self, place: &mut Place) -> Result<(), BackfillError> {
        let next: Vec<String> = place.open.iter().take(TOGETHER).cloned().collect();
        let read: Vec<_> = {
            let place = &*place;
            stream::iter(next)
                .map(|contact| async move {
                    let records = self.members_of(place, &contact).await;
                    (contact, records)
                })
                .buffer_unordered(ASIDE)
                .collect()
                .await
        };
        let mut records = Vec::new();
        let mut finished = HashSet::new();
        let mut failure = None;
        for (contact, outcome) in read {
            match outcome {
                Ok(found) => {
                    records.extend(found.into_iter().filter(|record| place.takes(record)));
                    finished.insert(contact);
                }
                Err(error) => failure = Some(error),
            }
        }
        place.open.retain(|contact| !finished.contains(contact));
        place.contacts += finished.len() as u64;
        self.commit(place, records).await?;
        // A refusal told how far it was before the others came in.
        match failure {
            Some(BackfillError::DayUsedUp {
                location,
                resets_at,
                total,
                ..
            }) => Err(BackfillError::DayUsedUp {
                location,
                resets_at,
                total,
                contacts: place.contacts,
            }),
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    async fn members_of(
        &self,
        place: &Place,
        contact: &str,
    ) -> Result<Vec<NewRecord>, BackfillError> {
        let mut records = Vec::new();
        for (kind, operation, member) in self.members() {
            let arguments = json!({ "contactId": contact });
            let answer = match self.call(place, operation, &arguments).await {
                // Deleted since the search named it.
                Err(BackfillError::Service { source, .. }) if source.is_gone() => continue,
                answer => answer?,
            };
            records.extend(
                self.list(operation, &answer, member)?
                    .iter()
                    .filter_map(|record| record_of(kind, Some(contact), record)),
            );
        }
        Ok(records)
    }

    /// A list that is not there is no empty one: the back-fill would end in the middle.
    fn list<'a>(
        &self,
        operation: &'static str,
        answer: &'a Value,
        member: &str,
    ) -> Result<&'a [Value], BackfillError> {
        let list = answer[member].as_array().map(Vec::as_slice);
        list.ok_or_else(|| BackfillError::Unreadable {
            location: self.site.location.clone(),
            operation,
        })
    }

    async fn commit(
        &self,
        place: &mut Place,
        records: Vec<NewRecord>,
    ) -> Result<(), BackfillError> {
        place.records += records.len() as u64;
        let state = json!(place);
        let mut attempts = 0;
        loop {
            let fence = self.site.lease(LEASE).await?;
            let Some(fence) = fence else {
                return Err(BackfillError::Owned {
                    location: self.site.location.clone(),
                });
            };
            let (name, now) = (self.name(), self.site.clock.now());
            let (state, records) = (state.clone(), records.clone());
            let store = &self.site.store;
            let put = store.put_records(&fence, &name, state, records, now);
            match put.await {
                // A `canopy run` beside us has just let the location go or taken it again.
                Err(StoreError::Fenced { .. }) if attempts < FENCED => attempts += 1,
                put => return Ok(put.map(drop)?),
            }
        }
    }

    async fn call(
        &self,
        place: &Place,
        operation: &str,
        arguments: &Value,
    ) -> Result<Value, BackfillError> {
        let answer = self
            .client
            .invoke_as(Priority::Backfill, operation, arguments)
            .await;
        answer.map_err(|source| match source.cause() {
            Cause::NotSent(NotSent::Quota(Exhausted::Day { resets_at, .. })) => {
                BackfillError::DayUsedUp {
                    location: self.site.location.clone(),
                    contacts: place.contacts,
                    total: place.total,
                    resets_at: *resets_at,
                }
            }
            _ => BackfillError::Service {
                location: self.site.location.clone(),
                source,
            },
        })
    }

    fn progress(&self, place: &Place) -> Progress {
        let daily = self.client.rate_budget().daily;
        let reserve = |limit: u32| {
            let reserved = u64::from(limit) * u64::from(Reserves::default().backfill) / 100;
            u32::try_from(reserved).unwrap_or(u32::MAX)
        };
        Progress {
            contacts: place.contacts,
            total: place.total.max(place.contacts),
            records: place.records,
            calls_left: daily.map(|day| day.remaining.saturating_sub(reserve(day.limit))),
        }
    }

    /// Names its place in the store.
    fn name(&self) -> String {
        let kinds: Vec<_> = self
            .options
            .kinds
            .iter()
            .map(|kind| kind.as_str())
            .collect();
        format!("backfill:{}", kinds.join(","))
    }

    fn wants(&self, kind: RecordKind) -> bool {
        self.options.kinds.contains(&kind)
    }

    /// What is read for each contact.
    fn members(&self) -> impl Iterator<Item = (RecordKind, &'static str, &'static str)> {
        self.options.kinds.iter().filter_map(|kind| {
            kind.list()
                .map(|(operation, member)| (*kind, operation, member))
        })
    }
}

impl Place {
    fn takes(&self, record: &NewRecord) -> bool {
        match (self.since, record.version) {
            (Some(since), Some(changed)) => changed >= since,
            _ => true,
        }
    }
}

fn record_of(kind: RecordKind, contact: Option<&str>, record: &Value) -> Option<NewRecord> {
    let id = record["id"].as_str()?;
    let mut payload = record.clone();
    if let Some(members) = payload.as_object_mut() {
        // Says where the record stood in the search, and nothing of the record.
        members.shift_remove("searchAfter");
    }
    let changed = record_version(&record["dateUpdated"])
        .or_else(|| record_version(&record["dateAdded"]))
        .and_then(|version| version.parse().ok());
    Some(NewRecord {
        kind: kind.as_str().to_owned(),
        record: id.to_owned(),
        contact: Some(contact.unwrap_or(id).to_owned()),
        payload,
        version: changed,
    })
}
