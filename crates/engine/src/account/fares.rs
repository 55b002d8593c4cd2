//! Whether the account's totals can be read, as a part of the program's health: while they cannot, real purchases wait.

use canopy_store::{Part, PartReport, PartState};

use super::CompareError;
use crate::Engine;
use crate::connection::Connection;
use crate::queue::LOOK_AGAIN;

impl Engine {
    /// Reports how the reading went. What the store could not do is told as its own.
    pub(super) async fn report_totals(
        &self,
        connection: &Connection,
        error: Option<&CompareError>,
    ) {
        let state = match error {
            None => PartState::Good,
            Some(CompareError::Store(_)) => return,
            Some(CompareError::Figures { error: figures, .. }) => PartState::Failing {
                cause: error.map(ToString::to_string).unwrap_or_default(),
                remedy: "real purchases wait until ledger and account can be compared; see to `ecologi.username`, or whether Ecologi is up (`canopy check`)".to_owned(),
                // An answer that says no says it again.
                at_once: !figures.is_retryable(),
            },
        };
        let now = self.clock.now();
        let report = PartReport {
            location: connection.location.clone(),
            part: Part::Totals,
            name: connection.id.clone(),
            next_try: match state {
                PartState::Good => None,
                _ => now.checked_add(LOOK_AGAIN).ok(),
            },
            state,
        };
        if let Err(error) = self.store.report_health(vec![report], now).await {
            tracing::debug!(connection = connection.id, %error, "the state of the account's totals could not be kept");
        }
    }
}
