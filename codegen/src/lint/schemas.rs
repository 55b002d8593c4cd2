//! Schemas: only what the generator turns into the right code.

use heck::{ToSnakeCase, ToUpperCamelCase};
use serde_json::{Map, Value};

use super::reach::reach;
use super::{Findings, clashes, is_camel};
use crate::pointer;
use crate::schema::{is_enum, operations};

/// What a schema can have.
const KNOWN: [&str; 25] = [
    "$ref",
    "type",
    "format",
    "description",
    "example",
    "nullable",
    "enum",
    "items",
    "properties",
    "required",
    "additionalProperties",
    "allOf",
    "oneOf",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "x-open",
    "x-date",
    "x-field",
    "x-secret",
    "x-deviation",
];
const TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "array", "object"];

pub(super) fn lint(findings: &mut Findings<'_>) {
    let value = findings.value();
    let schemas = value["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        let at = pointer::join("/components/schemas", name);
        if !is_camel(name) {
            findings.add(
                &at,
                format!("`{name}` becomes a type; write it in UpperCamelCase"),
            );
        }
        if schema["description"].as_str().is_none_or(str::is_empty) {
            findings.add(
                &at,
                "`description` is missing; say in your own words what it is",
            );
        }
        one(findings, &at, schema, Position::Component);
        component(findings, &at, schema);
    }
    for (path, method, operation) in operations(value) {
        let at = pointer::join(&pointer::join("/paths", path), method);
        inside(findings, &at, operation);
    }
    for (kind, item) in value["components"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(kind, _)| *kind != "schemas")
    {
        inside(findings, &pointer::join("/components", kind), item);
    }
}

/// A component becomes a type: a struct, a list or words. Anything else would be a struct without members.
fn component<'b>(findings: &mut Findings<'b>, at: &str, schema: &'b Value) {
    let kind = schema["type"].as_str();
    if matches!(kind, Some("string" | "number" | "integer" | "boolean")) && !is_enum(schema) {
        findings.add(
            &pointer::join(at, "type"),
            format!(
                "a component must be an object, a list or an `enum` of texts; write `type: {}` where it is used",
                kind.unwrap_or_default()
            ),
        );
    }
    if kind != Some("string") && is_enum(schema) {
        findings.add(
            &pointer::join(at, "enum"),
            "a list of numbers becomes no type; write it where it is used",
        );
    }
    for (index, part) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        let is_object = reach(findings.bundle, part, "").kind() == Some("object");
        if !is_object || part.get("$ref").is_none() {
            findings.add(
                &pointer::join(&pointer::join(at, "oneOf"), &index.to_string()),
                "the alternatives of a component must be objects with names of their own, referred to by `$ref`; \
                 describe what is no object as a member without `type`",
            );
        }
    }
}

/// Finds the schemas inside operations, parameters and answers.
fn inside<'b>(findings: &mut Findings<'b>, at: &str, value: &'b Value) {
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                let at = pointer::join(at, key);
                if key == "schema" {
                    one(findings, &at, inner, Position::Inner);
                } else {
                    inside(findings, &at, inner);
                }
            }
            if members.contains_key("$ref") {
                findings.follow(at, value);
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                inside(findings, &pointer::join(at, &index.to_string()), inner);
            }
        }
        _ => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// A component: the only place for structs and word lists.
    Component,
    /// One of several parts of a component.
    Part,
    Inner,
}

/// Bounds that no value keeps would refuse every call, and no test would see it.
fn bounds(findings: &mut Findings<'_>, at: &str, schema: &Value) {
    for (least, most) in [
        ("minimum", "maximum"),
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
    ] {
        for key in [least, most] {
            if schema.get(key).is_some_and(|bound| !bound.is_number()) {
                findings.add(&pointer::join(at, key), format!("`{key}` must be a number"));
            }
        }
        if let (Some(low), Some(high)) = (schema[least].as_f64(), schema[most].as_f64())
            && low > high
        {
            findings.add(
                &pointer::join(at, least),
                format!("`{least}: {low}` is above `{most}: {high}`, so that no value fits; correct one of them"),
            );
        }
    }
    if schema
        .get("multipleOf")
        .is_some_and(|step| step.as_f64().is_none_or(|step| step <= 0.0))
    {
        findings.add(
            &pointer::join(at, "multipleOf"),
            "`multipleOf` must be a number above zero",
        );
    }
}

