//! What is read, how far it has come, and why it stopped.

use canopy_store::StoreError;
use jiff::Timestamp;

/// What a back-fill reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    Contact,
    Note,
    Task,
}

impl RecordKind {
    /// First word of its event kinds, and its kind in the view.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Note => "note",
            Self::Task => "task",
        }
    }

    /// Operation that lists those of a contact, and the member of its answer.
    pub(super) const fn list(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Contact => None,
            Self::Note => Some(("get-all-notes", "notes")),
            Self::Task => Some(("get-all-tasks", "tasks")),
        }
    }
}

/// From when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// As it was asked for, e.g. `30d`: a stopped back-fill that was asked for in the same words goes on from the
    /// instant that they meant then.
    pub asked: String,
    pub at: Timestamp,
}

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillOptions {
    pub kinds: Vec<RecordKind>,
    /// Only what changed since; what does not tell when it changed is read all the same.
    pub since: Option<Since>,
}

impl Default for BackfillOptions {
    fn default() -> Self {
        Self {
            kinds: vec![RecordKind::Contact, RecordKind::Note, RecordKind::Task],
            since: None,
        }
    }
}

/// Why a back-fill stopped. Its place is kept: the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    #[error(
        "the back-fill's share of today's calls to location {location} is used up after {contacts} of {total} contacts; \
         run the same command again after {resets_at}, and it goes on from there"
    )]
    DayUsedUp {
        location: String,
        contacts: u64,
        total: u64,
        resets_at: Timestamp,
    },
    #[error(
        "location {location} could not be read on: {source}; run the same command again to go on"
    )]
    Service {
        location: String,
        #[source]
        source: canopy_highlevel::Error,
    },
    #[error(
        "the answer of {operation} for location {location} has no list; run the same command again to go on"
    )]
    Unreadable {
        location: String,
        operation: &'static str,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("another process holds location {location}; stop it first")]
    Owned { location: String },
    #[error("the place of the back-fill of location {location} cannot be read: {source}")]
    Place {
        location: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the search of location {location} gave the same page twice")]
    Stuck { location: String },
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Contacts that are read with all that belongs to them.
    pub contacts: u64,
    /// As the service counts them.
    pub total: u64,
    /// Records that were stored, in earlier runs of this back-fill too.
    pub records: u64,
    /// What is left of its share of the day; `None`: no limit is configured.
    pub calls_left: Option<u32>,
}

/// What a back-fill did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backfilled {
    /// It went on from where an earlier one stopped.
    pub resumed: bool,
    pub progress: Progress,
}
