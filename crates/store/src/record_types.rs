//! Records of HighLevel: as polls remember them, and as the view keeps them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::NewEvent;

/// What a poll found, and how far it has read by now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PollCommit {
    /// Names the poll: operation and parameters.
    pub name: String,
    /// What the poll wants to know next time.
    pub state: Value,
    pub events: Vec<NewEvent>,
    /// Records as they stand now, in place of what was kept of them.
    pub seen: Vec<PollRecord>,
    /// Ids of records of which nothing is to be kept any more.
    pub gone: Vec<String>,
    /// Kinds and records of states that ended, such as a completed task that was opened again. When one is reached once
    /// more, that is another event, although the content is what it was.
    pub ended: Vec<(String, String)>,
    /// Ids of all records that it showed, changed or not: they are there, whatever a read has said.
    pub shown: Vec<String>,
}

/// What a poll last saw of a record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PollRecord {
    pub record: String,
    /// The record whose list showed it; empty where the list belongs to the location.
    pub parent: String,
    /// Its own version, or the hash of its content.
    pub version: String,
    /// Counts its changes from 1.
    pub number: i64,
    /// Values of the members whose changes are kinds of their own.
    pub facets: Value,
    /// Readings in a row that did not show it.
    #[serde(default)]
    pub missing: u32,
}

/// The last that an event told of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub record: String,
    pub kind: String,
    /// The version that the event carries by now.
    pub version: Option<String>,
    pub payload: Value,
    pub received_at: Timestamp,
}

/// A record as it was read, on its way into the view.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// `contact`, `note` or `task`.
    pub kind: String,
    pub record: String,
    pub contact: Option<String>,
    pub payload: Value,
    /// When it last changed, by itself.
    pub version: Option<Timestamp>,
}

/// A record of the view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredRecord {
    pub location: String,
    pub kind: String,
    pub record: String,
    pub contact: Option<String>,
    pub payload: Value,
    pub version: Option<Timestamp>,
    pub read_at: Timestamp,
}

/// What became of the events that a person fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Fired {
    /// Their runs start next.
    pub pending: u64,
    /// Left alone: they wait already, or are not to be run (deleted meanwhile, our own writes).
    pub left: u64,
}
