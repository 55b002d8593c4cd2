//! What things cost. Trees and local trees are list prices; the rest is made up in the same order of magnitude.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::settings::Settings;

const LIST: &str = include_str!("../../data/prices.json");

type List = BTreeMap<String, BTreeMap<String, Decimal>>;

/// Currencies that have a list.
pub fn currencies() -> Vec<String> {
    list().into_keys().collect()
}

/// The price of one unit in the account's currency.
pub fn of_one(item: &str, settings: &Settings) -> Decimal {
    let list = list();
    let listed = list
        .get(&settings.currency)
        .and_then(|prices| prices.get(item));
    settings
        .prices
        .get(item)
        .or(listed)
        .copied()
        .unwrap_or(Decimal::ONE)
}

/// The price of a quantity, to the penny.
pub fn of(item: &str, quantity: Decimal, settings: &Settings) -> Decimal {
    (of_one(item, settings) * quantity)
        .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
        .normalize()
}

fn list() -> List {
    serde_json::from_str(LIST).expect("data/prices.json is read by a test of this crate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_currency_prices_every_item() {
        let list = list();
        for (currency, prices) in &list {
            assert_eq!(prices.len(), 8, "{currency}");
        }
        assert_eq!(list["GBP"]["tree"], Decimal::new(60, 2));
    }

    #[test]
    fn amounts_are_exact() {
        let settings = Settings::default();
        assert_eq!(of("tree", Decimal::from(3), &settings).to_string(), "1.8");
        assert_eq!(
            of("carbon_tonne", Decimal::new(1, 3), &settings).to_string(),
            "0.01"
        );
    }
}
