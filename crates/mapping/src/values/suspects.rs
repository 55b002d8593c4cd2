//! From which field a value came that something stumbled over: several can say the same.

use std::collections::BTreeSet;

use minijinja::Value;
use minijinja::machinery::ast::Expr;
use minijinja::value::ValueKind;

use super::convert::at;
use super::rewrite::literal_path;
use super::walk;

/// Items of lists are looked through so far.
const MOST: usize = 1000;

/// The names that a value can have been read from, as a message says them. `None`: none is known.
pub(crate) fn read_from(
    source: &str,
    names: &BTreeSet<String>,
    context: &Value,
    value: &Value,
) -> Option<String> {
    let is_it = |other: &Value| other.kind() == value.kind() && other == value;
    let written = paths(source);
    // Of `webhook['items']` the library tells `webhook`.
    let is_longer = |name: &str| {
        let below = format!("{name}.");
        written.iter().any(|path| path.starts_with(&below))
    };
    let mut names: BTreeSet<String> = names.clone();
    names.extend(written.iter().cloned());
    names.retain(|name| !is_longer(name));
    let mut same: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| is_it(&at(context, name)))
        .collect();
    if same.len() > 1 {
        // Filters and operators that know their operand say its name; it is a filter's or a test's that is looked for.
        let filtered = filtered(source);
        let is_filtered = |name: &str| filtered.contains(name);
        if same.iter().any(|name| is_filtered(name)) {
            same.retain(|name| is_filtered(name));
        }
    }
    if !same.is_empty() {
        return Some(same.join(" or "));
    }
    let within = |name: &String| {
        let mut left = MOST;
        inside(&at(context, name), &is_it, &mut left).map(|path| format!("{name}{path}"))
    };
    if value.is_undefined() {
        return None;
    }
    names.iter().find_map(within)
}

/// The paths that stand in the code, with all members after points.
fn paths(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    each(source, &mut |tree| {
        if matches!(tree, Expr::GetAttr(_) | Expr::GetItem(_)) {
            found.extend(literal_path(tree).map(|path| dotted(&path)));
        }
    });
    found
}

fn dotted(path: &str) -> String {
    path.replace("['", ".")
        .replace('[', ".")
        .replace("']", "")
        .replace(']', "")
}

fn each(source: &str, visit: &mut dyn FnMut(&Expr<'_>)) {
    if source.contains("{{") || source.contains("{%") {
        walk::of_template(source, visit);
    } else {
        walk::of_expression(source, visit);
    }
}

/// The path within a list or an object.
fn inside(value: &Value, is_it: &dyn Fn(&Value) -> bool, left: &mut usize) -> Option<String> {
    *left = left.checked_sub(1)?;
    match value.kind() {
        ValueKind::Seq => value
            .try_iter()
            .ok()?
            .enumerate()
            .find_map(|(place, item)| {
                if is_it(&item) {
                    return Some(format!("[{place}]"));
                }
                inside(&item, is_it, left).map(|path| format!("[{place}]{path}"))
            }),
        ValueKind::Map => value.try_iter().ok()?.find_map(|key| {
            let item = value.get_item(&key).ok()?;
            let name = key.as_str()?;
            if is_it(&item) {
                return Some(format!(".{name}"));
            }
            inside(&item, is_it, left).map(|path| format!(".{name}{path}"))
        }),
        _ => None,
    }
}

/// The paths that stand before filters and tests.
fn filtered(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    each(source, &mut |tree| {
        let of = match tree {
            Expr::Filter(node) => node.expr.as_ref(),
            Expr::Test(node) => Some(&node.expr),
            _ => None,
        };
        found.extend(of.and_then(literal_path).map(|path| dotted(&path)));
    });
    found
}
