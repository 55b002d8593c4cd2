//! An order that Ecologi refuses to the account, not to the order: purchases stop.

use canopy_ecologi::{Order, OrderRequest, Refusal};

use super::StepRun;
use crate::breaker::{Buyer, Cause};
use crate::error::{EngineError, Verdict};

impl StepRun<'_> {
    /// Ecologi refuses an order in a way that is about the account. Purchases are stopped before this one gives its turn back,
    /// so that nobody behind it sends theirs.
    pub(super) async fn order_refused(
        &self,
        order: &OrderRequest,
        error: String,
    ) -> Result<Verdict, EngineError> {
        let connection = self.connection;
        let buyer = Buyer {
            store: &*self.engine.store,
            connection: &connection.id,
            location: &connection.location,
        };
        let need = (!order.test && !self.is_refused_in_simulation(order).await?)
            .then_some(self.step.action.as_str());
        let now = self.engine.clock.now();
        buyer.stop_for(Cause::Ecologi, need, &error, now).await?;
        Ok(Verdict::Barred(error))
    }

    /// Whether a check would find the order refused as well, so that a good one tells that it is not any more.
    async fn is_refused_in_simulation(&self, order: &OrderRequest) -> Result<bool, EngineError> {
        let open = self
            .engine
            .store
            .breakers(Some(&self.connection.location))
            .await?;
        let mut open = open
            .iter()
            .filter(|one| one.cause == Cause::Ecologi.as_str());
        if open.any(|one| one.need.is_some()) {
            return Ok(false);
        }
        let country = match &order.order {
            Order::LocalTrees { country, .. } => Some(country.as_str()),
            _ => None,
        };
        let Some(smallest) = Order::smallest(&self.step.action, country) else {
            return Ok(true);
        };
        let answer = self.connection.ecologi.try_order(smallest).await;
        let refusal = answer.err().and_then(|error| error.refusal());
        Ok(refusal.is_some_and(|refusal| is_of_account(&refusal)))
    }
}

/// Whether what is refused is refused to the whole connection: the key, the billing, or what the account may do.
pub(super) fn is_of_account(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::BadKey | Refusal::NotEnabled | Refusal::NoBilling
    )
}
