//! Arguments as their fields want them, where what was given says the same in another form.

use serde_json::{Map, Number, Value};

use super::{Document, Shape};
use crate::operation::Operation;

/// An end for data that nests without one.
const DEPTH: usize = 64;
/// Beyond it a `f64` does not hold every whole number, so that nobody knows which was meant.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How much of another form is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forms {
    /// `20.0` for a whole number.
    Numbers,
    /// Besides, JSON written as a text, `"[\"a\"]"` for a list: several assistants send objects and lists so.
    Texts,
}

impl Document {
    /// The arguments (one flat object) in the forms that their fields have. What a field takes as it is stays as it is, a
    /// text where a text is wanted above all; so does what fits in no form: [`check`](Self::check) tells of it.
    #[must_use]
    pub fn typed(&self, operation: &Operation, args: &Value, forms: Forms) -> Value {
        let Value::Object(args) = args else {
            return args.clone();
        };
        let body = self.body(operation).map(|(schema, _)| schema);
        let is_list = body.is_some_and(|schema| self.shape(schema).kind() == Some("array"));
        let members = body.map_or_else(Vec::new, |schema| self.shape(schema).members());
        let typed = args.iter().map(|(name, value)| {
            let mut parameters = operation.parameters.iter();
            let value = if parameters.any(|parameter| parameter.name == name) {
                let schema = &self.parameter(operation, name)["schema"];
                self.parameter_typed(schema, value, forms)
            } else if let (true, "body", Some(schema)) = (is_list, name.as_str(), body) {
                self.value_typed(schema, value, forms, 0)
            } else if let Some((_, schema)) = members.iter().find(|(known, _)| known == name) {
                self.value_typed(schema, value, forms, 0)
            } else {
                value.clone()
            };
            (name.clone(), value)
        });
        let typed: Map<String, Value> = typed.collect();
        // A body of alternatives is read as the one that fits.
        match body.filter(|schema| !self.shape(schema).alternatives().is_empty()) {
            Some(schema) => {
                let is_parameter = |name: &str| {
                    let mut parameters = operation.parameters.iter();
                    parameters.any(|parameter| parameter.name == name)
                };
                let (mut own, rest): (Map<_, _>, Map<_, _>) =
                    typed.into_iter().partition(|(name, _)| is_parameter(name));
                if let Value::Object(rest) =
                    self.value_typed(schema, &Value::Object(rest), forms, 0)
                {
                    own.extend(rest);
                }
                Value::Object(own)
            }
            None => Value::Object(typed),
        }
    }

    /// It travels as text, so a number may be given as one in any case.
    fn parameter_typed(&self, schema: &Value, value: &Value, forms: Forms) -> Value {
        let shape = self.shape(schema);
        match (shape.kind(), value) {
            (Some("integer"), Value::String(text)) => match serde_json::from_str(text) {
                Ok(Value::Number(number)) => Value::Number(whole(number)),
                _ => value.clone(),
            },
            // One value is a list of one.
            (Some("array"), Value::Null | Value::Bool(_) | Value::Number(_)) => {
                let items = shape.get("items").unwrap_or(&Value::Null);
                self.parameter_typed(items, value, forms)
            }
            _ => self.value_typed(schema, value, forms, 0),
        }
    }

    fn value_typed(&self, schema: &Value, value: &Value, forms: Forms, depth: usize) -> Value {
        let shape = self.shape(schema);
        if depth > DEPTH {
            return value.clone();
        }
        let alternatives = shape.alternatives();
        if !alternatives.is_empty() {
            // Nobody says what was meant where the value fits as it is.
            let fits = |schema: &&Value, value: &Value| self.fits(schema, value);
            let as_given = alternatives.iter().find(|schema| fits(schema, value));
            if let Some(schema) = as_given {
                return self.value_typed(schema, value, Forms::Numbers, depth + 1);
            }
            let mut read = alternatives.iter().filter_map(|schema| {
                let read = self.value_typed(schema, value, forms, depth + 1);
                self.fits(schema, &read).then_some(read)
            });
            return read.next().unwrap_or_else(|| value.clone());
        }
        match (shape.kind(), value) {
            (Some("integer"), Value::Number(number)) => Value::Number(whole(number.clone())),
            (
                Some(kind @ ("integer" | "number" | "boolean" | "array" | "object")),
                Value::String(text),
            ) if forms == Forms::Texts => match serde_json::from_str::<Value>(text) {
                Ok(read) if !read.is_string() && super::refusal::is_a(kind, &read) => {
                    self.value_typed(schema, &read, forms, depth + 1)
                }
                _ => value.clone(),
            },
            (Some("array"), Value::Array(list)) => {
                let Some(items) = shape.get("items") else {
                    return value.clone();
                };
                let typed = list
                    .iter()
                    .map(|item| self.value_typed(items, item, forms, depth + 1));
                Value::Array(typed.collect())
            }
            (_, Value::Object(members)) => {
                Value::Object(self.members_typed(&shape, members, forms, depth))
            }
            _ => value.clone(),
        }
    }

    fn members_typed(
        &self,
        shape: &Shape<'_>,
        members: &Map<String, Value>,
        forms: Forms,
        depth: usize,
    ) -> Map<String, Value> {
        let described = shape.members();
        let others = shape
            .get("additionalProperties")
            .filter(|others| others.is_object());
        let typed = members.iter().map(|(name, value)| {
            let found = described.iter().find(|(known, _)| known == name);
            let schema = found.map(|(_, schema)| *schema).or(others);
            let value = match schema {
                Some(schema) => self.value_typed(schema, value, forms, depth + 1),
                None => value.clone(),
            };
            (name.clone(), value)
        });
        typed.collect()
    }
}

