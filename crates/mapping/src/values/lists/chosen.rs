//! `select`, `reject` and their like: without a test they keep what holds as a condition, and "no" does not.

use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::{items, part};
use crate::values::truth;

/// The items of a list for which a test holds (`keeps`), or does not.
fn chosen(
    state: &mut State<'_, '_>,
    list: &Value,
    attribute: Option<&str>,
    test: &[Value],
    keeps: bool,
) -> Result<Value, Error> {
    let (name, arguments) = match test.split_first() {
        None => (None, &[][..]),
        Some((name, arguments)) => {
            let name = name.as_str().ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, "a test is named by a text")
            })?;
            (Some(name), arguments)
        }
    };
    let mut kept = Vec::new();
    for item in items(list)? {
        let value = part(&item, attribute);
        let holds = match name {
            None => truth(&value),
            Some(name) => {
                let given: Vec<Value> = std::iter::once(value)
                    .chain(arguments.iter().cloned())
                    .collect();
                state.perform_test(name, &given)?
            }
        };
        if holds == keeps {
            kept.push(item);
        }
    }
    Ok(kept.into())
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    for (name, keeps) in [("select", true), ("reject", false)] {
        environment.add_filter(
            name,
            move |state: &mut State<'_, '_>, list: &Value, test: Rest<Value>| {
                chosen(state, list, None, &test, keeps)
            },
        );
    }
    for (name, keeps) in [("selectattr", true), ("rejectattr", false)] {
        environment.add_filter(
            name,
            move |state: &mut State<'_, '_>, list: &Value, attribute: &str, test: Rest<Value>| {
                chosen(state, list, Some(attribute), &test, keeps)
            },
        );
    }
}
