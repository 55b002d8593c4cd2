//! What a read means to somebody who polls it.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::operations::option;

/// The value of an operation's `trigger`.
pub(super) fn trigger(value: &Value) -> TokenStream {
    let Some(record) = value["record"].as_str() else {
        return quote!(None);
    };
    let [contact, created] = ["contact", "created"].map(|key| option(value[key].as_str()));
    let reading = reading(&value["reading"]);
    let changes = value["changes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(change);
    let lists_all = value["lists-all"].as_bool().unwrap_or(false);
    let each = value["each"]["of"].as_str().map(|of| {
        let parameter = value["each"]["parameter"].as_str().unwrap_or_default();
        let at_once = value["each"]["at-once"].as_bool().unwrap_or(false);
        let or = value["each"]["or"].as_array().into_iter().flatten();
        let or = or.filter_map(Value::as_str);
        quote!(Each { parameter: #parameter, of: #of, at_once: #at_once, or: &[#(#or),*] })
    });
    let each = each.map_or_else(|| quote!(None), |each| quote!(Some(#each)));
    let window = value["window"]["from"].as_str().map(|from| {
        let to = value["window"]["to"].as_str().unwrap_or_default();
        let usual = &value["window"]["usual"];
        let usual = if let (Some(from), Some(to)) = (usual[0].as_str(), usual[1].as_str()) {
            quote!(Some((#from, #to)))
        } else {
            quote!(None)
        };
        quote!(Window { from: #from, to: #to, usual: #usual })
    });
    let window = window.map_or_else(|| quote!(None), |window| quote!(Some(#window)));
    quote! {
        Some(Trigger {
            record: #record,
            contact: #contact,
            created: #created,
            reading: #reading,
            changes: &[#(#changes),*],
            lists_all: #lists_all,
            each: #each,
            window: #window,
        })
    }
}

fn reading(value: &Value) -> TokenStream {
    if let Some(changed) = value["changes"].as_str() {
        return quote!(Reading::Changes { changed: #changed });
    }
    match value.as_str() {
        Some("record") => quote!(Reading::Record),
        Some("answer") => quote!(Reading::Answer),
        Some("bytes") => quote!(Reading::Bytes),
        _ => quote!(Reading::Snapshot),
    }
}

fn change(change: &Value) -> TokenStream {
    let [kind, member] = ["kind", "member"].map(|key| change[key].as_str().unwrap_or_default());
    let to = change.get("to").map(Value::to_string);
    let to = option(to.as_deref());
    quote!(Change { kind: #kind, member: #member, to: #to })
}
