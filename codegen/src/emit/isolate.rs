//! Running the generator so that its panics become problems that name an operation.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use proc_macro2::TokenStream;
use progenitor_impl::{GenerationSettings, Generator};
use serde_json::Value;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Generates code; a panic is an error like any other.
pub(super) fn generate(
    document: &Value,
    settings: &GenerationSettings,
) -> Result<TokenStream, String> {
    let document = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    quietly(|| Generator::new(settings).generate_tokens(&document))?
        .map_err(|error| error.to_string())
}

/// Finds the operations that cannot be generated even alone, with what the generator says of each.
pub(super) fn blame<'o>(
    operations: impl Iterator<Item = (&'o str, Value)>,
    settings: &GenerationSettings,
) -> Vec<(&'o str, String)> {
    operations
        .filter_map(|(id, document)| Some((id, generate(&document, settings).err()?)))
        .collect()
}

/// Runs `work`; a panic becomes its message, and nothing is printed.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        text.or_else(|| {
            payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
        })
        .unwrap_or_else(|| "it panicked without a word".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(
            quietly(|| panic!("no {}", "way")),
            Err::<(), _>("no way".to_owned())
        );
        assert_eq!(quietly(|| 1), Ok(1));
    }

    #[test]
    fn the_guilty_operation_is_found() {
        let document = |parameters: Value| {
            json!({
                "openapi": "3.0.3", "info": { "title": "T", "version": "1" },
                "paths": { "/a/{b}": { "get": {
                    "operationId": "get-a", "parameters": parameters, "responses": { "2XX": { "description": "" } },
                } } },
            })
        };
        let parameter = json!([{ "name": "b", "in": "path", "required": true, "schema": { "type": "string" } }]);
        let good = ("good", document(parameter));
        let bad = ("bad", document(json!([])));
        let blamed = blame([good, bad].into_iter(), &GenerationSettings::new());
        assert_eq!(
            blamed.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            ["bad"]
        );
    }
}
