//! The table of the catalog.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::file;

pub(super) fn table(catalog: &Value) -> Result<String, syn::Error> {
    let entries = catalog["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .map(entry);
    file(quote! {
        //! What there is to choose from, for people and assistants.

        use canopy_transport::operation::{CatalogEntry, EntryKind, Preset};

        /// All entries, category by category. Operations that are of use to programs only, such as those of OAuth, are
        /// not among them.
        pub static CATALOG: &[CatalogEntry] = &[#(#entries),*];
    })
}

fn entry(entry: &Value) -> TokenStream {
    let [name, title, category, operation] = ["name", "title", "category", "operation"]
        .map(|key| entry[key].as_str().unwrap_or_default());
    let kind = if entry["kind"] == "trigger" {
        quote!(EntryKind::Trigger)
    } else {
        quote!(EntryKind::Action)
    };
    let presets = entry["presets"]
        .as_array()
        .into_iter()
        .flatten()
        .map(preset);
    quote! {
        CatalogEntry {
            name: #name,
            title: #title,
            category: #category,
            kind: #kind,
            operation: #operation,
            presets: &[#(#presets),*],
        }
    }
}

fn preset(preset: &Value) -> TokenStream {
    let [parameter, description] =
        ["parameter", "description"].map(|key| preset[key].as_str().unwrap_or_default());
    let arguments = preset["arguments"].to_string();
    quote! {
        Preset { parameter: #parameter, description: #description, arguments: #arguments }
    }
}
