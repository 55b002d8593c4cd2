//! Whether an answer shows what its operation's success must. The one place that decides it, for typed calls, calls by
//! name, streams and all that build on them.

use percent_encoding::percent_decode_str;
use reqwest::Url;
use serde_json::Value;

use crate::lenient::Lenient as _;
use crate::operation::{Member, MemberKind, Operation, Shown};
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

/// The value of the path parameter that the answer's record must have as its id.
pub(crate) fn asked(operation: &Operation, url: &Url) -> Option<String> {
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

/// Whether the body shows the operation's success; `asked` is the id that was asked for.
pub(crate) fn judge(
    operation: &Operation,
    asked: Option<&str>,
    body: &Value,
) -> Result<(), Unreadable> {
    if body.is_null() {
        return Err(Unreadable::Null);
    }
    if let Some(status) = status_in(body).filter(|status| *status >= 400) {
        return Err(error_body(body, Some(status)));
    }
    let evidence = &operation.evidence;
    let flag = |pointer: &str| body.pointer(pointer).cloned().and_then(bool::from_json);
    if let Some(at) = evidence.flags.iter().find(|at| flag(at) == Some(false)) {
        return Err(Unreadable::Declined { flag: at });
    }
    // What a record says of itself is not said of the call.
    let is_what_was_asked = asked.is_some();
    let shown = show(operation, asked, body);
    match shown {
        Err(_) if looks_like_an_error(body) => Err(error_body(body, None)),
        Ok(()) if !is_what_was_asked && has_error(body) => Err(error_body(body, None)),
        shown => shown,
    }
}

fn show(operation: &Operation, asked: Option<&str>, body: &Value) -> Result<(), Unreadable> {
    let missing = |what: String| Err(Unreadable::Missing { what });
    match operation.evidence.shown {
        Shown::List { at, some } => match body.pointer(at) {
            Some(Value::Array(items)) if some && items.is_empty() => {
                missing("what was made: its list is empty".to_owned())
            }
            Some(Value::Array(_)) => Ok(()),
            _ => Err(Unreadable::NoList { at }),
        },
        Shown::Record { id, .. } => match (body.pointer(id).and_then(scalar), asked) {
            (None, _) => missing(format!("the record's id at `{id}`")),
            (Some(id), Some(asked)) if id != asked => Err(Unreadable::OtherRecord),
            (Some(_), _) => Ok(()),
        },
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

fn status_in(body: &Value) -> Option<u16> {
    u16::try_from(i64::from_json(body.get("statusCode")?.clone())?).ok()
}

/// An `error` that says something.
fn has_error(body: &Value) -> bool {
    let error = body.get("error");
    error.is_some_and(|error| *error != Value::Bool(false) && is_said(error))
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
