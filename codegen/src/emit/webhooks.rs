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

        use canopy_transport::operation::{EventVersion, ListedRecord, Mark, Slip, WebhookEvent};

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
    let [location, contact, occurred, fetch] =
        ["location", "contact", "occurred", "fetch"].map(|key| option(event[key].as_str()));
    let marks = marks_of(&event["recognise"]);
    let also = event["also"].as_array().into_iter().flatten();
    let also = also.filter_map(Value::as_str);
    let slips = event["slips"].as_object().into_iter().flatten();
    let slips = slips.map(|(event, seen)| {
        let marks = marks_of(seen);
        quote!(Slip { event: #event, marks: &[#(#marks),*] })
    });
    let listed = option_of(listed(&event["listed"]));
    let version = match event["version"].as_str() {
        Some("once") => quote!(EventVersion::Once),
        Some(pointer) if pointer.starts_with('/') => quote!(EventVersion::Payload(#pointer)),
        _ => quote!(EventVersion::Fetched),
    };
    quote! {
        WebhookEvent {
            name: #name,
            also: &[#(#also),*],
            kind: #kind,
            location: #location,
            marks: &[#(#marks),*],
            slips: &[#(#slips),*],
            record: #record,
            contact: #contact,
            occurred: #occurred,
            version: #version,
            fetch: #fetch,
            listed: #listed,
        }
    }
}

fn marks_of(list: &Value) -> impl Iterator<Item = TokenStream> {
    let marks = list.as_array().into_iter().flatten();
    marks.filter_map(|mark| mark_of(mark.as_str()?))
}

fn option_of(tokens: Option<TokenStream>) -> TokenStream {
    tokens.map_or_else(|| quote!(None), |tokens| quote!(Some(#tokens)))
}

/// The list that completes an event.
fn listed(value: &Value) -> Option<TokenStream> {
    let by = value["by"].as_str()?;
    let arguments = value["arguments"].as_object().into_iter().flatten();
    let arguments = arguments.filter_map(|(name, pointer)| {
        let pointer = pointer.as_str()?;
        Some(quote!((#name, #pointer)))
    });
    let same = value["same"].as_array().into_iter().flatten();
    let same = same.filter_map(Value::as_str);
    let meanwhile = option(value["meanwhile"].as_str());
    let ids = value["part"]["ids"].as_str();
    let part = ids.zip(value["part"]["id"].as_str());
    let part = option_of(part.map(|(ids, id)| quote!((#ids, #id))));
    Some(quote! {
        ListedRecord {
            by: #by,
            arguments: &[#(#arguments),*],
            same: &[#(#same),*],
            meanwhile: #meanwhile,
            part: #part,
        }
    })
}

/// `/a`: it is there; `!/a`: it is not; `/a=x|y`: it is one of these texts; `/a==/b`: both are equal.
pub(crate) fn mark_of(text: &str) -> Option<TokenStream> {
    let is_pointer =
        |text: &str| text.len() > 1 && text.starts_with('/') && !text.contains(['=', '|', '!']);
    if let Some((one, other)) = text.split_once("==") {
        return (is_pointer(one) && is_pointer(other)).then(|| quote!(Mark::Same(#one, #other)));
    }
    if let Some((pointer, texts)) = text.split_once('=') {
        let texts: Vec<_> = texts.split('|').collect();
        let usable = is_pointer(pointer) && texts.iter().all(|text| !text.is_empty());
        return usable.then(|| quote!(Mark::Is(#pointer, &[#(#texts),*])));
    }
    if let Some(pointer) = text.strip_prefix('!') {
        return is_pointer(pointer).then(|| quote!(Mark::Lacks(#pointer)));
    }
    is_pointer(text).then(|| quote!(Mark::Has(#text)))
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
