//! Polling: what webhooks could not deliver, or missed.
//!
//! A poll reads a list, a record or an answer and makes events of what changed since it was last read. What it found,
//! what it saw and how far it has read are stored in one transaction, so a poll that ends half-way has read nothing.

mod absent;
mod ahead;
mod anew;
mod changes;
mod compare;
mod content;
mod events;
mod evidence;
mod fare;
mod known;
mod members;
mod parents;
mod plan;
mod reading;
mod report;
mod spread;
mod step;
mod stretch;
mod sweep;
mod whole;
mod window;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use canopy_highlevel::Client;
use canopy_store::{Inserted, NewEvent, StoreError};
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::anew::begins_anew;
use self::fare::Attempt;
use self::parents::Progress;
pub use self::plan::{PlanError, Poll, PollSpec, Polls};
use self::reading::Reader;
pub use self::report::{DayPlan, FirstReading, PollPlan};
pub use self::stretch::{calls_a_day, share_of_polls};
use crate::Site;

/// A poll that takes longer renews it.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// How a location is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollOptions {
    /// 1 to 15 minutes. Default 5.
    pub every: Duration,
    /// How long search results may lag behind writes. Default 60 s.
    pub overlap: SignedDuration,
    /// Within this time the lists that hang on other records, e.g. notes, are read for all of these. Default 7 days.
    pub sweep: SignedDuration,
    /// Report the records that are there at the first poll, too. Default: they are the baseline.
    pub backfill: bool,
    /// Records of a page of the search for changes. 500, the default, is the most that the service gives.
    pub page: u32,
}

impl Default for PollOptions {
    fn default() -> Self {
        Self {
            every: Duration::from_mins(5),
            overlap: SignedDuration::from_secs(60),
            sweep: SignedDuration::from_hours(7 * 24),
            backfill: false,
            page: 500,
        }
    }
}

/// Why a poll did not come through. The cursor has not moved: the next poll reads the same again.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    #[error("poll {poll} of location {location} could not read: {source}")]
    Service {
        poll: String,
        location: String,
        #[source]
        source: canopy_highlevel::Error,
    },
    /// The service answered, and not with what was asked for.
    #[error(
        "poll {poll} of location {location} could not be read: {problem}; nothing is told before it can"
    )]
    Unreadable {
        poll: String,
        location: String,
        problem: &'static str,
    },
    /// Everything else was read and told.
    #[error(
        "the lists of poll {poll} of location {location} have {elements} element(s) that are no records or lack their id: nothing is told of these, nor of records that are missing meanwhile"
    )]
    Odd {
        poll: String,
        location: String,
        elements: u32,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the cursor of poll {poll} of location {location} cannot be read: {source}; delete it to begin with a new baseline"
    )]
    Cursor {
        poll: String,
        location: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("poll {poll} of location {location} got the same page twice; nothing was stored")]
    Stuck { poll: String, location: String },
}

/// What polls found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Polled {
    /// `false`: another process holds the location; nothing was read.
    pub owner: bool,
    /// It was the first poll: what it read is the baseline.
    pub baseline: bool,
    pub stored: u64,
    pub duplicates: u64,
}

/// What a poll would find now.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// It was never polled: the first poll sets the baseline and fires nothing. The events are those of a poll with
    /// `backfill = true`.
    pub baseline: bool,
    pub events: Vec<NewEvent>,
}

/// Polls one location.
#[derive(Debug)]
pub struct Poller {
    client: Client,
    site: Site,
    options: PollOptions,
    polls: watch::Sender<Arc<Polls>>,
    reader: Reader,
    /// How many times longer than usual polls wait now.
    factor: AtomicU32,
}

impl Poller {
    pub fn new(client: Client, site: Site, options: PollOptions, polls: Polls) -> Self {
        Self {
            reader: Reader::new(&client, &site.location, site.clock.clone()),
            client,
            site,
            options,
            polls: watch::channel(Arc::new(polls)).0,
            factor: AtomicU32::new(1),
        }
    }

    /// Polls for contacts only.
    pub fn contacts(client: Client, site: Site, options: PollOptions) -> Result<Self, PlanError> {
        let kinds = ["contact.created", "contact.updated"].map(str::to_owned);
        let polls = Polls::new(&[], &BTreeSet::from(kinds), &options)?;
        Ok(Self::new(client, site, options, polls))
    }

    /// The polls of the location.
    pub fn polls(&self) -> Arc<Polls> {
        self.polls.borrow().clone()
    }

    /// Makes others from now on. Those that are the same go on where they are; a new one begins with its baseline.
    pub fn replace(&self, polls: Polls) {
        self.polls.send_replace(Arc::new(polls));
    }

    /// The location.
    pub fn location(&self) -> &str {
        &self.site.location
    }

