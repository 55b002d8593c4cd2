//! Equal, before, after, within: by what values mean, and not by their kinds.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, State, Value};

use super::lists::under;
use super::mistake::{Mistake, looks_grouped};
use super::moments::{self, Clock};
use super::number::{flag, is_blank, is_missing, number};
use super::phones;
use crate::when;

/// Comparisons as calls.
pub(super) const EQUAL: &str = "canopy equal";
pub(super) const BELOW: &str = "canopy below";
pub(super) const AT_MOST: &str = "canopy at most";
pub(super) const CONTAINS: &str = "canopy contains";
const IN_A_TEXT: &str = "is a text where a list is meant: split it, e.g. | split(','), or, for a part of the text, write: is containing('...')";

/// What values are ordered by. Those of one list or comparison are all of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Flag(bool),
    Number(Value),
    Instant(Timestamp),
    /// A time on a clock that all of them are read on.
    Civil(DateTime),
    Text(String),
}

/// How texts are ordered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts {
    /// Letter case does not count.
    pub fold: bool,
    /// Numbers and words beside each other are a mistake. Without it they are words, all of them, as tags are.
    pub strict: bool,
}

/// The keys of values that are ordered together; `None` where there is no value.
pub(super) fn keys(
    values: &[Value],
    as_texts: Texts,
    clock: &Clock<'_>,
) -> Result<Vec<Option<Key>>, Mistake> {
    let present = || values.iter().filter(|value| !is_missing(value));
    let is = |kind: ValueKind| move |value: &&Value| value.kind() == kind;
    if let Some(wrong) = present().find(|value| {
        !matches!(
            value.kind(),
            ValueKind::Number | ValueKind::String | ValueKind::Bool
        )
    }) {
        let problem = match wrong.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                "is a list, which is neither more nor less than anything; take one of it, e.g. with | first, | length or | sum"
            }
            _ => {
                "is neither a number nor a text, so that it is neither more nor less than anything"
            }
        };
        return Err(Mistake::new(wrong, problem));
    }
    if present().any(|value| value.kind() == ValueKind::Bool) {
        return match present().find(|value| flag(value).is_none() && !is_blank(value)) {
            Some(number) if number.kind() == ValueKind::Number => {
                let flag = present().find(is(ValueKind::Bool)).unwrap_or(number);
                Err(Mistake::no_number(flag))
            }
            Some(other) => Err(Mistake::new(other, "is neither true nor false")),
            None => Ok(values
                .iter()
                .map(|value| flag(value).map(Key::Flag))
                .collect()),
        };
    }
    let texts = || {
        present()
            .filter(|value| !is_blank(value))
            .filter(is(ValueKind::String))
    };
    let numeric = texts().filter(|text| number(text).is_some()).count();
    let has_number = present().any(|value| value.kind() == ValueKind::Number);
    if has_number || numeric > 0 {
        let is_mixed = texts().count() > numeric;
        let all_years = || {
            let mut numbers = texts().filter(|text| number(text).is_some());
            numbers.all(is_year)
        };
        let is_wrong = |text: &&Value| {
            let is_mistaken = has_number
                || looks_grouped(text)
                || (as_texts.strict && !(is_date(text) && all_years()));
            number(text).is_none() && is_mistaken
        };
        let wrong = texts().find(is_wrong);
        if let Some(wrong) = wrong {
            return Err(Mistake::no_number(wrong));
        }
        if has_number || !is_mixed {
            return Ok(values
                .iter()
                .map(|value| number(value).map(Key::Number))
                .collect());
        }
    }
    if as_texts.strict
        && texts().any(is_date)
        && let Some(wrong) = texts().find(|text| !is_date(text) && !is_year(text))
    {
        return Err(Mistake::new(wrong, "is neither a date nor a time"));
    }
    if let Some(keys) = moments::keys(values, clock)? {
        return Ok(keys);
    }
    let text = |value: &Value| {
        // HighLevel writes what has no value as an empty text.
        let text = value.as_str().filter(|_| !is_blank(value))?;
        Some(Key::Text(if as_texts.fold {
            text.to_lowercase()
        } else {
            text.to_owned()
        }))
    };
    Ok(values.iter().map(text).collect())
}

/// A date may be compared with a year or a month: `contact.dateAdded > '2026'`.
pub(super) fn is_year(text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default().trim();
    let (year, month) = text.split_once('-').unwrap_or((text, "01"));
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    digits(year, 4) && digits(month, 2)
}

pub(super) fn is_date(text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default().trim();
    let day = text.get(..10).unwrap_or_default();
    (day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok()) || when::is_prose(text)
}

/// `None`: one of them has no value.
pub(super) fn order(
    left: &Value,
    right: &Value,
    clock: &Clock<'_>,
) -> Result<Option<Ordering>, Mistake> {
    let texts = Texts {
        fold: false,
        strict: true,
    };
    let mut keys = keys(&[left.clone(), right.clone()], texts, clock)?.into_iter();
    Ok(match (keys.next().flatten(), keys.next().flatten()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => None,
    })
}