fn one<'b>(findings: &mut Findings<'b>, at: &str, schema: &'b Value, position: Position) {
    let Some(members) = schema.as_object() else {
        findings.add(at, "a schema must be a mapping; write `{}` for any value");
        return;
    };
    if members.contains_key("$ref") {
        if members.len() > 1 {
            findings.add(
                at,
                "what stands beside `$ref` is ignored; write `allOf: [{ $ref: ... }]` beside it",
            );
        }
        findings.follow(at, schema);
        return;
    }
    keywords(findings, at, members);
    if position == Position::Inner && members.contains_key("properties") {
        findings.add(
            at,
            "give the object a name under `components.schemas` and refer to it by `$ref`",
        );
    }
    if members.contains_key("enum") {
        words(findings, at, schema, position);
    }
    if let Some(open) = members.get("x-open")
        && (*open != true || !members.contains_key("enum"))
    {
        findings.add(
            &pointer::join(at, "x-open"),
            "`x-open: true` says that the service adds to the `enum` beside it; remove it where there is none or it is closed",
        );
    }
    bounds(findings, at, schema);
    if schema["type"] == "array" && schema.get("items").is_none() {
        findings.add(at, "a list needs `items`; write `items: {}` for any values");
    }
    properties(findings, at, schema);
    parts(findings, at, schema, position);
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key).filter(|inner| !inner.is_boolean()) {
            one(findings, &pointer::join(at, key), inner, Position::Inner);
        }
    }
}

fn keywords(findings: &mut Findings<'_>, at: &str, members: &Map<String, Value>) {
    for (key, value) in members {
        if key == "x-date"
            && !(*value == true && members.get("type").is_some_and(|kind| kind == "string"))
        {
            findings.add(
                &pointer::join(at, key),
                "`x-date: true` says that a text is a date or a time; remove it where it is none",
            );
        }
        if key == "x-field" {
            // What some answers show as a number is a text where it is written.
            let written = members
                .get("oneOf")
                .and_then(|forms| forms.get(0)?.get("type"));
            let written = members.get("type").or(written);
            let kinds: &[&str] = match written.and_then(Value::as_str) {
                Some("string") => &["text", "name", "date"],
                Some("boolean") => &["flag"],
                _ => &[],
            };
            if !value.as_str().is_some_and(|kind| kinds.contains(&kind)) {
                findings.add(
                    &pointer::join(at, key),
                    "`x-field` says how field mapping takes a contact's member: text, name or date of a string, flag of a boolean",
                );
            }
        }
        let remedy = match key.as_str() {
            key if KNOWN.contains(&key) => None,
            "anyOf" => Some("becomes a struct of flattened options; use `oneOf`"),
            "default" => Some("would always be sent; say it in the description"),
            "pattern" => Some("is not needed; say it in the description"),
            "const" | "examples" | "$schema" | "prefixItems" | "if" | "then" | "else" | "$defs" => {
                Some("belongs to OpenAPI 3.1; the generator knows 3.0 only")
            }
            "readOnly" | "writeOnly" => {
                Some("is ignored; make one component for requests and one for answers")
            }
            _ => Some("is not known; correct or drop it"),
        };
        if let Some(remedy) = remedy {
            findings.add(&pointer::join(at, key), format!("`{key}` {remedy}"));
        }
        if key == "type" && !value.as_str().is_some_and(|kind| TYPES.contains(&kind)) {
            let message = format!(
                "`type: {value}` is no type; use one of {}, or none for any value",
                TYPES.join(", ")
            );
            findings.add(&pointer::join(at, key), message);
        }
    }
}

