//! What has changed between two readings of a list, a record or an answer. Pure: readings in, events out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use canopy_highlevel::operation::Operation;
use canopy_mapping::{content_hash, record_version};
use canopy_store::{NewEvent, PollRecord};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::absent::Doubt;
use super::events::{Before, Maker, Seen, instant_in, text};
use super::known::Known;

/// A record of a reading.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub id: String,
    pub own: Option<String>,
    pub payload: Value,
}

/// A list, as it was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Listed {
    pub items: Vec<Item>,
    /// Nothing can have slipped from one page to another while it was read: what it does not show is not there.
    pub calm: bool,
    /// Elements that are no records. What such a list does not show may stand behind one of them.
    pub odd: usize,
    /// Ids as they were read, one after another.
    pub order: Vec<String>,
    places: HashMap<String, usize>,
}

/// What an unknown record means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The first reading of all: it is part of the baseline.
    Baseline,
    /// It is new.
    New,
    /// This list was read before, and first at this instant: what is older was somewhere else and has come here, which is
    /// a change of it and no creation.
    Came(Timestamp),
    /// This list is read for the first time, long after the baseline: it is new if it is younger than that.
    Since(Timestamp),
    /// The list shows what lies in a window that moves by itself. It is new if it is younger than the last good reading,
    /// and also if it was made further ahead since the baseline (`None`: there was none), and nobody has told of it.
    Slid {
        last: Timestamp,
        baseline: Option<Timestamp>,
    },
}

/// What a comparison tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Found {
    pub events: Vec<NewEvent>,
    pub seen: Vec<PollRecord>,
    pub gone: Vec<String>,
    pub ended: Vec<(String, String)>,
    /// Known to the store before this poll saw them for the first time: what differs is a change, also at a first poll.
    pub told: BTreeSet<String>,
    /// Ids of all records that it shows.
    pub shown: Vec<String>,
    /// Known records that the list no longer shows: what became of them is to be found out.
    pub absent: Vec<PollRecord>,
    /// Lists of these parents are to be read again at the next poll.
    pub again: BTreeSet<String>,
    /// A large part of the list is missing, and the next poll has to agree.
    pub waits: bool,
    pub doubt: Doubt,
}

impl Listed {
    /// The records of a list. One that changed while the pages were read may be on two of them; the later state counts.
    pub fn add(&mut self, items: Vec<Item>) {
        for item in items {
            self.order.push(item.id.clone());
            let place = *self
                .places
                .entry(item.id.clone())
                .or_insert(self.items.len());
            match self.items.get_mut(place) {
                Some(known) if older(item.own.as_deref(), known.own.as_deref()) => {}
                Some(known) => *known = item,
                None => self.items.push(item),
            }
        }
    }

    /// A reading of one record.
    pub fn one(record: Option<Item>) -> Self {
        let mut listed = Self::default();
        listed.add(record.into_iter().collect());
        listed.calm()
    }

    /// The same, known to show all that there is.
    pub fn calm(mut self) -> Self {
        self.calm = self.odd == 0;
        self
    }

    /// This reading with the records that only an earlier one showed. Its own order stays, to be compared with the next.
    pub fn with_those_of(mut self, earlier: Self) -> Self {
        let own = std::mem::take(&mut self.order);
        let only = |item: &Item| !self.places.contains_key(&item.id);
        let missed = earlier.items.into_iter().filter(only).collect();
        self.add(missed);
        self.order = own;
        self
    }
}

impl Item {
    /// A record of a list or of a single read. A record without an id is told apart by its content.
    pub fn new(
        id: Option<String>,
        version: Option<&Value>,
        payload: Value,
        zone: &TimeZone,
    ) -> Self {
        let own = version.and_then(|version| {
            let at = instant_in(version, zone).map(|at| at.to_string());
            at.or_else(|| record_version(version))
        });
        Self {
            id: id.unwrap_or_else(|| content_hash(&payload)),
            own,
            payload,
        }
    }

    pub fn listed(operation: &Operation, payload: Value, zone: &TimeZone) -> Self {
        let id = operation.id.and_then(|pointer| text(&payload, pointer));
        let version = operation
            .version
            .and_then(|pointer| payload.pointer(pointer))
            .cloned();
        Self::new(id, version.as_ref(), payload, zone)
    }

    fn version(&self) -> String {
        self.own
            .clone()
            .unwrap_or_else(|| content_hash(&self.payload))
    }

    fn seen<'a>(&'a self, parent: &'a str) -> Seen<'a> {
        Seen {
            id: &self.id,
            parent,
            own: self.own.as_deref(),
            payload: &self.payload,
        }
    }
}

