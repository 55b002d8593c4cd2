//! The clock of a rehearsal: the machine's, or a moment at which something would have happened.

use std::sync::{Mutex, PoisonError};

use canopy_store::clock::{Clock, Moment, SystemClock};
use jiff::Timestamp;

/// A clock that goes, or stands where it was set.
#[derive(Debug, Default)]
pub(crate) struct Hands(Mutex<Option<Timestamp>>);

impl Hands {
    /// Stands at this moment from now on.
    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Goes as the machine's again.
    pub fn run(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        let set = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set.unwrap_or_else(Timestamp::now)
    }

    fn moment(&self) -> Moment {
        SystemClock.moment()
    }
}
