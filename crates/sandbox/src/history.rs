//! The book of every change of every record, to compare with what a consumer saw.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

/// Who made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A client of the HighLevel API.
    Api,
    /// The control API: "a user at HighLevel".
    Control,
}

#[derive(Debug, Clone, Serialize)]
pub struct Change {
    pub seq: u64,
    pub at: Timestamp,
    /// `contact.created`, `note.deleted`, `task.completed` ...
    pub kind: &'static str,
    pub record_id: String,
    pub contact_id: Option<String>,
    /// Counts the changes of this record from 1.
    pub version: u64,
    pub origin: Origin,
    /// Members that changed, for updates of contacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
}

#[derive(Debug, Default)]
pub struct History {
    changes: Vec<Change>,
    versions: HashMap<String, u64>,
    /// Number of the change that created a record.
    created: HashMap<String, u64>,
}

impl History {
    pub fn push(
        &mut self,
        at: Timestamp,
        kind: &'static str,
        record_id: &str,
        contact_id: Option<&str>,
        origin: Origin,
        changed: Vec<String>,
    ) {
        let version = self.versions.entry(record_id.to_owned()).or_default();
        *version += 1;
        let seq = self.changes.len() as u64 + 1;
        if kind.ends_with(".created") {
            self.created.insert(record_id.to_owned(), seq);
        }
        self.changes.push(Change {
            seq,
            at,
            kind,
            record_id: record_id.to_owned(),
            contact_id: contact_id.map(ToOwned::to_owned),
            version: *version,
            origin,
            changed,
        });
    }

    /// The number of the change that came last; 0 when there was none.
    pub fn newest(&self) -> u64 {
        self.changes.len() as u64
    }

    /// The number of the change that created a record.
    pub fn created(&self, record_id: &str) -> Option<u64> {
        self.created.get(record_id).copied()
    }

    /// Changes after a sequence number, oldest first.
    pub fn since(&self, seq: u64) -> &[Change] {
        let skip = usize::try_from(seq)
            .unwrap_or(usize::MAX)
            .min(self.changes.len());
        &self.changes[skip..]
    }
}
