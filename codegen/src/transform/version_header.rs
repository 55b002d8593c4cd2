//! The `Version` header of each operation becomes a parameter, so that clients of other makes send it, too. Ours sends
//! what the table of operations says, so it is taken out again before the generator.

use serde_json::{Value, json};

use crate::schema::{is_version_header, operations_mut};

pub(super) fn apply(document: &mut Value) {
    let components = document["components"]["parameters"].clone();
    let mut versions: Vec<String> = Vec::new();
    for operation in operations_mut(document) {
        let Some(version) = operation["x-api-version"].as_str().map(str::to_owned) else {
            continue;
        };
        let Some(operation) = operation.as_object_mut() else {
            continue;
        };
        let parameters = operation
            .entry("parameters")
            .or_insert_with(|| json!([]))
            .as_array_mut();
        let Some(parameters) = parameters else {
            continue;
        };
        let is_there = |parameter: &Value| is_version_header(resolve(parameter, &components));
        if parameters.iter().any(is_there) {
            continue;
        }
        parameters.push(json!({ "$ref": format!("#/components/parameters/{}", name(&version)) }));
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    for version in versions {
        document["components"]["parameters"][name(&version)] = json!({
            "name": "Version",
            "in": "header",
            "required": true,
            "description": "The version of the service that this description is of.",
            "schema": { "type": "string", "enum": [version], "default": version },
        });
    }
}

fn name(version: &str) -> String {
    format!("Version-{version}")
}

fn resolve<'v>(parameter: &'v Value, components: &'v Value) -> &'v Value {
    let name = parameter["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix("#/components/parameters/"));
    name.and_then(|name| components.get(name))
        .unwrap_or(parameter)
}

/// Takes it out again. A foreign description has no `x-api-version`: there the header tells it.
pub(super) mod taken_out {
    use serde_json::Value;

    use crate::schema::{is_version_header, operations_mut};

    pub(in super::super) fn apply(document: &mut Value) {
        for operation in operations_mut(document) {
            let parameters = operation.get_mut("parameters");
            let Some(parameters) = parameters.and_then(Value::as_array_mut) else {
                continue;
            };
            let mut header = None;
            parameters.retain(|parameter| {
                let is_header = is_version_header(parameter);
                if is_header {
                    header = Some(parameter.clone());
                }
                !is_header
            });
            let is_empty = parameters.is_empty();
            let Some(operation) = operation.as_object_mut() else {
                continue;
            };
            if is_empty {
                operation.shift_remove("parameters");
            }
            if let Some(header) = header {
                let schema = &header["schema"];
                let version = schema["enum"].get(0).or_else(|| schema.get("default"));
                if let Some(version) = version {
                    operation
                        .entry("x-api-version")
                        .or_insert_with(|| version.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn each_operation_declares_its_own_once_and_the_generator_sees_none() {
        let before = json!({
            "paths": { "/a": {
                "get": { "x-api-version": "1" },
                "put": { "x-api-version": "v3", "parameters": [{ "name": "limit", "in": "query" }] },
                "post": { "x-api-version": null },
            } },
            "components": {},
        });
        let mut document = before.clone();
        super::apply(&mut document);
        let once = document.clone();
        super::apply(&mut document);
        assert_eq!(document, once, "a bundle that is read again stays as it is");
        assert_eq!(
            document["paths"]["/a"],
            json!({
                "get": { "x-api-version": "1", "parameters": [{ "$ref": "#/components/parameters/Version-1" }] },
                "put": { "x-api-version": "v3", "parameters": [
                    { "name": "limit", "in": "query" }, { "$ref": "#/components/parameters/Version-v3" },
                ] },
                "post": { "x-api-version": null },
            })
        );
        let header = &document["components"]["parameters"]["Version-v3"];
        assert_eq!(
            header["schema"],
            json!({ "type": "string", "enum": ["v3"], "default": "v3" })
        );
        super::super::parameters::apply(&mut document);
        super::taken_out::apply(&mut document);
        assert_eq!(document["paths"], before["paths"]);
    }

    #[test]
    fn a_foreign_description_tells_its_version_by_the_header() {
        let header = json!({ "name": "Version", "in": "header", "schema": { "enum": ["2"] } });
        let mut document = json!({ "paths": { "/a": { "get": { "parameters": [header] } } } });
        super::taken_out::apply(&mut document);
        assert_eq!(
            document["paths"]["/a"]["get"],
            json!({ "x-api-version": "2" })
        );
    }
}
