//! Purchases of which nobody can tell whether they were made: a person decides, and is told.

use canopy_store::{NewAlert, Purchase, PurchaseOutcome, StepState};

use super::StepRun;
use crate::error::{EngineError, Verdict};

/// Kind of the alert that a person must look; its subject is the beginning of the purchase's key.
pub const UNKNOWN: &str = "unknown purchase";

/// How a purchase is called in messages and commands.
pub fn short(key: &str) -> &str {
    key.get(..12).unwrap_or(key)
}

impl StepRun<'_> {
    /// It is not sent again; the run is held until somebody has looked.
    pub(crate) async fn leave_to_person(
        &self,
        purchase: &Purchase,
        error: String,
    ) -> Result<Verdict, EngineError> {
        let outcome = PurchaseOutcome::Unknown {
            error: error.clone(),
        };
        self.settle(
            &purchase.key,
            outcome,
            StepState::Unsure,
            None,
            Some(&error),
        )
        .await?;
        let text = unknown(&purchase.key, &error);
        let alert = NewAlert {
            location: self.connection.location.clone(),
            kind: UNKNOWN.to_owned(),
            subject: short(&purchase.key).to_owned(),
            message: text.clone(),
        };
        let now = self.engine.clock.now();
        self.engine.store.raise_alert(alert, now).await?;
        Ok(Verdict::Held(text))
    }
}

pub(super) fn unknown(key: &str, error: &str) -> String {
    format!(
        "whether purchase {key} was made is unknown: {error}; look at the Ecologi account, then say `canopy purchase resolve {key} --bought` or `--not-bought`",
        key = short(key)
    )
}
