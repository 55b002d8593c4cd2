//! Purchases of which nobody can tell whether they were made: a person decides, and is told.

use canopy_store::{Part, PartReport, PartState, Purchase, PurchaseOutcome, StepState};

use super::StepRun;
use crate::error::{EngineError, Verdict};

/// What is reported of so many unknown purchases.
pub fn unknown_purchases(count: u64) -> PartReport {
    let state = match count {
        0 => PartState::Good,
        _ => PartState::Failing {
            cause: format!(
                "{count} purchase(s) were sent and never answered, so nobody knows whether they were made"
            ),
            remedy: "look into the Ecologi account, then `canopy purchase resolve KEY --bought` or `--not-bought`; `canopy purchase list` has the keys".to_owned(),
            at_once: true,
        },
    };
    PartReport {
        location: String::new(),
        part: Part::UnknownPurchases,
        name: "all".to_owned(),
        state,
        next_try: None,
    }
}

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
        let (store, now) = (&self.engine.store, self.engine.clock.now());
        let unknown = store.summary().await?.purchases_unknown;
        store
            .report_health(vec![unknown_purchases(unknown)], now)
            .await?;
        Ok(Verdict::Held(text))
    }
}

pub(super) fn unknown(key: &str, error: &str) -> String {
    format!(
        "whether purchase {key} was made is unknown: {error}; look at the Ecologi account, then say `canopy purchase resolve {key} --bought` or `--not-bought`",
        key = short(key)
    )
}
