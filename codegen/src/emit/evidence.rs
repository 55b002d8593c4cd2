//! What an answer must show.

use proc_macro2::TokenStream;
use quote::quote;

use super::operations::option;
use super::plan::Entry;
use crate::evidence::{self, Shown};

/// The value of an operation's `evidence`.
pub(super) fn evidence(entry: &Entry<'_>) -> TokenStream {
    // A description that does not say it has not passed the checks.
    let Ok(evidence) = evidence::of(entry.path, entry.value, entry.bundle) else {
        return quote!(compile_error!("nothing says what the answer must show"));
    };
    let shown = match evidence.shown {
        Shown::Bytes => quote!(Bytes),
        Shown::List { at, some } => quote!(List { at: #at, some: #some }),
        Shown::Record { id, asked } => {
            let asked = option(asked.as_deref());
            quote!(Record { id: #id, asked: #asked })
        }
        Shown::RecordOrNull { at, id } => quote!(RecordOrNull { at: #at, id: #id }),
        Shown::Members(groups) => {
            let groups = groups.iter().map(|group| {
                let members = group.iter().map(|(at, kind)| member(at, kind.as_deref()));
                quote!(&[#(#members),*])
            });
            quote!(Members(&[#(#groups),*]))
        }
        Shown::Flag => quote!(Flag),
        Shown::Answer { why } => quote!(Answer { why: #why }),
    };
    let flags = evidence.flags;
    quote!(Evidence { shown: Shown::#shown, flags: &[#(#flags),*] })
}

fn member(at: &str, kind: Option<&str>) -> TokenStream {
    let kind = match kind {
        Some("string") => quote!(Text),
        Some("number" | "integer") => quote!(Number),
        Some("boolean") => quote!(Flag),
        _ => quote!(Any),
    };
    quote!(Member { at: #at, kind: MemberKind::#kind })
}
