//! What became of one event.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In the window of a reorder fault.
    Held,
    Waiting,
    Sending,
    Delivered,
    /// Given up.
    Failed,
    /// Never sent: by a fault, or while the breaker had paused the address.
    Lost,
}

/// One attempt, as the log of the developer's dashboard shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    pub at: Timestamp,
    /// `1`, `2` ...; `-` for a resend by hand.
    pub number: String,
    /// Absent when none was answered.
    pub status: Option<u16>,
    pub error: Option<String>,
}

/// One event on its way to the receiver.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    pub id: u64,
    pub event: &'static str,
    /// As the payload has it.
    pub webhook_id: String,
    pub record_id: String,
    pub at: Timestamp,
    pub state: State,
    /// Attempts on schedule; resends by hand are not counted.
    pub attempts: u32,
    /// Status of the last attempt; absent when none was answered.
    pub status: Option<u16>,
    pub error: Option<String>,
    /// When it is due next, for those that wait.
    pub due: Option<Timestamp>,
    /// Which delivery this one repeats.
    pub copy_of: Option<u64>,
    pub url: String,
    pub payload: Value,
    #[serde(skip)]
    pub log: Vec<Attempt>,
    #[serde(skip)]
    pub resending: bool,
}

impl Delivery {
    /// Whether the newest attempt failed.
    pub fn has_failed(&self) -> bool {
        let newest = self.log.last();
        newest.is_some_and(|attempt| !attempt.status.is_some_and(is_success))
    }
}

pub fn is_success(status: u16) -> bool {
    (200..=299).contains(&status)
}
