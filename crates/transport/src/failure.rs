//! One error type under both facades: what happened to a call, with nothing secret or personal in it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::answer::{Facts, NotSent};
use crate::evidence::Unreadable;
use crate::invoke::InvokeError;
use crate::operation::{Auth, Body, Evidence, Idempotency, Operation, Paging, Shown};
use crate::record::{OddRecord, PagingError};
use crate::redact;
use crate::retry::{self, Outcome, Repeat};

/// A call that did not give what was asked for.
#[derive(Debug)]
pub struct CallError {
    operation: &'static str,
    in_doubt: bool,
    // Boxed, as results are moved around much more often than they fail.
    cause: Box<Cause>,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.cause)?;
        match &*self.cause {
            Cause::Unreadable { .. } if self.in_doubt => f.write_str(
                "; whether the service carried the request out is not known: look there before it is sent again",
            ),
            Cause::Unreadable { .. } => f.write_str(
                "; try again later, and if it stays check the base URL and what is between here and the service (proxy, firewall, login page)",
            ),
            _ => Ok(()),
        }
    }
}

impl Error for CallError {
    /// The cause's text is part of ours, so the chain goes on behind it.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

/// What went wrong, by phase.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The arguments do not fit; nothing was sent.
    #[error(transparent)]
    Arguments(#[from] InvokeError),
    /// No token, or no budget; nothing was sent.
    #[error(transparent)]
    NotSent(NotSent),
    /// The service, or somebody between it and us, answered with an error.
    #[error("{}", refused_text(*status, *own_form, message.as_deref(), trace_id.as_deref()))]
    Refused {
        status: StatusCode,
        /// Whether it is in the service's own form: otherwise a proxy may have written it.
        own_form: bool,
        /// The service's own text, with personal data masked.
        message: Option<String>,
        trace_id: Option<String>,
        retry_after: Option<Duration>,
        /// The answer's JSON, of which only what tells about the error is shown and the rest is masked.
        body: Option<String>,
    },
    /// One record of a list is odd; the list goes on behind it.
    #[error(transparent)]
    Record(OddRecord),
    /// A list cannot be read on.
    #[error(transparent)]
    Paging(PagingError),
    /// No connection was made, so nothing was sent.
    #[error("no connection to the service; check the network and the base URL")]
    Connect(#[source] reqwest::Error),
    /// The request may have arrived, and no whole answer came back.
    #[error("{}", lost_text(source))]
    Lost { source: reqwest::Error },
    /// A success by its status that does not show what the operation's success must.
    #[error("{} came back, but it shows no success: {problem}", status.map_or("an answer".to_owned(), |s| s.to_string()))]
    Unreadable {
        status: Option<StatusCode>,
        problem: Unreadable,
    },
    /// The request could not be put together; nothing was sent.
    #[error("the request cannot be built: {0}")]
    Request(String),
}

fn refused_text(
    status: StatusCode,
    own_form: bool,
    message: Option<&str>,
    trace_id: Option<&str>,
) -> String {
    if retry::needs_own_form(status) && !own_form {
        return format!(
            "{status} came back, but not in the service's own form, so it says nothing about the account or the record; try again later, and if it stays check the base URL and what is between here and the service (proxy, firewall, login page)"
        );
    }
    let mut text = format!("the service answered {status}");
    if let Some(message) = message {
        text = format!("{text}: {message}");
    }
    match trace_id {
        Some(id) => format!("{text} (trace id {id})"),
        None => text,
    }
}

fn lost_text(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time; whether the service carried the request out is not known"
    } else {
        "the connection broke before the whole answer was there; whether the service carried the request out is not known"
    }
}

impl CallError {
    /// Arguments were refused before anything was sent.
    pub fn arguments(operation: &'static str, error: InvokeError) -> Self {
        Self {
            operation,
            in_doubt: false,
            cause: Box::new(error.into()),
        }
    }

    /// The request could not be built; nothing was sent.
    pub fn request(operation: &Operation, problem: &str) -> Self {
        Self {
            operation: operation.name,
            in_doubt: false,
            cause: Box::new(Cause::Request(redact::text(problem))),
        }
    }

