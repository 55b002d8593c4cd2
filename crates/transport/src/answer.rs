//! Answers are read whole here, so that a connection that breaks half-way is noticed where it can be retried, and so that
//! what an error needs to tell is known without reading the body again.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Extensions, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::evidence::{self, Asked, Unreadable};
use crate::limits::Exhausted;
use crate::operation::{Operation, Shown};
use crate::redact;
use crate::token::TokenError;
use crate::tolerant;

/// What the transport knows of an answer; found among the extensions of every response that it returns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What was called.
    pub operation: Option<&'static Operation>,
    /// What the service's support asks for.
    pub trace_id: Option<String>,
    /// The error's text, with personal data masked. Only of error answers.
    pub message: Option<String>,
    /// The error's JSON, masked. Only of error answers.
    pub body: Option<String>,
    /// Whether an error answer is in the service's own form. A proxy's page, a firewall's, or nothing at all says nothing
    /// about the account or the record.
    pub own_form: bool,
    /// Whether an error answer is an error's JSON, the service's own or not.
    pub in_json: bool,
    /// Status and problem of a success that does not show what it must. The answer itself has another status then.
    pub unreadable: Option<(StatusCode, Unreadable)>,
    /// How long the service asked to wait.
    pub retry_after: Option<Duration>,
    /// An earlier attempt of the same call may have been carried out.
    pub earlier_in_doubt: bool,
    /// Set when the answer was made here, because nothing was sent.
    pub not_sent: Option<NotSent>,
}

impl Facts {
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }
}

/// Why a call was not sent at all.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotSent {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Quota(#[from] Exhausted),
    /// See [`Transport::reading_only`](crate::Transport::reading_only).
    #[error("it would write, and this client only reads")]
    ReadOnly,
}

impl PartialEq for NotSent {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Quota(a), Self::Quota(b)) => a == b,
            (Self::Token(a), Self::Token(b)) => a.to_string() == b.to_string(),
            (Self::ReadOnly, Self::ReadOnly) => true,
            _ => false,
        }
    }
}

impl Eq for NotSent {}

impl NotSent {
    fn status(&self) -> StatusCode {
        match self {
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Quota(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::ReadOnly => StatusCode::FORBIDDEN,
        }
    }

    /// An answer that carries this as a fact.
    pub(crate) fn into_response(self) -> reqwest::Response {
        let status = self.status();
        let facts = Facts {
            not_sent: Some(self),
            ..Facts::default()
        };
        respond(status, http::HeaderMap::new(), Bytes::new(), facts)
    }
}

/// In which form a service writes its errors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ErrorForm {
    /// A JSON object with a member of `ERROR_MEMBERS`. Where it speaks of the account or the record, gateways write such
    /// objects as well: then it also tells its status or a trace id, or names what was asked for.
    #[default]
    Json,
    /// A JSON object with a member of `ERROR_MEMBERS`, or a short line of plain text.
    JsonOrText,
}

/// One of these members tells an error object of a service from any other JSON.
const ERROR_MEMBERS: [&str; 4] = ["message", "error", "statusCode", "traceId"];
/// A longer text is a page, whatever it says of itself.
const LONGEST_PLAIN: usize = 500;

impl ErrorForm {
    fn fits(self, status: StatusCode, asked: &Asked, body: &[u8]) -> bool {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return self == Self::JsonOrText && is_plain(body);
        };
        match evidence::status_in(&value) {
            // A gateway that passes on what is not its own.
            Some(told) if told != status.as_u16() => false,
            None if self == Self::JsonOrText => is_error(&value) && !is_of_a_gateway(&value),
            None if anybody_writes(status) => {
                let there = |member: &str| value.get(member).is_some_and(|said| !said.is_null());
                there("traceId") || there("error_description") || asked.is_named_in(&value)
            }
            Some(_) | None => is_error(&value),
        }
    }
}

fn is_error(value: &Value) -> bool {
    let said = |member: &str| value.get(member).is_some_and(|said| !said.is_null());
    ERROR_MEMBERS.iter().any(|member| said(member))
}

/// Statuses for which gateways have JSON of their own, as `{"message":"no Route matched with those values"}`.
fn anybody_writes(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 403 | 404 | 410)
}

/// What well-known gateways say of an address that they do not know.
fn is_of_a_gateway(value: &Value) -> bool {
    let text = ["message", "error"]
        .iter()
        .find_map(|member| value.get(member)?.as_str());
    let text = text.map(str::to_lowercase).unwrap_or_default();
    text.contains("no route matched") || text.contains("route not found")
}

/// A short text that is neither markup nor torn JSON.
fn is_plain(body: &[u8]) -> bool {
    let text = std::str::from_utf8(body).map(str::trim);
    text.is_ok_and(|text| {
        !text.is_empty()
            && text.len() <= LONGEST_PLAIN
            && !text.contains('<')
            && !text.starts_with(['{', '['])
    })
}

/// What the reading of an answer goes by.
pub(crate) struct Rules {
    pub form: ErrorForm,
    /// Largest body that is read whole, in bytes.
    pub largest: usize,
    /// How long a body may take that is read whole.
    pub slowest: Duration,
}

/// The largest answer that is no file: a page of 500 records has about 1 MB.
pub(crate) const LARGEST: usize = 10 * 1024 * 1024;

