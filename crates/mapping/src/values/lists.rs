//! Filters over lists that compare: least, most, sorted, summed up, each once. And what is no list where one is meant.

mod chosen;
mod grouped;

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, State, Value};

use super::arithmetic::plus;
use super::compare::{Key, Texts, equal, keys};
use super::convert::at;
use super::is_missing;
use super::mistake::Mistake;
use super::moments::Clock;
use super::number::is_blank;
use super::print::{listed, printed};

/// What a loop or a filter for lists goes through, as a call.
pub(super) const LIST: &str = "canopy list";
/// What stands at a place, as a call.
pub(super) const AT: &str = "canopy at";
/// The first of two that has a value, as a call.
pub(super) const FIRST: &str = "canopy first";
/// Filters that go through a list. A text has letters and no items: going through them is never meant.
pub(super) const FILTERS: [&str; 22] = [
    "batch",
    "chain",
    "count",
    "first",
    "groupby",
    "items",
    "last",
    "length",
    "list",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "select",
    "selectattr",
    "slice",
    "sort",
    "sum",
    "unique",
    "zip",
];
const NO_LIST: &str =
    "is a text where a list is meant: split it, e.g. | split(','), or, for its letters, | letters";

fn list(value: &Value) -> Result<Value, Mistake> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(Value::UNDEFINED),
        ValueKind::String if is_blank(value) => Ok(Value::UNDEFINED),
        ValueKind::String => Err(Mistake::new(value, NO_LIST)),
        ValueKind::Number | ValueKind::Bool => Err(Mistake::new(value, "is no list")),
        _ => Ok(value.clone()),
    }
}

fn items(value: &Value) -> Result<Vec<Value>, Error> {
    let list = list(value)?;
    if list.is_undefined() {
        return Ok(Vec::new());
    }
    Ok(list.try_iter()?.collect())
}

/// What stands at a place of a list, or under a name of an object: a number that came as a text is that place or name. A
/// text has letters, and `[0]` is never meant for the first of them.
fn placed(of: &Value, place: &Value) -> Result<Value, Mistake> {
    let of = list(of)?;
    if place.kind() == ValueKind::Bool && of.kind() != ValueKind::Map && !of.is_undefined() {
        return Err(Mistake::new(place, "is no place in a list"));
    }
    Ok(under(&of, place).unwrap_or_default())
}

/// What stands at a place or under a name, in whichever way a number is written.
pub(super) fn under(of: &Value, place: &Value) -> Option<Value> {
    let found = |place: &Value| {
        of.get_item(place)
            .ok()
            .filter(|found| !found.is_undefined())
    };
    let other = || match place.as_str() {
        Some(_) => found(&super::number(place)?),
        None => found(&Value::from(printed(place).ok()?)),
    };
    found(place).or_else(other)
}

/// What an item is compared by.
fn part(item: &Value, attribute: Option<&str>) -> Value {
    attribute.map_or_else(|| item.clone(), |path| at(item, path.trim()))
}

/// The least or the most of a list. Where one of them has no value, nobody knows: there is none.
fn extreme(
    state: &State<'_, '_>,
    value: &Value,
    options: &Kwargs,
    is_better: fn(&Key, &Key) -> bool,
) -> Result<Value, Error> {
    let attribute = options.get::<Option<&str>>("attribute")?;
    let fold = !options
        .get::<Option<bool>>("case_sensitive")?
        .unwrap_or(false);
    options.assert_all_used()?;
    let items = items(value)?;
    let parts: Vec<Value> = items.iter().map(|item| part(item, attribute)).collect();
    let mut best: Option<(Key, Value)> = None;
    let texts = Texts { fold, strict: true };
    for (key, item) in keys(&parts, texts, &Clock::of(state, &[]))?
        .into_iter()
        .zip(items)
    {
        let Some(key) = key else {
            return Ok(Value::UNDEFINED);
        };
        if best
            .as_ref()
            .is_none_or(|(so_far, _)| is_better(&key, so_far))
        {
            best = Some((key, item));
        }
    }
    Ok(match best {
        // A text that is a number is handed on as one.
        Some((Key::Number(number), _)) if attribute.is_none() => number,
        Some((_, item)) => item,
        None => Value::UNDEFINED,
    })
}

