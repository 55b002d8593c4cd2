//! What happened to a record at a location.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How an event reached the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A signed webhook of HighLevel.
    Webhook,
    /// A polled trigger operation.
    Poll,
    /// An operator's command.
    Manual,
    /// A step of a workflow: something happened on the Ecologi side.
    Workflow,
    /// A workflow's own timetable.
    Schedule,
}

impl Source {
    /// The word that the store and the pages use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Poll => "poll",
            Self::Manual => "manual",
            Self::Workflow => "workflow",
            Self::Schedule => "schedule",
        }
    }
}

/// A change of one record, normalised from a webhook or a poll.
///
/// `payload` is the record as the source gave it: for a contact, HighLevel's contact object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Number of the inbox row; grows in the order of arrival.
    pub id: i64,
    pub source: Source,
    /// Record and verb, e.g. `contact.created`.
    pub kind: String,
    /// Id of the HighLevel location.
    pub location: String,
    /// Id of the contact that the record belongs to, where it belongs to one.
    pub contact: Option<String>,
    /// Id of the record itself (for `contact.*` the contact's id).
    pub record: String,
    pub occurred_at: Timestamp,
    /// The record's version: `created` for a creation, the record's own update time, or a content hash. `None`
    /// until the record has been read.
    pub version: Option<String>,
    pub payload: Value,
    #[serde(default)]
    pub trace: Trace,
}

/// The name under which templates know the record of such an event, besides `record`: `opportunity` for
/// `opportunity.won`, `webhook` for a workflow webhook's request. `None` where the word means something else in a template.
pub fn record_name(kind: &str) -> Option<&str> {
    let (word, _) = kind.split_once('.')?;
    match word {
        "hook" => Some("webhook"),
        // The contact is there with what steps make of it; the others are no records of an event.
        "contact" | "profile" | "location" | "record" | "schedule" => None,
        word => Some(word),
    }
}

/// In an event's `found_by`: the first poll told it because a trigger asks for what was there before. It starts only
/// workflows whose trigger does, unless it also arrives by itself.
pub const FIRST_POLL: &str = "first-poll";

/// Where an event comes from, besides its source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trace {
    /// Names of the polls that found it: a workflow whose trigger has parameters starts on these only.
    #[serde(default)]
    pub found_by: Vec<String>,
    /// The run whose step made it.
    pub cause: Option<i64>,
    /// How many runs deep it is: 0 for what happened outside.
    #[serde(default)]
    pub depth: u32,
    /// When its sender made it, where it says so: a webhook may be sent again up to 30 days later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
}
