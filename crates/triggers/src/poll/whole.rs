//! Lists that are read whole, records and answers.

use canopy_highlevel::operation::Reading;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::compare::{Found, Listed, Unknown};
use super::events::Maker;
use super::{PollError, Poller};

/// Of lists that are read whole little but the records is remembered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Whole {
    /// When the baseline was set, by the service's clock. `None`: there is none, all is new.
    pub since: Option<Timestamp>,
    /// When the last poll was made, by that clock.
    pub last: Option<Timestamp>,
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
        let fail = |source| self.failed(poll, source);
        let known = self
            .site
            .store
            .poll_records(&self.site.location, &poll.name, None)
            .await?;
        let unknown = match before {
            None if !poll.backfill => Unknown::Baseline,
            Some(Whole {
                last: Some(last), ..
            }) if poll.moves() => Unknown::Since(*last - self.options.overlap),
            None | Some(Whole { since: None, .. }) => Unknown::New,
            Some(Whole {
                since: Some(since), ..
            }) => Unknown::Came(*since - self.options.overlap),
        };
        let listed = match poll.trigger.reading {
            Reading::Answer | Reading::Bytes => {
                let content = self.reader.content(poll).await.map_err(fail)?;
                let silent = unknown == Unknown::Baseline;
                let now = self.reader.present(poll).await.map_err(fail)?;
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
                let arguments = self.reader.filled(poll).await.map_err(fail)?;
                let listed = self.reader.list(poll, arguments.clone()).await;
                let listed = listed.map_err(fail)?;
                let doubtful = unknown == Unknown::Baseline || maker.misses(&known, &listed);
                if listed.calm || !doubtful {
                    listed
                } else {
                    let calmed = self.reader.calmed(poll, arguments, listed).await;
                    calmed.map_err(fail)?
                }
            }
        };
        Ok(maker.compare(known, &listed, "", unknown))
    }

    /// The present instant by the service's clock, which the times in its records are of. Without an answer: by ours.
    pub(super) fn service_time(&self, ours: Timestamp) -> Timestamp {
        self.client.service_time().unwrap_or(ours)
    }
}
