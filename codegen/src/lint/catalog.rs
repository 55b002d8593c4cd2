//! The catalog: what people and assistants choose from.

use serde_json::Value;

use super::is_kebab;
use crate::bundle::Bundle;
use crate::document::Document;
use crate::pointer;
use crate::problem::{Problem, Problems};
use crate::schema::{content, operations, referred};

const KNOWN: [&str; 6] = ["name", "title", "category", "kind", "operation", "presets"];
const PRESET: [&str; 3] = ["parameter", "description", "arguments"];

/// Checks a catalog of the operations of `service`, whose bundle is in its published form.
pub(crate) fn catalog(document: &Document, service: &Bundle) -> Result<(), Problems> {
    let mut findings = Findings {
        document,
        problems: Problems::default(),
    };
    let Some(entries) = document.value["entries"].as_array() else {
        findings.add("", "the file must have a list of `entries`");
        return findings.problems.check();
    };
    for (index, entry) in entries.iter().enumerate() {
        findings.entry(&format!("/entries/{index}"), entry, service);
    }
    for key in ["name", "title"] {
        for (index, entry) in entries.iter().enumerate() {
            let value = &entry[key];
            let earlier = entries[..index]
                .iter()
                .position(|other| other[key] == *value);
            if let (Some(text), Some(earlier)) = (value.as_str(), earlier) {
                let line = document.line(&format!("/entries/{earlier}"));
                findings.add(
                    &format!("/entries/{index}/{key}"),
                    format!(
                        "the entry of line {line} has the {key} `{text}`, too; give each its own"
                    ),
                );
            }
        }
    }
    findings.problems.check()
}

struct Findings<'d> {
    document: &'d Document,
    problems: Problems,
}

impl Findings<'_> {
    fn add(&mut self, pointer: &str, message: impl Into<String>) {
        let mut keys = pointer::keys(pointer).skip(1);
        let index: Option<usize> = keys.next().and_then(|index| index.parse().ok());
        let name = index.and_then(|index| self.document.value["entries"][index]["name"].as_str());
        let mut place = name.unwrap_or_default().to_owned();
        for key in keys {
            place.push_str(if place.is_empty() { "" } else { ", " });
            place.push_str(&key);
        }
        self.problems.0.push(Problem {
            file: self.document.path.clone(),
            line: self.document.line(pointer),
            place,
            message: message.into(),
        });
    }

    fn entry(&mut self, at: &str, entry: &Value, service: &Bundle) {
        self.keys(at, entry, &KNOWN);
        if !entry["name"].as_str().is_some_and(is_kebab) {
            self.add(at, "`name` must be in kebab-case, such as `find-contact`");
        }
        for key in ["title", "category"] {
            self.text(at, entry, key);
        }
        let id = entry["operation"].as_str().unwrap_or_default();
        let operation = operations(&service.value).find(|(_, _, other)| other["operationId"] == id);
        let Some((_, _, operation)) = operation else {
            self.add(
                &pointer::join(at, "operation"),
                format!("there is no operation `{id}`; write the `operationId` that the description of the service has"),
            );
            return;
        };
        match entry["kind"].as_str() {
            Some("trigger") if operation["x-idempotency"] != "read" => self.add(
                &pointer::join(at, "kind"),
                format!("a trigger is polled, but `{id}` is no read; make it an action, or correct `x-idempotency`"),
            ),
            Some("trigger") if operation["x-trigger"].is_null() => self.add(
                &pointer::join(at, "kind"),
                format!("`{id}` does not say what a poll of it finds; give the operation an `x-trigger`, or make this an action"),
            ),
            Some("trigger" | "action") => {}
            _ => self.add(&pointer::join(at, "kind"), "`kind` must be trigger or action"),
        }
        self.presets(
            &pointer::join(at, "presets"),
            &entry["presets"],
            operation,
            service,
        );
    }

    fn presets(&mut self, at: &str, presets: &Value, operation: &Value, service: &Bundle) {
        if !presets.is_null() && !presets.is_array() {
            self.add(at, "`presets` must be a list");
        }
        let known = arguments(operation, service);
        for (index, preset) in presets.as_array().into_iter().flatten().enumerate() {
            let at = pointer::join(at, &index.to_string());
            self.keys(&at, preset, &PRESET);
            for key in ["parameter", "description"] {
                self.text(&at, preset, key);
            }
            let parameter = preset["parameter"].as_str().unwrap_or_default();
            if known.contains(&parameter) {
                self.add(
                    &pointer::join(&at, "parameter"),
                    format!("the operation has an argument `{parameter}` itself; call the preset's otherwise"),
                );
            }
            let at = pointer::join(&at, "arguments");
            let Some(given) = preset["arguments"].as_object() else {
                self.add(
                    &at,
                    "`arguments` must be a mapping of arguments of the operation",
                );
                continue;
            };
            for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
                let message = format!(
                    "the operation has no argument `{name}`; it has {}",
                    known.join(", ")
                );
                self.add(&pointer::join(&at, name), message);
            }
            let word = format!("{{{parameter}}}");
            if !preset["arguments"]
                .to_string()
                .contains(&format!("\"{word}\""))
            {
                self.add(
                    &at,
                    format!("no argument is `\"{word}\"`; put it where the value goes"),
                );
            }
        }
    }

    fn keys(&mut self, at: &str, holder: &Value, known: &[&str]) {
        let Some(members) = holder.as_object() else {
            self.add(
                at,
                format!("it must be a mapping with {}", known.join(", ")),
            );
            return;
        };
        for key in members.keys().filter(|key| !known.contains(&key.as_str())) {
            let message = format!("`{key}` is not known; use {}", known.join(", "));
            self.add(&pointer::join(at, key), message);
        }
    }

    fn text(&mut self, at: &str, holder: &Value, key: &str) {
        if holder[key]
            .as_str()
            .is_none_or(|text| text.trim().is_empty())
        {
            self.add(at, format!("`{key}` is missing; add it"));
        }
    }
}