    /// Polls at once and then each poll at its interval until `shutdown`; `found` is told of new events.
    pub async fn serve(
        &self,
        found: impl Fn(&str) + Send,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        tokio::pin!(shutdown);
        let mut replaced = self.polls.subscribe();
        let mut due: HashMap<String, Instant> = HashMap::new();
        self.keep_reports().await;
        loop {
            let polls = self.polls();
            let now = Instant::now();
            let at = |poll: &Poll| due.get(&poll.name).copied().unwrap_or(now);
            // The first of those that are due: parents come before the lists that hang on them.
            let Some(poll) = polls.iter().min_by_key(|poll| at(poll)) else {
                tokio::select! {
                    () = &mut shutdown => return,
                    _ = replaced.changed() => {
                        self.keep_reports().await;
                        continue;
                    }
                }
            };
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                _ = replaced.changed() => {
                    self.keep_reports().await;
                    continue;
                }
                () = tokio::time::sleep_until(at(poll)) => {}
            }
            let attempt = self.attempt(poll).await;
            let wait = self.interval(poll);
            let next = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            let next = self.site.clock.now().checked_add(next).ok();
            self.report(poll, &attempt, next).await;
            if attempt.polled.stored > 0 {
                found(&self.site.location);
            }
            if let Some(error) = attempt.failed {
                tracing::warn!(location = %self.site.location, poll = %poll.name, %error, "poll failed; it will be tried again");
            }
            let next = Instant::now() + wait;
            due.insert(poll.name.clone(), next);
        }
    }

    /// Polls everything once. A poll that fails does not keep the others from being made; the first that found nothing for
    /// its failure is told.
    pub async fn poll(&self) -> Result<Polled, PollError> {
        let (all, attempts) = self.attempts().await;
        let mut failed = attempts.into_iter().filter_map(Attempt::in_vain);
        failed.next().map_or(Ok(all), Err)
    }

    /// The same with all that failed, also in part.
    pub async fn poll_all(&self) -> (Polled, Vec<PollError>) {
        let (all, attempts) = self.attempts().await;
        let failed = attempts.into_iter().filter_map(|attempt| attempt.failed);
        (all, failed.collect())
    }

    async fn attempts(&self) -> (Polled, Vec<Attempt>) {
        let mut all = Polled {
            owner: true,
            baseline: true,
            ..Polled::default()
        };
        let mut attempts = Vec::new();
        self.keep_reports().await;
        for poll in self.polls().iter() {
            let attempt = self.attempt(poll).await;
            self.report(poll, &attempt, None).await;
            let polled = attempt.polled;
            if attempt.failed.is_none() && !polled.owner {
                return (Polled::default(), attempts);
            }
            if attempt.failed.is_none() || polled.stored > 0 {
                all.baseline &= polled.baseline;
                all.stored += polled.stored;
                all.duplicates += polled.duplicates;
            }
            attempts.push(attempt);
        }
        (all, attempts)
    }

    /// Makes one poll.
    pub async fn poll_once(&self, poll: &Poll) -> Result<Polled, PollError> {
        let attempt = self.attempt(poll).await;
        let polled = attempt.polled;
        attempt.in_vain().map_or(Ok(polled), Err)
    }

    async fn attempt(&self, poll: &Poll) -> Attempt {
        let mut polled = Polled::default();
        let failed = self.read(poll, &mut polled).await.err();
        Attempt { polled, failed }
    }

    async fn read(&self, poll: &Poll, polled: &mut Polled) -> Result<(), PollError> {
        let Some(mut fence) = self.site.lease(LEASE).await? else {
            return Ok(());
        };
        polled.owner = true;
        if self.adopt(poll, &fence).await? {
            self.tell_anew(poll).await?;
        }
        loop {
            let state = self.site.cursor(&poll.name).await?;
            let step = self.step(poll, state).await?;
            polled.baseline |= step.baseline;
            let now = self.site.clock.now();
            self.tell_doubt(poll, &step, now).await?;
            let inserted = self
                .site
                .store
                .commit_poll(&fence, step.commit, now)
                .await?;
            let stored = inserted
                .iter()
                .filter(|one| matches!(one, Inserted::Stored(_)))
                .count();
            polled.stored += stored as u64;
            polled.duplicates += (inserted.len() - stored) as u64;
            match step.failed {
                Some(error) => return Err(error),
                None if !step.more => return Ok(()),
                None => {}
            }
            // It takes long: the lease must not run out meanwhile.
            match self.site.lease(LEASE).await? {
                Some(renewed) => fence = renewed,
                None => return Ok(()),
            }
        }
    }

    /// What a poll would find now. Nothing is stored.
    pub async fn preview(&self, poll: &Poll) -> Result<Preview, PollError> {
        let kept = self.site.cursor(&poll.name).await?;
        let baseline = kept.is_none();
        let backfill = Poll {
            backfill: true,
            ..poll.clone()
        };
        let poll = if baseline { &backfill } else { poll };
        let state = match kept {
            Some(state) => Some(state),
            // Of lists that hang on other records, a few are read.
            None if poll.parents().is_some() => {
                let sample = Progress::sample(self.site.clock.now(), self.options.sweep);
                Some(self.state(poll, sample))
            }
            None => None,
        };
        let step = self.step(poll, state).await?;
        Ok(Preview {
            baseline,
            events: step.commit.events,
        })
    }

    /// The interval of a poll as it is now: longer while the day's budget runs low.
    pub fn interval(&self, poll: &Poll) -> Duration {
        let Some(daily) = self.client.rate_budget().daily else {
            return poll.every;
        };
        let (used, limit) = (daily.used, daily.limit);
        let factor = stretch::factor(used, limit);
        let before = self.factor.swap(factor, Ordering::Relaxed);
        if factor > before {
            tracing::warn!(location = %self.site.location, used, limit, factor, "the day's calls run low: polls wait {factor} times as long, at most 15 minutes");
        } else if factor < before {
            tracing::info!(location = %self.site.location, used, limit, factor, "there are calls again: polls wait {factor} times as long as usual");
        }
        stretch::stretched(poll.every, used, limit)
    }
}

/// An error with its causes, leaving out those that it names already.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}
