//! Parameters of operations.

use std::collections::BTreeSet;

use heck::ToSnakeCase;
use serde_json::Value;

use super::{Findings, clashes};
use crate::pointer;

pub(super) fn lint(findings: &mut Findings<'_>, at: &str, path: &str, operation: &Value) {
    let item = at.rsplit_once('/').map_or("", |(item, _)| item).to_owned();
    let value = findings.value();
    let shared = &value["paths"][path]["parameters"];
    // The bundle outlives the findings, so look the operation up there.
    let own = value
        .pointer(at)
        .map_or(&Value::Null, |operation| &operation["parameters"]);
    debug_assert_eq!(own, &operation["parameters"]);
    let lists = [(item, shared), (at.to_owned(), own)];

    let mut names = Vec::new();
    let mut in_path = BTreeSet::new();
    for (holder, list) in lists {
        for (index, parameter) in list.as_array().into_iter().flatten().enumerate() {
            let place = pointer::join(&pointer::join(&holder, "parameters"), &index.to_string());
            let Some(parameter) = findings.follow(&place, parameter) else {
                continue;
            };
            let Some(name) = parameter["name"].as_str() else {
                findings.add(&place, "the parameter has no `name`");
                continue;
            };
            one(findings, &place, name, parameter, path);
            names.push(name);
            if parameter["in"] == "path" {
                in_path.insert(name);
            }
        }
    }
    for (later, earlier) in clashes(names.iter().copied(), ToSnakeCase::to_snake_case) {
        findings.add(
            at,
            format!(
                "parameters `{earlier}` and `{later}` become the same name; rename or drop one"
            ),
        );
    }
    for name in templates(path).filter(|name| !in_path.contains(name)) {
        findings.add(
            at,
            format!(
                "the path has `{{{name}}}`, but no parameter declares it; add it with `in: path`"
            ),
        );
    }
}

fn one(findings: &mut Findings<'_>, at: &str, name: &str, parameter: &Value, path: &str) {
    let place = parameter["in"].as_str().unwrap_or_default();
    match place {
        "path" if parameter["required"] != true => {
            findings.add(
                at,
                format!("path parameter `{name}` needs `required: true`"),
            );
        }
        "path" if !templates(path).any(|template| template == name) => {
            findings.add(
                at,
                format!("path parameter `{name}` is not in the path; drop it or add `{{{name}}}`"),
            );
        }
        "path" | "query" | "header" => {}
        _ => findings.add(
            at,
            format!(
                "parameter `{name}` is `in: {place}`; only path, query and header are supported"
            ),
        ),
    }
    if parameter["description"].as_str().is_none_or(str::is_empty) {
        findings.add(
            at,
            format!("parameter `{name}` has no description; say what it does"),
        );
    }
    for key in ["style", "explode", "content", "allowReserved"] {
        if parameter.get(key).is_some() {
            findings.add(at, format!("parameter `{name}` has `{key}`, which the generator cannot do; use a plain `schema`"));
        }
    }
    if !parameter
        .get("schema")
        .is_some_and(|schema| is_plain(findings, schema, true))
    {
        findings.add(
            at,
            format!("parameter `{name}` needs a `schema` of a plain type or a list of one"),
        );
    }
}

/// A text, a number, a flag, or a list of one of these; or anything, where nothing is said.
fn is_plain(findings: &Findings<'_>, schema: &Value, lists: bool) -> bool {
    // What leads nowhere is told elsewhere.
    let Some(schema) = findings.bundle.resolve(schema) else {
        return true;
    };
    match schema["type"].as_str() {
        Some("object") => false,
        Some("array") => lists && is_plain(findings, &schema["items"], false),
        Some(_) => true,
        None => schema.get("properties").is_none(),
    }
}

/// The names between braces.
fn templates(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}
