//! Rounding in templates: always by a mode that is named, and to an integer.

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value};
use rust_decimal::RoundingStrategy;
use rust_decimal::prelude::ToPrimitive;

use crate::values::{Mistake, decimal, is_blank};

/// What a text of a workflow says where a fraction stands and an integer is wanted.
pub const NAME_A_MODE: &str =
    "name how to round it, e.g. {{ ... | round }}, or floor, ceil, trunc, round_even";

const MODES: [(&str, RoundingStrategy); 5] = [
    ("round", RoundingStrategy::MidpointAwayFromZero),
    ("round_even", RoundingStrategy::MidpointNearestEven),
    ("floor", RoundingStrategy::ToNegativeInfinity),
    ("ceil", RoundingStrategy::ToPositiveInfinity),
    ("trunc", RoundingStrategy::ToZero),
];

/// The names of all modes.
pub(crate) fn modes() -> impl Iterator<Item = &'static str> {
    MODES.into_iter().map(|(name, _)| name)
}

/// Adds a filter for each mode. `{{ 2.5 | round }}` is 3; `| round(2)` keeps two places.
pub(crate) fn add_to(environment: &mut Environment<'_>) {
    for (name, mode) in MODES {
        environment.add_filter(
            name,
            move |value: &Value, places: Option<u32>, options: Kwargs| {
                round(name, mode, value, places, &options)
            },
        );
    }
}

fn round(
    name: &str,
    mode: RoundingStrategy,
    value: &Value,
    places: Option<u32>,
    options: &Kwargs,
) -> Result<Value, Error> {
    let places = match places {
        Some(places) => places,
        None => options.get::<Option<u32>>("precision")?.unwrap_or(0),
    };
    let mode = match options.get::<Option<&str>>("method")? {
        None => mode,
        Some("common") => RoundingStrategy::MidpointAwayFromZero,
        Some(method) => named(method)?,
    };
    options.assert_all_used()?;
    if is_blank(value) {
        // A missing value stays one: its member is left out.
        return Ok(Value::UNDEFINED);
    }
    let number = decimal(value).ok_or_else(|| Mistake::no_number(value))?;
    let rounded = number.round_dp_with_strategy(places, mode).normalize();
    if let (0, Some(whole)) = (rounded.scale(), rounded.to_i64()) {
        return Ok(Value::from(whole));
    }
    let fraction = rounded.to_f64().filter(|number| number.is_finite());
    fraction.map(Value::from).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("{number} is too large for {name}"),
        )
    })
}

fn named(method: &str) -> Result<RoundingStrategy, Error> {
    let known = MODES.iter().find(|(name, _)| *name == method);
    known.map(|(_, mode)| *mode).ok_or_else(|| {
        let names: Vec<_> = MODES.iter().map(|(name, _)| *name).collect();
        let problem = format!(
            "\"{method}\" is no way to round; there are: common, {}",
            names.join(", ")
        );
        Error::new(ErrorKind::InvalidOperation, problem)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use crate::template::render;

    fn filled(text: &str, context: &Value) -> Value {
        render(&json!(text), context).unwrap()
    }

    #[test]
    fn each_mode_gives_an_integer() {
        for (expression, expected) in [
            ("(opportunity.monetaryValue / 100) | round", 2),
            ("2.5 | round", 3),
            ("2.5 | round_even", 2),
            ("2.9 | floor", 2),
            ("2.1 | ceil", 3),
            ("-2.9 | trunc", -2),
            ("'7.5' | round", 8),
            ("(0.29 * 100) | floor", 29),
            ("4 | round", 4),
            ("2.5 | round(method='floor')", 2),
        ] {
            let context = json!({ "opportunity": { "monetaryValue": 249 } });
            let whole = filled(&format!("{{{{ {expression} }}}}"), &context);
            assert_eq!(whole, json!(expected), "{expression}");
            assert_eq!(
                filled(&format!("{{{{ {expression} }}}} trees"), &context),
                json!(format!("{expected} trees"))
            );
        }
        assert_eq!(filled("{{ 2.456 | round(2) }}", &json!({})), json!(2.46));
        assert_eq!(
            filled("{{ 200 / 100 }} trees", &json!({})),
            json!("2 trees")
        );
    }

    #[test]
    fn what_is_no_number_is_told_and_what_is_missing_stays_missing() {
        let error = render(&json!("{{ 'many' | round }}"), &json!({})).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("\"many\" is a text that is no number"),
            "{error}"
        );
        assert_eq!(
            filled("{{ contact.nothing | floor }}", &json!({})),
            Value::Null
        );
    }

    proptest! {
        #[test]
        fn rounding_never_panics_and_stays_near(number in any::<f64>()) {
            for mode in ["round", "round_even", "floor", "ceil", "trunc"] {
                let rounded = render(&json!(format!("{{{{ n | {mode} }}}}")), &json!({ "n": number }));
                if number.abs() < 1e15 {
                    let rounded = rounded.unwrap();
                    prop_assert!(rounded.is_i64(), "{mode} of {number}: {rounded}");
                    prop_assert!((rounded.as_f64().unwrap() - number).abs() <= 1.0);
                }
            }
        }
    }
}
