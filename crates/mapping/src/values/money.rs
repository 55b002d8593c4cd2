//! Amounts of money in texts.

use minijinja::{Environment, Error, Value};
use rust_decimal::RoundingStrategy::MidpointAwayFromZero;

use super::decimal;
use super::mistake::Mistake;
use super::number::is_blank;

/// `{{ 1234.5 | money }}` is `1234.50`; with a word, `money('GBP')`, it stands after the amount.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter(
        "money",
        |value: &Value, currency: Option<&str>| -> Result<Value, Error> {
            if is_blank(value) {
                return Ok(Value::UNDEFINED);
            }
            let amount = decimal(value).ok_or_else(|| Mistake::no_number(value))?;
            let amount = amount.round_dp_with_strategy(2, MidpointAwayFromZero);
            Ok(Value::from(match currency {
                None => format!("{amount:.2}"),
                Some(currency) => format!("{amount:.2} {currency}"),
            }))
        },
    );
}
