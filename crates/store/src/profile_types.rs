//! What callers see of a profile's notes, tasks and tags.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A change of a profile's notes, tasks or tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileChange {
    /// Creates the note or replaces its body; a HighLevel id that is known stays when none is given.
    Note {
        id: String,
        contact: String,
        highlevel_id: Option<String>,
        body: String,
    },
    /// Creates the task or replaces what it says.
    Task {
        id: String,
        contact: String,
        highlevel_id: Option<String>,
        title: String,
        /// 0 to 100.
        progress: u32,
        completed: bool,
    },
    /// Adds the tag or takes it away.
    Tag {
        contact: String,
        tag: String,
        present: bool,
    },
    /// The contact and the profile's mapped fields agree on this; the profile must be there.
    Synced {
        contact: String,
        fields: Map<String, Value>,
    },
    /// The note or task now has this counterpart in HighLevel.
    Linked { id: String, highlevel_id: String },
}

/// What was written to a profile's notes, tasks and tags, and by which run; `None`: by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub seq: i64,
    /// `note`, `task` or `tag`.
    pub kind: String,
    pub record: String,
    /// As it was written.
    pub state: Value,
    pub run: Option<i64>,
    pub at: Timestamp,
}

/// How many rows of a contact lost their personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Erased {
    pub profiles: u64,
    /// Notes, tasks, tags and their history.
    pub records: u64,
    pub events: u64,
    pub steps: u64,
    pub purchases: u64,
}
