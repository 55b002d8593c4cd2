//! Lists that can be asked for what changed since.
//!
//! One search asks for the records changed since the last poll, oldest change first, with an overlap because search
//! results lag behind writes. The position remembers what it saw within the overlap, so nothing is reported twice. An
//! idle poll costs one call, however many records there are.

use std::collections::BTreeMap;

use canopy_highlevel::operation::Reading;
use canopy_mapping::record_version;
use canopy_store::PollRecord;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::compare::Found;
use super::events::{Before, Maker, Seen, instant, text};
use super::evidence::{ReadError, Shown};
use super::members::take_for_nothing;
use super::reading::Reader;
use super::{PollError, Poller};

/// A record whose update time is this close to its creation has only been created.
const CREATION: SignedDuration = SignedDuration::from_secs(1);
/// How long what stands behind an element that is no record is waited for.
const HELD: SignedDuration = SignedDuration::from_hours(24);

/// How far the records of a location have been read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// The newest change seen, in the service's time; nothing is older than the beginning of time.
    since: Option<Timestamp>,
    /// Id and version of what was seen within the overlap before `since`.
    seen: BTreeMap<String, String>,
    /// The newest change at the baseline: records added later are new.
    baseline: Option<Timestamp>,
    /// Ids that the baseline saw within its overlap: they are not new.
    known: Vec<String>,
    /// Since when answers have had elements that are no records.
    #[serde(default)]
    held: Option<Timestamp>,
    /// The members whose changes are kinds of their own are known of all records.
    #[serde(default)]
    facets: bool,
}

/// What asks for changes: the poll, where its time is, and what it searches for.
pub(super) struct Search<'a> {
    pub(super) maker: Maker<'a>,
    pub(super) reader: &'a Reader,
    /// JSON pointer to the time of the last change.
    changed: &'static str,
    arguments: Map<String, Value>,
    /// Records of a page.
    page: u32,
}

impl Poller {
    /// The first poll: remembers how far the location has come, and fires nothing.
    pub(super) async fn changes_baseline(
        &self,
        maker: Maker<'_>,
        reader: &Reader,
        found: &mut Found,
    ) -> Result<Position, PollError> {
        let search = self.search(maker, reader).await?;
        let mut position = Position::default();
        let newest = search.newest().await;
        let newest = newest.map_err(|error| self.failed(maker.poll, error))?;
        if let Some(newest) = newest {
            let newest = newest.min(self.site.clock.now());
            position.since = Some(newest);
            for record in self
                .changed_since(&search, Some(newest - self.options.overlap))
                .await?
                .records
            {
                search.remember(&mut position, &record);
            }
            position.since = Some(newest);
            position.forget_before(self.options.overlap);
        }
        // In an empty location everybody who comes is new, and that is told from an answer that only looks empty by the
        // service's clock, or ours where it does not tell. One that is ahead of ours is not believed: whoever came until
        // then would look old.
        let ours = self.site.clock.now();
        position.baseline = position
            .since
            .or_else(|| Some(self.service_time(ours).min(ours)));
        position.known = position.seen.keys().cloned().collect();
        self.know_members(&search, &mut position, found).await?;
        Ok(position)
    }

    pub(super) async fn read_changes(
        &self,
        maker: Maker<'_>,
        reader: &Reader,
        position: &mut Position,
        found: &mut Found,
    ) -> Result<(), PollError> {
        let search = self.search(maker, reader).await?;
        self.know_members(&search, position, found).await?;
        let from = position.since.map(|since| since - self.options.overlap);
        let shown = self.changed_since(&search, from).await?;
        let (odd, sure) = (shown.odd, shown.sure);
        let mut reached = position.since;
        // What the next poll is to see once more.
        let mut again = None;
        for (place, record) in shown.records.into_iter().enumerate() {
            if place == sure {
                reached = position.since;
            }
            found.shown.extend(search.id(&record));
            if search.has_seen(position, &record) {
                continue;
            }
            if self.events_of(&search, position, &record, found).await? {
                search.remember(position, &record);
            } else {
                again = again.or_else(|| search.changed_at(&record));
            }
        }
        if again.is_some() {
            position.since = position.since.min(again);
        }
        // A record may stand behind an element that is none: the next polls read from there, for a day.
        let now = self.site.clock.now();
        position.held = (odd > 0).then(|| position.held.unwrap_or(now));
        let waits = |since: Timestamp| now.duration_since(since) < HELD;
        if position.held.is_some_and(waits) && reached.is_some() {
            position.since = position.since.min(reached);
        }
        // A wrong date in the future must not blind later polls.
        position.since = position.since.min(Some(self.site.clock.now()));
        position.forget_before(self.options.overlap);
        Ok(())
    }

