//! Whether an answer shows what its operation's success must. The one place that decides it, for typed calls, calls by
//! name, streams and all that build on them.

use percent_encoding::percent_decode_str;
use reqwest::{Request, Url};
use serde_json::Value;

use crate::lenient::Lenient as _;
use crate::operation::{Idempotency, Member, MemberKind, Operation, Shown};
use crate::redact;

/// Why an answer whose status is a success is none: it is taken neither for a success nor for a refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    #[error("it has no body")]
    Empty,
    #[error("it is a page and not the service's JSON")]
    Page,
    #[error("its body cannot be read: {0}")]
    Malformed(String),
    #[error("it is null")]
    Null,
    #[error("its body is an error's{}", error_text(*status, message.as_deref()))]
    ErrorBody {
        status: Option<u16>,
        /// Its text, with personal data masked.
        message: Option<String>,
    },
    /// A success flag says that it is none.
    #[error("`{flag}` in it is false")]
    Declined { flag: &'static str },
    #[error("there is no list at `{at}` in it")]
    NoList { at: &'static str },
    #[error("it does not show {what}")]
    Missing { what: String },
    /// It shows a record, and another one than was asked for.
    #[error("it shows another record than the one that was asked for")]
    OtherRecord,
    /// What else is wrong.
    #[error("{0}")]
    Told(String),
    #[error("it is larger than {} kB", limit / 1000)]
    TooLarge { limit: usize },
    #[error("its body did not come whole in {} s", after.as_secs())]
    Slow { after: std::time::Duration },
}

fn error_text(status: Option<u16>, message: Option<&str>) -> String {
    let status = status.map(|status| format!(" ({status})"));
    let message = message.map(|message| format!(": {message}"));
    [status, message].into_iter().flatten().collect()
}

/// What the answer is held against: what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The id that the answer's record must have.
    id: Option<String>,
    /// Texts that the answer's list must show, as it was sent to be added to.
    added: Vec<String>,
    /// Texts that it must not show any more, as they were sent to be taken out.
    removed: Vec<String>,
    /// The state that was asked for, in services' word `status`.
    status: Option<String>,
}

impl Asked {
    pub fn of(operation: &Operation, request: &Request) -> Self {
        let mut asked = Self {
            id: asked_id(operation, request.url()),
            ..Self::default()
        };
        if operation.idempotency == Idempotency::Read {
            return asked;
        }
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let Some(body) = body.and_then(|body| serde_json::from_slice::<Value>(body).ok()) else {
            return asked;
        };
        asked.status = body["status"].as_str().map(str::to_owned);
        // A list of texts that is posted is added to the one that is answered, one that comes with a DELETE is taken out.
        if let Shown::List { at, .. } = operation.evidence.shown
            && !at.is_empty()
        {
            let sent = body.pointer(at).and_then(Value::as_array);
            let texts = sent.into_iter().flatten().filter_map(Value::as_str);
            let texts = texts.map(plain).filter(|text| !text.is_empty()).collect();
            match operation.http_method {
                "POST" => asked.added = texts,
                "DELETE" => asked.removed = texts,
                _ => {}
            }
        }
        asked
    }

    /// Whether an error's body speaks of the record that was asked for.
    pub fn is_named_in(&self, error: &Value) -> bool {
        let said = |name: &str| error.get(name).and_then(Value::as_str);
        let id = self.id.as_deref().unwrap_or_default();
        let texts = [said("message"), said("error")];
        !id.is_empty() && texts.into_iter().flatten().any(|text| text.contains(id))
    }

    /// Whether what was to be added is in the list.
    fn is_added(&self, list: &[Value]) -> bool {
        let there = texts(list);
        self.added.iter().all(|added| there.contains(added))
    }

    /// Whether what was to be taken out is not.
    fn is_removed(&self, list: &[Value]) -> bool {
        let there = texts(list);
        !self.removed.iter().any(|removed| there.contains(removed))
    }
}

fn texts(list: &[Value]) -> Vec<String> {
    list.iter().filter_map(Value::as_str).map(plain).collect()
}

