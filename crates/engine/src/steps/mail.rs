//! A mail that the account may not send does not cost the tree: the purchase goes out without it, as another purchase
//! with a key of its own. Only after a refusal that shows that nothing was bought; a key never gets another request.

use canopy_ecologi::{Error, OrderRequest, Refusal};
use canopy_store::Purchase;

use super::StepRun;
use crate::error::{EngineError, Verdict};

/// The note in the output of a purchase whose mail was refused.
pub(super) const LEFT_OUT: &str =
    "recipientEmail was left out: Ecologi has not enabled it for this account (403)";

/// Whether the mail may be what is not allowed.
pub(super) fn is_mail_refused(order: &OrderRequest, error: &Error) -> bool {
    order.recipient_email.is_some() && error.refusal() == Some(Refusal::NotEnabled)
}

impl StepRun<'_> {
    /// The purchase with the mail is refused in the ledger. From the new intent on the ledger has this one in its place, so
    /// whoever comes next, after a crash too, goes on with it.
    pub(super) async fn buy_without_mail(
        &mut self,
        order: &OrderRequest,
    ) -> Result<Verdict, EngineError> {
        let without = OrderRequest {
            recipient_email: None,
            ..order.clone()
        };
        match self.new_purchase(&without) {
            Ok(purchase) => self.go_on(&without, purchase).await,
            Err(reason) => self.hold(without.body(), reason).await,
        }
    }

    /// Whether it is without the mail because that was refused.
    pub(super) async fn left_out_mail(
        &self,
        order: &OrderRequest,
        purchase: &Purchase,
    ) -> Result<bool, EngineError> {
        if purchase.key == purchase.slot || order.recipient_email.is_some() {
            return Ok(false);
        }
        let first = self.engine.store.purchase(&purchase.slot).await?;
        Ok(first.is_some_and(|first| first.request["recipientEmail"].is_string()))
    }
}