/// Nothing is equal to nothing, to an empty text and to an empty list.
pub(super) fn equal(left: &Value, right: &Value) -> Result<bool, Mistake> {
    let is_list = |value: &Value| matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    let is_nothing = |value: &Value| is_blank(value) || (is_list(value) && value.len() == Some(0));
    if is_missing(left) || is_missing(right) {
        return Ok(is_nothing(left) && is_nothing(right));
    }
    match (left.kind(), right.kind()) {
        (ValueKind::Number, ValueKind::String) => equal_number(left, right),
        (ValueKind::String, ValueKind::Number) => equal_number(right, left),
        (ValueKind::Bool, ValueKind::String) => equal_flag(left, right),
        (ValueKind::String, ValueKind::Bool) => equal_flag(right, left),
        _ if is_list(left) != is_list(right) => {
            let list = if is_list(left) { left } else { right };
            let other = if is_list(left) { right } else { left };
            Err(if other.kind() == ValueKind::Number {
                Mistake::no_number(list)
            } else {
                Mistake::new(
                    list,
                    "is a list, which is equal to no single value; write: 'value' in the list",
                )
            })
        }
        // 1 is not true, and 0 not false: `> 0` would end the run as well.
        (ValueKind::Bool | ValueKind::Map, ValueKind::Number) => Err(Mistake::no_number(left)),
        (ValueKind::Number, ValueKind::Bool | ValueKind::Map) => Err(Mistake::no_number(right)),
        (ValueKind::Map, ValueKind::Map) => Ok(equal_members(left, right)),
        _ if is_list(left) => Ok(equal_items(left, right)),
        // One person writes an address in more ways than one.
        (ValueKind::String, ValueKind::String) if is_address(left) && is_address(right) => {
            let key = |text: &Value| text.as_str().unwrap_or_default().trim().to_lowercase();
            Ok(key(left) == key(right))
        }
        _ => Ok(left == right || is_one_phone(left, right)),
    }
}

fn is_one_phone(left: &Value, right: &Value) -> bool {
    let texts = left.as_str().zip(right.as_str());
    texts.is_some_and(|(left, right)| phones::same(left, right))
}

/// An e-mail address as such.
fn is_address(text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default().trim();
    let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    text.split_once('@').is_some_and(|(name, host)| {
        is_part(name) && is_part(host) && host.contains('.') && !host.contains('@')
    })
}

/// Lists are equal item by item; what cannot be compared is not.
fn equal_items(left: &Value, right: &Value) -> bool {
    let items = |list: &Value| -> Vec<Value> { list.try_iter().into_iter().flatten().collect() };
    let (left, right) = (items(left), items(right));
    let mut pairs = left.iter().zip(&right);
    left.len() == right.len() && pairs.all(|(one, other)| equal(one, other).unwrap_or(false))
}

/// Objects are equal member by member; one that has no value is none.
fn equal_members(left: &Value, right: &Value) -> bool {
    let names =
        |object: &Value| -> Vec<Value> { object.try_iter().into_iter().flatten().collect() };
    let at = |object: &Value, name: &Value| object.get_item(name).unwrap_or_default();
    let mut all = names(left).into_iter().chain(names(right));
    all.all(|name| equal(&at(left, &name), &at(right, &name)).unwrap_or(false))
}

fn equal_number(wanted: &Value, text: &Value) -> Result<bool, Mistake> {
    match number(text) {
        Some(number) => Ok(number == *wanted),
        None if is_blank(text) => Ok(false),
        None => Err(Mistake::no_number(text)),
    }
}

fn equal_flag(wanted: &Value, text: &Value) -> Result<bool, Mistake> {
    match flag(text) {
        Some(flag) => Ok(flag == wanted.is_true()),
        None if is_blank(text) => Ok(false),
        None => Err(Mistake::new(
            text,
            "is neither true nor false; compare it with a text, e.g. == 'Yes'",
        )),
    }
}

