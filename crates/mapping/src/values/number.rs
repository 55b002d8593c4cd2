//! Numbers, and texts that are numbers: webhook actions of HighLevel send every number as a text.

use minijinja::value::ValueKind;
use minijinja::{Environment, Value};
use rust_decimal::Decimal;

/// Whether a value holds as a condition, as a call.
pub(super) const TRUTH: &str = "canopy truth";
/// Whether there is something in a value's place, as a call.
pub(super) const HAS_VALUE: &str = "canopy has value";

/// Answers that a person gives in a form to say no. HighLevel sends them as texts.
const NO: [&str; 6] = ["", "no", "n", "false", "off", "0"];

/// Whether a text says no.
pub(crate) fn says_no(text: &str) -> bool {
    NO.contains(&text.trim().to_lowercase().as_str()) || of_text(text) == Some(Value::from(0))
}

/// Whether a value holds as a condition: not where it is nothing, empty, 0 or false, or a text that says so.
pub(crate) fn truth(value: &Value) -> bool {
    match value.as_str() {
        Some(text) => !says_no(text),
        None => value.is_true(),
    }
}

/// Whether what is written after `or` is not needed. As a number, only what is not there is replaced; else also what is
/// false or empty. 0 is a value in any case: a call that says 0 means none.
fn has_value(value: &Value, as_number: bool) -> bool {
    if is_blank(value) {
        return false;
    }
    as_number || value.kind() == ValueKind::Number || value.is_true()
}

/// Whether a value is a number, as a text or by itself; `fraction`: with a fraction, or without one.
fn is_number(value: &Value, fraction: Option<bool>) -> bool {
    let Some(number) = number(value) else {
        return false;
    };
    let is_whole =
        number.is_integer() || f64::try_from(number).is_ok_and(|number| whole(number).is_some());
    fraction.is_none_or(|fraction| fraction != is_whole)
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_test("number", |value: &Value| is_number(value, None));
    for name in ["integer", "int"] {
        environment.add_test(name, |value: &Value| is_number(value, Some(false)));
    }
    environment.add_test("float", |value: &Value| is_number(value, Some(true)));
    environment.add_function(TRUTH, |value: &Value| truth(value));
    environment.add_function(HAS_VALUE, |value: &Value, as_number: bool| {
        has_value(value, as_number)
    });
}

/// Null and what is not there are the same: nothing.
pub(crate) fn is_missing(value: &Value) -> bool {
    value.is_undefined() || value.is_none()
}

/// Also an empty text, as HighLevel writes number and date fields without a value.
pub(crate) fn is_blank(value: &Value) -> bool {
    is_missing(value) || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The number that a value is, or that its text is: digits with at most one point, a sign, an exponent; spaces around it
/// do not count. What groups digits (`1,000`) is none: in some countries it would be 1.
pub(crate) fn number(value: &Value) -> Option<Value> {
    match value.as_str() {
        Some(text) => of_text(text),
        None => (value.kind() == ValueKind::Number).then(|| value.clone()),
    }
}

fn of_text(text: &str) -> Option<Value> {
    let text = text.trim();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (
            digits,
            Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        ),
        None => (unsigned, None),
    };
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = only_digits(whole)
        && only_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && only_digits(exponent));
    if !is_number {
        return None;
    }
    if exponent.is_none() && !digits.contains('.') {
        if let Ok(small) = text.parse::<i64>() {
            return Some(Value::from(small));
        }
        return text.parse::<i128>().ok().map(Value::from);
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.map(Value::from)
}

/// The number to 15 digits, which are exact: 0.29 * 100 is 29 and not 28.999999999999996.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    let number = number(value)?;
    if let Ok(whole) = i128::try_from(number.clone()) {
        return Decimal::try_from_i128_with_scale(whole, 0).ok();
    }
    let number = f64::try_from(number).ok()?;
    Decimal::try_from(number).ok()
}

/// True or false, or a text that says so.
pub(super) fn flag(value: &Value) -> Option<bool> {
    if value.kind() == ValueKind::Bool {
        return Some(value.is_true());
    }
    let text = value.as_str()?.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The integer that a floating point number stands for.
pub(crate) fn whole(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the guard keeps it within 2^53"
    )]
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}
