//! What is changed in the generator's code after the fact.

use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, ExprLit, Item, Lit, Meta, parse_quote};

/// The parts of the generator's file that we keep.
pub(super) struct Kept {
    /// What is in `mod types`.
    pub types: Vec<Item>,
    /// The client's methods.
    pub methods: Vec<Item>,
    /// `mod builder`.
    pub builders: Vec<Item>,
}

/// Takes the generator's file apart. Its client is dropped: all resources add to one client of ours.
pub(super) fn keep(file: syn::File) -> Kept {
    let mut kept = Kept {
        types: Vec::new(),
        methods: Vec::new(),
        builders: Vec::new(),
    };
    for mut item in file.items {
        Polish.visit_item_mut(&mut item);
        match item {
            Item::Mod(module) if module.ident == "types" => {
                kept.types = module.content.map(|(_, items)| items).unwrap_or_default();
                kept.types.iter_mut().for_each(open);
            }
            Item::Mod(module) if module.ident == "builder" => kept.builders.push(Item::Mod(module)),
            Item::Impl(block) if block.trait_.is_none() && !has_constructor(&block) => {
                kept.methods.push(Item::Impl(block));
            }
            _ => {}
        }
    }
    kept
}

/// Leaves room: a member or a word that the service adds must not break who made the struct or matched the words.
fn open(item: &mut Item) {
    let (visibility, attributes) = match item {
        Item::Struct(item) if matches!(item.fields, syn::Fields::Named(_)) => {
            (&item.vis, &mut item.attrs)
        }
        Item::Enum(item) => (&item.vis, &mut item.attrs),
        _ => return,
    };
    if matches!(visibility, syn::Visibility::Public(_)) {
        attributes.push(parse_quote!(#[non_exhaustive]));
    }
}

fn has_constructor(block: &syn::ItemImpl) -> bool {
    block
        .items
        .iter()
        .any(|item| matches!(item, syn::ImplItem::Fn(function) if function.sig.ident == "new"))
}

struct Polish;

impl VisitMut for Polish {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| doc_text(attribute).is_none_or(|text| !is_noise(&text)));
        for attribute in attributes {
            // Sketches that do not compile are text, or every test run would count them as skipped.
            if let Some(text) = doc_text(attribute).filter(|text| text.contains("```ignore")) {
                let text = text.replace("```ignore", "```text");
                *attribute = parse_quote!(#[doc = #text]);
            }
        }
    }

    /// Null means something in a [`canopy_transport::Patch`], which serde's `Option` would swallow.
    fn visit_field_mut(&mut self, field: &mut syn::Field) {
        visit_mut::visit_field_mut(self, field);
        let kind = &field.ty;
        let is_serde = field
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("serde"));
        if is_serde
            && quote::quote!(#kind)
                .to_string()
                .contains("canopy_transport :: Patch")
        {
            field.attrs.push(parse_quote!(#[serde(default, deserialize_with = "::canopy_transport::Patch::present")]));
        }
    }

    /// Answers are read by a function of ours, which takes an empty body and hides a bad one.
    fn visit_expr_path_mut(&mut self, path: &mut syn::ExprPath) {
        visit_mut::visit_expr_path_mut(self, path);
        let segments: Vec<String> = path
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if segments == ["ResponseValue", "from_response"] {
            *path = parse_quote!(crate::generated::client::answer);
        }
    }
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    match &pair.value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if pair.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

/// The schema as JSON, which the generator repeats above every type.
fn is_noise(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("<details>")
        || text.ends_with("</details>")
        || text == "```json"
        || text == "```"
}