fn sort(state: &State<'_, '_>, value: &Value, options: &Kwargs) -> Result<Value, Error> {
    let attributes = options.get::<Option<&str>>("attribute")?;
    let fold = !options
        .get::<Option<bool>>("case_sensitive")?
        .unwrap_or(false);
    let reverse = options.get::<Option<bool>>("reverse")?.unwrap_or(false);
    options.assert_all_used()?;
    let items = items(value)?;
    let mut columns = Vec::new();
    for attribute in attributes.map_or_else(|| vec![None], |all| all.split(',').map(Some).collect())
    {
        let parts: Vec<Value> = items.iter().map(|item| part(item, attribute)).collect();
        columns.push(keys(
            &parts,
            Texts {
                fold,
                strict: false,
            },
            &Clock::of(state, &[]),
        )?);
    }
    Ok(ordered(&items, &columns, reverse).into())
}

/// Items by what they are compared by, column by column.
fn ordered(items: &[Value], columns: &[Vec<Option<Key>>], reverse: bool) -> Vec<Value> {
    let mut places: Vec<usize> = (0..items.len()).collect();
    places.sort_by(|one, other| {
        let orders = columns
            .iter()
            .map(|column| match (&column[*one], &column[*other]) {
                (Some(left), Some(right)) if reverse => right.cmp(left),
                (Some(left), Some(right)) => left.cmp(right),
                // What has no value comes last, whichever way.
                (left, right) => left.is_none().cmp(&right.is_none()),
            });
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    let sorted = places
        .into_iter()
        .filter_map(|place| items.get(place).cloned());
    sorted.collect()
}

/// Nothing adds nothing.
fn sum(value: &Value, attribute: Option<&str>, options: &Kwargs) -> Result<Value, Error> {
    let named = options.get::<Option<&str>>("attribute")?;
    let start = options
        .get::<Option<Value>>("start")?
        .unwrap_or_else(|| Value::from(0));
    options.assert_all_used()?;
    let mut total = start;
    for item in items(value)? {
        let item = part(&item, attribute.or(named));
        if !is_blank(&item) {
            total = plus(&total, &item)?;
        }
    }
    Ok(total)
}

fn unique(value: &Value, options: &Kwargs) -> Result<Value, Error> {
    let attribute = options.get::<Option<&str>>("attribute")?;
    let fold = !options
        .get::<Option<bool>>("case_sensitive")?
        .unwrap_or(false);
    options.assert_all_used()?;
    let mut kept: Vec<(Value, Value)> = Vec::new();
    for item in items(value)? {
        let key = part(&item, attribute);
        let key = match key.as_str() {
            Some(text) if fold => Value::from(text.to_lowercase()),
            _ => key,
        };
        // Values of which one is no number are not the same.
        if !kept
            .iter()
            .any(|(known, _)| equal(known, &key).unwrap_or(false))
        {
            kept.push((key, item));
        }
    }
    let kept = kept.into_iter().map(|(_, item)| item);
    Ok(kept.collect::<Vec<_>>().into())
}

/// The pieces of a text, without the spaces around them and without empty ones: `a, b` has two.
fn split(value: &Value, by: Option<&str>, most: Option<usize>) -> Result<Value, Error> {
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        // Split already: a field of one sender is a list, that of another a text.
        return Ok(value.clone());
    }
    let text = printed(value)?;
    let pieces: Vec<&str> = match (by, most) {
        (None | Some(""), _) => text.split_whitespace().collect(),
        (Some(by), None) => text.split(by).collect(),
        (Some(by), Some(most)) => text.splitn(most.saturating_add(1), by).collect(),
    };
    let pieces = pieces
        .into_iter()
        .map(str::trim)
        .filter(|piece| !piece.is_empty());
    Ok(pieces.map(Value::from).collect::<Vec<_>>().into())
}

fn join(
    value: &Value,
    between: Option<&Value>,
    attribute: Option<&str>,
    options: &Kwargs,
) -> Result<String, Error> {
    let between = between.map(printed).transpose()?;
    let attribute = attribute.or(options.get::<Option<&str>>("attribute")?);
    options.assert_all_used()?;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| part(&item, attribute));
            listed(
                &items.collect::<Vec<_>>().into(),
                between.as_deref().unwrap_or_default(),
            )
        }
        // A single value is a list of one.
        _ => printed(value),
    }
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_function(LIST, |value: &Value, name: Option<&str>| {
        list(value).map_err(|mistake| Error::from(mistake.named(name)))
    });
    environment.add_function(AT, |of: &Value, place: &Value, name: Option<&str>| {
        placed(of, place).map_err(|mistake| Error::from(mistake.named(name)))
    });
    environment.add_function(FIRST, |one: &Value, other: &Value| {
        if is_missing(one) {
            other.clone()
        } else {
            one.clone()
        }
    });
    environment.add_filter(
        "min",
        |state: &State<'_, '_>, value: &Value, options: Kwargs| {
            extreme(state, value, &options, |key, best| key < best)
        },
    );
    environment.add_filter(
        "max",
        |state: &State<'_, '_>, value: &Value, options: Kwargs| {
            extreme(state, value, &options, |key, best| key > best)
        },
    );
    environment.add_filter(
        "sort",
        |state: &State<'_, '_>, value: &Value, options: Kwargs| sort(state, value, &options),
    );
    environment.add_filter(
        "sum",
        |value: &Value, attribute: Option<&str>, options: Kwargs| sum(value, attribute, &options),
    );
    environment.add_filter("unique", |value: &Value, options: Kwargs| {
        unique(value, &options)
    });
    environment.add_filter(
        "split",
        |value: &Value, by: Option<&str>, most: Option<usize>| split(value, by, most),
    );
    environment.add_filter(
        "join",
        |value: &Value, between: Option<&Value>, attribute: Option<&str>, options: Kwargs| {
            join(value, between, attribute, &options)
        },
    );
    chosen::add_to(environment);
    grouped::add_to(environment);
    environment.add_filter("items", |value: &Value| pairs(value));
    environment.add_filter("letters", letters);
    environment.add_filter("default", default);
    environment.add_filter("d", default);
}

