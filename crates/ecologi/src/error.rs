//! What a failed call tells.

use std::fmt;
use std::time::Duration;

use canopy_transport::operation::Operation;
use canopy_transport::{CallError, Cause, NotSent};

use crate::order::InvalidOrder;
use crate::parse::PURCHASES;

/// A call that did not give what was asked for. Its text says what happened and what to do; it holds no key, no URL and
/// no personal data.
pub struct Error(Box<Inner>);

#[derive(Debug)]
enum Inner {
    Order(InvalidOrder),
    Call(CallError, Option<Refusal>),
}

/// Why Ecologi said no; its text is what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    #[error(
        "the API key is wrong or withdrawn: copy it again from the Impact API page of the account"
    )]
    BadKey,
    #[error(
        "the account or its key may not do this: ask Ecologi to enable it, or leave `recipientEmail` out"
    )]
    NotEnabled,
    #[error(
        "the account has no billing details: add them at Ecologi; even test purchases need them"
    )]
    NoBilling,
    #[error("correct what the message names")]
    Invalid,
    #[error("there is no such user: check the user name of the Ecologi account")]
    NotFound,
    #[error("too many calls, perhaps by another program with the same key: try again later")]
    TooMany,
}

impl Refusal {
    fn of(error: &CallError) -> Option<Self> {
        if error.is_foreign() {
            return None;
        }
        let (status, message) = match error.cause() {
            Cause::Refused {
                status, message, ..
            } => (status.as_u16(), message.as_deref().unwrap_or_default()),
            Cause::NotSent(NotSent::Token(error)) if !error.is_retryable() => {
                return Some(Self::BadKey);
            }
            _ => return None,
        };
        let lower = message.to_lowercase();
        let about_billing = ["billing", "payment", "card"]
            .iter()
            .any(|word| lower.contains(word));
        Some(match status {
            401 => Self::BadKey,
            402 => Self::NoBilling,
            400 if about_billing => Self::NoBilling,
            400 | 422 => Self::Invalid,
            403 => Self::NotEnabled,
            // Only reports are about somebody.
            404 if !PURCHASES.contains(&error.operation()) => Self::NotFound,
            429 => Self::TooMany,
            _ => return None,
        })
    }
}

impl Error {
    /// Turns an error of the generated client into ours. The operation is the one that was called: the generated
    /// client's errors do not tell.
    pub fn from_generated<E>(
        operation: &'static Operation,
        error: progenitor_client::Error<E>,
    ) -> Self {
        CallError::from_generated(operation, error).into()
    }

    fn call(&self) -> Option<&CallError> {
        match &*self.0 {
            Inner::Call(call, _) => Some(call),
            Inner::Order(_) => None,
        }
    }

    /// What is wrong with the order, where nothing was sent because of it.
    pub fn invalid_order(&self) -> Option<&InvalidOrder> {
        match &*self.0 {
            Inner::Order(invalid) => Some(invalid),
            Inner::Call(..) => None,
        }
    }

    /// What happened to the call, by phase; `None` for an order that was not sent.
    pub fn cause(&self) -> Option<&Cause> {
        self.call().map(CallError::cause)
    }

    /// Status of the service's answer; `None` when there was none, and when the refusal was ours.
    pub fn status(&self) -> Option<u16> {
        Some(self.call()?.status()?.as_u16())
    }

    /// Why the service refused.
    pub fn refusal(&self) -> Option<Refusal> {
        match &*self.0 {
            Inner::Order(_) => Some(Refusal::Invalid),
            Inner::Call(_, refusal) => refusal.clone(),
        }
    }

    /// What the service's support asks for, where it told.
    pub fn trace_id(&self) -> Option<&str> {
        self.call()?.trace_id()
    }

    /// How long to wait before trying again, where somebody named a time.
    pub fn retry_after(&self) -> Option<Duration> {
        self.call()?.retry_after()
    }

    /// Whether the cause can pass by itself. A purchase is tried again under the same key only.
    pub fn is_retryable(&self) -> bool {
        self.call().is_some_and(CallError::is_retryable)
    }

    /// Whether the service itself says that there is no such record: a 404 in its own form.
    pub fn is_gone(&self) -> bool {
        self.call().is_some_and(CallError::is_gone)
    }

    /// Whether an error answer is in the service's own form; what a proxy or a firewall says in its place is not.
    pub fn speaks_for_service(&self) -> bool {
        self.call().is_some_and(CallError::speaks_for_service)
    }

    /// Whether a success came back that does not show what it must. Of a read nothing is known; a write may have been
    /// carried out.
    pub fn is_unreadable(&self) -> bool {
        self.call().is_some_and(CallError::is_unreadable)
    }

    /// Whether the purchase may have been made: no answer after sending, or a server error.
    pub fn outcome_unknown(&self) -> bool {
        self.call().is_some_and(CallError::outcome_unknown)
    }
}

impl From<CallError> for Error {
    fn from(call: CallError) -> Self {
        let refusal = Refusal::of(&call);
        Self(Box::new(Inner::Call(call, refusal)))
    }
}

impl From<InvalidOrder> for Error {
    fn from(invalid: InvalidOrder) -> Self {
        Self(Box::new(Inner::Order(invalid)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Order(invalid) => write!(f, "{invalid}"),
            // A missing key already says what to do.
            Inner::Call(call, Some(refusal)) if call.status().is_some() => {
                write!(f, "{call}. What to do: {refusal}")
            }
            Inner::Call(call, _) => write!(f, "{call}"),
        }
    }
}

/// A `main` that ends with an error prints it so: the same words, and the parts with `{:#?}`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f.debug_tuple("Error").field(&self.0).finish();
        }
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The call's own text is part of ours.
        std::error::Error::source(self.call()?)
    }
}