/// `20.0` is 20. Ours and others' JSON writers give numbers a fraction that has none, and services refuse it.
fn whole(number: Number) -> Number {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "it is whole and within i64"
            )]
            let whole = float as i64;
            whole.into()
        }
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operation::{Body, Idempotency, Operation, Paging, Parameter, Place};

    const OPERATION: Operation = Operation {
        name: "try",
        method_name: "try_it",
        resource: "test",
        summary: "",
        http_method: "POST",
        path: "/try",
        api_version: None,
        auth: crate::operation::Auth::None,
        scopes: &[],
        token_kinds: &[],
        parameters: &[
            Parameter {
                name: "limit",
                place: Place::Query,
                required: false,
            },
            Parameter {
                name: "ids",
                place: Place::Query,
                required: false,
            },
        ],
        body: Body::Json,
        idempotency: Idempotency::Read,
        paging: Paging::None,
        items: None,
        id: None,
        version: None,
        record: None,
        evidence: crate::operation::Evidence {
            shown: crate::operation::Shown::Answer { why: "a test" },
            flags: &[],
        },
        trigger: None,
    };

    fn document() -> Document {
        let root = json!({ "paths": { "/try": { "post": {
            "parameters": [
                { "name": "limit", "in": "query", "schema": { "type": "integer" } },
                { "name": "ids", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } },
            ],
            "requestBody": { "content": { "application/json": { "schema": { "properties": {
                "text": { "type": "string" },
                "count": { "type": "integer" },
                "price": { "type": "number" },
                "on": { "type": "boolean" },
                "tags": { "type": "array", "items": { "type": "string" } },
                "filter": { "properties": { "size": { "type": "integer" }, "of": { "type": "array", "items": { "type": "integer" } } } },
                "any": {},
                "either": { "oneOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string" }] },
                "listed": { "oneOf": [{ "type": "integer" }, { "type": "array", "items": { "type": "integer" } }] },
            } } } } },
        } } } });
        Document { root }
    }

    fn typed(args: &Value, forms: Forms) -> Value {
        document().typed(&OPERATION, args, forms)
    }

    #[test]
    fn json_as_text_is_taken_where_no_text_is_wanted() {
        for (given, taken) in [
            (
                json!({ "tags": "[\"a\",\"b\"]" }),
                json!({ "tags": ["a", "b"] }),
            ),
            (
                json!({ "filter": "{\"size\":2}" }),
                json!({ "filter": { "size": 2 } }),
            ),
            (
                json!({ "filter": { "of": "[1, 2.0]" } }),
                json!({ "filter": { "of": [1, 2] } }),
            ),
            (
                json!({ "filter": "{\"of\":\"[1]\"}" }),
                json!({ "filter": { "of": [1] } }),
            ),
            (json!({ "count": "3" }), json!({ "count": 3 })),
            (json!({ "count": "3.0" }), json!({ "count": 3 })),
            (json!({ "price": "1.5" }), json!({ "price": 1.5 })),
            (json!({ "on": "true" }), json!({ "on": true })),
            (json!({ "ids": "[\"a\"]" }), json!({ "ids": ["a"] })),
            (json!({ "listed": "[1]" }), json!({ "listed": [1] })),
            (json!({ "listed": "4" }), json!({ "listed": 4 })),
        ] {
            assert_eq!(typed(&given, Forms::Texts), taken, "{given}");
        }
        // What is wanted as text, fits as it is, or is nothing of the kind.
        for same in [
            json!({ "text": "[1]" }),
            json!({ "text": "{\"a\":1}" }),
            json!({ "text": "20" }),
            json!({ "any": "[1]" }),
            json!({ "either": "[\"a\"]" }),
            json!({ "tags": "a, b" }),
            json!({ "tags": "{\"a\":1}" }),
            json!({ "tags": ["[1]"] }),
            json!({ "filter": "[1]" }),
            json!({ "count": "many" }),
            json!({ "count": "2.5" }),
            json!({ "unknown": "[1]" }),
            json!({ "ids": "a" }),
            json!({ "tags": null }),
        ] {
            assert_eq!(typed(&same, Forms::Texts), same);
        }
        for same in [json!({ "tags": "[1]" }), json!({ "count": "3" })] {
            assert_eq!(typed(&same, Forms::Numbers), same);
        }
    }

    #[test]
    fn a_whole_number_has_no_fraction() {
        for (given, taken) in [
            (json!({ "limit": 20.0 }), json!({ "limit": 20 })),
            (json!({ "limit": "20.0" }), json!({ "limit": 20 })),
            (json!({ "count": 20.0 }), json!({ "count": 20 })),
            (json!({ "count": -2e3 }), json!({ "count": -2000 })),
            (
                json!({ "filter": { "size": 2.0, "of": [1.0] } }),
                json!({ "filter": { "size": 2, "of": [1] } }),
            ),
            (json!({ "listed": 4.0 }), json!({ "listed": 4 })),
        ] {
            assert_eq!(typed(&given, Forms::Numbers).to_string(), taken.to_string());
        }
        for same in [
            json!({ "limit": 20.5 }),
            json!({ "limit": "x" }),
            json!({ "price": 20.0 }),
            json!({ "any": 20.0 }),
            json!({ "count": 1e300 }),
        ] {
            assert_eq!(typed(&same, Forms::Numbers).to_string(), same.to_string());
        }
    }
}
