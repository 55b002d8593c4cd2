//! An answer that is one of several objects becomes one with the members of all: in answers every member may be absent
//! anyway. A member that is not alike in all of them can be anything. Runs behind `fork`, which tells answers from
//! requests.

use serde_json::{Map, Value, json};

use super::fork::Side;
use crate::schema::referred;

pub(super) fn apply(document: &mut Value) {
    let before = document["components"]["schemas"].clone();
    let schemas = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut);
    for (_, schema) in schemas.into_iter().flatten() {
        if Side::of(schema) == Some(Side::Answer) && schema.get("oneOf").is_some() {
            merge(schema, &before);
        }
    }
}

/// Deep enough for every honest description, and an end for a circle.
const DEPTH: usize = 8;

fn merge(schema: &mut Value, schemas: &Value) {
    let mut properties = Map::new();
    gather(schema, schemas, 0, &mut properties);
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("oneOf");
        members.insert("type".into(), json!("object"));
        members.insert("properties".into(), properties.into());
    }
}

fn gather(schema: &Value, schemas: &Value, depth: usize, found: &mut Map<String, Value>) {
    if depth > DEPTH {
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        match found.get(name) {
            Some(known) if same(known, property) => {}
            Some(_) => {
                let mut any = Map::new();
                if let Some(description) = property.get("description") {
                    any.insert("description".into(), description.clone());
                }
                found.insert(name.clone(), any.into());
            }
            None => {
                found.insert(name.clone(), property.clone());
            }
        }
    }
    for part in schema["oneOf"].as_array().into_iter().flatten() {
        let part = referred(part).map_or(part, |name| &schemas[name]);
        gather(part, schemas, depth + 1, found);
    }
}

/// Alike but for what is said of them.
fn same(one: &Value, other: &Value) -> bool {
    let plain = |value: &Value| {
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.shift_remove("description");
        }
        value
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_all_alternatives_come_together() {
        let to = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let text = json!({ "type": "string" });
        let either = json!({ "description": "Either.", "oneOf": [to("One"), to("Other")] });
        let mut answer = either.clone();
        answer["x-side"] = json!("answer");
        let mut document = json!({ "components": { "schemas": {
            "Answer": answer,
            "Body": either,
            "One": { "properties": { "id": { "type": "string", "description": "Its." }, "size": { "type": "integer" } } },
            "Other": { "properties": { "id": text, "size": text, "more": text } },
        } } });
        apply(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["Answer"],
            json!({
                "description": "Either.", "x-side": "answer", "type": "object",
                "properties": { "id": { "type": "string", "description": "Its." }, "size": {}, "more": text },
            })
        );
        assert_eq!(schemas["Body"], either, "requests stay strict");
    }
}