/// Reads the body (unless it is a file), judges it and notes the facts. The URL is left behind: it holds ids and search
/// texts. An answer that does not show its operation's success comes back with an error status, so that no client takes it
/// for one; its own status is among the facts.
pub(crate) async fn read(
    response: reqwest::Response,
    retry_after: Option<Duration>,
    operation: &Operation,
    asked: &Asked,
    rules: &Rules,
) -> reqwest::Result<reqwest::Response> {
    let status = response.status();
    let mut facts = Facts {
        retry_after,
        ..Facts::default()
    };
    let is_file = status.is_success() && operation.evidence.shown == Shown::Bytes;
    if is_file && !is_odd_file(&response) {
        let (mut parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        parts.extensions.insert(facts);
        return Ok(http::Response::from_parts(parts, body).into());
    }
    let mut headers = response.headers().clone();
    let whole = tokio::time::timeout(rules.slowest, whole(response, rules.largest)).await;
    let body = match whole {
        Ok(body) => body?,
        Err(_) => Err(Unreadable::Slow {
            after: rules.slowest,
        }),
    };
    if status.is_success() {
        let judged = match &body {
            Ok(body) => judge(operation, asked, body, is_file, &mut facts),
            Err(problem) => Err(problem.clone()),
        };
        return Ok(match judged {
            Ok(body) => {
                // It may have been repaired.
                if headers.contains_key(CONTENT_LENGTH) {
                    headers.insert(CONTENT_LENGTH, body.len().into());
                }
                respond(status, headers, body, facts)
            }
            Err(problem) => {
                facts.unreadable = Some((status, problem));
                respond(StatusCode::BAD_GATEWAY, headers, Bytes::new(), facts)
            }
        });
    }
    // An error that is too large or too slow says nothing.
    let body = body.unwrap_or_default();
    facts.own_form = rules.form.fits(status, asked, &body);
    facts.in_json = serde_json::from_slice::<Value>(&body).is_ok_and(|value| is_error(&value));
    let read: Body = serde_json::from_slice(&body).unwrap_or_default();
    facts.trace_id = read.trace_id.and_then(Text::into_id);
    let said = read
        .message
        .and_then(Text::into_line)
        .or_else(|| read.error.and_then(Text::into_line));
    let said = said.or_else(|| plain(&body));
    facts.message = said.map(|said| redact::text(&said));
    facts.body = serde_json::from_slice(&body).ok().map(redact::body);
    Ok(respond(status, headers, body, facts))
}

/// The whole body, unless it is too large.
async fn whole(
    mut response: reqwest::Response,
    largest: usize,
) -> reqwest::Result<Result<Bytes, Unreadable>> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > largest {
            return Ok(Err(Unreadable::TooLarge { limit: largest }));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Ok(body.freeze()))
}

/// The body, if it shows the operation's success.
fn judge(
    operation: &Operation,
    asked: &Asked,
    body: &Bytes,
    is_file: bool,
    facts: &mut Facts,
) -> Result<Bytes, Unreadable> {
    let trimmed = body.trim_ascii();
    if trimmed.is_empty() {
        return Err(Unreadable::Empty);
    }
    let strict = serde_json::from_slice(body);
    let was_repaired = strict.is_err();
    let value: Value = match strict.or_else(|_| tolerant::parse(body)) {
        Ok(value) => value,
        Err(_) if trimmed.starts_with(b"<") => return Err(Unreadable::Page),
        // A text that says that it is JSON.
        Err(_) if is_file => return Ok(body.clone()),
        Err(error) => return Err(Unreadable::Malformed(redact::decode_error(&error))),
    };
    let trace_id = value.get("traceId").cloned();
    let trace_id = trace_id.and_then(|id| serde_json::from_value::<Text>(id).ok());
    facts.trace_id = trace_id.and_then(Text::into_id);
    if is_file {
        evidence::judge_file(&value)?;
    } else {
        evidence::judge(operation, asked, &value)?;
    }
    Ok(if was_repaired {
        value.to_string().into()
    } else {
        body.clone()
    })
}

/// Whether what came in place of a file says that it is none: it is read before it is believed.
fn is_odd_file(response: &reqwest::Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    kind.contains("html")
        || kind.contains("json")
        || response.status() == StatusCode::NO_CONTENT
        || response.content_length() == Some(0)
}

pub(crate) fn facts_mut(response: &mut reqwest::Response) -> &mut Facts {
    response.extensions_mut().get_or_insert_default()
}

fn respond(
    status: StatusCode,
    headers: http::HeaderMap,
    body: Bytes,
    facts: Facts,
) -> reqwest::Response {
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.extensions_mut().insert(facts);
    response.into()
}

/// The first line of an answer that is no JSON.
fn plain(body: &Bytes) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let looks_plain = !text.is_empty() && !text.starts_with(['{', '[', '<']);
    looks_plain.then(|| text.lines().next().unwrap_or_default().to_owned())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(rename = "traceId")]
    trace_id: Option<Text>,
    message: Option<Text>,
    error: Option<Text>,
}

/// Services write one text, a list of texts, or an object with a text in it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    One(String),
    Many(Vec<String>),
    Inner { message: String },
    Other(serde::de::IgnoredAny),
}

impl Text {
    fn into_id(self) -> Option<String> {
        self.into_line().map(|id| redact::text(&id))
    }

    fn into_line(self) -> Option<String> {
        match self {
            Self::One(line) | Self::Inner { message: line } => Some(line),
            Self::Many(lines) => Some(lines.join("; ")),
            Self::Other(_) => None,
        }
        .filter(|line| !line.trim().is_empty())
    }
}
