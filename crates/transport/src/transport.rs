//! The stack that every call of both services goes through.

mod builder;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, DATE, USER_AGENT};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::answer::{self, Facts, NotSent};
use crate::call_log::{CallLog, CallProblem, CallRecord};
use crate::clock::Clock;
use crate::evidence::Asked;
use crate::execute::Execute;
use crate::limits::{Budget, Limiter, Permit, Priority};
use crate::operation::{Auth, Idempotency, Operation, Shown};
use crate::retry::{self, Decision, Outcome, Repeat, RetryPolicy};
use crate::token::{TokenError, TokenSource};

pub use builder::{BuildError, Timeouts, TransportBuilder, http_client};

type Answer = reqwest::Result<reqwest::Response>;

/// Whatever comes is no file any more.
const LONGEST_FILE: Duration = Duration::from_hours(24);

/// How tokens begin that a person made and no app has: operations for apps alone refuse them.
const PRIVATE: &str = "pit-";

/// Sends requests of one connection: token, API version, limits, retries, call log. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
    priority: Priority,
    read_only: bool,
}

struct Shared {
    wire: Box<dyn Wire>,
    service: Arc<str>,
    location: Option<Arc<str>>,
    user_agent: HeaderValue,
    token: Option<Arc<dyn TokenSource>>,
    limiter: Arc<Limiter>,
    retry: RetryPolicy,
    rules: answer::Rules,
    call_log: Arc<dyn CallLog>,
    clock: Arc<dyn Clock>,
    /// The service's clock in its last answer, in seconds; 0 before the first.
    service_time: AtomicI64,
}

/// The last step, apart so that tests of time and order need no socket.
#[async_trait]
trait Wire: Send + Sync {
    async fn send(&self, request: reqwest::Request) -> Answer;
}

#[async_trait]
impl Wire for reqwest::Client {
    async fn send(&self, request: reqwest::Request) -> Answer {
        self.execute(request).await
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("service", &self.shared.service)
            .field("location", &self.shared.location)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Starts a transport for a service; the name goes into the call log.
    pub fn builder(service: impl Into<Arc<str>>) -> TransportBuilder {
        TransportBuilder::new(service.into())
    }

    /// The same connection and the same limits, for calls of another urgency.
    #[must_use]
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self {
            priority,
            ..self.clone()
        }
    }

    /// The same connection, for a program that must change nothing: a call of an operation that is not a read is not
    /// sent, whoever makes it.
    #[must_use]
    pub fn reading_only(&self) -> Self {
        Self {
            read_only: true,
            ..self.clone()
        }
    }

    /// What of the limits is used.
    pub fn budget(&self) -> Budget {
        self.shared.limiter.snapshot()
    }

    /// What the service's clock showed when it answered last, in whole seconds. `None`: it did not say.
    pub fn service_time(&self) -> Option<Timestamp> {
        match self.shared.service_time.load(Ordering::Relaxed) {
            0 => None,
            seconds => Timestamp::from_second(seconds).ok(),
        }
    }

    /// One attempt: permit, token, send, obey the answer's headers, log.
    async fn attempt(&self, call: &Call, mut request: reqwest::Request, number: u32) -> Attempt {
        if self.read_only && call.operation.idempotency != Idempotency::Read {
            return Attempt::NotSent(NotSent::ReadOnly);
        }
        let permit = match self.shared.limiter.acquire(self.priority).await {
            Ok(permit) => permit,
            Err(exhausted) => return Attempt::NotSent(exhausted.into()),
        };
        let token = match self.authorize(call.operation, &mut request).await {
            Ok(token) => token,
            Err(error) => return Attempt::NotSent(error.into()),
        };
        let at = self.shared.clock.now();
        let started = Instant::now();
        let (outcome, answer) = self.send(call.operation, permit, request).await;
        let facts = answer
            .as_ref()
            .ok()
            .and_then(|answer| Facts::of(answer.extensions()));
        let status = match facts.and_then(|facts| facts.unreadable.as_ref()) {
            Some((status, _)) => Some(*status),
            None => answer.as_ref().ok().map(reqwest::Response::status),
        };
        self.shared.call_log.record(CallRecord {
            at,
            service: Arc::clone(&self.shared.service),
            location: self.shared.location.clone(),
            operation: call.operation.name,
            method: call.operation.http_method,
            priority: self.priority,
            status: status.map(|status| status.as_u16()),
            elapsed: started.elapsed(),
            attempt: number,
            day: self.told_of_the_day(),
            trace_id: facts.and_then(|facts| facts.trace_id.clone()),
            problem: problem(outcome, &answer),
        });
        Attempt::Done {
            outcome,
            answer,
            token,
        }
    }

