//! Lists of a few parents, all of them read at each poll: the appointments of each calendar, in a window of time.

use canopy_highlevel::operation::Each;
use serde_json::json;

use super::compare::{Found, Unknown};
use super::events::Maker;
use super::evidence::ReadError;
use super::{PollError, Poller, plan};

impl Poller {
    /// Reads the list of each parent and compares it with what was known of it. Where no parent is shown nothing is known
    /// of their lists.
    pub(super) async fn read_spread(
        &self,
        maker: Maker<'_>,
        each: Each,
        unknown: Unknown,
        still: bool,
    ) -> Result<Found, PollError> {
        let poll = maker.poll;
        let fail = |error: ReadError| self.failed(poll, error);
        let parents = plan::listing(each.of, &self.options);
        let Some(parents) = parents else {
            return Ok(Found::default());
        };
        let arguments = self.reader.filled(&parents).await;
        let arguments = arguments.map_err(ReadError::from).map_err(fail)?;
        let parents = self.reader.list(&parents, arguments).await.map_err(fail)?;
        let mut found = Found {
            waits: parents.items.is_empty(),
            ..Found::default()
        };
        for parent in &parents.items {
            let arguments = self.reader.filled(poll).await;
            let mut arguments = arguments.map_err(ReadError::from).map_err(fail)?;
            arguments.insert(each.parameter.to_owned(), json!(parent.id));
            let listed = self.reader.list(poll, arguments).await.map_err(fail)?;
            let one = self.compared(maker, &listed, &parent.id, unknown, still);
            found.extend(one.await?);
        }
        // What moved from one list to another is there.
        let there: Vec<_> = found.seen.iter().map(|seen| seen.record.clone()).collect();
        found.gone.retain(|gone| !there.contains(gone));
        Ok(found)
    }
}
