//! A list of all answer types for the tests of a generated crate, so that none can be forgotten.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::plan::Plan;
use crate::schema::referred;
use crate::services::Service;
use crate::transform::Side;

pub(super) fn file(
    service: &Service,
    plan: &Plan<'_>,
    webhooks: Option<&Value>,
) -> Result<String, syn::Error> {
    let package = format_ident!("canopy_{}_api", service.name);
    let schemas = &plan.client["components"]["schemas"];
    let answers = plan
        .types(Side::Answer)
        .map(|(module, name, schema)| entry(module, name, schema, schemas));
    let schemas = webhooks.map_or(&Value::Null, |webhooks| &webhooks["components"]["schemas"]);
    let payloads = schemas.as_object().into_iter().flatten();
    let payloads = payloads.map(|(name, schema)| entry("webhooks", name, schema, schemas));
    let entries: Vec<TokenStream> = answers.chain(payloads).collect();
    super::file(quote! {
        //! All types of answers, with the members that are described.

        use #package as api;

        use crate::answers::{Answer, read};

        pub const ANSWERS: &[Answer] = &[#(#entries),*];
    })
}

/// A type and its members; those of its elements where it is a list.
fn entry(module: &str, name: &str, schema: &Value, schemas: &Value) -> TokenStream {
    let label = format!("{module}::{name}");
    let (module, name) = (format_ident!("{module}"), format_ident!("{name}"));
    let is_list = schema["type"] == "array";
    let element = referred(&schema["items"]).map_or(schema, |name| &schemas[name]);
    let members = element["properties"]
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys);
    quote! {
        Answer {
            name: #label,
            is_list: #is_list,
            members: &[#(#members),*],
            read: read::<api::#module::types::#name>,
        }
    }
}