/// Names and values of an object, in pairs.
fn pairs(value: &Value) -> Result<Value, Error> {
    if is_blank(value) {
        return Ok(Vec::<Value>::new().into());
    }
    if value.kind() != ValueKind::Map {
        return Err(Mistake::new(
            value,
            "is no object, of which there could be names and values",
        )
        .into());
    }
    let mut found = Vec::new();
    for name in value.try_iter()? {
        let member = value.get_item(&name)?;
        found.push(Value::from(vec![name, member]));
    }
    Ok(found.into())
}

/// The letters of a text, as a list.
fn letters(value: &Value) -> Result<Value, Error> {
    let text = printed(value)?;
    let letters = text.chars().map(|letter| Value::from(letter.to_string()));
    Ok(letters.collect::<Vec<_>>().into())
}

/// The value, or another where there is none, which an empty text is as well: HighLevel writes fields without a value so.
/// With `true` also in place of zero and the like.
#[expect(
    clippy::needless_pass_by_value,
    reason = "filters are given their arguments"
)]
fn default(value: &Value, other: Rest<Value>) -> Value {
    let is_lax = other.get(1).is_some_and(Value::is_true);
    if is_blank(value) || (is_lax && !value.is_true()) {
        return other.first().cloned().unwrap_or_else(|| Value::from(""));
    }
    value.clone()
}
