//! The files around the resources.

use std::fmt::Write as _;

use super::header;
use super::plan::Plan;
use crate::services::Service;

/// The client that all resources add their calls to: the same text for every service.
pub(super) fn client() -> String {
    format!("{}{}", header(), include_str!("../../templates/client.rs"))
}

/// Which tables a service has besides that of its operations.
#[derive(Clone, Copy)]
pub(super) struct Tables {
    pub webhooks: bool,
    pub catalog: bool,
}

/// The root of the generated modules.
pub(super) fn root(service: &Service, plan: &Plan<'_>, tables: Tables) -> String {
    let mut text = header();
    if tables.catalog {
        text.push_str("pub mod catalog;\n");
    }
    text.push_str("pub mod client;\npub mod common;\npub mod operations;\n");
    if tables.webhooks {
        text.push_str("pub mod webhooks;\n");
    }
    for resource in &plan.resources {
        let tags = plan.client["tags"].as_array().into_iter().flatten();
        let summary = tags
            .filter(|tag| tag["name"] == resource.as_str())
            .find_map(|tag| tag["description"].as_str());
        let summary = summary.unwrap_or_default();
        let _ = write!(
            text,
            "\n/// {summary}\n#[cfg(feature = \"{resource}\")]\npub mod {resource};\n"
        );
    }
    text.push('\n');
    if tables.catalog {
        text.push_str("pub use catalog::CATALOG;\n");
    }
    text.push_str("pub use client::Client;\npub use operations::OPERATIONS;\n");
    if tables.webhooks {
        text.push_str("pub use webhooks::WEBHOOKS;\n");
    }
    let _ = write!(
        text,
        "\n/// The description of the service that this crate is made from: OpenAPI 3.0, as JSON.\n\
         pub const OPENAPI: &str = include_str!(\"../../openapi/{}.json\");\n",
        service.name,
    );
    text
}