    fn told_of_the_day(&self) -> Option<(u32, u32)> {
        let daily = self.shared.limiter.snapshot().daily?;
        daily.told.then_some((daily.limit, daily.used))
    }

    async fn send(
        &self,
        operation: &Operation,
        permit: Permit,
        request: reqwest::Request,
    ) -> (Outcome, Answer) {
        let asked = Asked::of(operation, &request);
        let sent = match self.shared.wire.send(request).await {
            Ok(response) => {
                let status = response.status();
                if let Some(at) = date(response.headers()) {
                    self.shared
                        .service_time
                        .store(at.as_second(), Ordering::Relaxed);
                }
                let server = permit.answered(status, response.headers());
                let pause = server.pause(status);
                let retry_after = server.retry_after.or(pause);
                let rules = &self.shared.rules;
                answer::read(response, retry_after, operation, &asked, rules)
                    .await
                    .map(|response| (outcome_of(status, pause, &response), response))
            }
            Err(error) => Err(error),
        };
        match sent {
            Ok((outcome, response)) => (outcome, Ok(response)),
            // The URL holds ids and search texts.
            Err(error) => (Outcome::of_error(&error), Err(error.without_url())),
        }
    }

    async fn authorize(
        &self,
        operation: &Operation,
        request: &mut reqwest::Request,
    ) -> Result<Option<SecretString>, TokenError> {
        if operation.auth == Auth::None {
            return Ok(None);
        }
        let token = self
            .shared
            .token
            .as_ref()
            .ok_or(TokenError::Missing)?
            .token()
            .await?;
        if !operation.takes_private_tokens() && token.expose_secret().starts_with(PRIVATE) {
            return Err(TokenError::NeedsApp);
        }
        request.headers_mut().insert(AUTHORIZATION, bearer(&token)?);
        Ok(Some(token))
    }

    fn prepare(&self, operation: &Operation, request: &mut reqwest::Request) {
        if operation.evidence.shown == Shown::Bytes {
            // However large it is: what counts is that it goes on coming, whether by name or by a typed call.
            *request.timeout_mut() = Some(LONGEST_FILE);
        }
        let headers = request.headers_mut();
        // progenitor adds it to every request, with the version of the document.
        headers.remove("api-version");
        headers.insert(USER_AGENT, self.shared.user_agent.clone());
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        if let Some(version) = operation.api_version {
            headers.insert("version", HeaderValue::from_static(version));
        }
    }

    /// Whether the source has another token after a 401. A failure to renew is told instead of the 401.
    async fn renewed(&self, stale: Option<&SecretString>) -> Result<bool, TokenError> {
        match (&self.shared.token, stale) {
            (Some(source), Some(stale)) => Ok(source.rejected(stale).await?.is_some()),
            _ => Ok(false),
        }
    }
}

struct Call {
    operation: &'static Operation,
    repeat: Repeat,
}

enum Attempt {
    NotSent(NotSent),
    Done {
        outcome: Outcome,
        answer: Answer,
        token: Option<SecretString>,
    },
}

#[async_trait]
impl Execute for Transport {
    async fn execute(&self, operation: &'static Operation, request: reqwest::Request) -> Answer {
        let mut response = self.persist(operation, request).await?;
        answer::facts_mut(&mut response).operation = Some(operation);
        Ok(response)
    }
}

