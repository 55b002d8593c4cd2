//! Paths that are the same to others than us, and components that nobody uses.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Findings;
use crate::pointer;
use crate::schema::METHODS;

pub(super) fn lint(findings: &mut Findings<'_>) {
    let value = findings.value();
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (path, item) in value["paths"].as_object().into_iter().flatten() {
        let at = pointer::join("/paths", path);
        if !path.starts_with('/') {
            findings.add(&at, "a path starts with `/`");
        }
        let Some(earlier) = seen.insert(shape(path), path) else {
            continue;
        };
        let is_slash = path.ends_with('/') != earlier.ends_with('/');
        let doubled = METHODS
            .into_iter()
            .find(|method| item.get(method).is_some() && has(value, earlier, method));
        if let Some(method) = doubled {
            let method = method.to_uppercase();
            let message = format!("{method} {earlier} is the same to a server; keep one of them");
            findings.add(&at, message);
        } else if is_slash {
            let message = format!(
                "it differs from {earlier} by its last slash only; write the methods of both below one path"
            );
            findings.add(&at, message);
        }
    }
}

fn has(value: &Value, path: &str, method: &str) -> bool {
    value["paths"][path].get(method).is_some()
}

/// What is the same in paths that match the same requests.
pub(crate) fn shape(path: &str) -> String {
    let segments = path.trim_end_matches('/').split('/');
    let shapes = segments.map(|segment| match (segment.find('{'), segment.rfind('}')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}{{}}{}", &segment[..start], &segment[end + 1..])
        }
        _ => segment.to_owned(),
    });
    shapes.collect::<Vec<_>>().join("/")
}

/// Components that nothing refers to, not even a part of another.
pub(super) fn unused(findings: &mut Findings<'_>) {
    let value = findings.value();
    let used = crate::transform::used(value);
    for (kind, items) in value["components"].as_object().into_iter().flatten() {
        if kind == "securitySchemes" {
            continue;
        }
        let at = pointer::join("/components", kind);
        for name in items
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys)
        {
            if !used.contains(&format!("{kind}/{name}")) {
                findings.add(
                    &pointer::join(&at, name),
                    "nothing uses it; remove it, or refer to it by `$ref`",
                );
            }
        }
    }
}