/// What an operation takes: its parameters and the members of its body.
fn arguments<'b>(operation: &'b Value, service: &'b Bundle) -> Vec<&'b str> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters
        .filter_map(|parameter| service.resolve(parameter))
        .filter_map(|parameter| parameter["name"].as_str());
    let body = content(&operation["requestBody"]).and_then(|(_, schema)| referred(schema));
    let members = body
        .and_then(|name| service.value["components"]["schemas"][name]["properties"].as_object())
        .into_iter()
        .flat_map(serde_json::Map::keys);
    parameters.chain(members.map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    const SERVICE: &str = r##"paths:
  /things:
    post:
      operationId: search-things
      x-idempotency: read
      x-trigger: { record: thing, reading: snapshot }
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Search" } } } }
    get: { operationId: get-thing, x-idempotency: read }
    put: { operationId: make-thing, x-idempotency: unsafe, parameters: [{ name: size, in: query }] }
components: { schemas: { Search: { properties: { filters: {} } } } }
"##;

    const GOOD: &str = r#"entries:
  - { name: search-things, title: Search Things, category: Things, kind: trigger, operation: search-things }
  - name: find-thing
    title: Find Thing
    category: Things
    kind: action
    operation: search-things
    presets:
      - parameter: mail
        description: An address.
        arguments: { filters: ["{mail}"] }
  - { name: make-thing, title: Make Thing, category: Things, kind: action, operation: make-thing }
"#;

    fn lint(text: &str) -> Result<(), Problems> {
        let service = Document::parse(&Source::new("service.yaml", SERVICE)).unwrap();
        let document = Document::parse(&Source::new("catalog.yaml", text)).unwrap();
        catalog(&document, &Bundle::merge(vec![service]))
    }

    #[test]
    fn the_good_one_is_good() {
        lint(GOOD).unwrap();
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        for (old, new, told) in [
            (
                "entries:",
                "entry:",
                ":1: the file must have a list of `entries`",
            ),
            (
                "operation: make-thing",
                "operation: make",
                ":12: make-thing, operation: there is no operation `make`",
            ),
            (
                "name: make-thing",
                "name: find-thing",
                ":12: find-thing, name: the entry of line 3 has the name `find-thing`, too",
            ),
            (
                "title: Make Thing",
                "title: Find Thing",
                "title: the entry of line 3 has the title `Find Thing`, too",
            ),
            (
                "name: make-thing",
                "name: MakeThing",
                ":12: MakeThing: `name` must be in kebab-case",
            ),
            (
                "title: Make Thing, ",
                "",
                ":12: make-thing: `title` is missing",
            ),
            (
                "category: Things, kind: action",
                "kind: action",
                ":12: make-thing: `category` is missing",
            ),
            (
                "kind: action, operation: make",
                "kind: trigger, operation: make",
                "a trigger is polled, but `make-thing` is no read",
            ),
            (
                "kind: action, operation: make-thing",
                "kind: trigger, operation: get-thing",
                "`get-thing` does not say what a poll of it finds",
            ),
            (
                "kind: action, operation: make",
                "kind: deed, operation: make",
                "`kind` must be trigger or action",
            ),
            (
                "kind: action, operation: make",
                "sort: 1, kind: action, operation: make",
                "make-thing, sort: `sort` is not known",
            ),
            (
                "parameter: mail",
                "parameter: filters",
                ":9: find-thing, presets, 0, parameter: the operation has an argument `filters` itself",
            ),
            (
                "{ filters: [",
                "{ filter: [",
                ":11: find-thing, presets, 0, arguments, filter: the operation has no argument `filter`; it has filters",
            ),
            ("\"{mail}\"", "mail", "no argument is `\"{mail}\"`"),
            (
                "        description: An address.\n",
                "",
                "find-thing, presets, 0: `description` is missing",
            ),
        ] {
            assert!(GOOD.contains(old), "the good one has no {old:?}");
            let problems = lint(&GOOD.replacen(old, new, 1)).unwrap_err().to_string();
            assert!(
                problems.lines().any(|line| line.contains(told)),
                "{told}\nis not told, but\n{problems}"
            );
        }
    }
}
