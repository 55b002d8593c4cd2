//! What has come in since the process started, in figures.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::receive::{ReceiveError, Received};

/// Counts since the process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Deliveries {
    pub stored: u64,
    pub duplicates: u64,
    pub foreign: u64,
    /// Kept without a location, because the payload does not say it and there are several connections.
    pub unplaced: u64,
    /// Kept as `webhook.<Type>`, of a type that is not documented.
    pub unrecognised: u64,
    /// Stored more than a day after they were made: sent again, or held up.
    pub late: u64,
    /// Made longer ago than anything is sent again.
    pub too_old: u64,
    /// Unsigned or wrongly signed, or with a wrong secret.
    pub refused: u64,
    /// Signed, but not to be read; or a call of a workflow's webhook that is neither JSON nor a form.
    pub malformed: u64,
    /// Told to come again because the store could not write, too many came at once, or they were not there as a whole.
    pub put_off: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    stored: AtomicU64,
    duplicates: AtomicU64,
    foreign: AtomicU64,
    unplaced: AtomicU64,
    unrecognised: AtomicU64,
    late: AtomicU64,
    too_old: AtomicU64,
    refused: AtomicU64,
    malformed: AtomicU64,
    put_off: AtomicU64,
}

impl Counts {
    pub(crate) fn count(&self, received: &Result<Received, ReceiveError>) {
        let count = match received {
            Ok(Received::Stored { .. }) => &self.stored,
            Ok(Received::Duplicate) => &self.duplicates,
            Ok(Received::Foreign) => &self.foreign,
            Ok(Received::Unplaced) => &self.unplaced,
            Ok(Received::TooOld) => &self.too_old,
            Err(ReceiveError::Signature(_) | ReceiveError::Secret) => &self.refused,
            Ok(Received::Unreadable) | Err(ReceiveError::Payload(_)) => &self.malformed,
            Err(ReceiveError::Store(_)) => &self.put_off,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Events of a delivery that came late, or are unknown.
    pub(crate) fn stored(&self, late: bool, unknown: bool) {
        self.late.fetch_add(u64::from(late), Ordering::Relaxed);
        let unknown = u64::from(unknown);
        self.unrecognised.fetch_add(unknown, Ordering::Relaxed);
    }

    pub(crate) fn put_off(&self) {
        self.put_off.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn deliveries(&self) -> Deliveries {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Deliveries {
            stored: read(&self.stored),
            duplicates: read(&self.duplicates),
            foreign: read(&self.foreign),
            unplaced: read(&self.unplaced),
            unrecognised: read(&self.unrecognised),
            late: read(&self.late),
            too_old: read(&self.too_old),
            refused: read(&self.refused),
            malformed: read(&self.malformed),
            put_off: read(&self.put_off),
        }
    }
}
