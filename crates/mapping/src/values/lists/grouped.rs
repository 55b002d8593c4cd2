//! `dictsort` and `groupby`: numbers that came as texts stand among numbers, as with `sort` and `unique`.
//!
//! minijinja 3.1 orders `"5"` behind 7 there, because it is a text, and makes two groups of `"5"` and 5.

use std::sync::Arc;

use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, ValueKind};
use minijinja::{Environment, Error, State, Value, filters};

use super::{items, ordered, pairs, part};
use crate::values::compare::{Texts, equal, keys};
use crate::values::is_missing;
use crate::values::moments::Clock;

/// Names and values of an object, in pairs, ordered by one of the two.
fn dictsort(state: &State<'_, '_>, value: &Value, options: Kwargs) -> Result<Value, Error> {
    if is_missing(value) {
        return Ok(Value::UNDEFINED);
    }
    if value.kind() != ValueKind::Map {
        // Tells it.
        return filters::dictsort(value, options);
    }
    let place = usize::from(options.get::<Option<&str>>("by")? == Some("value"));
    let fold = !options
        .get::<Option<bool>>("case_sensitive")?
        .unwrap_or(false);
    let reverse = options.get::<Option<bool>>("reverse")?.unwrap_or(false);
    options.assert_all_used()?;
    let pairs = items(&pairs(value)?)?;
    let compared: Vec<Value> = pairs
        .iter()
        .map(|pair| pair.get_item(&Value::from(place)).unwrap_or_default())
        .collect();
    let texts = Texts {
        fold,
        strict: false,
    };
    let column = keys(&compared, texts, &Clock::of(state, &[]))?;
    Ok(ordered(&pairs, &[column], reverse).into())
}

/// What items have in common, and the items. It reads as `group.grouper` and `group.list`, and as a pair.
#[derive(Debug)]
struct Group {
    grouper: Value,
    list: Vec<Value>,
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_usize(), key.as_str()) {
            (Some(0), None) | (None, Some("grouper")) => Some(self.grouper.clone()),
            (Some(1), None) | (None, Some("list")) => Some(self.list.clone().into()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }
}

fn groupby(
    state: &State<'_, '_>,
    value: &Value,
    attribute: Option<&str>,
    options: &Kwargs,
) -> Result<Value, Error> {
    let attribute = match attribute {
        Some(attribute) => attribute,
        None => options.get::<&str>("attribute")?,
    };
    let other = options.get::<Option<Value>>("default")?.unwrap_or_default();
    let fold = !options
        .get::<Option<bool>>("case_sensitive")?
        .unwrap_or(false);
    options.assert_all_used()?;
    let mut groups: Vec<(Value, Group)> = Vec::new();
    for item in items(value)? {
        let mut grouper = part(&item, Some(attribute));
        if is_missing(&grouper) {
            grouper = other.clone();
        }
        let key = match grouper.as_str() {
            Some(text) if fold => Value::from(text.to_lowercase()),
            _ => grouper.clone(),
        };
        // Values of which one is no number are not the same.
        let is_same = |known: &Value| equal(known, &key).unwrap_or(false);
        match groups.iter_mut().find(|(known, _)| is_same(known)) {
            Some((_, group)) => group.list.push(item),
            None => groups.push((
                key,
                Group {
                    grouper,
                    list: vec![item],
                },
            )),
        }
    }
    let (known, groups): (Vec<Value>, Vec<Group>) = groups.into_iter().unzip();
    let groups: Vec<Value> = groups.into_iter().map(Value::from_object).collect();
    let texts = Texts {
        fold,
        strict: false,
    };
    // Groups of lists, or of numbers and words, have no order but the one they came in.
    Ok(match keys(&known, texts, &Clock::of(state, &[])) {
        Ok(column) => ordered(&groups, &[column], false).into(),
        Err(_) => groups.into(),
    })
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter(
        "dictsort",
        |state: &State<'_, '_>, value: &Value, options: Kwargs| dictsort(state, value, options),
    );
    environment.add_filter(
        "groupby",
        |state: &State<'_, '_>, value: &Value, attribute: Option<&str>, options: Kwargs| {
            groupby(state, value, attribute, &options)
        },
    );
}
