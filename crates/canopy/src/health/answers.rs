//! What the answers to calls say of credentials: which were taken, and which may have been refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use canopy_transport::{CallProblem, CallRecord};
use jiff::Timestamp;

/// Service and location, as the call log has them.
type Place = (String, String);

/// Taken from the call log as calls are answered, whoever makes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<HashMap<Place, Seen>>>);

/// What was seen of a service's answers at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// A call was answered with success since this was last asked.
    pub taken: bool,
    /// A call was refused in a way that may be the credentials' fault, and none was taken since.
    pub refused: Option<Timestamp>,
}

impl Answers {
    pub fn note(&self, call: &CallRecord) {
        let is_good = call.status.is_some_and(|status| status < 300) && call.problem.is_none();
        let is_refusal =
            matches!(call.status, Some(401..=403)) && call.problem == Some(CallProblem::Status);
        if !is_good && !is_refusal {
            return;
        }
        let location = call.location.as_deref().unwrap_or_default().to_owned();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry((call.service.to_string(), location)).or_default();
        if is_good {
            seen.taken = true;
        } else {
            seen.refused = seen.refused.or(Some(call.at));
        }
    }

    /// What was seen since this was last asked. What may have been refused stays until it is looked into.
    pub fn take(&self, service: &str, location: &str) -> Seen {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (service.to_owned(), location.to_owned());
        let Some(seen) = all.get_mut(&place) else {
            return Seen::default();
        };
        let told = *seen;
        seen.taken = false;
        told
    }

    /// It has been looked into.
    pub fn settle(&self, service: &str, location: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = all.get_mut(&(service.to_owned(), location.to_owned())) {
            seen.refused = None;
        }
    }
}
