//! Answers that never came: made up by the description, for what is planned and not sent.

use serde_json::{Map, Value, json};

use super::{Document, Shape};
use crate::operation::Operation;

/// Objects inside objects are filled in this deep.
const DEPTH: usize = 6;

impl Document {
    /// An answer of the described form. Each text in it is what `text` makes of its member's name, so that it can be
    /// told from a real one; numbers are the least that they can be, lists have one element.
    pub fn placeholder(&self, operation: &Operation, text: &dyn Fn(&str) -> String) -> Value {
        let schema = self.answer_schema(self.entry(operation));
        schema.map_or(Value::Null, |schema| self.made_up(text, "", schema, 0))
    }

    /// The schema of the answer to a success.
    fn answer_schema<'a>(&'a self, entry: &'a Value) -> Option<&'a Value> {
        let media = self.success(entry)?["content"].as_object()?;
        media.values().next()?.get("schema")
    }

    fn made_up(
        &self,
        text: &dyn Fn(&str) -> String,
        name: &str,
        schema: &Value,
        depth: usize,
    ) -> Value {
        let shape = self.shape(schema);
        if let Some(word) = shape.list("enum").first() {
            return word.clone();
        }
        if let Some(first) = shape.alternatives().first() {
            return self.made_up(text, name, first, depth);
        }
        match shape.kind() {
            Some("integer" | "number") => shape.get("minimum").cloned().unwrap_or(json!(0)),
            Some("boolean") => json!(false),
            Some("array") => match shape.get("items") {
                Some(items) if depth < DEPTH => {
                    json!([self.made_up(text, name, items, depth + 1)])
                }
                _ => json!([]),
            },
            Some("object") => self.made_up_members(text, &shape, depth),
            _ if shape.text("format") == Some("date-time") => json!("1970-01-01T00:00:00Z"),
            _ => json!(text(name)),
        }
    }

    fn made_up_members(
        &self,
        text: &dyn Fn(&str) -> String,
        shape: &Shape<'_>,
        depth: usize,
    ) -> Value {
        if depth >= DEPTH {
            return json!({});
        }
        let members = shape.members().into_iter();
        let members: Map<_, _> = members
            .map(|(name, schema)| (name.to_owned(), self.made_up(text, name, schema, depth + 1)))
            .collect();
        members.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Auth, Body, Evidence, Idempotency, Paging, Shown};

    #[test]
    fn an_answer_has_the_described_form_and_is_marked() {
        let document = Document::parse(
            r##"{
                "paths": { "/things": { "post": { "responses": { "201": { "content": { "application/json": {
                    "schema": { "type": "object", "properties": {
                        "thing": { "$ref": "#/components/Thing" },
                        "kind": { "type": "string", "enum": ["a", "b"] }
                    } }
                } } } } } } },
                "components": { "Thing": { "type": "object", "properties": {
                    "id": { "type": "string" }, "count": { "type": "integer", "minimum": 2 },
                    "at": { "type": "string", "format": "date-time" }, "done": { "type": "boolean" },
                    "tags": { "type": "array", "items": { "type": "string" } },
                    "parent": { "$ref": "#/components/Thing" }
                } } }
            }"##,
        )
        .unwrap();
        let operation = Operation {
            name: "create-thing",
            method_name: "create_thing",
            resource: "things",
            summary: "",
            http_method: "POST",
            path: "/things",
            api_version: None,
            auth: Auth::Bearer,
            scopes: &[],
            token_kinds: &[],
            parameters: &[],
            body: Body::Json,
            idempotency: Idempotency::Unsafe,
            paging: Paging::None,
            items: None,
            id: None,
            version: None,
            record: None,
            evidence: Evidence {
                shown: Shown::Answer { why: "a test" },
                flags: &[],
            },
            trigger: None,
        };
        let answer = document.placeholder(&operation, &|name| format!("<{name}>"));
        assert_eq!(answer["kind"], "a");
        let thing = &answer["thing"];
        assert_eq!((&thing["id"], &thing["count"]), (&json!("<id>"), &json!(2)));
        assert_eq!(
            (&thing["at"], &thing["done"], &thing["tags"]),
            (
                &json!("1970-01-01T00:00:00Z"),
                &json!(false),
                &json!(["<tags>"])
            )
        );
        assert_eq!(thing["parent"]["parent"]["id"], "<id>");
    }
}
