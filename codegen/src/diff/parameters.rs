//! Parameters of operations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Breaks, Changes, Kind, Place, Subject, shape, types};

pub(super) fn compare(place: Place<'_>, old: &Value, new: &Value, changes: &mut Changes) {
    let place = Place {
        subject: Subject::Parameter,
        ..place
    };
    let (olds, news) = (by_name(old), by_name(new));
    let names: BTreeSet<_> = olds.keys().chain(news.keys()).collect();
    for key @ (home, name) in names {
        match (olds.get(key), news.get(key)) {
            (Some(old), None) => {
                let what = match partner(key, old, &olds, &news) {
                    Some(new) => format!("the {home} parameter is called `{new}` now"),
                    None => format!("the {home} parameter is gone"),
                };
                changes.add(place, Kind::Removed, Breaks::ALL, name, what);
            }
            (None, Some(new)) if partner(key, new, &news, &olds).is_none() => {
                let required = is_required(new);
                let word = if required { "required" } else { "optional" };
                let what = format!(
                    "new {word} {home} parameter: {}",
                    shape::text(&new["schema"])
                );
                let breaks = if required {
                    Breaks::ALL
                } else {
                    Breaks::NOBODY
                };
                changes.add(place, Kind::Added, breaks, name, what);
            }
            (None, Some(_) | None) => {}
            (Some(old), Some(new)) => one(place, name, old, new, changes),
        }
    }
}

type ByName<'v> = BTreeMap<(&'v str, &'v str), &'v Value>;

/// What a parameter that only one side has is called on the other: the only one there that is like it and has no other
/// like it.
fn partner<'v>(
    key: &(&str, &str),
    parameter: &Value,
    here: &ByName<'_>,
    there: &ByName<'v>,
) -> Option<&'v str> {
    let alike = |key: &(&str, &str), other: &Value, home: &str| {
        key.0 == home
            && is_required(other) == is_required(parameter)
            && shape::text(&other["schema"]) == shape::text(&parameter["schema"])
    };
    let mut same = here
        .iter()
        .filter(|(other, value)| !there.contains_key(*other) && alike(other, value, key.0));
    let mut found = there
        .iter()
        .filter(|(other, value)| !here.contains_key(*other) && alike(other, value, key.0));
    match (same.nth(1), found.next(), found.next()) {
        (None, Some(((_, name), _)), None) => Some(name),
        _ => None,
    }
}

fn one(place: Place<'_>, name: &str, old: &Value, new: &Value, changes: &mut Changes) {
    match (is_required(old), is_required(new)) {
        (false, true) => changes.add(
            place,
            Kind::Changed,
            Breaks::ALL,
            name,
            "it is required now",
        ),
        (true, false) => changes.add(
            place,
            Kind::Changed,
            Breaks::NOBODY,
            name,
            "it is optional now",
        ),
        _ => {}
    }
    types::value(place, name, &old["schema"], &new["schema"], changes);
}

/// The parameters by place and name.
pub(super) fn by_name(parameters: &Value) -> BTreeMap<(&str, &str), &Value> {
    let all = parameters.as_array().into_iter().flatten();
    all.filter_map(|parameter| {
        // Arguments have the vendor's names, also where two paths became one.
        let name = parameter["x-vendor-name"].as_str();
        let name = name.or_else(|| parameter["name"].as_str())?;
        let key = (parameter["in"].as_str()?, name);
        Some((key, parameter))
    })
    .collect()
}

fn is_required(parameter: &Value) -> bool {
    parameter["required"] == true
}
