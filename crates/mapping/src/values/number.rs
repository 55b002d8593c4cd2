//! Numbers, and texts that are numbers: webhook actions of HighLevel send every number as a text.

use minijinja::Value;
use minijinja::value::ValueKind;
use rust_decimal::Decimal;

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
