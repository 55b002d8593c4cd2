//! What a failed call tells.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use canopy_transport::operation::Operation;
use canopy_transport::{CallError, Cause, OddRecord};

use crate::Refusal;

/// A call that did not give what was asked for. Its text says what happened and what to do; it holds no token, no URL
/// and no personal data. Clones share it: one call can fail for many.
#[derive(Clone)]
pub struct Error {
    // Behind a pointer, as results are moved around much more often than they fail.
    inner: Arc<Inner>,
    advice: Option<&'static str>,
}

#[derive(Debug)]
struct Inner {
    call: CallError,
    refusal: Option<Refusal>,
}

impl Error {
    pub(crate) fn new(operation: Option<&'static Operation>, call: CallError) -> Self {
        let refusal = Refusal::of(operation, &call);
        Self {
            inner: Arc::new(Inner { call, refusal }),
            advice: None,
        }
    }

    /// The same error, whose text goes on with what to do: for programs that know where the arguments came from.
    #[must_use]
    pub fn with_advice(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }

    /// Turns an error of the generated client into ours. The operation is the one that was called: the generated
    /// client's errors do not tell.
    pub fn from_generated<E>(
        operation: &'static Operation,
        error: progenitor_client::Error<E>,
    ) -> Self {
        Self::new(Some(operation), CallError::from_generated(operation, error))
    }

    /// What happened, by phase.
    pub fn cause(&self) -> &Cause {
        self.inner.call.cause()
    }

    /// Status of the service's answer; `None` when there was none, and when the refusal was ours.
    pub fn status(&self) -> Option<u16> {
        self.inner.call.status().map(|status| status.as_u16())
    }

    /// Why the service refused.
    pub fn refusal(&self) -> Option<Refusal> {
        self.inner.refusal.clone()
    }

    /// The argument that is wrong, as in `customFields[0].id`: found before sending, or named by the service.
    pub fn field(&self) -> Option<&str> {
        self.inner.call.field()
    }

    /// The service's error answer as JSON. Texts in it that are not about the error are masked.
    pub fn body(&self) -> Option<&str> {
        self.inner.call.body()
    }

    /// The record of a list that is not what it should be, with its path and as it came. The stream that gave this error
    /// goes on behind it.
    pub fn odd_record(&self) -> Option<&OddRecord> {
        match self.cause() {
            Cause::Record(record) => Some(record),
            _ => None,
        }
    }

    /// What HighLevel's support asks for.
    pub fn trace_id(&self) -> Option<&str> {
        self.inner.call.trace_id()
    }

    /// How long to wait before trying again, where somebody named a time.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.call.retry_after()
    }

    /// Whether the cause can pass by itself. Ask [`outcome_unknown`](Self::outcome_unknown) before sending a create again.
    pub fn is_retryable(&self) -> bool {
        self.inner.call.is_retryable()
    }

    /// Whether the service itself says that there is no such record: a 404 in its own form.
    pub fn is_gone(&self) -> bool {
        self.inner.call.is_gone()
    }

    /// Whether an error answer is in the service's own form; what a proxy or a firewall says in its place is not.
    pub fn speaks_for_service(&self) -> bool {
        self.inner.call.speaks_for_service()
    }

    /// Whether a success came back that does not show what it must. Of a read nothing is known; a write may have been
    /// carried out.
    pub fn is_unreadable(&self) -> bool {
        self.inner.call.is_unreadable()
    }

    /// Whether the service may have carried the request out: no answer after sending, or a server error, on anything
    /// but a read.
    pub fn outcome_unknown(&self) -> bool {
        self.inner.call.outcome_unknown()
    }
}

impl From<CallError> for Error {
    fn from(call: CallError) -> Self {
        Self::new(None, call)
    }
}

/// Lets `?` take the errors of typed calls. A refusal knows its operation; where no answer came, the worst is assumed:
/// that the call may have changed something. [`Error::from_generated`] tells more exactly.
impl<E> From<progenitor_client::Error<E>> for Error {
    fn from(error: progenitor_client::Error<E>) -> Self {
        let call = CallError::from_any_generated(error);
        Self::new(crate::operation(call.operation()), call)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { call, refusal } = &*self.inner;
        match refusal {
            // A failure to get a token already says what to do.
            Some(refusal) if call.status().is_some() => write!(f, "{call}. What to do: {refusal}")?,
            _ => write!(f, "{call}")?,
        }
        let perhaps = call.outcome_unknown() && self.status() == Some(422);
        let perhaps = perhaps.then_some(
            "the service is known to create records and answer so: look before you send it again",
        );
        let advice = self.advice.or(perhaps);
        advice.map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

/// A `main` that ends with an error prints it so: the same words, and the parts with `{:#?}`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f
                .debug_struct("Error")
                .field("call", &self.inner.call)
                .field("refusal", &self.inner.refusal)
                .field("advice", &self.advice)
                .finish();
        }
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The call's own text is part of ours.
        std::error::Error::source(&self.inner.call)
    }
}
