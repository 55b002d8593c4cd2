//! Whether what a purchase was answered with is a receipt.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::number;

/// The currencies that accounts have.
const CURRENCIES: [&str; 5] = ["GBP", "USD", "EUR", "AUD", "CAD"];
/// No order costs as much, in any of these. It also keeps sums within bounds.
const MOST: Decimal = Decimal::from_parts(100_000_000, 0, 0, false, 0);
/// A cost beyond so many times the estimate, or below such a part of it, is none of this order.
const TIMES: Decimal = Decimal::from_parts(100, 0, 0, false, 0);

/// Holds the members of an answer against what a receipt can say. `test`: nothing is charged, so nothing may be the cost.
/// What is absent or null says nothing; that something is there at all is known already.
pub(crate) fn check(answer: &Value, test: bool) -> Result<(), &'static str> {
    let member = |name: &str| answer.get(name).filter(|value| !value.is_null());
    if let Some(amount) = member("amount") {
        let amount = number::decimal(amount).ok_or("its `amount` is no number")?;
        if amount < Decimal::ZERO || (amount.is_zero() && !test) {
            return Err("its `amount` is not above zero");
        }
        if amount > MOST {
            return Err("its `amount` is more than any order costs");
        }
    }
    if let Some(currency) = member("currency") {
        let currency = currency.as_str().unwrap_or_default();
        if !CURRENCIES.contains(&&*currency.to_ascii_uppercase()) {
            return Err("its `currency` is none that accounts have");
        }
    }
    for name in ["treeUrl", "tileUrl"] {
        let is_address = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        let url = member(name).map(|url| url.as_str().unwrap_or_default());
        if url.is_some_and(|url| !url.is_empty() && !is_address(url)) {
            return Err("its link is none");
        }
    }
    Ok(())
}

/// Whether an order of this estimate can cost as much, or as little. Without an estimate nobody knows.
pub(crate) fn is_plausible(amount: Option<Decimal>, estimate: Decimal) -> bool {
    let Some(amount) = amount.filter(|amount| !amount.is_zero() && estimate > Decimal::ZERO) else {
        return true;
    };
    let within = |one: Decimal, other: Decimal| {
        let most = other.checked_mul(TIMES);
        most.is_none_or(|most| one <= most)
    };
    within(amount, estimate) && within(estimate, amount)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_cost_is_no_receipt() {
        for (answer, real, test) in [
            (json!({ "amount": 0.6, "currency": "GBP" }), true, true),
            (json!({ "amount": "2.9", "currency": "eur" }), true, true),
            (
                json!({ "amount": null, "treeUrl": "https://ecologi.com/x?tree=undefined" }),
                true,
                true,
            ),
            (json!({ "amount": 0, "currency": "GBP" }), false, true),
            (json!({ "amount": -5, "currency": "GBP" }), false, false),
            (json!({ "amount": 1e28, "currency": "GBP" }), false, false),
            (json!({ "amount": 1e300, "currency": "GBP" }), false, false),
            (json!({ "amount": "much", "currency": "GBP" }), false, false),
            (json!({ "amount": 0.6, "currency": "pounds" }), false, false),
            (json!({ "amount": 0.6, "currency": "XXX" }), false, false),
            (
                json!({ "amount": -1, "treeUrl": "https://ecologi.com/x" }),
                false,
                false,
            ),
            (json!({ "treeUrl": "oops" }), false, false),
        ] {
            assert_eq!(check(&answer, false).is_ok(), real, "{answer}");
            assert_eq!(check(&answer, true).is_ok(), test, "{answer} in test mode");
        }
    }

    #[test]
    fn a_cost_far_beyond_the_estimate_is_none() {
        let of = |amount: i64, estimate: i64| is_plausible(Some(amount.into()), estimate.into());
        assert!(of(60, 60) && of(6000, 60) && of(5, 0));
        assert!(!of(6001, 60) && !of(1, 101) && of(1, 100));
        assert!(is_plausible(None, Decimal::ONE));
    }
}
