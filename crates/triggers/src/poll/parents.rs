//! Lists that hang on other records: the notes and tasks of contacts, the messages of conversations.
//!
//! They are read for the parents that an event speaks of (of the parents' own poll, or of a webhook), because nobody
//! can read the notes of 100,000 contacts every five minutes. A slow sweep over all parents finds what moved no parent.

use std::collections::{BTreeMap, BTreeSet};

use canopy_store::{NewEvent, PollRecord};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ahead::{Ahead, Sure};
use super::compare::{Found, Unknown};
use super::events::{Maker, of_first_poll};
use super::evidence::ReadError;
use super::reading::Reader;
use super::sweep::Sweep;
use super::{Poll, PollError, Poller};

/// Events that are looked at before what was found is committed.
const EVENTS: u32 = 50;
/// Parents whose lists a preview reads.
const SAMPLE: u64 = 5;

/// Version of the mark of a list that has shown nothing so far. Otherwise it is `read`.
const EMPTY: &str = "empty";
/// Version of the mark of a list that was never read, because its parent is not there.
const ABSENT: &str = "absent";
/// What was just made may not be there yet: so long a parent that is said not to be there is asked for again.
pub(super) const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// How far such a poll has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    /// When the baseline was set: what is younger is new. `None`: all is.
    since: Option<Timestamp>,
    /// When a trigger asked for what was there: what is older is history to all others.
    asked: Option<Timestamp>,
    /// The last event that was looked at for parents.
    event: i64,
    sweep: Sweep,
    /// Parents whose lists are to be read once more: they could not be read, or did not show what they had.
    again: BTreeSet<String>,
    /// How far the service's clock is ahead of ours.
    ahead: Ahead,
    /// A large part was missing at the last poll, and a person was told.
    pub(super) doubt: bool,
}

/// What the list of one parent told.
struct OfParent {
    found: Found,
    /// How many records it shows.
    shown: usize,
    /// It is read for the first time, and shows nothing.
    unproven: bool,
}

impl Progress {
    /// What is there now is not looked at: a change of a parent will show what is new.
    pub fn baseline(now: Timestamp, event: i64) -> Self {
        Self {
            since: Some(now),
            event,
            ..Self::default()
        }
    }

    /// What is there now is told when its turn comes. `for_all`: not only for the trigger that asks for it.
    pub fn backfill(now: Timestamp, event: i64, for_all: bool) -> Self {
        Self {
            asked: (!for_all).then_some(now),
            event,
            ..Self::default()
        }
    }

    /// Progress of which the next poll reads the lists of a few parents, as if all in them were new.
    pub fn sample(now: Timestamp, sweep: SignedDuration) -> Self {
        Self {
            event: i64::MAX,
            sweep: Sweep {
                total: SAMPLE,
                at: Some(now - sweep),
                ..Sweep::default()
            },
            ..Self::default()
        }
    }

    /// Parents that the sweep reads a day.
    pub fn swept_a_day(&self, sweep: SignedDuration) -> u64 {
        let days = u64::try_from(sweep.as_secs().max(1)).unwrap_or(1);
        (self.sweep.total * 86_400).div_ceil(days)
    }

    /// Parents that the first round has still to read; `None`: nobody knows yet how many there are.
    pub fn left_at_first(&self) -> Option<u64> {
        let sweep = &self.sweep;
        if sweep.through {
            return Some(0);
        }
        let read = sweep.met.saturating_sub(sweep.queue.len() as u64);
        (sweep.total > 0).then(|| sweep.total.saturating_sub(read))
    }
}

impl Poller {
    /// Reads the lists of some parents. `true`: there are more parents with events. A list that cannot be read does not
    /// keep the others from being read: it has its turn again at the next poll, and its error is told.
    pub(super) async fn read_parents(
        &self,
        maker: Maker<'_>,
        reader: &Reader,
        progress: &mut Progress,
        found: &mut Found,
    ) -> Result<(bool, Option<PollError>), PollError> {
        let word = maker.poll.parent_word().unwrap_or_default();
        let events = self
            .site
            .store
            .events_about(&self.site.location, word, progress.event, EVENTS)
            .await?;
        let more = events.len() >= EVENTS as usize;
        let mut parents: BTreeMap<String, bool> = BTreeMap::new();
        let again = std::mem::take(&mut progress.again);
        parents.extend(again.into_iter().map(|parent| (parent, false)));
        for (event, parent, kind) in events {
            progress.event = event;
            *parents.entry(parent).or_default() |= kind.ends_with(".created");
        }
        if !more {
            for parent in self.sweep(maker, reader, &mut progress.sweep).await? {
                let is_new = progress
                    .since
                    .or(progress.asked)
                    .is_some_and(|since| parent.created.is_some_and(|created| created >= since));
                *parents.entry(parent.id).or_default() |= is_new;
            }
        }
        let (mut read, mut shown, mut failed) = (0, 0, None);
        let mut unproven = BTreeSet::new();
        let mut sure = Sure::new(&mut progress.ahead);
        for (parent, is_new) in parents {
            // All that is in the list of a parent which is new itself is new.
            let since = progress.since.filter(|_| !is_new);
            let asked = progress.asked.filter(|_| !is_new);
            match self
                .read_parent(maker, reader, (since, asked), &mut sure, &parent)
                .await
            {
                Ok(of_parent) => {
                    found.extend(of_parent.found);
                    read += 1;
                    shown += of_parent.shown;
                    if of_parent.unproven {
                        unproven.insert(parent);
                    }
                }
                Err(error @ PollError::Store(_)) => return Err(error),
                Err(error) => {
                    progress.again.insert(parent);
                    failed = failed.or(Some(error));
                }
            }
        }
        match failed {
            // The service as a whole is away, as far as can be seen: nothing moves.
            Some(error) if read == 0 => Err(error),
            failed => {
                // Nothing was shown, and of these lists nobody knows what they had. Records that say when they were made
                // tell themselves whether they are new. Of others, where nothing is shown anywhere, the next poll has to
                // agree, or all that is in the lists would be new then.
                let dated = maker.poll.trigger.created.is_some();
                if dated || shown == 0 {
                    for mark in &mut found.seen {
                        let parent = mark.record.strip_prefix('^');
                        if parent.is_some_and(|parent| unproven.contains(parent)) {
                            EMPTY.clone_into(&mut mark.version);
                        }
                    }
                    progress
                        .again
                        .extend(unproven.into_iter().filter(|_| !dated));
                }
                progress.again.extend(std::mem::take(&mut found.again));
                Ok((more, failed))
            }
        }
    }