/// Whether a list has an item, or an object a member with a value.
pub(super) fn contains(list: &Value, item: &Value) -> Result<bool, Mistake> {
    match list.kind() {
        ValueKind::Undefined | ValueKind::None => return Ok(false),
        ValueKind::String if is_blank(list) => return Ok(false),
        ValueKind::String => return Err(Mistake::new(list, IN_A_TEXT)),
        ValueKind::Map => {
            let is_in = under(list, item).is_some_and(|member| !is_missing(&member));
            let is_number = |name: Value| name.kind() == ValueKind::Number;
            let is_word = item.as_str().is_some() && !is_blank(item) && number(item).is_none();
            if is_word && !is_in {
                let mut names = list.try_iter().into_iter().flatten().peekable();
                // A table by numbers: a word is no place in it, as it is no number of a list.
                if names.peek().is_some() && names.all(is_number) {
                    return Err(Mistake::no_number(item));
                }
            }
            return Ok(is_in);
        }
        ValueKind::Seq | ValueKind::Iterable => {}
        _ => return Err(Mistake::new(list, "is no list in which anything could be")),
    }
    let items: Vec<Value> = list.try_iter().map(Iterator::collect).unwrap_or_default();
    let is_list = |value: &Value| matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    if is_list(item) && !items.is_empty() && !items.iter().any(is_list) {
        return Err(Mistake::new(
            item,
            "is a list, and no item of a list; ask for one of its items",
        ));
    }
    let mut wrong = None;
    for other in items.iter().filter(|other| !is_missing(other)) {
        match equal(item, other) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(mistake) => wrong = wrong.or(Some(mistake)),
        }
    }
    let all_numbers = items.iter().all(|other| other.kind() == ValueKind::Number);
    match wrong {
        // A word among words is not 5. What is meant as a number and none is a mistake.
        Some(mistake) if all_numbers || looks_grouped(&mistake.value) => Err(mistake),
        _ => Ok(false),
    }
}

/// The names of values that operators read, for messages.
type Sides<'a> = (&'a Value, &'a Value, Option<&'a str>, Option<&'a str>);

fn named(mistake: Mistake, (left, right, left_name, right_name): Sides<'_>) -> Error {
    let is_left = mistake.value == *left && mistake.value.kind() == left.kind();
    let (name, other, other_name) = if is_left {
        (left_name, right, right_name)
    } else {
        (right_name, left, left_name)
    };
    let is_written = |name: Option<&str>| name.is_none_or(str::is_empty);
    if is_written(name) && !is_written(other_name) {
        // What is written in the file is what was meant: the value beside it is the odd one.
        return mistake.beside(other).named(other_name).into();
    }
    mistake.named(name).into()
}

/// Which orders of two values a comparison means.
type Holds = fn(Ordering) -> bool;

/// What compares two values.
type Compare = fn(&Value, &Value) -> Result<bool, Mistake>;

fn sides<'a>(left: &'a Value, right: &'a Value, names: &'a [Value]) -> Sides<'a> {
    let name = |place: usize| names.get(place).and_then(Value::as_str);
    (left, right, name(0), name(1))
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_function(EQUAL, |left: &Value, right: &Value, names: Rest<Value>| {
        equal(left, right).map_err(|mistake| named(mistake, sides(left, right, &names)))
    });
    let orders: [(&'static str, Holds); 2] = [(BELOW, Ordering::is_lt), (AT_MOST, Ordering::is_le)];
    for (function, holds) in orders {
        environment.add_function(
            function,
            move |state: &State<'_, '_>, left: &Value, right: &Value, names: Rest<Value>| {
                order(left, right, &Clock::of(state, &names))
                    .map(|order| order.is_some_and(holds))
                    .map_err(|mistake| named(mistake, sides(left, right, &names)))
            },
        );
    }
    environment.add_function(
        CONTAINS,
        |list: &Value, item: &Value, names: Rest<Value>| {
            contains(list, item).map_err(|mistake| named(mistake, sides(list, item, &names)))
        },
    );
    let tests: [(&[&'static str], Compare); 3] = [
        (&["eq", "equalto", "=="], equal),
        (&["ne", "!="], |left, right| {
            equal(left, right).map(|equal| !equal)
        }),
        (&["in"], |item, list| contains(list, item)),
    ];
    for (names, compare) in tests {
        for name in names {
            environment.add_test(*name, move |left: &Value, right: &Value| {
                compare(left, right).map_err(Error::from)
            });
        }
    }
    let orders: [(&[&'static str], Holds); 4] = [
        (&["lt", "lessthan", "<"], Ordering::is_lt),
        (&["le", "<="], Ordering::is_le),
        (&["gt", "greaterthan", ">"], Ordering::is_gt),
        (&["ge", ">="], Ordering::is_ge),
    ];
    for (names, holds) in orders {
        for name in names {
            environment.add_test(
                *name,
                move |state: &State<'_, '_>, left: &Value, right: &Value| {
                    let order = order(left, right, &Clock::of(state, &[]));
                    order
                        .map(|order| order.is_some_and(holds))
                        .map_err(Error::from)
                },
            );
        }
    }
    environment.add_test("containing", |text: &Value, part: &Value| {
        match (text.as_str(), part.as_str()) {
            (Some(text), Some(part)) => Ok(text.contains(part)),
            _ if is_missing(text) || is_missing(part) => Ok(false),
            (None, _) => contains(text, part).map_err(Error::from),
            (_, None) => Err(Error::from(Mistake::new(
                part,
                "is no text that could be a part of one",
            ))),
        }
    });
    environment.add_test("none", is_missing);
    environment.add_test("undefined", is_missing);
    environment.add_test("defined", |value: &Value| !is_missing(value));
    environment.add_test("true", |value: &Value| flag(value) == Some(true));
    environment.add_test("false", |value: &Value| flag(value) == Some(false));
}