    /// A record of a list is odd.
    pub fn record(operation: &Operation, record: OddRecord) -> Self {
        Self {
            operation: operation.name,
            in_doubt: false,
            cause: Box::new(Cause::Record(record)),
        }
    }

    /// A list cannot be read on.
    pub fn paging(operation: &Operation, error: PagingError) -> Self {
        Self {
            operation: operation.name,
            in_doubt: false,
            cause: Box::new(Cause::Paging(error)),
        }
    }

    /// An error answer, as the transport returned it.
    pub fn from_response(operation: &Operation, response: &reqwest::Response) -> Self {
        let status = response.status();
        let facts = Facts::of(response.extensions())
            .cloned()
            .unwrap_or_default();
        if let Some(why) = facts.not_sent {
            return Self {
                operation: operation.name,
                in_doubt: false,
                cause: Box::new(Cause::NotSent(why)),
            };
        }
        if let Some((status, problem)) = facts.unreadable {
            return Self::shows_nothing(operation, Some(status), problem);
        }
        let outcome = Outcome::of_status(status, facts.own_form, facts.retry_after);
        let refused = facts.message.as_deref().unwrap_or_default();
        Self {
            operation: operation.name,
            in_doubt: facts.earlier_in_doubt
                || outcome.in_doubt(nominal(operation))
                || perhaps_done(operation, status, refused)
                || perhaps_created(operation, status, refused),
            cause: Box::new(Cause::Refused {
                status,
                own_form: facts.own_form,
                message: facts.message,
                trace_id: facts.trace_id,
                retry_after: facts.retry_after,
                body: facts.body,
            }),
        }
    }

    /// An error of a generated client. The operation is the one that was called: the error does not tell.
    pub fn from_generated<E>(operation: &Operation, error: progenitor_client::Error<E>) -> Self {
        use progenitor_client::Error as Generated;
        match error {
            Generated::InvalidRequest(problem) | Generated::Custom(problem) => {
                Self::request(operation, &problem)
            }
            Generated::CommunicationError(error)
            | Generated::InvalidUpgrade(error)
            | Generated::ResponseBodyError(error) => Self::from_reqwest(operation, error),
            Generated::ErrorResponse(answer) => Self::from_status(operation, answer.status()),
            Generated::InvalidResponsePayload(_, error) => {
                Self::unreadable(operation, None, &error)
            }
            Generated::UnexpectedResponse(response) => Self::from_response(operation, &response),
        }
    }

    /// An error of a generated client, where nobody says which operation was called. The service's refusals tell; for a
    /// connection that broke the worst is assumed, which is that it may have changed something.
    pub fn from_any_generated<E>(error: progenitor_client::Error<E>) -> Self {
        let told = match &error {
            progenitor_client::Error::UnexpectedResponse(response) => {
                Facts::of(response.extensions()).and_then(|facts| facts.operation)
            }
            _ => None,
        };
        Self::from_generated(told.unwrap_or(&ANY), error)
    }

    /// An error answer of which only the status is left.
    fn from_status(operation: &Operation, status: StatusCode) -> Self {
        let outcome = Outcome::of_status(status, false, None);
        Self {
            operation: operation.name,
            in_doubt: outcome.in_doubt(nominal(operation)),
            cause: Box::new(Cause::Refused {
                status,
                own_form: false,
                message: None,
                trace_id: None,
                retry_after: None,
                body: None,
            }),
        }
    }

    /// An error of the HTTP client.
    pub fn from_reqwest(operation: &Operation, error: reqwest::Error) -> Self {
        let error = error.without_url();
        let outcome = Outcome::of_error(&error);
        Self {
            operation: operation.name,
            in_doubt: outcome.in_doubt(nominal(operation)),
            cause: Box::new(match outcome {
                _ if error.is_builder() => Cause::Request(error.to_string()),
                Outcome::NotSent => Cause::Connect(error),
                _ => Cause::Lost { source: error },
            }),
        }
    }