    /// A record that appeared is a creation; one that changed since it appeared is an update as well. `false`: not all is
    /// known of it yet.
    async fn events_of(
        &self,
        search: &Search<'_>,
        position: &Position,
        record: &Value,
        found: &mut Found,
    ) -> Result<bool, PollError> {
        let (Some(id), Some(changed)) = (search.id(record), search.changed_at(record)) else {
            return Ok(true);
        };
        let maker = search.maker;
        let added = maker.created_at(record).unwrap_or(changed);
        // It was there at the baseline, and did not show.
        let start = position.baseline.map(|at| at - self.options.overlap);
        if start.is_some_and(|start| changed < start) && !position.seen.contains_key(&id) {
            return Ok(true);
        }
        let is_new = match position.baseline {
            None => true,
            Some(baseline) => {
                added > baseline - self.options.overlap && !position.known.contains(&id)
            }
        };
        let own = changed.to_string();
        let seen = Seen {
            id: &id,
            parent: "",
            own: Some(&own),
            payload: record,
        };
        let known_already = position.seen.contains_key(&id);
        if is_new {
            let mut event = maker.created(seen);
            event.occurred_at = added;
            found.events.push(event);
        }
        // What was seen in an earlier state has changed since, however soon after its creation.
        if !is_new || known_already || changed.duration_since(added) > CREATION {
            found.events.push(maker.updated(seen, 1));
        }
        if maker.poll.wants_changes() {
            let name = &maker.poll.name;
            // A new record may be on two pages of one reading.
            let before = match found.seen.iter().rfind(|seen| seen.record == id) {
                Some(before) => Some(before.clone()),
                None => {
                    self.site
                        .store
                        .poll_record(&self.site.location, name, &id)
                        .await?
                }
            };
            let number = before.as_ref().map_or(1, |before| before.number + 1);
            let Some(facets) = self.members(search, &id, record).await? else {
                return Ok(false);
            };
            let mut before = before.map(|before| before.facets);
            if let Some(before) = &mut before {
                self.take_as_told(search, &id, before, record).await?;
                take_for_nothing(before, record, &facets);
            }
            let before = before.as_ref().map_or(Before::New, Before::Seen);
            found
                .events
                .extend(maker.changes(seen, number, before, &facets));
            found.seen.push(kept(id, own, number, facets));
        }
        Ok(true)
    }

    /// Somebody waits for the change of a member: what it was before must be known of every record, and only a reading of
    /// them all tells.
    async fn know_members(
        &self,
        search: &Search<'_>,
        position: &mut Position,
        found: &mut Found,
    ) -> Result<(), PollError> {
        let wanted = search.maker.poll.wants_changes();
        if wanted && !position.facets && position.since.is_some() {
            for record in self.changed_since(search, None).await?.records {
                if let (Some(id), Some(own)) = (search.id(&record), search.version(&record)) {
                    let facets = search.maker.facets(&record);
                    found.seen.push(kept(id, own, 1, facets));
                }
            }
        }
        position.facets = wanted;
        Ok(())
    }

