//! Whether every purchase in use has a price, without which no cap can be kept.

use canopy_ecologi::{Order, PriceList};
use canopy_mapping::Workflow;

use super::account::{buying, countries};

/// A purchase for which no price is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Price {
    pub workflow: String,
    pub step: String,
    /// As `[prices]` names it.
    pub purchase: String,
}

/// The purchases of these workflows that have no price in a currency.
pub(crate) fn without_price(
    workflows: &[Workflow],
    prices: &PriceList,
    currency: &str,
) -> Vec<Price> {
    let mut missing = Vec::new();
    for workflow in workflows {
        for step in buying(workflow) {
            for country in countries(step) {
                let order = Order::smallest(&step.action, country);
                if order.is_some_and(|order| prices.estimate(&order, currency).is_none()) {
                    let purchase = match country {
                        Some(country) => format!("{}/{country}", step.action),
                        None => step.action.clone(),
                    };
                    missing.push(Price {
                        workflow: workflow.id.clone(),
                        step: step.id.clone(),
                        purchase,
                    });
                }
            }
        }
    }
    missing
}