fn words(findings: &mut Findings<'_>, at: &str, schema: &Value, position: Position) {
    if matches!(schema["type"].as_str(), Some("integer" | "number")) {
        numbers(findings, at, schema);
        return;
    }
    if position == Position::Inner {
        findings.add(
            at,
            "give the `enum` a name under `components.schemas` and refer to it by `$ref`",
        );
    }
    let is_text = schema["enum"]
        .as_array()
        .is_some_and(|words| words.iter().all(Value::is_string));
    if schema["type"] != "string" || !is_text {
        findings.add(
            at,
            "an `enum` must be `type: string` with a list of texts, or a type of numbers with a list of numbers; quote words like `no`",
        );
    }
    let texts = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let at = pointer::join(at, "enum");
    if texts
        .clone()
        .any(|word| word.to_upper_camel_case().is_empty())
    {
        findings.add(
            &at,
            "a word without letters cannot be a variant; describe it as plain text",
        );
    }
    for (later, earlier) in clashes(texts, ToUpperCamelCase::to_upper_camel_case) {
        let message =
            format!("`{earlier}` and `{later}` become the same variant; describe it as plain text");
        findings.add(&at, message);
    }
}

/// A list of numbers: plain numbers in Rust, held against the list where they are sent.
fn numbers(findings: &mut Findings<'_>, at: &str, schema: &Value) {
    let is_whole = schema["type"] == "integer";
    let fits = |number: &Value| {
        number
            .as_f64()
            .is_some_and(|number| !is_whole || number.fract() == 0.0)
    };
    let list = schema["enum"].as_array().filter(|list| !list.is_empty());
    if !list.is_some_and(|list| list.iter().all(fits)) {
        let message = if is_whole {
            "the `enum` of an integer must list whole numbers"
        } else {
            "the `enum` of a number must list numbers"
        };
        findings.add(&pointer::join(at, "enum"), message);
    }
    if schema.get("x-open").is_some() {
        findings.add(
            &pointer::join(at, "x-open"),
            "only a list of texts can be open; leave the `enum` of numbers away",
        );
    }
}

fn properties<'b>(findings: &mut Findings<'b>, at: &str, schema: &'b Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let at_properties = pointer::join(at, "properties");
    for (name, property) in properties {
        let at = pointer::join(&at_properties, name);
        if name.to_snake_case() == "extra" {
            findings.add(&at, "the generated struct keeps unknown members under `extra`; this one cannot be described");
        }
        one(findings, &at, property, Position::Inner);
    }
    for (later, earlier) in clashes(
        properties.keys().map(String::as_str),
        ToSnakeCase::to_snake_case,
    ) {
        let message =
            format!("`{earlier}` and `{later}` become the same field; leave one undescribed");
        findings.add(&pointer::join(&at_properties, later), message);
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        let name = required.as_str().unwrap_or_default();
        if !properties.contains_key(name) {
            findings.add(
                &pointer::join(at, "required"),
                format!("`required` names `{name}`, which is no property"),
            );
        }
    }
}

fn parts<'b>(findings: &mut Findings<'b>, at: &str, schema: &'b Value, position: Position) {
    if let Some(parts) = schema["allOf"].as_array() {
        let at = pointer::join(at, "allOf");
        if position == Position::Inner && (parts.len() != 1 || parts[0].get("$ref").is_none()) {
            findings.add(
                &at,
                "inside a property `allOf` may hold one `$ref`; make a component of the rest",
            );
        }
        for (index, part) in parts.iter().enumerate() {
            one(
                findings,
                &pointer::join(&at, &index.to_string()),
                part,
                Position::Part,
            );
        }
    }
    for (index, part) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
        one(
            findings,
            &pointer::join(&pointer::join(at, "oneOf"), &index.to_string()),
            part,
            Position::Inner,
        );
    }
}
