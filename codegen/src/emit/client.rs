//! The modules of resources: the generator's code for requests and calls, ours for answers.

use proc_macro2::TokenStream;
use progenitor_impl::{
    GenerationSettings, HooksMode, InterfaceStyle, TagStyle, TypeImpl, UnknownPolicy,
};
use quote::quote;
use serde_json::{Value, json};

use super::plan::{COMMON, Plan};
use super::{answers, file, isolate, polish};
use crate::problem::Problems;
use crate::schema::is_enum;
use crate::transform::Side;

/// The module of a resource.
pub(super) fn resource(plan: &Plan<'_>, name: &str) -> Result<String, Problems> {
    let kept = generate(plan, name)?;
    let polish::Kept {
        types,
        methods,
        builders,
    } = kept;
    let answers = answers_of(plan, name);
    let tokens = quote! {
        #[allow(unused_imports)]
        use progenitor_client::{ByteStream, ClientHooks, ClientInfo, Error, OperationInfo, RequestBuilderExt, ResponseValue, encode_path};

        use super::client::Client;

        #[doc = " Bodies, parameters and answers."]
        pub mod types {
            #[allow(unused_imports)]
            use canopy_transport::lenient;

            #answers
            #(#types)*
        }

        #(#methods)*
        #(#builders)*
    };
    file(tokens).map_err(|error| plan.internal(name, &error))
}

/// The module of types that several resources share.
pub(super) fn common(plan: &Plan<'_>) -> Result<String, Problems> {
    let types = generate(plan, COMMON)?.types;
    let answers = answers_of(plan, COMMON);
    let tokens = quote! {
        #[doc = " Types that several resources share."]
        pub mod types {
            #[allow(unused_imports)]
            use canopy_transport::lenient;

            #answers
            #(#types)*
        }
    };
    file(tokens).map_err(|error| plan.internal(COMMON, &error))
}

fn answers_of(plan: &Plan<'_>, module: &str) -> TokenStream {
    let schemas = &plan.client["components"]["schemas"];
    plan.components(module)
        .filter(|(_, _, side)| *side == Side::Answer)
        .map(|(name, schema, _)| {
            answers::answer(name, schema, schemas, &|name| plan.type_path(name))
        })
        .collect()
}

fn generate(plan: &Plan<'_>, module: &str) -> Result<polish::Kept, Problems> {
    let settings = settings(plan, module);
    let document = |only: Option<&str>| {
        let mut document = plan.select(Some(module), only);
        for (name, _) in plan.foreign(module) {
            document["components"]["schemas"][name] = json!({ "type": "object" });
        }
        document
    };
    let tokens = isolate::generate(&document(None), &settings).map_err(|message| {
        let ids = plan
            .operations
            .iter()
            .filter(|entry| entry.resource == module)
            .map(|entry| entry.id);
        let blamed = isolate::blame(ids.map(|id| (id, document(Some(id)))), &settings);
        let problem = |id: Option<&str>, message: &str| {
            plan.problem(
                id,
                format!("the generator cannot take it ({message}); describe it in a plainer way"),
            )
        };
        if blamed.is_empty() {
            return Problems::from(problem(None, &message));
        }
        Problems(
            blamed
                .iter()
                .map(|(id, message)| problem(Some(id), message))
                .collect(),
        )
    })?;
    let parsed = syn::parse2(tokens).map_err(|error| plan.internal(module, &error))?;
    Ok(polish::keep(parsed))
}

fn settings(plan: &Plan<'_>, module: &str) -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(::std::sync::Arc<dyn ::canopy_transport::Execute>))
        .with_map_type("::std::collections::BTreeMap")
        .with_unknown_crates(UnknownPolicy::Allow);
    for (name, schema) in plan.foreign(module) {
        settings.with_replacement(
            name,
            plan.type_path(name).to_string().replace(' ', ""),
            impls(schema),
        );
    }
    settings
}

fn impls(schema: &Value) -> impl Iterator<Item = TypeImpl> {
    let words = [TypeImpl::Display, TypeImpl::FromStr];
    words.into_iter().take(if is_enum(schema) { 2 } else { 0 })
}
