//! One entry per call that was sent. Nothing personal: no path values, no query, no body.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::limits::Priority;

/// Takes call records. Called from async code: hand the record over, do not block.
pub trait CallLog: Send + Sync + Debug {
    fn record(&self, call: CallRecord);
}

/// Keeps no records.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCallLog;

impl CallLog for NoCallLog {
    fn record(&self, _: CallRecord) {}
}

/// One attempt of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// When it was sent.
    pub at: Timestamp,
    /// `highlevel` or `ecologi`.
    pub service: Arc<str>,
    /// Location or other label of the connection.
    pub location: Option<Arc<str>>,
    /// The operation's id in the spec.
    pub operation: &'static str,
    pub method: &'static str,
    pub priority: Priority,
    /// Status of the answer, where there was one.
    pub status: Option<u16>,
    pub elapsed: Duration,
    /// 1 for the first attempt of a call.
    pub attempt: u32,
    /// The day's limit and how many calls it has taken from everybody, as the service told it.
    pub day: Option<(u32, u32)>,
    /// What the service's support asks for.
    pub trace_id: Option<String>,
    pub problem: Option<CallProblem>,
}

/// What went wrong with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallProblem {
    /// The service answered with an error status.
    Status,
    /// An answer that shows nothing: not the service's own form, or not what a success must show.
    Unreadable,
    /// No connection was made, so nothing was sent.
    Connect,
    /// No whole answer in time.
    Timeout,
    /// The connection broke after the request may have been sent.
    Lost,
}

impl CallProblem {
    /// A short word for tables and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Unreadable => "unreadable",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Lost => "lost",
        }
    }
}
