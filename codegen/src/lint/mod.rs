//! What the generator would panic at, or turn into code that does not compile or says the wrong thing, is found here
//! first, with file, line, operation, field and remedy.

mod answers;
mod catalog;
mod extensions;
mod lookups;
mod operations;
mod paging;
mod parameters;
mod paths;
mod reach;
mod recognise;
mod schemas;
mod triggers;
mod webhooks;

use std::collections::BTreeMap;

use heck::{ToKebabCase, ToSnakeCase, ToUpperCamelCase};
use serde_json::Value;

use crate::bundle::Bundle;
use crate::pointer;
use crate::problem::{Problem, Problems};
use crate::services::Service;

pub(crate) use catalog::catalog;
pub(crate) use paths::shape;

/// Checks the description of a service, before any transform.
pub(crate) fn service(bundle: &Bundle, service: &Service) -> Result<(), Problems> {
    let mut findings = Findings {
        bundle,
        problems: Problems::default(),
    };
    document(&mut findings, service);
    paths::lint(&mut findings);
    operations::lint(&mut findings);
    schemas::lint(&mut findings);
    paths::unused(&mut findings);
    findings.problems.check()
}

/// Checks the descriptions of webhooks, some of which name operations of `service`.
pub(crate) fn webhooks(bundle: &Bundle, service: &Bundle) -> Result<(), Problems> {
    let mut findings = Findings {
        bundle,
        problems: Problems::default(),
    };
    webhooks::lint(&mut findings, service);
    schemas::lint(&mut findings);
    paths::unused(&mut findings);
    findings.problems.check()
}

/// What was found so far.
struct Findings<'b> {
    bundle: &'b Bundle,
    problems: Problems,
}

impl<'b> Findings<'b> {
    fn value(&self) -> &'b Value {
        &self.bundle.value
    }

    fn add(&mut self, pointer: &str, message: impl Into<String>) {
        self.problems.0.push(self.bundle.problem(pointer, message));
    }

    /// The parameters of an operation, with those that its path has for all its methods.
    fn parameters(&self, operation: &Value) -> impl Iterator<Item = &'b Value> {
        let bundle = self.bundle;
        let id = operation["operationId"].clone();
        let found = crate::schema::operations(&bundle.value)
            .find(|(_, _, other)| other["operationId"] == id);
        let holders = found.map(|(path, _, own)| [own, &bundle.value["paths"][path]]);
        holders
            .into_iter()
            .flatten()
            .filter_map(|holder| holder["parameters"].as_array())
            .flatten()
            .filter_map(|parameter| bundle.resolve(parameter))
    }

    /// What a reference leads to; adds a problem when it leads nowhere.
    fn follow(&mut self, pointer: &str, value: &'b Value) -> Option<&'b Value> {
        let Some(reference) = value["$ref"].as_str() else {
            return Some(value);
        };
        let target = reference
            .strip_prefix('#')
            .and_then(|target| self.bundle.value.pointer(target));
        if target.is_none() {
            let message = format!(
                "`$ref: {reference}` leads nowhere; correct the name, or put `common.yaml` before `#`"
            );
            self.add(&pointer::join(pointer, "$ref"), message);
        }
        target
    }
}

fn document(findings: &mut Findings<'_>, service: &Service) {
    let value = findings.value();
    if value["paths"]
        .as_object()
        .is_none_or(serde_json::Map::is_empty)
    {
        findings.problems.0.push(Problem {
            file: service.spec.to_owned(),
            line: 0,
            place: String::new(),
            message: format!(
                "nothing describes the service `{}`; add its files",
                service.name
            ),
        });
    }
    if !value["openapi"]
        .as_str()
        .is_some_and(|version| version.starts_with("3.0."))
    {
        findings.add(
            "/openapi",
            "`openapi` must be 3.0.x; the generator knows no other version",
        );
    }
    for key in ["title", "version"] {
        if !value["info"][key].is_string() {
            findings.add(
                &format!("/info/{key}"),
                format!("`info.{key}` must be text; quote it"),
            );
        }
    }
    for (index, tag) in value["tags"].as_array().into_iter().flatten().enumerate() {
        let name = tag["name"].as_str().unwrap_or_default();
        if name.is_empty() || name.to_snake_case() != name {
            findings.add(
                &format!("/tags/{index}"),
                format!("`{name}` becomes a module; write it in snake_case"),
            );
        }
        if tag["description"].as_str().is_none_or(str::is_empty) {
            findings.add(
                &format!("/tags/{index}"),
                format!("`{name}` needs a description; it heads the module"),
            );
        }
    }
}

fn is_kebab(text: &str) -> bool {
    !text.is_empty() && text.to_kebab_case() == text
}

/// Whether a text reads like `contact.created`.
fn is_kind(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(record, change)| is_word(record) && is_word(change))
}

/// Whether a text can be part of an event's kind: small letters and `_`.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn is_camel(text: &str) -> bool {
    !text.is_empty() && text.to_upper_camel_case() == text
}

/// Names that would become the same identifier: for each later one, the earlier one.
fn clashes<'n>(
    names: impl Iterator<Item = &'n str>,
    identifier: impl Fn(&str) -> String,
) -> Vec<(&'n str, &'n str)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut clashes = Vec::new();
    for name in names {
        if let Some(earlier) = seen.insert(identifier(name), name) {
            clashes.push((name, earlier));
        }
    }
    clashes
}
