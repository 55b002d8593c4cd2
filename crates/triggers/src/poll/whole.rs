//! Lists that are read whole, records and answers.

use std::collections::BTreeSet;

use canopy_highlevel::operation::Reading;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ahead::Ahead;
use super::compare::{Found, Listed, Unknown};
use super::events::Maker;
use super::evidence::ReadError;
use super::{Poll, PollError, Poller};

/// Of lists that are read whole little but the records is remembered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Whole {
    /// When the baseline was set, by the service's clock. `None`: there is none, all is new.
    pub since: Option<Timestamp>,
    /// When the last good reading was made, by that clock: what is older and unknown was not created since.
    pub last: Option<Timestamp>,
    /// How far the service's clock is ahead of ours.
    pub ahead: Ahead,
    /// A large part was missing at the last poll, and a person was told.
    pub doubt: bool,
    /// The baseline had elements that were no records, and no reading without such has been made since.
    pub odd: bool,
}

impl Poller {
    /// Reads a list, a record or an answer as a whole and compares it with what was seen last. `before`: how the last
    /// poll left it, `None` at the first.
    pub(super) async fn read_whole(
        &self,
        maker: Maker<'_>,
        before: Option<&Whole>,
    ) -> Result<Found, PollError> {
        let poll = maker.poll;
        let fail = |source: ReadError| self.failed(poll, source);
        let known = self
            .site
            .store
            .poll_records(&self.site.location, &poll.name, None)
            .await?;
        let unknown = match before {
            None if !poll.backfill => Unknown::Baseline,
            Some(Whole {
                last: Some(last),
                since,
                ..
            }) if poll.has_own_window() => Unknown::Slid {
                last: *last - self.options.overlap,
                baseline: *since,
            },
            Some(Whole {
                last: Some(last), ..
            }) if poll.moves() => Unknown::Since(*last - self.options.overlap),
            // What stands there now may have been hidden.
            Some(Whole {
                since: Some(since),
                odd: true,
                ..
            }) => Unknown::Since(*since),
            Some(Whole { since, last, .. }) => match (*last).max(*since) {
                Some(last) => Unknown::Came(last - self.options.overlap),
                None => Unknown::New,
            },
            None => Unknown::New,
        };
        let still = self.shares_window(poll, before).await.map_err(fail)?;
        if let Some(each) = poll.spread() {
            return self.read_spread(maker, each, unknown, still).await;
        }
        let listed = match poll.trigger.reading {
            Reading::Answer | Reading::Bytes => {
                let content = self.reader.content(poll).await.map_err(fail)?;
                let silent = unknown == Unknown::Baseline;
                let now = self.reader.present(poll).await;
                let now = now.map_err(ReadError::from).map_err(fail)?;
                return Ok(match poll.span(&now) {
                    Some(span) => maker.compare_window(known.first(), content, span, silent),
                    None => maker.compare_content(known.first(), content, silent),
                });
            }
            Reading::Record => {
                let record = self.reader.record(poll).await.map_err(fail)?;
                Listed::one(record)
            }
            Reading::Snapshot | Reading::Changes { .. } => {
                let arguments = self.reader.filled(poll).await;
                let arguments = arguments.map_err(ReadError::from).map_err(fail)?;
                let listed = self.reader.list(poll, arguments.clone()).await;
                let listed = listed.map_err(fail)?;
                let doubtful = unknown == Unknown::Baseline || maker.misses(&known, &listed);
                if listed.calm || !doubtful || listed.odd > 0 {
                    listed
                } else {
                    let calmed = self.reader.calmed(poll, arguments, listed).await;
                    calmed.map_err(fail)?
                }
            }
        };
        self.compared(maker, &listed, "", unknown, still).await
    }

    /// Compares a list with what was known of it, and finds out what became of the records that it lacks.
    pub(super) async fn compared(
        &self,
        maker: Maker<'_>,
        listed: &Listed,
        parent: &str,
        unknown: Unknown,
        still: bool,
    ) -> Result<Found, PollError> {
        let of = (!parent.is_empty()).then_some(parent);
        let store = &self.site.store;
        let known = store.poll_records(maker.location, &maker.poll.name, of);
        let known = known.await?;
        let places: BTreeSet<&str> = known.iter().map(|record| &*record.record).collect();
        let told = self.known_of(maker, listed, |id| places.contains(id));
        let told = told.await?;
        let count = known.len();
        let mut found = maker.compare(known, listed, parent, unknown, &told);
        let absent = std::mem::take(&mut found.absent);
        self.settle(maker, &self.reader, (count, still), absent, &mut found)
            .await;
        Ok(found)
    }

    /// Whether a window that moves still shows a part of what it showed at the last poll.
    async fn shares_window(&self, poll: &Poll, before: Option<&Whole>) -> Result<bool, ReadError> {
        let Some(last) = before
            .and_then(|before| before.last)
            .filter(|_| poll.moves())
        else {
            return Ok(true);
        };
        let now = self.reader.present(poll).await?;
        let Some(span) = poll.span(&now) else {
            return Ok(true);
        };
        let length = span.to.duration_since(span.from);
        Ok(now.timestamp().duration_since(last) < length)
    }

    /// The present instant by the service's clock, which the times in its records are of. Without an answer: by ours.
    pub(super) fn service_time(&self, ours: Timestamp) -> Timestamp {
        self.client.service_time().unwrap_or(ours)
    }
}
