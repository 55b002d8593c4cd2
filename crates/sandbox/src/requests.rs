//! The log of what clients asked.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

/// How many requests are kept; older ones are forgotten.
const KEPT: usize = 200_000;

#[derive(Debug, Clone, Serialize)]
pub struct Request {
    pub seq: u64,
    pub at: Timestamp,
    /// `highlevel` or `ecologi`.
    pub service: &'static str,
    pub method: String,
    pub path: String,
    /// The operation's id, absent when the path has none.
    pub operation: Option<String>,
    /// Absent while under way, and when the connection was dropped instead of an answer.
    pub status: Option<u16>,
    pub idempotency_key: Option<String>,
    /// The kind of fault that was applied.
    pub fault: Option<&'static str>,
}

#[derive(Debug, Default)]
pub struct Requests {
    kept: VecDeque<Request>,
    next: u64,
}

impl Requests {
    /// Enters a request and answers its number.
    pub fn push(&mut self, request: impl FnOnce(u64) -> Request) -> u64 {
        self.next += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(request(self.next));
        self.next
    }

    pub fn answered(&mut self, seq: u64, status: u16) {
        let Some(first) = self.kept.front().map(|request| request.seq) else {
            return;
        };
        let Some(at) = seq
            .checked_sub(first)
            .and_then(|at| usize::try_from(at).ok())
        else {
            return;
        };
        if let Some(request) = self.kept.get_mut(at) {
            request.status = Some(status);
        }
    }

    /// Requests after a number, oldest first.
    pub fn since(&self, seq: u64) -> impl Iterator<Item = &Request> {
        self.kept.iter().filter(move |request| request.seq > seq)
    }
}