    async fn search<'a>(
        &self,
        maker: Maker<'a>,
        reader: &'a Reader,
    ) -> Result<Search<'a>, PollError> {
        let arguments = reader.filled(maker.poll).await;
        let arguments = arguments.map_err(|error| self.failed(maker.poll, error))?;
        let changed = match maker.poll.trigger.reading {
            Reading::Changes { changed } => changed,
            _ => "",
        };
        Ok(Search {
            maker,
            reader,
            changed,
            arguments,
            page: self.options.page,
        })
    }

    /// All records changed at or after an instant, oldest change first.
    async fn changed_since(
        &self,
        search: &Search<'_>,
        from: Option<Timestamp>,
    ) -> Result<Shown, PollError> {
        let mut shown = Shown::default();
        let mut after = Value::Null;
        loop {
            let page = search.page(from, &after).await;
            let page = page.map_err(|error| self.failed(search.maker.poll, error))?;
            let full = page.records.len() + page.odd >= search.page as usize;
            let next = page
                .records
                .last()
                .map_or(Value::Null, |last| last["searchAfter"].clone());
            shown.extend(page);
            if !full || next.is_null() {
                return Ok(shown);
            }
            if next == after {
                return Err(PollError::Stuck {
                    poll: search.maker.poll.name.clone(),
                    location: self.site.location.clone(),
                });
            }
            after = next;
        }
    }
}

impl Search<'_> {
    async fn newest(&self) -> Result<Option<Timestamp>, ReadError> {
        let mut query = self.arguments.clone();
        query.insert("pageLimit".to_owned(), json!(1));
        query.insert("page".to_owned(), json!(1));
        query.insert("sort".to_owned(), self.sort("desc"));
        let newest = self.ask(query).await?.records;
        Ok(newest.first().and_then(|newest| self.changed_at(newest)))
    }

    async fn page(&self, from: Option<Timestamp>, after: &Value) -> Result<Shown, ReadError> {
        let mut query = self.arguments.clone();
        query.insert("pageLimit".to_owned(), json!(self.page));
        query.insert("sort".to_owned(), self.sort("asc"));
        if let Some(from) = from {
            let mut filters = match query.get("filters") {
                Some(Value::Array(filters)) => filters.clone(),
                _ => Vec::new(),
            };
            filters.push(
                json!({ "field": self.field(), "operator": "range", "value": { "gte": from } }),
            );
            query.insert("filters".to_owned(), Value::Array(filters));
        }
        // Continued by the last record, never by page number: a record that changes meanwhile moves to the end and would
        // shift another one off the page.
        query.remove("page");
        query.remove("searchAfter");
        if after.is_null() {
            query.insert("page".to_owned(), json!(1));
        } else {
            query.insert("searchAfter".to_owned(), after.clone());
        }
        self.ask(query).await
    }

    async fn ask(&self, query: Map<String, Value>) -> Result<Shown, ReadError> {
        let operation = self.maker.poll.operation;
        let answer = self
            .reader
            .invoke(operation.name, &Value::Object(query))
            .await?;
        self.reader.shown(self.maker.poll, &answer)
    }

    fn sort(&self, direction: &str) -> Value {
        json!([{ "field": self.field(), "direction": direction }])
    }

    /// The name of the time of the last change.
    fn field(&self) -> &'static str {
        self.changed.trim_start_matches('/')
    }

    fn id(&self, record: &Value) -> Option<String> {
        text(record, self.maker.poll.operation.id?)
    }

    fn version(&self, record: &Value) -> Option<String> {
        let at = |pointer: &str| record.pointer(pointer).and_then(record_version);
        at(self.changed).or_else(|| at(self.maker.poll.trigger.created?))
    }

    pub(super) fn changed_at(&self, record: &Value) -> Option<Timestamp> {
        record
            .pointer(self.changed)
            .and_then(instant)
            .or_else(|| self.maker.created_at(record))
    }

    fn has_seen(&self, position: &Position, record: &Value) -> bool {
        let id = self.id(record).unwrap_or_default();
        position
            .seen
            .get(&id)
            .is_some_and(|seen| Some(seen.as_str()) == self.version(record).as_deref())
    }

    fn remember(&self, position: &mut Position, record: &Value) {
        if let (Some(id), Some(version)) = (self.id(record), self.version(record)) {
            position.since = position.since.max(self.changed_at(record));
            position.seen.insert(id, version);
        }
    }
}

impl Position {
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

fn kept(record: String, version: String, number: i64, facets: Value) -> PollRecord {
    PollRecord {
        record,
        version,
        number,
        facets,
        ..PollRecord::default()
    }
}
