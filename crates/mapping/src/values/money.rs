//! Amounts of money: as they read in texts, and read from texts.

mod currency;

use minijinja::{Environment, Error, Value};
use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
use rust_decimal::prelude::ToPrimitive;

use super::mistake::Mistake;
use super::number::is_blank;
use super::{decimal, whole};

/// `{{ 1234.5 | money }}` is `1234.50`; with a word, `money('GBP')`, it stands after the amount. `{{ '£1,234.50' | amount }}`
/// is the number 1234.5.
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
    environment.add_filter(
        "amount",
        |value: &Value, mark: Option<&str>| -> Result<Value, Error> {
            let Some(text) = value.as_str().filter(|_| !is_blank(value)) else {
                return if is_blank(value) {
                    Ok(Value::UNDEFINED)
                } else {
                    super::number(value).ok_or_else(|| Mistake::no_number(value).into())
                };
            };
            let read = read(text, mark).map_err(|error| Mistake::new(value, error.to_string()))?;
            let number = read.to_f64().unwrap_or_default();
            Ok(whole(number).map_or_else(|| Value::from(number), Value::from))
        },
    );
}

/// Why a text is read as no amount.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("is no amount of money: digits, with what groups them, and a currency before or after")]
    Not,
    /// Digits are grouped, or a fraction has three of them.
    #[error("{0}")]
    Open(String),
    #[error("cannot be read: its fraction stands after '.' or ',', and not after '{0}'")]
    Mark(String),
}

/// The number that a written amount is. `mark` stands before its fraction, where that is not clear.
pub(super) fn read(text: &str, mark: Option<&str>) -> Result<Decimal, Unread> {
    let (digits, is_negative) = without_currency(text).ok_or(Unread::Not)?;
    let is_mark = |c: char| c == '.' || c == ',';
    let mark = match mark {
        None => mark_of(&digits)?,
        Some("." | ",") => mark.and_then(|mark| mark.chars().next()),
        Some(other) => return Err(Unread::Mark(other.to_owned())),
    };
    let (head, fraction) = match mark.and_then(|mark| digits.rsplit_once(mark)) {
        Some((head, fraction)) => (head, fraction),
        None => (digits.as_str(), ""),
    };
    // `1,234.5` and `12,34,567`, as they group digits in India; never `1,2`.
    let groups: Vec<&str> = head.split(|c: char| !c.is_ascii_digit()).collect();
    let is_grouped = groups.len() == 1
        || ((1..=3).contains(&groups[0].len())
            // Nobody groups a number that begins with 0.
            && !groups[0].starts_with('0')
            && groups[1..]
                .iter()
                .all(|group| (2..=3).contains(&group.len()))
            && groups.last().is_some_and(|last| last.len() == 3));
    let separators = head.chars().filter(|c| !c.is_ascii_digit());
    let is_one_sort = {
        let mut separators = separators.clone();
        separators
            .next()
            .is_none_or(|first| separators.all(|other| other == first))
    };
    let is_clean = fraction.chars().all(|c| c.is_ascii_digit())
        && mark.is_none_or(|mark| separators.clone().all(|c| c != mark))
        && !(head.is_empty() && fraction.is_empty())
        && !fraction.contains(is_mark);
    if !is_grouped || !is_one_sort || !is_clean {
        return Err(Unread::Not);
    }
    let whole: String = head.chars().filter(char::is_ascii_digit).collect();
    let sign = if is_negative { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { &whole };
    let plain = match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    };
    plain.parse().map_err(|_| Unread::Not)
}

/// The mark before the fraction. One that could group digits as well is not guessed: 1,234 would be a thousand times 1.234.
fn mark_of(digits: &str) -> Result<Option<char>, Unread> {
    let count = |mark: char| digits.matches(mark).count();
    let last = digits
        .rfind(['.', ','])
        .and_then(|at| digits[at..].chars().next());
    Ok(match (last, count('.'), count(',')) {
        (None, ..) => None,
        (Some(mark), points, commas) if points > 0 && commas > 0 => Some(mark),
        (Some(mark), ..) if count(mark) > 1 => None,
        (Some(mark), ..) => {
            let (whole, fraction) = digits.rsplit_once(mark).unwrap_or((digits, ""));
            let is_open = fraction.len() == 3 && (1..=3).contains(&whole.len()) && whole != "0";
            if is_open {
                return Err(Unread::Open(format!(
                    "can be read in two ways, {whole}{fraction} and {whole}.{fraction}; name what stands before the fraction: | amount('.') or | amount(',')"
                )));
            }
            Some(mark)
        }
    })
}

/// Digits and what is between them, and whether it is below zero.
fn without_currency(text: &str) -> Option<(String, bool)> {
    let is_outside = |c: char| c.is_whitespace() || c.is_alphabetic() || currency::is_sign(c);
    let is_sign = |c: char| c == '-' || c == '+' || c == '\u{2212}';
    let trimmed = text.trim_matches(is_outside);
    let is_negative = trimmed.starts_with(['-', '\u{2212}']);
    let digits = trimmed.trim_start_matches(is_sign).trim_matches(is_outside);
    // `Fr. 12`
    let digits = digits.strip_prefix(". ").unwrap_or(digits).trim();
    if trimmed.chars().filter(|c| is_sign(*c)).count() > 1 || !currency::stand_in(text) {
        return None;
    }
    let takes = |c: char| {
        c.is_ascii_digit()
            || matches!(
                c,
                '.' | ',' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}' | '_'
            )
    };
    (digits.chars().any(|c| c.is_ascii_digit()) && digits.chars().all(takes))
        .then(|| (digits.to_owned(), is_negative))
}
