//! What happens at a cap: the purchase waits its turn. What a person is told, and when it goes on, is in `queue.rs`.

use canopy_ecologi::OrderRequest;
use canopy_store::{Cap, NewAlert};
use rust_decimal::Decimal;

use super::StepRun;
use crate::error::{EngineError, Verdict};
use crate::queue::LOOK_AGAIN;

/// Kind of the alert that something costs another price than the list says.
const PRICE: &str = "price";
/// Receipts are rounded to the penny.
const PENNY: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

impl StepRun<'_> {
    /// Lets the purchase wait until the cap begins anew or is raised.
    pub(crate) fn at_cap(&self, cap: &Cap, used: Decimal) -> Verdict {
        let currency = &self.connection.currency;
        let contact = self.event.contact.as_deref();
        let subject = cap.subject(&self.context.workflow, contact, currency);
        let reason = format!(
            "the cap of {} {currency} {subject} is reached ({used} used or reserved); the purchase waits until {}",
            cap.limit, cap.until
        );
        Verdict::Wait {
            reason,
            until: cap.until,
        }
    }

    /// The account is charged in another currency than the caps are in.
    pub(crate) fn in_other_currency(&self, currency: &str) -> Verdict {
        Verdict::Wait {
            reason: format!(
                "the account was charged in {currency}, and the configuration says {}; real purchases wait until it says so too",
                self.connection.currency
            ),
            until: self.engine.clock.now() + LOOK_AGAIN,
        }
    }

    /// Tells a person of a price that is not the list's. From the receipt on the caps reckon with the dearer one.
    pub(crate) async fn compare_price(
        &self,
        order: &OrderRequest,
        amount: Option<Decimal>,
    ) -> Result<(), EngineError> {
        let (Some(amount), false) = (amount, self.connection.test) else {
            return Ok(());
        };
        let engine = self.engine;
        let now = engine.clock.now();
        let (location, currency) = (&self.connection.location, &self.connection.currency);
        let listed = self.estimate(order);
        let subject = order.operation().to_owned();
        if (listed - amount).abs() <= PENNY {
            engine
                .store
                .resolve_alert(location, PRICE, &subject, now)
                .await?;
            return Ok(());
        }
        let quantity = order.order.quantity();
        let each = |sum: Decimal| {
            let each = sum.checked_div(quantity).unwrap_or(sum);
            each.round_dp(6).normalize()
        };
        let alert = NewAlert {
            location: location.clone(),
            kind: PRICE.to_owned(),
            message: format!(
                "{subject} cost {} {currency} each, and the price list says {}; the caps reckon with the dearer one from now on. Write [prices.{currency}] {subject} = \"{}\"",
                each(amount),
                each(listed),
                each(amount),
            ),
            subject,
        };
        engine.store.raise_alert(alert, now).await?;
        Ok(())
    }
}
