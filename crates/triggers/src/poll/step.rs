//! One step of a poll: from what is kept of it to what is to be kept.

use canopy_highlevel::operation::Reading;
use canopy_store::{NewEvent, PollCommit, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::absent::Doubt;
use super::ahead::Ahead;
use super::changes::Position;
use super::compare::Found;
use super::events::{self, Maker};
use super::evidence::ReadError;
use super::parents::Progress;
use super::whole::Whole;
use super::{Poll, PollError, Poller};

/// What a poll wants to know next time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State<P> {
    #[serde(flatten)]
    progress: P,
    /// Calls of the last poll.
    #[serde(default)]
    calls: u32,
    /// Seconds to the next poll, as it was then.
    #[serde(default)]
    every: u64,
    /// Calls of the day that were used by then.
    #[serde(default)]
    used: u32,
}

/// One step of a poll: what to commit, and whether to go on at once.
pub(super) struct Step {
    pub commit: PollCommit,
    pub baseline: bool,
    pub more: bool,
    /// A part could not be read. It is kept to be read again.
    pub failed: Option<PollError>,
    /// What is missing for the first time, and whether that was so at the last poll.
    pub doubt: Doubt,
    pub doubted: bool,
}

impl Poller {
    pub(super) async fn step(&self, poll: &Poll, state: Option<Value>) -> Result<Step, PollError> {
        let maker = Maker {
            poll,
            location: &self.site.location,
            now: self.site.clock.now(),
            zone: self.reader.zone(),
        };
        let first = state.is_none();
        let baseline = first && !poll.backfill;
        let mut found = Found::default();
        let (mut more, mut failed, mut doubted) = (false, None, false);
        self.reader.begin();
        // Before anything is read: what is made while a long list is read is younger.
        let began = self.client.service_time();
        let progress = if matches!(poll.trigger.reading, Reading::Changes { .. }) {
            let position = match self.progress::<Position>(poll, state)? {
                None if baseline => {
                    self.changes_baseline(maker, &self.reader, &mut found)
                        .await?
                }
                position => {
                    let mut position = position.unwrap_or_default();
                    self.read_changes(maker, &self.reader, &mut position, &mut found)
                        .await?;
                    position
                }
            };
            self.state(poll, position)
        } else if poll.parents().is_some() {
            let progress = match self.progress::<Progress>(poll, state)? {
                None => {
                    let now = self.service_time(maker.now);
                    let newest = self.newest_event().await?;
                    if poll.backfill {
                        Progress::backfill(now, newest, self.options.backfill)
                    } else {
                        Progress::baseline(now, newest)
                    }
                }
                Some(mut progress) => {
                    doubted = progress.doubt;
                    (more, failed) = self
                        .read_parents(maker, &self.reader, &mut progress, &mut found)
                        .await?;
                    // A list of one record that is gone is an everyday matter.
                    progress.doubt = found.doubt.missing > 1;
                    progress
                }
            };
            self.state(poll, progress)
        } else {
            let mut whole = self.progress::<Whole>(poll, state)?;
            found = self.read_whole(maker, whole.as_ref()).await?;
            let was = whole
                .as_ref()
                .map_or_else(Ahead::default, |whole| whole.ahead);
            let (told, mut ahead) = (self.service_time(maker.now), was);
            let now = ahead.sure(told, maker.now);
            let whole = whole.get_or_insert_with(|| Whole {
                since: baseline.then_some(now),
                ..Whole::default()
            });
            whole.ahead = ahead;
            doubted = whole.doubt;
            whole.doubt = found.doubt.missing > 0;
            whole.odd = self.reader.odd() > 0 && (whole.odd || baseline);
            if !found.waits {
                let began = began.filter(|_| !poll.moves());
                whole.last = Some(began.map_or(now, |began| began.min(now)));
            }
            self.state(poll, &*whole)
        };
        let odd = self.reader.odd();
        if odd > 0 && failed.is_none() {
            failed = Some(PollError::Odd {
                poll: poll.name.clone(),
                location: self.site.location.clone(),
                elements: odd,
            });
        }
        // Where the whole location is to report what is there, it does so to all workflows. What has changed since the store
        // was told of it is news, whichever poll finds it.
        if first && !self.options.backfill {
            let told = &found.told;
            let is_news = |event: &NewEvent| {
                told.contains(&event.record) && !event.kind.ends_with(".created")
            };
            let history = found.events.iter_mut().filter(|event| !is_news(event));
            history.for_each(events::of_first_poll);
        }
        Ok(Step {
            commit: PollCommit {
                name: poll.name.clone(),
                state: progress,
                events: found.events,
                seen: found.seen,
                gone: found.gone,
                ended: found.ended,
                shown: found.shown,
            },
            baseline,
            more,
            failed,
            doubt: found.doubt,
            doubted,
        })
    }

    async fn newest_event(&self) -> Result<i64, StoreError> {
        let newest = self.site.store.recent_events(1).await?;
        Ok(newest.first().map_or(0, |row| row.event.id))
    }

    fn progress<P: DeserializeOwned>(
        &self,
        poll: &Poll,
        state: Option<Value>,
    ) -> Result<Option<P>, PollError> {
        state
            .map(serde_json::from_value::<P>)
            .transpose()
            .map_err(|source| PollError::Cursor {
                poll: poll.name.clone(),
                location: self.site.location.clone(),
                source,
            })
    }

    pub(super) fn state<P: Serialize>(&self, poll: &Poll, progress: P) -> Value {
        json!(State {
            progress,
            calls: self.reader.take_calls(),
            every: self.interval(poll).as_secs(),
            used: self
                .client
                .rate_budget()
                .daily
                .map_or(0, |daily| daily.used),
        })
    }

    pub(super) fn failed(&self, poll: &Poll, error: impl Into<ReadError>) -> PollError {
        let (poll, location) = (poll.name.clone(), self.site.location.clone());
        match error.into() {
            ReadError::Service(source) => PollError::Service {
                poll,
                location,
                source,
            },
            ReadError::Unreadable(problem) => PollError::Unreadable {
                poll,
                location,
                problem,
            },
        }
    }
}