    async fn read_parent(
        &self,
        maker: Maker<'_>,
        reader: &Reader,
        (since, asked): (Option<Timestamp>, Option<Timestamp>),
        sure: &mut Sure<'_>,
        parent: &str,
    ) -> Result<OfParent, PollError> {
        let poll = maker.poll;
        let (name, location) = (&poll.name, &self.site.location);
        let store = &self.site.store;
        let known = store.poll_records(location, name, Some(parent)).await?;
        let fail = |source: ReadError| self.failed(poll, source);
        let arguments = reader.filled(poll).await;
        let mut arguments = arguments.map_err(ReadError::from).map_err(fail)?;
        if let Some(each) = poll.trigger.each {
            arguments.insert(each.parameter.to_owned(), json!(parent));
        }
        let mut mark = store
            .poll_record(location, name, &format!("^{parent}"))
            .await?;
        let absent = mark.as_ref().and_then(|mark| at(mark, "absent"));
        mark.take_if(|mark| mark.version == ABSENT);
        // It was read, and showed nothing: that is not enough to know what is new in it.
        let was_empty = mark.take_if(|mark| mark.version == EMPTY).is_some();
        let listed = match reader.list(poll, arguments).await {
            Ok(listed) => listed,
            Err(error) if error.is_final() => {
                // The parent is gone, or not there yet, and this must not keep others from being read.
                tracing::debug!(poll = %name, %error, "the list of a record cannot be read");
                let since = absent.unwrap_or(maker.now).min(maker.now);
                return Ok(OfParent {
                    found: without_parent(mark, known, parent, (since, maker.now)),
                    shown: 1,
                    unproven: false,
                });
            }
            Err(error) => return Err(fail(error)),
        };
        let read = mark.as_ref().and_then(|mark| at(mark, "read"));
        let unknown = match (&mark, read, since) {
            (None, _, Some(since)) => Unknown::Since(since),
            (Some(_), Some(read), _) => Unknown::Came(read - self.options.overlap),
            _ => Unknown::New,
        };
        let compared = self.compared(maker, &listed, parent, unknown, true);
        let mut found = compared.await?;
        if let Some(asked) = asked.filter(|_| mark.is_none()) {
            let was_there = |event: &&mut NewEvent| {
                let created = maker.created_at(&event.payload);
                created.is_none_or(|created| created < asked)
            };
            let events = found.events.iter_mut();
            events.filter(was_there).for_each(of_first_poll);
        }
        // The time of the last good reading.
        let read = if found.waits {
            read
        } else {
            Some(sure.now(self.service_time(maker.now), maker.now))
        };
        // What is hidden by an element that is no record is not new when it shows.
        if mark.is_some() || listed.odd == 0 {
            found.seen.push(PollRecord {
                record: format!("^{parent}"),
                version: "read".to_owned(),
                number: 1,
                facets: json!({ "read": read }),
                ..PollRecord::default()
            });
        }
        let shown = listed.items.len();
        let dated = poll.trigger.created.is_some();
        Ok(OfParent {
            found,
            shown,
            unproven: shown == 0 && since.is_some() && mark.is_none() && (dated || !was_empty),
        })
    }
}

/// When the list of a parent was last read well (`read`), or since when the parent is said not to be there (`absent`).
fn at(mark: &PollRecord, what: &str) -> Option<Timestamp> {
    mark.facets[what].as_str()?.parse().ok()
}

/// What is known of the list of a parent that is said not to be there. It is forgotten once that has been said for a while.
fn without_parent(
    mark: Option<PollRecord>,
    known: Vec<PollRecord>,
    parent: &str,
    (since, now): (Timestamp, Timestamp),
) -> Found {
    let place = format!("^{parent}");
    if now.duration_since(since) >= PATIENCE {
        let mut found = Found::forget(known);
        match mark {
            Some(mut mark) => {
                mark.facets = json!({ "read": mark.facets["read"] });
                found.seen.push(mark);
            }
            None => found.gone.push(place),
        }
        return found;
    }
    let mut mark = mark.unwrap_or_else(|| PollRecord {
        record: place,
        version: ABSENT.to_owned(),
        number: 1,
        ..PollRecord::default()
    });
    mark.facets = json!({ "read": mark.facets["read"], "absent": since });
    let mut found = Found::default();
    found.seen.push(mark);
    found.again.insert(parent.to_owned());
    found
}

impl Poll {
    /// Records that do not say when they were made can be told from old ones only in lists that were read before. So
    /// these are all read soon after the baseline.
    pub(super) fn has_first_round(&self) -> bool {
        self.parents().is_some() && self.trigger.created.is_none()
    }
}