impl Transport {
    /// Attempts until one decides.
    async fn persist(
        &self,
        operation: &'static Operation,
        mut request: reqwest::Request,
    ) -> Answer {
        self.prepare(operation, &mut request);
        let call = Call {
            operation,
            repeat: Repeat::of(operation, request.headers()),
        };
        let mut delays = self.shared.retry.delays(rand::random());
        let (started, began) = (Instant::now(), self.shared.clock.now());
        let mut renewed = false;
        let mut number = 0;
        // The last attempt that may have been carried out, without an answer that says so.
        let mut doubt: Option<Answer> = None;
        let mut next = Some(request);
        while let Some(request) = next.take() {
            // A body that cannot be cloned can be sent only once.
            next = request.try_clone();
            number += 1;
            let (outcome, answer, token) = match self.attempt(&call, request, number).await {
                Attempt::Done {
                    outcome,
                    answer,
                    token,
                } => (outcome, answer, token),
                Attempt::NotSent(why) => return doubt.unwrap_or_else(|| Ok(why.into_response())),
            };
            if unauthorized(outcome, &answer) && !renewed && next.is_some() {
                renewed = true;
                match self.renewed(token.as_ref()).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => {
                        return doubt.unwrap_or_else(|| Ok(NotSent::from(error).into_response()));
                    }
                }
            }
            let delay = match retry::decide(call.repeat, outcome) {
                Decision::Stop => None,
                // A hint: it never makes us faster than we would be by ourselves.
                Decision::After(hint) => delays.next().map(|delay| delay.max(hint)),
                Decision::BackOff => delays.next(),
            };
            match delay.filter(|delay| {
                next.is_some() && self.shared.retry.allows(number, started.elapsed(), *delay)
            }) {
                Some(delay) => {
                    tokio::time::sleep(delay).await;
                    // A machine that sleeps stops the clock that is waited by, and the service may have forgotten by now
                    // what makes a repeat harmless: whoever asked decides.
                    let passed = self.shared.clock.now().duration_since(began);
                    if passed.unsigned_abs() > self.shared.retry.max_elapsed {
                        return settle(answer, outcome, doubt);
                    }
                    if outcome.in_doubt(call.repeat) {
                        doubt = Some(answer);
                    }
                }
                None => return settle(answer, outcome, doubt),
            }
        }
        unreachable!("the loop ends by returning: `next` is filled whenever it goes round")
    }
}

/// The last outcome, unless it knows less than an earlier one that may have been carried out.
fn settle(answer: Answer, outcome: Outcome, doubt: Option<Answer>) -> Answer {
    match (answer, doubt) {
        (Ok(mut response), Some(_)) => {
            answer::facts_mut(&mut response).earlier_in_doubt = !response.status().is_success();
            Ok(response)
        }
        (Err(_), Some(earlier)) if outcome == Outcome::NotSent => earlier,
        (answer, _) => answer,
    }
}

fn outcome_of(
    status: http::StatusCode,
    pause: Option<std::time::Duration>,
    response: &reqwest::Response,
) -> Outcome {
    match Facts::of(response.extensions()) {
        Some(facts) if facts.unreadable.is_some() => Outcome::Unreadable,
        facts => {
            let own_form = facts.is_some_and(|facts| facts.own_form);
            Outcome::of_status(status, own_form, pause)
        }
    }
}

/// Another token is worth a try, also where an error's JSON leaves open who wrote it.
fn unauthorized(outcome: Outcome, answer: &Answer) -> bool {
    let in_json = || {
        let response = answer.as_ref().ok();
        let response = response.filter(|answer| answer.status() == http::StatusCode::UNAUTHORIZED);
        let facts = response.and_then(|response| Facts::of(response.extensions()));
        facts.is_some_and(|facts| facts.in_json)
    };
    match outcome {
        Outcome::Answered { status, .. } => status == http::StatusCode::UNAUTHORIZED,
        Outcome::Unreadable => in_json(),
        Outcome::NotSent | Outcome::Lost => false,
    }
}

fn problem(outcome: Outcome, answer: &Answer) -> Option<CallProblem> {
    match (outcome, answer) {
        (Outcome::Unreadable, _) => Some(CallProblem::Unreadable),
        (Outcome::Answered { status, .. }, _) => {
            (status.is_client_error() || status.is_server_error()).then_some(CallProblem::Status)
        }
        (Outcome::NotSent, _) => Some(CallProblem::Connect),
        (Outcome::Lost, Err(error)) if error.is_timeout() => Some(CallProblem::Timeout),
        (Outcome::Lost, _) => Some(CallProblem::Lost),
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, TokenError> {
    let token = token.expose_secret();
    if token.is_empty() {
        return Err(TokenError::Missing);
    }
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| TokenError::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

/// When an answer was made, by the clock of whoever made it.
fn date(headers: &http::HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
