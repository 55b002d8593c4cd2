//! Lists of all calls and all types of requests for the tests of a generated crate, so that none can be forgotten.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::answers::field_ident;
use super::plan::{Plan, method_name};
use crate::schema::{content, operations, referred, success};
use crate::services::Service;
use crate::transform::Side;

/// One typed call an operation: from the flat object of arguments to the answer as JSON.
pub(super) fn calls(service: &Service, plan: &Plan<'_>) -> Result<String, syn::Error> {
    let package = format_ident!("canopy_{}_api", service.name);
    let mut calls: Vec<(&str, TokenStream)> = operations(&plan.client)
        .filter_map(|(_, _, operation)| {
            let id = operation["operationId"].as_str()?;
            Some((id, call(plan, id, operation)))
        })
        .collect();
    calls.sort_by_key(|(id, _)| *id);
    let calls = calls.iter().map(|(_, tokens)| tokens);
    super::file(quote! {
        //! All operations as typed calls.

        use #package as api;

        use crate::typed::{Call, argument, bytes, json};

        pub const CALLS: &[Call] = &[#(#calls),*];
    })
}

fn call(plan: &Plan<'_>, id: &str, operation: &Value) -> TokenStream {
    let method = format_ident!("{}", method_name(id));
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.filter_map(|one| parameter(plan, one));
    let body = content(&operation["requestBody"])
        .and_then(|(_, schema)| referred(schema))
        .map(|name| {
            let (module, name) = (
                format_ident!("{}", plan.module(name)),
                format_ident!("{name}"),
            );
            add(&quote!(api::#module::types::#name), "body", &quote!(body))
        });
    let is_file = success(operation)
        .and_then(|(_, answer)| content(answer))
        .is_some_and(|(media, _)| !media.contains("json"));
    let read = if is_file { quote!(bytes) } else { quote!(json) };
    quote! {
        Call {
            operation: #id,
            send: |client, mut arguments| Box::pin(async move {
                let call = client.#method();
                #(#parameters)*
                #body
                #read(call.send().await).await
            }),
        }
    }
}

fn parameter(plan: &Plan<'_>, parameter: &Value) -> Option<TokenStream> {
    let name = parameter["name"].as_str()?;
    let ident = field_ident(name);
    let schema = &parameter["schema"];
    // A list of words is read from the word itself.
    let kind = match referred(schema) {
        Some(_) => quote!(String),
        None => kind(plan, schema),
    };
    Some(add(&kind, name, &quote!(#ident)))
}

/// The type that the generator gives a parameter.
fn kind(plan: &Plan<'_>, schema: &Value) -> TokenStream {
    if let Some(name) = referred(schema) {
        let module = format_ident!("{}", plan.module(name));
        let name = format_ident!("{name}");
        return quote!(api::#module::types::#name);
    }
    match schema["type"].as_str() {
        Some("integer") => quote!(i64),
        Some("number") => quote!(f64),
        Some("boolean") => quote!(bool),
        Some("array") => {
            let items = kind(plan, &schema["items"]);
            quote!(Vec<#items>)
        }
        Some(_) => quote!(String),
        None => quote!(serde_json::Value),
    }
}

fn add(kind: &TokenStream, name: &str, setter: &TokenStream) -> TokenStream {
    quote! {
        let call = match argument::<#kind>(&mut arguments, #name) {
            Some(value) => call.#setter(value),
            None => call,
        };
    }
}

/// All types of requests that have members.
pub(super) fn requests(service: &Service, plan: &Plan<'_>) -> Result<String, syn::Error> {
    let package = format_ident!("canopy_{}_api", service.name);
    let entries = plan.types(Side::Request).filter_map(|(module, name, schema)| {
        schema["properties"].as_object()?;
        let label = format!("{module}::{name}");
        let component = plan.original(name);
        let (module, ident) = (format_ident!("{module}"), format_ident!("{name}"));
        Some(quote! {
            Request { name: #label, component: #component, read: read::<api::#module::types::#ident> }
        })
    });
    super::file(quote! {
        //! All types of requests, with the components that describe them.

        use #package as api;

        use crate::answers::read;
        use crate::requests::Request;

        pub const REQUESTS: &[Request] = &[#(#entries),*];
    })
}