/// The service writes tags in small letters.
fn plain(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The value of the path parameter that the answer's record must have as its id.
fn asked_id(operation: &Operation, url: &Url) -> Option<String> {
    let Shown::Record {
        asked: Some(name), ..
    } = operation.evidence.shown
    else {
        return None;
    };
    // From the end: a base URL may have a path of its own.
    let template = operation.path.split('/').rev();
    let sent = url.path().split('/').rev();
    let (_, value) = template.zip(sent).find(|(segment, _)| {
        segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            == Some(name)
    })?;
    let value = percent_decode_str(value).decode_utf8_lossy();
    (!value.is_empty()).then(|| value.into_owned())
}

/// How services spell the flag of success, at the top of an answer. No operation means anything else by it.
const FLAGS: [&str; 3] = ["/success", "/succeded", "/succeeded"];
/// What a write says of itself in `status` when it failed.
const FAILED: [&str; 4] = ["error", "fail", "failed", "failure"];

/// Whether the body shows the operation's success, as it was asked for.
pub(crate) fn judge(operation: &Operation, asked: &Asked, body: &Value) -> Result<(), Unreadable> {
    if body.is_null() {
        return Err(Unreadable::Null);
    }
    if let Some(status) = status_in(body).filter(|status| *status >= 400) {
        return Err(error_body(body, Some(status)));
    }
    let evidence = &operation.evidence;
    let flag = |pointer: &str| body.pointer(pointer).cloned().and_then(bool::from_json);
    let mut flags = evidence.flags.iter().chain(&FLAGS);
    if let Some(at) = flags.find(|at| flag(at) == Some(false)) {
        return Err(Unreadable::Declined { flag: at });
    }
    if operation.idempotency != Idempotency::Read && says_failed(body, asked) {
        return Err(error_body(body, None));
    }
    let is_done = FLAGS.iter().any(|at| flag(at) == Some(true));
    match show(operation, asked, body) {
        Err(_) if looks_like_an_error(body) => Err(error_body(body, None)),
        Ok(()) if has_error(body) && !is_of_the_record(operation, asked, body) => {
            Err(error_body(body, None))
        }
        Ok(()) if !is_the_record(operation, asked) && !message_fits(body, is_done) => {
            Err(error_body(body, None))
        }
        shown => shown,
    }
}

/// `status` says that the call failed. A write may ask for that state itself.
fn says_failed(body: &Value, asked: &Asked) -> bool {
    let status = body.get("status").and_then(Value::as_str).map(plain);
    status.is_some_and(|status| {
        FAILED.contains(&&*status) && asked.status.as_deref().map(plain) != Some(status)
    })
}

/// The answer as a whole is the record that was asked for: its members are the record's.
fn is_the_record(operation: &Operation, asked: &Asked) -> bool {
    let at_the_top = |pointer: &str| pointer.rfind('/') == Some(0);
    matches!(operation.evidence.shown, Shown::Record { id, .. } if at_the_top(id))
        && asked.id.is_some()
}

/// What a record says of itself is not said of the call: why a message was not delivered is an object with a code. A text
/// is an error's.
fn is_of_the_record(operation: &Operation, asked: &Asked, body: &Value) -> bool {
    is_the_record(operation, asked)
        && body
            .get("error")
            .is_none_or(|error| error.get("code").is_some())
        && body.get("errors").is_none_or(|errors| !is_said(errors))
}

/// Words of a message beside what an answer must show. A success says so, an error's body does not: `Forbidden` beside an
/// id is no success.
const DONE: [&str; 18] = [
    "created",
    "updated",
    "changed",
    "deleted",
    "deleting",
    "removed",
    "added",
    "saved",
    "sent",
    "queued",
    "scheduled",
    "done",
    "ok",
    "completed",
    "accepted",
    "found",
    "fetched",
    "retrieved",
];
/// With these no word makes a success of it.
const NOT_DONE: [&str; 22] = [
    "fail",
    "forbidden",
    "error",
    "unauthori",
    "denied",
    "invalid",
    "not ",
    "cannot",
    "can't",
    "unable",
    "exceed",
    "too many",
    "must ",
    "required",
    "missing",
    "expired",
    "suspended",
    "reject",
    "refused",
    "already",
    "unsuccess",
    "timed out",
];

fn message_fits(body: &Value, is_done: bool) -> bool {
    let Some(message) = body.get("message").filter(|message| is_said(message)) else {
        return true;
    };
    let Some(message) = message.as_str().map(plain) else {
        // A list of sentences is how wrong properties are named.
        return is_done;
    };
    let says_no = NOT_DONE.iter().any(|word| message.contains(word)) || message.starts_with("no ");
    let mut words = message.split(|c: char| !c.is_alphanumeric());
    let says_yes = words.any(|word| word.starts_with("success") || DONE.contains(&word));
    !says_no && (is_done || says_yes)
}

fn show(operation: &Operation, asked: &Asked, body: &Value) -> Result<(), Unreadable> {
    let missing = |what: String| Err(Unreadable::Missing { what });
    match operation.evidence.shown {
        Shown::List { at, some } => match body.pointer(at) {
            Some(Value::Array(items)) if some && items.is_empty() => {
                missing("what was made: its list is empty".to_owned())
            }
            Some(Value::Array(items)) if !asked.is_added(items) => {
                missing(format!("all that was to be added, at `{at}`"))
            }
            Some(Value::Array(items)) if !asked.is_removed(items) => {
                missing(format!("that all was taken out of `{at}`"))
            }
            Some(Value::Array(_)) => Ok(()),
            _ => Err(Unreadable::NoList { at }),
        },
        Shown::Record { id, .. } => {
            match (body.pointer(id).and_then(scalar), asked.id.as_deref()) {
                (None, _) => missing(format!("the record's id at `{id}`")),
                (Some(id), Some(asked)) if id != asked => Err(Unreadable::OtherRecord),
                (Some(_), _) => Ok(()),
            }
        }
        Shown::RecordOrNull { at, id } => match body.pointer(at) {
            Some(Value::Null) => Ok(()),
            Some(_) if body.pointer(id).and_then(scalar).is_some() => Ok(()),
            _ => missing(format!("a record or null at `{at}`")),
        },
        Shown::Members(groups) => {
            let is_there = |member: &Member| {
                let value = body.pointer(member.at);
                value.is_some_and(|value| is_a(member.kind, value))
            };
            if groups.iter().any(|group| group.iter().all(is_there)) {
                return Ok(());
            }
            let group = |group: &&[Member]| {
                let names: Vec<_> = group.iter().map(|member| member.at).collect();
                names.join(" with ")
            };
            let groups: Vec<_> = groups.iter().map(group).collect();
            missing(groups.join(", or "))
        }
        Shown::Flag => {
            let flags = operation.evidence.flags;
            let is_true = |at: &&str| {
                let value = body.pointer(at).cloned();
                value.and_then(bool::from_json) == Some(true)
            };
            if flags.iter().any(is_true) {
                return Ok(());
            }
            missing(format!("{} as true", flags.join(" or ")))
        }
        Shown::Answer { .. } if !body.is_object() => missing("an object".to_owned()),
        Shown::Answer { .. } if looks_like_an_error(body) => Err(error_body(body, None)),
        Shown::Bytes | Shown::Answer { .. } => Ok(()),
    }
}

/// Whether JSON that came in place of a file is an error's.
pub(crate) fn judge_file(body: &Value) -> Result<(), Unreadable> {
    let status = status_in(body).filter(|status| *status >= 400);
    if body.is_null() {
        Err(Unreadable::Null)
    } else if status.is_some() || looks_like_an_error(body) {
        Err(error_body(body, status))
    } else {
        Ok(())
    }
}

/// The status that an error's body tells: by its own member, or as a number in `status`.
pub(crate) fn status_in(body: &Value) -> Option<u16> {
    let of = |value: &Value| u16::try_from(i64::from_json(value.clone())?).ok();
    ["statusCode", "responseCode"]
        .iter()
        .find_map(|name| of(body.get(name)?))
        .or_else(|| of(body.get("status").filter(|status| status.is_number())?))
}

/// An `error` that says something.
fn has_error(body: &Value) -> bool {
    let says = |error: &Value| *error != Value::Bool(false) && is_said(error);
    ["error", "errors"]
        .iter()
        .any(|name| body.get(name).is_some_and(says))
}

fn looks_like_an_error(body: &Value) -> bool {
    has_error(body) || body.get("message").is_some_and(Value::is_string)
}

fn error_body(body: &Value, status: Option<u16>) -> Unreadable {
    let text = |name: &str| {
        let value = body.get(name)?;
        let value = value.get("message").unwrap_or(value);
        Some(redact::text(value.as_str()?))
    };
    Unreadable::ErrorBody {
        status,
        message: text("message").or_else(|| text("error")),
    }
}

fn is_a(kind: MemberKind, value: &Value) -> bool {
    match kind {
        MemberKind::Text => value.is_string() && is_said(value),
        MemberKind::Number => f64::from_json(value.clone()).is_some(),
        MemberKind::Flag => bool::from_json(value.clone()).is_some(),
        MemberKind::Any => is_said(value),
    }
}

/// Neither null nor empty.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn scalar(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
