//! A list of all answer types for the tests of a generated crate, so that none can be forgotten.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::plan::Plan;
use crate::services::Service;
use crate::transform::Side;

pub(super) fn file(
    service: &Service,
    plan: &Plan<'_>,
    webhooks: Option<&Value>,
) -> Result<String, syn::Error> {
    let package = format_ident!("canopy_{}_api", service.name);
    let answers = plan
        .types(Side::Answer)
        .map(|(module, name, schema)| entry(module, name, schema));
    let payloads = webhooks
        .and_then(|webhooks| webhooks["components"]["schemas"].as_object())
        .into_iter()
        .flatten();
    let payloads = payloads.map(|(name, schema)| entry("webhooks", name, schema));
    let entries: Vec<TokenStream> = answers.chain(payloads).collect();
    super::file(quote! {
        //! All types of answers, with the members that are described.

        use #package as api;

        use crate::answers::{Answer, read};

        pub const ANSWERS: &[Answer] = &[#(#entries),*];
    })
}

fn entry(module: &str, name: &str, schema: &Value) -> TokenStream {
    let label = format!("{module}::{name}");
    let (module, name) = (format_ident!("{module}"), format_ident!("{name}"));
    let members = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys);
    quote! {
        Answer { name: #label, members: &[#(#members),*], read: read::<api::#module::types::#name> }
    }
}