    /// A success whose body could not be read. Who wrote it is not known, so a write is in doubt.
    pub fn unreadable(
        operation: &Operation,
        status: Option<StatusCode>,
        error: &serde_json::Error,
    ) -> Self {
        let problem = Unreadable::Malformed(redact::decode_error(error));
        Self::shows_nothing(operation, status, problem)
    }

    /// A success that does not show what it must, as its facade found.
    pub fn no_evidence(operation: &Operation, problem: &str) -> Self {
        let problem = Unreadable::Told(problem.to_owned());
        Self::shows_nothing(operation, None, problem)
    }

    fn shows_nothing(
        operation: &Operation,
        status: Option<StatusCode>,
        problem: Unreadable,
    ) -> Self {
        Self {
            operation: operation.name,
            in_doubt: nominal(operation) != Repeat::Reads,
            cause: Box::new(Cause::Unreadable { status, problem }),
        }
    }

    /// The operation's id in the spec.
    pub fn operation(&self) -> &str {
        self.operation
    }

    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Status of the service's answer. `None` also when the refusal was ours.
    pub fn status(&self) -> Option<StatusCode> {
        match &*self.cause {
            Cause::Refused { status, .. } => Some(*status),
            Cause::Unreadable { status, .. } => *status,
            _ => None,
        }
    }

    /// The service's own text, with personal data masked.
    pub fn message(&self) -> Option<&str> {
        match &*self.cause {
            Cause::Refused { message, .. } => message.as_deref(),
            _ => None,
        }
    }

    /// The argument that is wrong: found before sending, or named by the service's text.
    pub fn field(&self) -> Option<&str> {
        match &*self.cause {
            Cause::Arguments(error) => error.field(),
            Cause::Refused {
                status,
                message: Some(message),
                ..
            } if matches!(status.as_u16(), 400 | 422) => named_field(message),
            _ => None,
        }
    }

    /// The service's error answer. Texts in it that are not about the error are masked.
    pub fn body(&self) -> Option<&str> {
        match &*self.cause {
            Cause::Refused { body, .. } => body.as_deref(),
            _ => None,
        }
    }

    /// What the service's support asks for.
    pub fn trace_id(&self) -> Option<&str> {
        match &*self.cause {
            Cause::Refused { trace_id, .. } => trace_id.as_deref(),
            _ => None,
        }
    }

    /// How long to wait before trying again, where somebody named a time.
    pub fn retry_after(&self) -> Option<Duration> {
        match &*self.cause {
            Cause::Refused { retry_after, .. } => *retry_after,
            Cause::NotSent(NotSent::Quota(exhausted)) => Some(exhausted.retry_after()),
            _ => None,
        }
    }

    /// Whether the cause can pass by itself. It does not say that sending again is harmless: ask
    /// [`outcome_unknown`](Self::outcome_unknown) first.
    pub fn is_retryable(&self) -> bool {
        match &*self.cause {
            Cause::Refused {
                status,
                own_form,
                retry_after,
                ..
            } => Outcome::of_status(*status, *own_form, *retry_after).is_transient(),
            Cause::NotSent(NotSent::Quota(_)) | Cause::Connect(_) | Cause::Lost { .. } => true,
            // Of a write nobody knows what repeating it would do.
            Cause::Unreadable { .. } => !self.in_doubt,
            Cause::NotSent(NotSent::Token(error)) => error.is_retryable(),
            Cause::NotSent(NotSent::ReadOnly)
            | Cause::Arguments(_)
            | Cause::Request(_)
            | Cause::Record(_)
            | Cause::Paging(_) => false,
        }
    }

    /// Whether an error answer is in the service's own form, so that it speaks of the account and the record. A proxy's
    /// page, a firewall's, an empty body do not; nor does a failure without an answer.
    pub fn speaks_for_service(&self) -> bool {
        matches!(&*self.cause, Cause::Refused { own_form: true, .. })
    }

    /// Whether it is a refusal that anybody in between could have written, and not in the service's own form: it says
    /// nothing about the account or the record, and may pass by itself.
    pub fn is_foreign(&self) -> bool {
        matches!(&*self.cause, Cause::Refused { status, own_form: false, .. } if retry::needs_own_form(*status))
    }

