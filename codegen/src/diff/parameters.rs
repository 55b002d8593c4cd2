//! Parameters of operations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Changes, Kind, Place, Subject, shape, types};

pub(super) fn compare(place: Place<'_>, old: &Value, new: &Value, changes: &mut Changes) {
    let place = Place {
        subject: Subject::Parameter,
        ..place
    };
    let (olds, news) = (by_name(old), by_name(new));
    let names: BTreeSet<_> = olds.keys().chain(news.keys()).collect();
    for key @ (home, name) in names {
        match (olds.get(key), news.get(key)) {
            (Some(_), None) => {
                changes.add(
                    place,
                    Kind::Removed,
                    true,
                    name,
                    format!("the {home} parameter is gone"),
                );
            }
            (None, Some(new)) => {
                let required = is_required(new);
                let word = if required { "required" } else { "optional" };
                let what = format!(
                    "new {word} {home} parameter: {}",
                    shape::text(&new["schema"])
                );
                changes.add(place, Kind::Added, required, name, what);
            }
            (Some(old), Some(new)) => one(place, name, old, new, changes),
            (None, None) => {}
        }
    }
}

fn one(place: Place<'_>, name: &str, old: &Value, new: &Value, changes: &mut Changes) {
    match (is_required(old), is_required(new)) {
        (false, true) => changes.add(place, Kind::Changed, true, name, "it is required now"),
        (true, false) => changes.add(place, Kind::Changed, false, name, "it is optional now"),
        _ => {}
    }
    types::value(place, name, &old["schema"], &new["schema"], changes);
}

/// The parameters by place and name.
fn by_name(parameters: &Value) -> BTreeMap<(&str, &str), &Value> {
    let all = parameters.as_array().into_iter().flatten();
    all.filter_map(|parameter| {
        let key = (parameter["in"].as_str()?, parameter["name"].as_str()?);
        Some((key, parameter))
    })
    .collect()
}

fn is_required(parameter: &Value) -> bool {
    parameter["required"] == true
}
