//! The table of operations.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::evidence::evidence;
use super::file;
use super::plan::{Entry, method_name};
use super::triggers::trigger;
use crate::schema::content;

pub(super) fn table(entries: &[Entry<'_>]) -> Result<String, syn::Error> {
    let operations = entries.iter().map(operation);
    file(quote! {
        //! What is to be known of each operation beyond its types.

        #[allow(clippy::wildcard_imports)]
        use canopy_transport::operation::*;

        /// All operations of the service, whichever resources are enabled, in the order of their method names.
        pub static OPERATIONS: &[Operation] = &[#(#operations),*];

        /// The operation that a generated method calls.
        pub(crate) fn by_method_name(method_name: &str) -> Option<&'static Operation> {
            let found = OPERATIONS.binary_search_by(|operation| operation.method_name.cmp(method_name));
            found.ok().map(|index| &OPERATIONS[index])
        }
    })
}

fn operation(entry: &Entry<'_>) -> TokenStream {
    let Entry {
        path,
        method,
        resource,
        id,
        value,
        ..
    } = entry;
    let method_name = method_name(id);
    let summary = value["summary"].as_str().unwrap_or_default();
    let http_method = method.to_uppercase();
    let api_version = option(value["x-api-version"].as_str());
    let security = value.get("security").unwrap_or(&entry.bundle["security"]);
    let auth = if security.as_array().is_none_or(Vec::is_empty) {
        quote!(Auth::None)
    } else {
        quote!(Auth::Bearer)
    };
    let scopes = value["x-scopes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let token_kinds =
        value["x-token-kinds"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|kind| match kind.as_str() {
                Some("agency") => quote!(TokenKind::Agency),
                Some("agency-app") => quote!(TokenKind::AgencyApp),
                Some("location-app") => quote!(TokenKind::LocationApp),
                _ => quote!(TokenKind::Location),
            });
    let parameters = value["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|p| parameter(p, entry.bundle));
    let body = match content(&value["requestBody"]) {
        None => quote!(Body::None),
        Some((media, _)) if media.contains("form") => quote!(Body::Form),
        Some(_) => quote!(Body::Json),
    };
    let idempotency = idempotency(&value["x-idempotency"]);
    let paging = paging(&value["x-paging"]);
    let [items, id_pointer, version, record] =
        ["x-items", "x-id", "x-version", "x-record"].map(|key| option(value[key].as_str()));
    let evidence = evidence(entry);
    let trigger = trigger(&value["x-trigger"]);
    quote! {
        Operation {
            name: #id,
            method_name: #method_name,
            resource: #resource,
            summary: #summary,
            http_method: #http_method,
            path: #path,
            api_version: #api_version,
            auth: #auth,
            scopes: &[#(#scopes),*],
            token_kinds: &[#(#token_kinds),*],
            parameters: &[#(#parameters),*],
            body: #body,
            idempotency: #idempotency,
            paging: #paging,
            items: #items,
            id: #id_pointer,
            version: #version,
            record: #record,
            evidence: #evidence,
            trigger: #trigger,
        }
    }
}

fn parameter(parameter: &Value, bundle: &Value) -> Option<TokenStream> {
    let reference = parameter["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    let parameter = reference
        .and_then(|pointer| bundle.pointer(pointer))
        .unwrap_or(parameter);
    let name = parameter["name"].as_str()?;
    let required = parameter["required"].as_bool().unwrap_or(false);
    let place = match parameter["in"].as_str()? {
        "path" => quote!(Place::Path),
        "query" => quote!(Place::Query),
        _ => return None,
    };
    Some(quote!(Parameter { name: #name, place: #place, required: #required }))
}

fn idempotency(value: &Value) -> TokenStream {
    if let Some(header) = value["keyed"].as_str() {
        return quote!(Idempotency::Keyed { header: #header });
    }
    if let Some(operation) = value["lookup"]["operation"].as_str() {
        let equal = value["lookup"]["equal"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let by = value["lookup"]["by"].as_object().into_iter().flatten();
        let by = by.filter_map(|(member, parameter)| {
            let parameter = parameter.as_str()?;
            Some(quote!(LookupKey { member: #member, parameter: #parameter }))
        });
        let created = option(value["lookup"]["created"].as_str());
        return quote!(Idempotency::Lookup(Lookup {
            operation: #operation,
            equal: &[#(#equal),*],
            by: &[#(#by),*],
            created: #created,
        }));
    }
    match value.as_str() {
        Some("read") => quote!(Idempotency::Read),
        Some("idempotent") => quote!(Idempotency::Idempotent),
        _ => quote!(Idempotency::Unsafe),
    }
}

fn paging(value: &Value) -> TokenStream {
    if let (Some(parameter), Some(from)) = (
        value["after"]["parameter"].as_str(),
        value["after"]["from"].as_str(),
    ) {
        return quote!(Paging::After { parameter: #parameter, from: #from });
    }
    if let (Some(parameter), Some(next)) = (
        value["cursor"]["parameter"].as_str(),
        value["cursor"]["next"].as_str(),
    ) {
        return quote!(Paging::Cursor { parameter: #parameter, next: #next });
    }
    match value.as_str() {
        Some("search-after") => quote!(Paging::SearchAfter),
        Some("start-after") => quote!(Paging::StartAfter),
        Some("skip") => quote!(Paging::Skip),
        Some("offset") => quote!(Paging::Offset),
        _ => quote!(Paging::None),
    }
}

pub(super) fn option(text: Option<&str>) -> TokenStream {
    text.map_or_else(|| quote!(None), |text| quote!(Some(#text)))
}