impl Maker<'_> {
    /// Compares a list with what was known of it.
    pub fn compare(
        &self,
        known: Vec<PollRecord>,
        listed: &Listed,
        parent: &str,
        unknown: Unknown,
        told: &Known,
    ) -> Found {
        let mut known: BTreeMap<String, PollRecord> = known
            .into_iter()
            .map(|record| (record.record.clone(), record))
            .collect();
        let mut found = Found {
            shown: listed.items.iter().map(|item| item.id.clone()).collect(),
            ..Found::default()
        };
        for item in &listed.items {
            match known.remove(&item.id) {
                Some(before) => self.again(&before, item, parent, &mut found),
                None => self.first(item, parent, unknown, told, &mut found),
            }
        }
        if listed.calm && (self.poll.lists_all() || self.poll.moves()) {
            found.absent = known.into_values().collect();
        }
        found
    }

    /// Whether a known record is not on the list, which would mean that it was deleted.
    pub fn misses(&self, known: &[PollRecord], listed: &Listed) -> bool {
        self.poll.lists_all()
            && known
                .iter()
                .any(|record| !listed.places.contains_key(&record.record))
    }

    fn first(&self, item: &Item, parent: &str, unknown: Unknown, told: &Known, found: &mut Found) {
        let seen = item.seen(parent);
        let facets = self.facets(&item.payload);
        let after = |instant: Option<Timestamp>, since| instant.is_some_and(|at| at >= since);
        let own = item.own.as_deref().and_then(|own| own.parse().ok());
        let told = match unknown {
            Unknown::Baseline => told.recent(&item.id, self.now),
            _ => told.of(&item.id),
        };
        let unknown = match unknown {
            Unknown::Slid { baseline: None, .. } if told.is_none() => Unknown::New,
            Unknown::Slid {
                baseline: Some(baseline),
                ..
            } if told.is_none() => Unknown::Since(baseline),
            Unknown::Slid { last, .. } => Unknown::Since(last),
            other => other,
        };
        if told.is_some() {
            found.told.insert(item.id.clone());
        }
        let differs = told.is_some_and(|told| self.differs(told, item));
        let before = told.map(|told| self.facets_told(told));
        let (is_new, is_changed) = match unknown {
            Unknown::Baseline => (false, differs),
            Unknown::Came(since) if self.created_at(&item.payload).is_some_and(|at| at < since) => {
                (false, true)
            }
            // It was there at the baseline, in a state that nobody looked at.
            Unknown::Since(since) if !after(self.created_at(&item.payload), since) => {
                (false, differs || after(own, since))
            }
            Unknown::New | Unknown::Came(_) | Unknown::Since(_) | Unknown::Slid { .. } => {
                (true, differs)
            }
        };
        if is_new {
            found.events.push(self.created(seen));
        }
        if is_changed {
            found.events.push(self.updated(seen, 1));
        }
        match &before {
            None if is_new => {
                found
                    .events
                    .extend(self.changes(seen, 1, Before::New, &facets));
            }
            Some(before) if is_new => {
                let before = Before::Told(before);
                found.events.extend(self.changes(seen, 1, before, &facets));
            }
            Some(before) if is_changed => {
                let before = Before::Seen(before);
                found.events.extend(self.changes(seen, 1, before, &facets));
            }
            _ => {}
        }
        found.seen.push(PollRecord {
            record: item.id.clone(),
            parent: parent.to_owned(),
            version: item.version(),
            number: 1,
            facets,
            missing: 0,
        });
    }

    fn again(&self, before: &PollRecord, item: &Item, parent: &str, found: &mut Found) {
        let version = item.version();
        let facets = self.facets(&item.payload);
        // The members' values were not kept by an earlier version of the description: from now on they are.
        let same_facets = before.facets == facets;
        // Earlier versions of the program kept times without a zone as they were written.
        let known = self.instant(&json!(before.version));
        let known = known.map_or_else(|| before.version.clone(), |at| at.to_string());
        let stale = older(item.own.as_deref(), Some(&known));
        if stale || (version == known && same_facets) {
            if before.missing > 0 {
                let missing = 0;
                found.seen.push(PollRecord {
                    missing,
                    ..before.clone()
                });
            }
            return;
        }
        let seen = item.seen(parent);
        let number = before.number + 1;
        if version != known {
            found.events.push(self.updated(seen, number));
        }
        found
            .events
            .extend(self.changes(seen, number, Before::Seen(&before.facets), &facets));
        found
            .ended
            .extend(self.ended(&item.id, &before.facets, &facets));
        found.seen.push(PollRecord {
            record: item.id.clone(),
            parent: parent.to_owned(),
            version,
            number,
            facets,
            missing: 0,
        });
    }

    /// A known record was deleted.
    pub fn missing(&self, before: &PollRecord, found: &mut Found) {
        let payload = json!({ "id": before.record });
        let seen = Seen {
            id: &before.record,
            parent: &before.parent,
            own: None,
            payload: &payload,
        };
        let mut event = self.deleted(seen);
        event.contact = event.contact.or_else(|| self.was_of(&before.facets));
        found.events.push(event);
        found.gone.push(before.record.clone());
    }
}

impl Found {
    pub fn extend(&mut self, other: Self) {
        self.events.extend(other.events);
        self.seen.extend(other.seen);
        self.gone.extend(other.gone);
        self.ended.extend(other.ended);
        self.told.extend(other.told);
        self.shown.extend(other.shown);
        self.again.extend(other.again);
        self.waits |= other.waits;
        self.doubt.missing += other.doubt.missing;
        self.doubt.known += other.doubt.known;
    }

    /// Nothing is told of a record that its list does not show, until it is asked again.
    pub fn wait(&mut self, record: PollRecord) {
        if !record.parent.is_empty() {
            self.again.insert(record.parent.clone());
        }
        self.seen.push(record);
    }

    /// Nothing is to be known of these records any more.
    pub fn forget(known: Vec<PollRecord>) -> Self {
        let ids: BTreeSet<String> = known.into_iter().map(|record| record.record).collect();
        Self {
            gone: ids.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// Whether a version is of an earlier time: a search that lags behind shows what was seen before.
fn older(one: Option<&str>, other: Option<&str>) -> bool {
    let instant = |version: Option<&str>| version?.parse::<Timestamp>().ok();
    match (instant(one), instant(other)) {
        (Some(one), Some(other)) => one < other,
        _ => false,
    }
}
