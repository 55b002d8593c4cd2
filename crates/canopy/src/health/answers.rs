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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// A call was answered with success since this was last asked.
    pub taken: bool,
    /// A call was refused in a way that may be the credentials' fault, and none was taken since.
    pub refused: Option<Timestamp>,
    /// A call since this was last asked came to nothing for the service's sake, and none after it was answered. What a
    /// call's own repetitions come to is no further failure.
    pub failed: Option<String>,
}

impl Answers {
    pub fn note(&self, call: &CallRecord) {
        let is_good = call.status.is_some_and(|status| status < 300) && call.problem.is_none();
        let is_refusal =
            matches!(call.status, Some(401..=403)) && call.problem == Some(CallProblem::Status);
        let failure = failure(call);
        if !is_good && !is_refusal && failure.is_none() {
            return;
        }
        let location = call.location.as_deref().unwrap_or_default().to_owned();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry((call.service.to_string(), location)).or_default();
        if is_good {
            seen.taken = true;
            seen.failed = None;
        } else if is_refusal {
            seen.refused = seen.refused.or(Some(call.at));
        } else if call.attempt <= 1 {
            seen.failed = failure;
        }
    }

    /// A call that nobody waited for to the end came to nothing.
    pub fn unanswered(&self, service: &str, location: &str, how: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (service.to_owned(), location.to_owned());
        all.entry(place).or_default().failed = Some(how);
    }

    /// What was seen since this was last asked. What may have been refused stays until it is looked into.
    pub fn take(&self, service: &str, location: &str) -> Seen {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (service.to_owned(), location.to_owned());
        let Some(seen) = all.get_mut(&place) else {
            return Seen::default();
        };
        let told = seen.clone();
        seen.taken = false;
        seen.failed = None;
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

/// How a call came to nothing because of the service, whatever was asked.
fn failure(call: &CallRecord) -> Option<String> {
    let how = match (call.status, call.problem?) {
        (Some(status @ 500..), CallProblem::Status) => format!("status {status}"),
        (_, CallProblem::Status) => return None,
        (_, CallProblem::Unreadable) => "an answer that cannot be read".to_owned(),
        (_, CallProblem::Connect) => "no connection".to_owned(),
        (_, CallProblem::Timeout) => "no answer in time".to_owned(),
        (_, CallProblem::Lost) => "the connection broke".to_owned(),
    };
    Some(format!("{}: {how}", call.operation))
}
