//! The members of a contact that field mapping knows, and when the API takes them.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

/// `bundle` is in its published form.
pub(super) fn file(bundle: &Value) -> Result<String, syn::Error> {
    let properties = |component: &str| &bundle["components"]["schemas"][component]["properties"];
    let [contact, create, update] = ["Contact", "CreateContact", "UpdateContact"].map(properties);
    let of_contact = contact.as_object().into_iter().flatten();
    let only_written = create.as_object().into_iter().flatten();
    let only_written = only_written.filter(|(name, _)| contact.get(name.as_str()).is_none());
    let members = of_contact.chain(only_written).filter_map(|(name, schema)| {
        let kind = kind(schema["x-field"].as_str()?);
        let written = match (update.get(name), create.get(name)) {
            (Some(update), _) if update["nullable"] == true => quote!(Written::Nullable),
            (Some(_), _) => quote!(Written::Always),
            (None, Some(_)) => quote!(Written::AtCreation),
            (None, None) => quote!(Written::Never),
        };
        Some(quote!(Member { name: #name, type_: Type::#kind, written: #written }))
    });
    super::file(quote! {
        //! The members of a contact that field mapping knows.

        /// A member that every contact has.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub(crate) struct Member {
            pub name: &'static str,
            pub type_: Type,
            pub written: Written,
        }

        #[derive(Debug, Clone, Copy, PartialEq)]
        pub(crate) enum Type {
            Text,
            Name,
            Date,
            Flag,
        }

        /// When the API takes it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Written {
            /// At any time; null empties it.
            Nullable,
            /// At any time; an empty text empties it.
            Always,
            /// When the contact is created.
            AtCreation,
            Never,
        }

        pub(crate) const MEMBERS: &[Member] = &[#(#members),*];
    })
}

fn kind(word: &str) -> TokenStream {
    match word {
        "name" => quote!(Name),
        "date" => quote!(Date),
        "flag" => quote!(Flag),
        _ => quote!(Text),
    }
}
