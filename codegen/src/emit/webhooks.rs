//! The table of webhook events and the types of their payloads.

use heck::ToUpperCamelCase as _;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use super::answers;
use super::operations::option;
use crate::schema::referred;

pub(super) fn file(bundle: &Value) -> Result<String, syn::Error> {
    let schemas = &bundle["components"]["schemas"];
    let type_path = |name: &str| {
        let name = format_ident!("{name}");
        quote!(#name)
    };
    let events = bundle["events"].as_object();
    let table = events
        .into_iter()
        .flatten()
        .map(|(name, event)| entry(name, event));
    let payloads = schemas
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| answers::answer(name, schema, schemas, &type_path));
    let (variants, readers): (Vec<_>, Vec<_>) = events
        .into_iter()
        .flatten()
        .filter_map(|(n, e)| payload(n, e))
        .unzip();
    super::file(quote! {
        //! What the service sends by itself.

        use canopy_transport::operation::{EventVersion, WebhookEvent};

        /// All documented events.
        pub static WEBHOOKS: &[WebhookEvent] = &[#(#table),*];

        /// A payload, read as the type of its event.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Payload {
            #(#variants)*
        }

        impl Payload {
            /// Reads the payload of an event by its `type`; `None` for an event that is not in [`WEBHOOKS`].
            pub fn read(event: &str, body: &[u8]) -> Option<serde_json::Result<Self>> {
                Some(match event {
                    #(#readers)*
                    _ => return None,
                })
            }
        }

        /// Payloads, and what is in them.
        pub mod types {
            use canopy_transport::lenient;

            #(#payloads)*
        }
    })
}

fn entry(name: &str, event: &Value) -> TokenStream {
    let [kind, record] = ["kind", "record"].map(|key| event[key].as_str().unwrap_or_default());
    let [contact, occurred, fetch] =
        ["contact", "occurred", "fetch"].map(|key| option(event[key].as_str()));
    let version = match event["version"].as_str() {
        Some("once") => quote!(EventVersion::Once),
        Some(pointer) if pointer.starts_with('/') => quote!(EventVersion::Payload(#pointer)),
        _ => quote!(EventVersion::Fetched),
    };
    quote! {
        WebhookEvent {
            name: #name,
            kind: #kind,
            record: #record,
            contact: #contact,
            occurred: #occurred,
            version: #version,
            fetch: #fetch,
        }
    }
}

/// The variant of an event, and how it is read.
fn payload(name: &str, event: &Value) -> Option<(TokenStream, TokenStream)> {
    let kind = format_ident!("{}", referred(&event["payload"])?);
    // `PLAN_CHANGE` reads as Rust does; names without `_` are variants as they are.
    let ident = if name.contains('_') {
        format_ident!("{}", name.to_upper_camel_case())
    } else {
        format_ident!("{name}")
    };
    let summary = format!(" {}", event["summary"].as_str().unwrap_or_default());
    let variant = quote!(#[doc = #summary] #ident(Box<types::#kind>),);
    let reader = quote!(#name => serde_json::from_slice(body).map(Self::#ident),);
    Some((variant, reader))
}
