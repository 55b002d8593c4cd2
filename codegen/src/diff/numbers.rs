//! Bounds and lists of numbers in parameters. Typed code takes any number there, so the generator's view has lost them;
//! calls by name and workflow files are held against them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Breaks, Changes, Kind, Place, Subject, parameters, shape};
use crate::schema::{operations, referred};

pub(super) fn compare(old: &Value, new: &Value, changes: &mut Changes) {
    let (olds, news) = (by_name(old), by_name(new));
    for (name, (address, parameters)) in &news {
        let Some((_, before)) = olds.get(name) else {
            continue;
        };
        let place = Place {
            subject: Subject::Parameter,
            name,
            address,
            operations: &[],
        };
        let before = parameters::by_name(before);
        for (key, parameter) in parameters::by_name(parameters) {
            if let Some(earlier) = before.get(&key) {
                one(
                    place,
                    key.1,
                    &earlier["schema"],
                    &parameter["schema"],
                    changes,
                );
            }
        }
    }
}

fn one(place: Place<'_>, part: &str, old: &Value, new: &Value, changes: &mut Changes) {
    let is_number = |schema: &Value| matches!(schema["type"].as_str(), Some("integer" | "number"));
    if !is_number(old) || !is_number(new) {
        return;
    }
    for (key, is_upper) in [("minimum", false), ("maximum", true)] {
        let [was, is] = [old, new].map(|schema| schema[key].as_f64());
        if was == is {
            continue;
        }
        let is_tighter = match (was, is) {
            (None, _) => true,
            (_, None) => false,
            (Some(was), Some(is)) => (is < was) == is_upper,
        };
        let breaks = if is_tighter {
            Breaks::CALLERS
        } else {
            Breaks::NOBODY
        };
        let word = |value: &Value| shape::word(&value[key]).replace('`', "");
        let what = format!("`{key}` was {}, is {}", word(old), word(new));
        changes.add(place, Kind::Changed, breaks, part, what);
    }
    let list = |schema: &Value| schema["enum"].as_array().cloned();
    let (was, is) = (list(old), list(new));
    if was == is {
        return;
    }
    let is_tighter = match (&was, &is) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(was), Some(is)) => was.iter().any(|number| !is.contains(number)),
    };
    let breaks = if is_tighter {
        Breaks::CALLERS
    } else {
        Breaks::NOBODY
    };
    let word = |list: Option<Vec<Value>>| {
        list.map_or("any".to_owned(), |list| Value::from(list).to_string())
    };
    let what = format!("its numbers were {}, are {}", word(was), word(is));
    changes.add(place, Kind::Changed, breaks, part, what);
}

/// Method and path, and parameters, of each operation.
type ByName = BTreeMap<String, (String, Value)>;

fn by_name(document: &Value) -> ByName {
    let all = operations(document).filter_map(|(path, method, operation)| {
        let id = operation["operationId"].as_str()?;
        let address = format!("{} {path}", method.to_uppercase());
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|parameter| {
            let followed = referred(parameter)
                .and_then(|name| document.pointer(&format!("/components/parameters/{name}")));
            followed.unwrap_or(parameter).clone()
        });
        Some((id.to_owned(), (address, parameters.collect())))
    });
    all.collect()
}
