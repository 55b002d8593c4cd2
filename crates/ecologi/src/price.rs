//! What a purchase will probably cost. The receipt's amount is the truth.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::order::{Country, Order};
use crate::parse::PURCHASES;

/// List prices when this was written; the config adds to them.
const LIST: &str = include_str!("prices.json");

/// Prices per unit (a tree, a kilogram, a square metre), by currency and purchase.
///
/// A purchase is named by its operation (`buy-trees`); one country's trees by operation and country
/// (`buy-local-trees/UK`), which goes before the operation alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList {
    prices: BTreeMap<String, BTreeMap<String, Decimal>>,
}

impl Default for PriceList {
    fn default() -> Self {
        Self {
            prices: serde_json::from_str(LIST)
                .expect("the built-in list is well formed, as a test shows"),
        }
    }
}

impl PriceList {
    /// No prices at all.
    pub fn empty() -> Self {
        Self {
            prices: BTreeMap::new(),
        }
    }

    /// Sets the price of one unit.
    pub fn set(
        &mut self,
        currency: &str,
        purchase: &str,
        price: Decimal,
    ) -> Result<(), InvalidPrice> {
        if currency.len() != 3 || !currency.bytes().all(|letter| letter.is_ascii_alphabetic()) {
            return Err(InvalidPrice::Currency {
                currency: currency.to_owned(),
            });
        }
        let known = PURCHASES.contains(&purchase)
            || purchase
                .strip_prefix("buy-local-trees/")
                .is_some_and(|country| Country::ALL.iter().any(|one| one.as_str() == country));
        if !known {
            return Err(InvalidPrice::Purchase {
                purchase: purchase.to_owned(),
            });
        }
        if price <= Decimal::ZERO {
            return Err(InvalidPrice::NotPositive { price });
        }
        self.prices
            .entry(currency.to_ascii_uppercase())
            .or_default()
            .insert(purchase.to_owned(), price);
        Ok(())
    }

    /// The expected cost, or `None` where no price is known.
    pub fn estimate(&self, order: &Order, currency: &str) -> Option<Decimal> {
        let prices = self.prices.get(&currency.to_ascii_uppercase())?;
        let price = match order {
            Order::LocalTrees { country, .. } => prices
                .get(&format!("{}/{}", order.operation(), country.as_str()))
                .or_else(|| prices.get(order.operation())),
            _ => prices.get(order.operation()),
        };
        price?.checked_mul(order.quantity())
    }
}

/// A configured price that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrice {
    #[error("`{currency}` is no currency code: write three letters, such as GBP")]
    Currency { currency: String },
    #[error("`{purchase}` is no purchase; write one of {}, or a country's trees as buy-local-trees/UK", PURCHASES.join(", "))]
    Purchase { purchase: String },
    #[error("{price} is no price: it must be above zero")]
    NotPositive { price: Decimal },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_built_in_prices_estimate_trees() {
        let prices = PriceList::default();
        let of = |order, currency| prices.estimate(&order, currency);
        assert_eq!(of(Order::Trees { number: 3 }, "GBP"), Some(decimal("1.80")));
        assert_eq!(of(Order::Trees { number: 1 }, "eur"), Some(decimal("0.80")));
        assert_eq!(
            of(
                Order::LocalTrees {
                    number: 2,
                    country: Country::Us
                },
                "CAD"
            ),
            Some(decimal("7.62"))
        );
        assert_eq!(
            of(
                Order::LocalTrees {
                    number: 2,
                    country: Country::Br
                },
                "CAD"
            ),
            None
        );
        assert_eq!(
            of(
                Order::CarbonRemoval {
                    kilograms: Decimal::ONE
                },
                "GBP"
            ),
            None
        );
        assert_eq!(of(Order::Trees { number: 1 }, "CHF"), None);
    }

    #[test]
    fn every_built_in_price_could_be_configured() {
        let list = PriceList::default();
        assert_eq!(list.prices.len(), 5);
        let mut copy = PriceList::empty();
        for (currency, prices) in &list.prices {
            for (purchase, price) in prices {
                copy.set(currency, purchase, *price).unwrap();
            }
        }
        assert_eq!(copy, list);
    }

    #[test]
    fn configured_prices_add_and_replace() {
        let mut prices = PriceList::default();
        prices
            .set("gbp", "buy-carbon-avoidance", decimal("0.012"))
            .unwrap();
        prices.set("GBP", "buy-local-trees", decimal("9")).unwrap();
        let tonne = Order::Carbon {
            number: Decimal::ONE,
            units: crate::CarbonUnits::Tonnes,
        };
        assert_eq!(prices.estimate(&tonne, "GBP"), Some(decimal("12.000")));
        let in_brazil = Order::LocalTrees {
            number: 1,
            country: Country::Br,
        };
        assert_eq!(prices.estimate(&in_brazil, "GBP"), Some(decimal("9")));
        let in_the_uk = Order::LocalTrees {
            number: 1,
            country: Country::Uk,
        };
        assert_eq!(prices.estimate(&in_the_uk, "GBP"), Some(decimal("5.00")));
    }

    #[test]
    fn prices_that_cannot_be_meant_are_refused() {
        let mut prices = PriceList::empty();
        assert!(matches!(
            prices.set("POUND", "buy-trees", Decimal::ONE),
            Err(InvalidPrice::Currency { .. })
        ));
        assert!(matches!(
            prices.set("GBP", "buy-tree", Decimal::ONE),
            Err(InvalidPrice::Purchase { .. })
        ));
        assert!(matches!(
            prices.set("GBP", "buy-local-trees/FR", Decimal::ONE),
            Err(InvalidPrice::Purchase { .. })
        ));
        assert!(matches!(
            prices.set("GBP", "buy-trees", Decimal::ZERO),
            Err(InvalidPrice::NotPositive { .. })
        ));
        assert_eq!(prices, PriceList::empty());
    }
}
