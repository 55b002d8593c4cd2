//! What changed between two descriptions of a service, and what of it breaks whom: code that uses the generated crate,
//! workflow files, and calls by name.
//!
//! Both are brought into the form that the generator reads, so that what is compared is what becomes code: bodies and
//! answers are told apart, and a member that can be emptied has another type than one that cannot. Answers are lenient:
//! what they stop to promise breaks nothing, only what they stop to describe. New members and new words break nothing
//! either, because generated structs and word lists are open to their users.

mod form;
mod numbers;
mod operations;
mod parameters;
mod report;
mod shape;
mod types;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::document::Document;
use crate::problem::{Problem, Problems};
use crate::source::Source;
use crate::transform;

/// What changed, operations first, then types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diff {
    pub breaking: usize,
    pub other: usize,
    pub changes: Vec<Change>,
}

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// Whether it breaks anybody.
    pub breaking: bool,
    /// Whom it breaks.
    #[serde(skip_serializing_if = "<[Breaks]>::is_empty")]
    pub breaks: &'static [Breaks],
    pub kind: Kind,
    pub subject: Subject,
    /// The operation or type.
    pub name: String,
    /// An operation's method and path.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The parameter, member or word in it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// What changed, in words.
    pub what: String,
    /// For a type: the operations that it is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
}

/// Who has something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breaks {
    /// Code that uses the generated crate stops to compile, or has its calls refused.
    TypedCode,
    /// Workflow files that name an operation, an argument, an event kind, or in a template a member of an answer.
    WorkflowFiles,
    /// `invoke`, `canopy call` and assistants, which name operations and arguments.
    CallsByName,
}

impl Breaks {
    pub(crate) const NOBODY: &'static [Self] = &[];
    /// Names of types and modules, and what Rust makes of a value.
    pub(crate) const CODE: &'static [Self] = &[Self::TypedCode];
    /// What is not called: event kinds.
    pub(crate) const FILES: &'static [Self] = &[Self::WorkflowFiles];
    /// Members of answers.
    pub(crate) const READERS: &'static [Self] = &[Self::TypedCode, Self::WorkflowFiles];
    /// Values of arguments that only their check knows.
    pub(crate) const CALLERS: &'static [Self] = &[Self::WorkflowFiles, Self::CallsByName];
    /// Operations and arguments.
    pub(crate) const ALL: &'static [Self] =
        &[Self::TypedCode, Self::WorkflowFiles, Self::CallsByName];

    const fn words(self) -> &'static str {
        match self {
            Self::TypedCode => "typed code",
            Self::WorkflowFiles => "workflow files",
            Self::CallsByName => "calls by name",
        }
    }
}

/// How it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Removed,
    Changed,
    Added,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Operation,
    Parameter,
    Request,
    Answer,
    Words,
}

/// Compares two bundles, in JSON or YAML.
///
/// # Errors
/// One of them is no OpenAPI 3 document.
pub fn diff(old: &Source, new: &Source) -> Result<Diff, Problems> {
    let (old, new) = (read(old)?, read(new)?);
    let mut changes = Changes::default();
    // What calls are held against, and typed code is not.
    numbers::compare(&old, &new, &mut changes);
    let [old, new] = [old, new].map(|mut document| {
        transform::run(transform::CLIENT, &mut document);
        document
    });
    operations::compare(&old, &new, &mut changes);
    types::compare(&old, &new, &mut changes);
    Ok(changes.into_diff())
}

/// The document in full.
fn read(source: &Source) -> Result<Value, Problem> {
    let document = Document::parse(source)?;
    let problem = |line: usize, message: &str| Problem {
        file: source.path.clone(),
        line,
        place: String::new(),
        message: message.to_owned(),
    };
    let is_openapi = document.value["openapi"]
        .as_str()
        .is_some_and(|version| version.starts_with("3."));
    if !is_openapi || document.value.get("paths").is_none() {
        return Err(problem(
            0,
            "this is no OpenAPI 3 document; make one with `cargo xtask spec bundle SERVICE --out FILE`",
        ));
    }
    if let Some(pointer) = form::odd(&document.value) {
        return Err(problem(
            document.line(&pointer),
            &format!("`{pointer}` must be a mapping; correct it"),
        ));
    }
    let mut value = document.value;
    transform::run(transform::BUNDLE, &mut value);
    Ok(value)
}

/// Collects changes.
#[derive(Default)]
struct Changes {
    found: BTreeSet<(Subject, Change)>,
}

/// What is compared: an operation, or a type with the operations that it is in.
#[derive(Clone, Copy)]
struct Place<'p> {
    subject: Subject,
    name: &'p str,
    /// Of an operation: method and path.
    address: &'p str,
    operations: &'p [String],
}

impl Changes {
    fn add(
        &mut self,
        place: Place<'_>,
        kind: Kind,
        breaks: &'static [Breaks],
        part: &str,
        what: impl Into<String>,
    ) {
        let change = Change {
            breaking: !breaks.is_empty(),
            breaks,
            kind,
            subject: place.subject,
            name: place.name.to_owned(),
            address: place.address.to_owned(),
            part: part.to_owned(),
            what: what.into(),
            operations: place.operations.to_vec(),
        };
        self.found.insert((place.subject, change));
    }

    fn into_diff(self) -> Diff {
        let mut changes: Vec<Change> = self.found.into_iter().map(|(_, change)| change).collect();
        let key = |change: &Change| {
            let is_type = !matches!(change.subject, Subject::Operation | Subject::Parameter);
            (
                is_type,
                change.name.clone(),
                change.subject,
                change.part.clone(),
            )
        };
        changes.sort_by_key(key);
        let breaking = changes.iter().filter(|change| change.breaking).count();
        Diff {
            breaking,
            other: changes.len() - breaking,
            changes,
        }
    }
}

/// The members of both objects, in order of their names, each with what it is in either.
fn pairs<'v>(
    old: &'v Value,
    new: &'v Value,
) -> impl Iterator<Item = (&'v str, Option<&'v Value>, Option<&'v Value>)> {
    let keys = |value: &'v Value| {
        value
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys)
    };
    let all: BTreeSet<&str> = keys(old).chain(keys(new)).map(String::as_str).collect();
    all.into_iter().map(|key| (key, old.get(key), new.get(key)))
}
