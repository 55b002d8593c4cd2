//! Numbers of JSON as exact decimals.

use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// A number, or a text that is one. The shortest text of a binary number is taken: 2.9 is 2.9.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let parsed = if text.contains(['e', 'E']) {
        Decimal::from_scientific(&text)
    } else {
        Decimal::from_str(&text)
    };
    parsed.ok().map(|number| number.normalize())
}

/// The JSON number that shows the same digits.
pub(crate) fn json(number: Decimal) -> Value {
    let text = number.normalize().to_string();
    let number = text.parse::<i64>().map(Number::from).ok();
    number
        .or_else(|| text.parse().ok().and_then(Number::from_f64))
        .map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json as value;

    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_were_written() {
        for (given, expected) in [
            (value!(2.9), "2.9"),
            (value!(1.13), "1.13"),
            (value!(0.1), "0.1"),
            (value!(2.0), "2"),
            (value!(" 12.50 "), "12.5"),
            (value!(1e-7), "0.0000001"),
            (value!(250_000), "250000"),
        ] {
            assert_eq!(decimal(&given).unwrap().to_string(), expected);
        }
        for given in [
            value!("1,5"),
            value!(""),
            value!(null),
            value!(true),
            value!([1]),
        ] {
            assert_eq!(decimal(&given), None, "{given}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(units in -1_000_000_000_i64..1_000_000_000, scale in 0_u32..4) {
            let number = Decimal::new(units, scale).normalize();
            prop_assert_eq!(decimal(&json(number)), Some(number));
        }
    }
}