    /// Whether the service itself says that there is no such record: a 404 in its own form that does not speak of the
    /// address. Only this is evidence that a record is gone.
    pub fn is_gone(&self) -> bool {
        let no_such_address = |message: &str| {
            let rest = message.strip_prefix("Cannot ");
            rest.and_then(|rest| rest.split_once(" /"))
                .is_some_and(|(method, _)| method.chars().all(|c| c.is_ascii_uppercase()))
        };
        self.speaks_for_service()
            && self.status() == Some(StatusCode::NOT_FOUND)
            && !self.message().is_some_and(no_such_address)
    }

    /// Whether a success came back that does not show what it must: neither success nor refusal. Of a read nothing is
    /// known; a write [may have been carried out](Self::outcome_unknown).
    pub fn is_unreadable(&self) -> bool {
        matches!(&*self.cause, Cause::Unreadable { .. })
    }

    /// Whether the service may have done what was asked, although no readable success came back. Never for reads.
    pub fn outcome_unknown(&self) -> bool {
        self.in_doubt
    }
}

/// Stands for an operation that is not known.
static ANY: Operation = Operation {
    name: "call",
    method_name: "call",
    resource: "",
    summary: "",
    http_method: "",
    path: "",
    api_version: None,
    auth: Auth::Bearer,
    scopes: &[],
    token_kinds: &[],
    parameters: &[],
    body: Body::None,
    idempotency: Idempotency::Unsafe,
    paging: Paging::None,
    items: None,
    id: None,
    version: None,
    record: None,
    evidence: Evidence {
        shown: Shown::Answer {
            why: "which operation it is is not known",
        },
        flags: &[],
    },
    trigger: None,
};

/// The field in texts such as `property nmae should not exist` and `customFields.0.id must be a string`.
fn named_field(message: &str) -> Option<&str> {
    let first = message.split(';').next()?.trim();
    let named = first
        .strip_prefix("property ")
        .filter(|rest| rest.contains(" should not exist"))
        .or_else(|| {
            let says = |words: &str| {
                first
                    .split_once(words)
                    .is_some_and(|(name, _)| !name.contains(' '))
            };
            (says(" must ") || says(" should ")).then_some(first)
        })?;
    let name = named.split(' ').next()?.trim_matches(['`', '"', '\'']);
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '-');
    (!name.is_empty() && name.chars().all(is_path)).then_some(name)
}

/// The service is known to answer 422 to creates that it has carried out. Not where the text names an argument: that is
/// refused before anything is done. Where there is a way to look, looking costs less than trusting the text.
fn perhaps_created(operation: &Operation, status: StatusCode, message: &str) -> bool {
    status == StatusCode::UNPROCESSABLE_ENTITY
        && operation.http_method == "POST"
        && match operation.idempotency {
            Idempotency::Lookup(_) => true,
            Idempotency::Unsafe => named_field(message).is_none(),
            Idempotency::Read | Idempotency::Idempotent | Idempotency::Keyed { .. } => false,
        }
}

/// What is no refusal of a write, in whatever form. A purchase is refused for its body, its key or the account; that there
/// is no such address, or a conflict, says nothing of one that was sent under the same key before. A 422 that names no
/// argument may come from behind the purchase: asking again under the same key costs nothing and tells. A conflict says
/// of any create that something like it is there.
fn perhaps_done(operation: &Operation, status: StatusCode, message: &str) -> bool {
    let refuses = matches!(status.as_u16(), 400..=403 | 422 | 429);
    match operation.idempotency {
        Idempotency::Keyed { .. } => {
            let unclear =
                status == StatusCode::UNPROCESSABLE_ENTITY && named_field(message).is_none();
            unclear || (status.is_client_error() && !refuses)
        }
        Idempotency::Lookup(_) | Idempotency::Unsafe => status == StatusCode::CONFLICT,
        Idempotency::Read | Idempotency::Idempotent => false,
    }
}

/// Only reads and the rest matter for doubt.
fn nominal(operation: &Operation) -> Repeat {
    Repeat::of(operation, &http::HeaderMap::new())
}
