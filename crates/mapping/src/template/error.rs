//! What is wrong with a template, before a run and in one.

use std::collections::BTreeSet;
use std::error::Error as _;

use crate::values::{self, Mistake};

/// So many fields are named where it is not known which is wrong.
const MOST_NAMES: usize = 3;

/// A template or expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_text:?} {problem}")]
pub struct TemplateError {
    /// The template as written.
    pub source_text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl TemplateError {
    pub(super) fn new(source_text: &str, error: &minijinja::Error) -> Self {
        let detail = error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_owned);
        Self {
            source_text: source_text.to_owned(),
            problem: format!("is not valid: {detail}"),
        }
    }

    /// An error of a run. Where a value is its cause, the field is named from which it was read.
    pub(super) fn of_run(
        source_text: &str,
        error: &minijinja::Error,
        names: &BTreeSet<String>,
        context: &minijinja::Value,
    ) -> Self {
        let mut cause = error.source();
        while let Some(found) = cause {
            let Some(mistake) = found.downcast_ref::<Mistake>() else {
                cause = found.source();
                continue;
            };
            let name = values::read_from(source_text, names, context, &mistake.value);
            return Self {
                source_text: source_text.to_owned(),
                problem: format!("cannot be told: {}", mistake.told(name.as_deref())),
            };
        }
        let mut told = Self::new(source_text, error);
        // The library's own words name no field.
        let read = names.iter().filter(|name| !name.starts_with("location."));
        let read: Vec<String> = read
            .take(MOST_NAMES)
            .map(|name| values::read(name, context))
            .collect();
        if !read.is_empty() {
            told.problem = format!("{}; {}", told.problem, read.join(", "));
        }
        told
    }
}
