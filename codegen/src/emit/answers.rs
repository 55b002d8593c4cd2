//! The types of answers. They differ so much from what the generator makes (no member required, unknown members kept,
//! scalars bent, word lists open) that they are written here.

use heck::ToSnakeCase;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;

use crate::schema::{is_enum, referred};

/// Where the type of a component is.
pub(super) type TypePath<'p> = dyn Fn(&str) -> TokenStream + 'p;

/// The type of an answer component. `schemas` are all components.
pub(super) fn answer(
    name: &str,
    schema: &Value,
    schemas: &Value,
    type_path: &TypePath<'_>,
) -> TokenStream {
    let ident = format_ident!("{name}");
    let doc = doc(schema);
    if schema["type"] == "array" {
        let element = kind(&schema["items"], schemas, type_path);
        return list(&ident, doc.as_ref(), &element);
    }
    let members: Vec<(&String, Ident, &Value)> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, property)| (name, field_ident(name), property))
        .collect();
    let fields = members.iter().map(|(_, ident, property)| {
        let (doc, kind) = (self::doc(property), kind(property, schemas, type_path));
        quote!(#doc pub #ident: ::std::option::Option<#kind>,)
    });
    let reads = members
        .iter()
        .map(|(name, ident, _)| quote!(#name => read.#ident = lenient::read(value),));
    let writes = members
        .iter()
        .map(|(name, ident, _)| quote!(writer.member(#name, self.#ident.as_ref())?;));
    quote! {
        #doc
        #[derive(Clone, Debug, Default, ::serde::Deserialize)]
        #[serde(from = "lenient::Members")]
        #[non_exhaustive]
        pub struct #ident {
            #(#fields)*
            #[doc = " What the service sent beyond this description."]
            pub extra: lenient::Members,
        }
        impl ::std::convert::From<lenient::Members> for #ident {
            fn from(members: lenient::Members) -> Self {
                let mut read = Self::default();
                for (name, value) in members {
                    match name.as_str() {
                        #(#reads)*
                        _ => {
                            read.extra.insert(name, value);
                        }
                    }
                }
                read
            }
        }
        impl ::serde::Serialize for #ident {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                let mut writer = lenient::Writer::new(serializer)?;
                #(#writes)*
                writer.end(&self.extra)
            }
        }
        impl ::canopy_transport::lenient::Lenient for #ident {
            fn from_json(value: ::serde_json::Value) -> ::std::option::Option<Self> {
                match value {
                    ::serde_json::Value::Object(members) => Some(members.into()),
                    _ => None,
                }
            }
        }
    }
}

/// The type of an answer that is a list and nothing around it.
fn list(ident: &Ident, doc: Option<&TokenStream>, element: &TokenStream) -> TokenStream {
    quote! {
        #doc
        #[derive(Clone, Debug, Default, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct #ident(
            #[serde(deserialize_with = "lenient::list")]
            pub ::std::vec::Vec<#element>,
        );
        impl ::canopy_transport::lenient::Lenient for #ident {
            fn from_json(value: ::serde_json::Value) -> ::std::option::Option<Self> {
                ::canopy_transport::lenient::Lenient::from_json(value).map(Self)
            }
        }
    }
}

/// The field of a member, named as the generator names those of requests.
pub(crate) fn field_ident(name: &str) -> Ident {
    let snake = name.to_snake_case();
    if syn::parse_str::<Ident>(&snake).is_ok() {
        format_ident!("{snake}")
    } else {
        format_ident!("{snake}_")
    }
}

fn kind(schema: &Value, schemas: &Value, type_path: &TypePath<'_>) -> TokenStream {
    if let Some(name) = referred(schema) {
        let path = type_path(name);
        return if is_enum(&schemas[name]) {
            quote!(::canopy_transport::lenient::Open<#path>)
        } else {
            path
        };
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), _) if schema["x-secret"] == true => quote!(::canopy_transport::Secret),
        // Decimals stay text, so that no digit of an amount of money is lost.
        (Some("string"), _) | (Some("number"), Some("decimal")) => quote!(::std::string::String),
        (Some("number"), _) => quote!(f64),
        (Some("integer"), _) => quote!(i64),
        (Some("boolean"), _) => quote!(bool),
        (Some("array"), _) => {
            let element = kind(&schema["items"], schemas, type_path);
            quote!(::std::vec::Vec<#element>)
        }
        (Some("object"), _) if schema["additionalProperties"].is_object() => {
            let value = kind(&schema["additionalProperties"], schemas, type_path);
            quote!(::std::collections::BTreeMap<::std::string::String, #value>)
        }
        (Some("object"), _) => {
            quote!(::serde_json::Map<::std::string::String, ::serde_json::Value>)
        }
        _ => quote!(::serde_json::Value),
    }
}

fn doc(schema: &Value) -> Option<TokenStream> {
    let text = schema["description"]
        .as_str()
        .filter(|text| !text.is_empty())?;
    let text = format!(" {}", text.trim());
    Some(quote!(#[doc = #text]))
}
