//! Reading an OpenAPI 3.0 bundle.

use serde_json::Value;

use super::checks::{Checks, Parameter};
use super::convert;
use crate::highlevel::describing;
use crate::highlevel::plain::Plan;

/// A described operation.
#[derive(Debug)]
pub struct Described {
    pub method: String,
    pub template: String,
    pub name: String,
    pub checks: Checks,
    /// Private integrations are refused.
    pub for_apps: bool,
    /// How to serve it where nobody has written how.
    pub plain: Option<Plan>,
}

#[derive(Debug, Default)]
pub struct Bundle {
    operations: Vec<Described>,
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

impl Bundle {
    #[cfg(test)]
    pub fn empty() -> Self {
        Self::default()
    }

    /// # Errors
    /// When the text is not JSON or an operation's schemas do not compile, naming the operation.
    pub fn read(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let described = &document["components"]["schemas"];
        let mut schemas = described.clone();
        for (_, schema) in schemas.as_object_mut().into_iter().flatten() {
            convert::schema(schema, described);
        }
        let mut operations = Vec::new();
        let paths = document["paths"].as_object();
        for (template, item) in paths.into_iter().flatten() {
            for method in METHODS {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let name = operation["operationId"]
                    .as_str()
                    .unwrap_or(template)
                    .to_owned();
                let parameters = [&item["parameters"], &operation["parameters"]];
                let parameters = parameters
                    .into_iter()
                    .filter_map(Value::as_array)
                    .flatten()
                    .map(|parameter| resolve(&document, parameter))
                    .filter_map(|parameter| Parameter::read(parameter, described))
                    .collect();
                let body = resolve(&document, &operation["requestBody"]);
                let checks = Checks::new(parameters, body, described, &schemas)
                    .map_err(|error| format!("{name}: {error}"))?;
                operations.push(Described {
                    method: method.to_ascii_uppercase(),
                    template: template.clone(),
                    name,
                    checks,
                    for_apps: describing::is_for_apps(&operation["x-token-kinds"]),
                    plain: Plan::read(&document, template, method, operation),
                });
            }
        }
        Ok(Self { operations })
    }

    pub fn into_operations(self) -> impl Iterator<Item = Described> {
        self.operations.into_iter()
    }
}

/// Follows a reference inside the document.
fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    value
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| document.pointer(reference.strip_prefix('#')?))
        .unwrap_or(value)
}
