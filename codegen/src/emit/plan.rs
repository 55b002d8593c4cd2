//! What goes into which module.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::{Value, json};

use crate::bundle::{Bundle, Home};
use crate::problem::{Problem, Problems};
use crate::schema::{operations, references};
use crate::transform::Side;

/// The module that types shared by resources go to.
pub(super) const COMMON: &str = "common";

/// A transformed document and where its parts go.
pub(super) struct Plan<'b> {
    bundle: &'b Bundle,
    /// The document that the generator reads.
    pub client: Value,
    /// In the order of the document's tags.
    pub resources: Vec<String>,
    pub operations: Vec<Entry<'b>>,
    modules: BTreeMap<String, String>,
}

/// An operation of the bundle.
#[derive(Clone, Copy)]
pub(super) struct Entry<'b> {
    pub path: &'b str,
    pub method: &'static str,
    pub resource: &'b str,
    pub id: &'b str,
    pub value: &'b Value,
    pub bundle: &'b Value,
}

/// The generated method of an operation.
pub(crate) fn method_name(operation_id: &str) -> String {
    operation_id.to_snake_case()
}

impl<'b> Plan<'b> {
    pub fn new(bundle: &'b Bundle, client: Value) -> Self {
        let resources = bundle.resources().into_iter().map(str::to_owned).collect();
        let mut operations: Vec<Entry<'b>> = operations(&bundle.value)
            .filter_map(|(path, method, value)| {
                let (resource, id) = (value["tags"][0].as_str()?, value["operationId"].as_str()?);
                Some(Entry {
                    path,
                    method,
                    resource,
                    id,
                    value,
                    bundle: &bundle.value,
                })
            })
            .collect();
        operations.sort_by_key(|entry| method_name(entry.id));
        let modules = modules(bundle, &client);
        Self {
            bundle,
            client,
            resources,
            operations,
            modules,
        }
    }

    /// The names of the components of a module.
    pub fn components(&self, module: &str) -> impl Iterator<Item = (&str, &Value, Side)> {
        let schemas = self.client["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten();
        schemas.filter_map(move |(name, schema)| {
            (self.modules.get(name)? == module).then_some((
                name.as_str(),
                schema,
                Side::of(schema)?,
            ))
        })
    }

    /// The components of other modules, and answers of this one: types that the generator must not make.
    pub fn foreign(&self, module: &str) -> impl Iterator<Item = (&str, &Value)> {
        let schemas = self.client["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten();
        schemas.filter_map(move |(name, schema)| {
            let is_own = self.modules.get(name).is_some_and(|home| home == module)
                && Side::of(schema) != Some(Side::Answer);
            (!is_own).then_some((name.as_str(), schema))
        })
    }

    /// The module of a component's type.
    pub fn module(&self, component: &str) -> &str {
        self.modules.get(component).map_or(COMMON, String::as_str)
    }

    /// The path of a component's type from anywhere in the crate.
    pub fn type_path(&self, component: &str) -> TokenStream {
        let module = format_ident!("{}", self.module(component));
        let name = format_ident!("{component}");
        quote!(crate::generated::#module::types::#name)
    }

    /// The module and name of every type of a side.
    pub fn types(&self, side: Side) -> impl Iterator<Item = (&str, &str, &Value)> {
        let schemas = self.client["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten();
        schemas
            .filter(move |(_, schema)| Side::of(schema) == Some(side))
            .filter_map(|(name, schema)| {
                Some((self.modules.get(name)?.as_str(), name.as_str(), schema))
            })
    }

    /// The component that a type is made from: a forked copy has another name.
    pub fn original<'n>(&self, name: &'n str) -> &'n str {
        original(self.bundle, name)
    }

    /// The document of one resource, or only of one of its operations.
    pub fn select(&self, resource: Option<&str>, only: Option<&str>) -> Value {
        let mut document = self.client.clone();
        document["paths"] = json!({});
        let chosen = operations(&self.client).filter(|(_, _, operation)| {
            operation["tags"][0].as_str() == resource
                && only.is_none_or(|only| operation["operationId"] == only)
        });
        for (path, method, operation) in chosen {
            document["paths"][path][method] = operation.clone();
        }
        document
    }

    /// A problem of one operation, or of the whole document.
    pub fn problem(&self, operation: Option<&str>, message: String) -> Problem {
        let found = self
            .operations
            .iter()
            .find(|entry| Some(entry.id) == operation);
        let pointer = found.map_or_else(String::new, |entry| {
            let path = crate::pointer::join("/paths", entry.path);
            crate::pointer::join(&path, entry.method)
        });
        self.bundle.problem(&pointer, message)
    }

    /// A fault of this generator, told as a problem.
    pub fn internal(&self, what: &str, error: &dyn Display) -> Problems {
        self.problem(None, format!("the generated code of `{what}` cannot be read ({error}); this is a fault of codegen")).into()
    }
}

/// The module of each component.
fn modules(bundle: &Bundle, client: &Value) -> BTreeMap<String, String> {
    let schemas = &client["components"]["schemas"];
    let mut users: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (_, _, operation) in operations(client) {
        let Some(resource) = operation["tags"][0].as_str() else {
            continue;
        };
        let mut open = Vec::new();
        references(operation, &mut open);
        while let Some(name) = open.pop() {
            let schema = &schemas[&name];
            if users.entry(name).or_default().insert(resource) {
                references(schema, &mut open);
            }
        }
    }
    let module = |(name, users): (String, BTreeSet<&str>)| {
        // A forked copy lives where its original does.
        let home = match bundle.home(original(bundle, &name)) {
            Home::Resource(resource) => resource,
            Home::Shared => COMMON.to_owned(),
            Home::Reach => match users.iter().collect::<Vec<_>>().as_slice() {
                [only] => (**only).to_owned(),
                _ => COMMON.to_owned(),
            },
        };
        (name, home)
    };
    users.into_iter().map(module).collect()
}

fn original<'n>(bundle: &Bundle, name: &'n str) -> &'n str {
    let candidates = [
        Some(name),
        name.strip_suffix("Input"),
        name.strip_suffix("Request"),
    ];
    candidates
        .into_iter()
        .flatten()
        .find(|name| !bundle.value["components"]["schemas"][name].is_null())
        .unwrap_or(name)
}
