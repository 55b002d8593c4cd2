//! What can be wrong with a list while its calls succeed.

use std::fmt;

use serde_json::Value;

/// One record of a page that is not what it should be. The others of its page are not touched by it.
///
/// The record is a person's data: it is in neither `Debug` nor `Display`.
#[derive(Clone, PartialEq, thiserror::Error)]
#[error(
    "the record at `{path}` of the answer cannot be read: {problem}; the others are not affected"
)]
pub struct OddRecord {
    path: String,
    problem: String,
    raw: Value,
}

impl OddRecord {
    pub fn new(path: String, problem: String, raw: Value) -> Self {
        Self { path, problem, raw }
    }

    /// JSON pointer into the answer: to the record, or to its member that is odd.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, without the record's values.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// The whole record as it came.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

impl fmt::Debug for OddRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OddRecord")
            .field("path", &self.path)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

/// A list cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PagingError {
    #[error(
        "the service gave the same place to continue, or the same page, twice; what was read so far is right, the rest is not read"
    )]
    Stuck,
    #[error(
        "the list goes on beyond the {records} records that page numbers reach, and its records do not say how to continue"
    )]
    Beyond { records: usize },
    #[error("where the list should be, the answer holds something else")]
    NoList,
}
