//! Whether a foreign document has the form that its comparison relies on: mappings where OpenAPI has mappings.

use serde_json::Value;

use crate::pointer::join;
use crate::schema::METHODS;

/// The pointer of the first thing that should be a mapping and is none.
pub(super) fn odd(document: &Value) -> Option<String> {
    let paths = members(document, "", "paths", &mut |at, item| {
        if !item.is_object() {
            return Some(at.to_owned());
        }
        let operations = item.as_object().into_iter().flatten();
        operations
            .filter(|(key, _)| METHODS.contains(&key.as_str()))
            .find_map(|(key, operation)| (!operation.is_object()).then(|| join(at, key)))
    });
    paths.or_else(|| {
        let kinds = members(document, "", "components", &mut |at, kind| {
            (!kind.is_object()).then(|| at.to_owned())
        });
        kinds.or_else(|| {
            let components = document.get("components")?;
            members(components, "/components", "schemas", &mut schema)
        })
    })
}

/// What `visit` finds in the members of a member; the member itself when it is there and no mapping.
fn members(
    holder: &Value,
    at: &str,
    key: &str,
    visit: &mut dyn FnMut(&str, &Value) -> Option<String>,
) -> Option<String> {
    let at = join(at, key);
    match holder.get(key)? {
        Value::Object(items) => items
            .iter()
            .find_map(|(name, item)| visit(&join(&at, name), item)),
        _ => Some(at),
    }
}

fn schema(at: &str, value: &Value) -> Option<String> {
    if !value.is_object() {
        return Some(at.to_owned());
    }
    members(value, at, "properties", &mut schema).or_else(|| {
        value
            .get("items")
            .and_then(|items| schema(&join(at, "items"), items))
    })
}
