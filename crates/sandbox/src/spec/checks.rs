//! Holding a request against its operation's description.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::convert;
use super::messages;

/// A described parameter.
#[derive(Debug)]
pub struct Parameter {
    name: String,
    place: Place,
    required: bool,
    schema: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Query,
}

impl Parameter {
    /// `None` for headers and cookies, which are not checked here.
    pub fn read(value: &Value, described: &Value) -> Option<Self> {
        let place = match value["in"].as_str()? {
            "path" => Place::Path,
            "query" => Place::Query,
            _ => return None,
        };
        let mut schema = value["schema"].clone();
        convert::schema(&mut schema, described);
        Some(Self {
            name: value["name"].as_str()?.to_owned(),
            place,
            required: value["required"].as_bool().unwrap_or(false),
            schema,
        })
    }
}

/// What a request of one operation may hold.
#[derive(Debug)]
pub struct Checks {
    query: Validator,
    query_schema: Value,
    body: Option<Validator>,
}

impl Checks {
    /// `described` are the document's named schemas, `schemas` the same converted.
    pub fn new(
        parameters: Vec<Parameter>,
        body: &Value,
        described: &Value,
        schemas: &Value,
    ) -> Result<Self, String> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for parameter in parameters {
            if parameter.place == Place::Path {
                continue;
            }
            if parameter.required {
                required.push(parameter.name.clone());
            }
            properties.insert(parameter.name, parameter.schema);
        }
        let query_schema = with_schemas(
            json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }),
            schemas,
        );
        Ok(Self {
            query: compile(&query_schema)?,
            query_schema,
            body: body_schema(body, described, schemas)
                .map(|schema| compile(&schema))
                .transpose()?,
        })
    }

    /// What is wrong with the request, in the service's words.
    pub fn refusals(&self, query: &[(String, String)], body: &Value) -> Vec<String> {
        let mut refusals = messages::of(&self.query, &self.typed(query));
        if let Some(validator) = &self.body {
            refusals.extend(messages::of(validator, body));
        }
        refusals
    }

    /// Query values are texts; where a number, a flag or a list is described, they are read as one.
    fn typed(&self, query: &[(String, String)]) -> Value {
        let mut object = Map::new();
        for (name, text) in query {
            let described = &self.query_schema["properties"][name];
            let kind = described["type"]
                .as_str()
                .or_else(|| described["type"][0].as_str());
            let item_kind = described["items"]["type"].as_str();
            if kind == Some("array") {
                let list = object.entry(name.clone()).or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.push(read_as(item_kind, text));
                }
            } else {
                object.insert(name.clone(), read_as(kind, text));
            }
        }
        Value::Object(object)
    }
}

fn read_as(kind: Option<&str>, text: &str) -> Value {
    let parsed = match kind {
        Some("integer" | "number" | "boolean") => serde_json::from_str(text).ok(),
        _ => None,
    };
    parsed.unwrap_or_else(|| text.into())
}

fn body_schema(body: &Value, described: &Value, schemas: &Value) -> Option<Value> {
    let media = body["content"].as_object()?.values().next()?;
    let mut schema = media.get("schema")?.clone();
    convert::schema(&mut schema, described);
    Some(with_schemas(schema, schemas))
}

/// The schemas that references lead to travel along; a reference beside other keywords is fine in JSON Schema.
fn with_schemas(mut schema: Value, schemas: &Value) -> Value {
    if schema.to_string().contains("\"$ref\"") {
        schema["components"] = json!({ "schemas": schemas });
    }
    schema
}

fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::draft202012::new(schema).map_err(|error| error.to_string())
}
