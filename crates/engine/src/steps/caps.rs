//! What happens at a cap: the purchase waits and a person is told, until the period is over and purchases go on.

use canopy_store::{Cap, CapScope, NewAlert};
use rust_decimal::Decimal;

use super::StepRun;
use crate::error::{EngineError, Verdict};

/// The kind of the alerts.
const BUDGET: &str = "budget";
/// Open alerts that are looked through; far more than a person would leave open.
const OPEN: u32 = 1000;

impl StepRun<'_> {
    /// Lets the purchase wait until the cap begins anew, and tells a person.
    pub(crate) async fn at_cap(&self, cap: &Cap, used: Decimal) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let subject = self.subject(cap);
        let reason = format!(
            "the cap of {} {} {subject} is reached ({used} used or reserved); the purchase waits until {}",
            cap.limit, self.connection.currency, cap.until
        );
        let alert = NewAlert {
            location: self.connection.location.clone(),
            kind: BUDGET.to_owned(),
            subject,
            message: format!(
                "{reason}, or longer if other caps are reached; raise the cap in the configuration to spend more from then on"
            ),
        };
        engine.store.raise_alert(alert, engine.clock.now()).await?;
        Ok(Verdict::Wait {
            reason,
            until: cap.until,
        })
    }

    /// A purchase is within all caps: alerts about the periods before are settled. Those about the present period
    /// stay, because what waits for its end (a larger purchase) still does.
    pub(crate) async fn within(&self, caps: &[Cap]) -> Result<(), EngineError> {
        if caps.is_empty() {
            return Ok(());
        }
        let engine = self.engine;
        let location = &self.connection.location;
        let open = engine.store.alerts(true, OPEN).await?;
        for cap in caps {
            let subject = self.subject(cap);
            let past = open.iter().any(|alert| {
                alert.kind == BUDGET
                    && alert.location == *location
                    && alert.subject == subject
                    && alert.updated_at < cap.from
            });
            if past {
                let (store, now) = (&engine.store, engine.clock.now());
                // Another purchase may have come to this period's cap meanwhile.
                store
                    .resolve_past_alert(location, BUDGET, &subject, cap.from, now)
                    .await?;
            }
        }
        Ok(())
    }

    /// Names a cap: `a day for workflow thanks`.
    fn subject(&self, cap: &Cap) -> String {
        let name = cap.name;
        match cap.scope {
            CapScope::Connection => format!("a {name}"),
            CapScope::Workflow => format!("a {name} for workflow {}", self.context.workflow),
            CapScope::Contact => {
                let contact = self.event.contact.as_deref().unwrap_or("none");
                format!("a {name} for contact {contact}")
            }
            CapScope::All => {
                let currency = &self.connection.currency;
                format!("a {name} for all connections in {currency}")
            }
        }
    }
}
