//! Holding what the sandbox answers against the bundled descriptions.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Reply, World};

pub const HIGHLEVEL: &str = include_str!("../../openapi/highlevel.json");
pub const ECOLOGI: &str = include_str!("../../openapi/ecologi.json");
pub const WEBHOOKS: &str = include_str!("../../openapi/webhooks.json");

/// A description, and which of its operations were seen to answer as described.
pub struct Described {
    pub document: Value,
    seen: BTreeSet<String>,
}

impl Described {
    pub fn new(text: &str) -> Self {
        Self {
            document: serde_json::from_str(text).unwrap(),
            seen: BTreeSet::new(),
        }
    }

    /// What is wrong with a value, as far as the schema goes: unknown members are allowed, null is as good as absent.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        assert!(schema.is_object(), "nothing is described");
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let value = without_nulls(value);
        validator
            .iter_errors(&value)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect()
    }

    /// Calls an operation of HighLevel with the location's token, and holds the answer against its description.
    pub async fn call(&mut self, world: &World, method: &str, path: &str, body: Value) -> Value {
        let reply = world.call(method, path, body).await;
        self.check(method, path, reply)
    }

    pub async fn get(&mut self, world: &World, path: &str) -> Value {
        self.call(world, "GET", path, Value::Null).await
    }

    pub async fn delete(&mut self, world: &World, path: &str) -> Value {
        self.call(world, "DELETE", path, Value::Null).await
    }

    #[track_caller]
    pub fn check(&mut self, method: &str, path: &str, reply: Reply) -> Value {
        let template = self.template(method, path);
        let operation = format!("{method} {template}");
        let answers = &self.document["paths"][&template][method.to_lowercase()]["responses"];
        let answer = &answers[reply.status.to_string()];
        assert!(
            answer.is_object(),
            "{operation} answered {}: {}",
            reply.status,
            reply.body
        );
        // Bytes have no schema.
        if let Some(schema) = answer.pointer("/content/application~1json/schema") {
            let faults = self.faults(schema, &reply.body);
            assert!(
                faults.is_empty(),
                "{operation}: {faults:?} in {}",
                reply.body
            );
        }
        self.seen.insert(operation);
        reply.body
    }

    /// The described path that is meant; literal segments win over parameters.
    fn template(&self, method: &str, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        let fits = |template: &str| {
            let (mut left, mut right) = (template.split('/'), path.split('/'));
            left.by_ref()
                .zip(right.by_ref())
                .all(|(expected, actual)| expected.starts_with('{') || expected == actual)
                && template.split('/').count() == path.split('/').count()
        };
        let paths = self.document["paths"].as_object().unwrap();
        let method = method.to_lowercase();
        let known = paths.iter().filter(|(_, item)| item[&method].is_object());
        let mut fitting: Vec<&String> = known
            .map(|(template, _)| template)
            .filter(|template| fits(template))
            .collect();
        fitting.sort_by_key(|template| template.matches('{').count());
        let found = fitting.first().map(|template| (*template).clone());
        found.unwrap_or_else(|| panic!("{method} {path} is not described"))
    }

    /// Operations of which no answer was seen.
    pub fn unseen(&self) -> Vec<String> {
        let paths = self.document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(template, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {template}", method.to_uppercase()))
        });
        operations
            .filter(|operation| {
                !operation.starts_with("PARAMETERS") && !self.seen.contains(operation)
            })
            .collect()
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            members
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
