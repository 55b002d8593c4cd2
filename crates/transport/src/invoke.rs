//! Calls an operation by its table entry: one flat JSON object of arguments in, JSON out.
//!
//! Members named like a path or query parameter go there; the rest is the body. An operation whose body is a list takes
//! it as the member `body`.

use std::borrow::Cow;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, Method};
use reqwest::Url;
use serde_json::{Map, Value};

use crate::execute::Execute;
use crate::failure::CallError;
use crate::operation::{Body, Operation, Parameter, Place};
use crate::tolerant;
use crate::transport::BuildError;

/// The arguments do not fit the operation. Names fields, never shows values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    #[error("there is no operation of this name{}", nearest.map(|name| format!("; the nearest is `{name}`")).unwrap_or_default())]
    UnknownOperation { nearest: Option<&'static str> },
    #[error("the arguments must be one JSON object")]
    NotAnObject,
    #[error("`{field}` is missing; give it as a member of the arguments")]
    Missing { field: String },
    #[error("`{field}` {problem}")]
    Invalid {
        field: String,
        problem: Cow<'static, str>,
    },
    #[error("`{field}` is unknown here; {}", takes_text(nearest.as_deref(), takes))]
    Unexpected {
        field: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// All names that are known at this place.
        takes: Vec<String>,
    },
    #[error("it takes one of {}", fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", "))]
    OneOf { fields: Vec<String> },
    #[error("the operation gives no list, so there are no pages of it")]
    NotAList,
}

impl InvokeError {
    /// The argument that is wrong.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Missing { field }
            | Self::Invalid { field, .. }
            | Self::Unexpected { field, .. } => Some(field),
            Self::UnknownOperation { .. }
            | Self::NotAnObject
            | Self::OneOf { .. }
            | Self::NotAList => None,
        }
    }

    /// Whether something else stands where an integer is wanted.
    pub fn wants_integer(&self) -> bool {
        matches!(self, Self::Invalid { problem, .. } if problem.contains(INTEGER))
    }
}

/// How texts name an integer.
pub(crate) const INTEGER: &str = "a whole number";

fn takes_text(nearest: Option<&str>, takes: &[String]) -> String {
    match (nearest, takes) {
        (Some(nearest), _) => format!("the nearest is `{nearest}`"),
        (None, []) => "nothing is taken here".to_owned(),
        (None, takes) => format!("what is taken here: {}", takes.join(", ")),
    }
}

/// The name that was probably meant.
pub fn nearest<'a>(names: impl IntoIterator<Item = &'a str>, meant: &str) -> Option<&'a str> {
    let meant = meant.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &meant), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The operation of this name.
pub fn find(operations: &'static [Operation], name: &str) -> Option<&'static Operation> {
    operations.iter().find(|operation| operation.name == name)
}

/// The error for a name that [`find`] does not know, with the nearest name that exists.
pub fn unknown(operations: &'static [Operation], name: &str) -> CallError {
    let nearest = nearest(operations.iter().map(|operation| operation.name), name);
    CallError::arguments(
        "unknown operation",
        InvokeError::UnknownOperation { nearest },
    )
}

/// Reads a base URL such as `https://services.example.com`.
pub fn base_url(text: &str) -> Result<Url, BuildError> {
    let wrong = || BuildError::BaseUrl {
        url: crate::redact::text(text),
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(wrong()) }
}

/// Whether a service is on this machine.
pub fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Sends the operation and reads the answer. What it shows has been judged where it was sent.
pub async fn call(
    execute: &dyn Execute,
    base: &Url,
    operation: &'static Operation,
    args: &Value,
    headers: HeaderMap,
) -> Result<Value, CallError> {
    let mut request = checked(base, operation, args)?;
    request.headers_mut().extend(headers);
    let response = send(execute, operation, request).await?;
    let status = response.status();
    let body = response
        .bytes()
        .await
        .map_err(|error| CallError::from_reqwest(operation, error))?;
    tolerant::parse(&body).map_err(|error| CallError::unreadable(operation, Some(status), &error))
}

/// Sends the operation and hands its answer over unread, for answers that are files. Each piece of it has to come within
/// the transport's time-out, the whole need not.
pub async fn download(
    execute: &dyn Execute,
    base: &Url,
    operation: &'static Operation,
    args: &Value,
) -> Result<reqwest::Response, CallError> {
    let mut request = checked(base, operation, args)?;
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("*/*"));
    send(execute, operation, request).await
}

fn checked(
    base: &Url,
    operation: &'static Operation,
    args: &Value,
) -> Result<reqwest::Request, CallError> {
    request(base, operation, args).map_err(|error| CallError::arguments(operation.name, error))
}

async fn send(
    execute: &dyn Execute,
    operation: &'static Operation,
    request: reqwest::Request,
) -> Result<reqwest::Response, CallError> {
    let response = execute
        .execute(operation, request)
        .await
        .map_err(|error| CallError::from_reqwest(operation, error))?;
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(CallError::from_response(operation, &response))
    }
}

/// Puts the request together, without sending it.
pub fn request(
    base: &Url,
    operation: &'static Operation,
    args: &Value,
) -> Result<reqwest::Request, InvokeError> {
    let mut rest = match args {
        Value::Object(members) => members.clone(),
        Value::Null => Map::new(),
        _ => return Err(InvokeError::NotAnObject),
    };
    let mut path = Vec::new();
    let mut query = Vec::new();
    for parameter in operation.parameters {
        let value = rest
            .shift_remove(parameter.name)
            .filter(|value| !value.is_null());
        match (value, parameter.place) {
            (Some(value), Place::Path) => {
                path.push((parameter.name, path_value(parameter, &value)?));
            }
            (Some(value), Place::Query) => query_values(parameter, &value, &mut query)?,
            (None, Place::Query) if !parameter.required => {}
            (None, _) => {
                return Err(InvokeError::Missing {
                    field: parameter.name.to_owned(),
                });
            }
        }
    }
    let mut url = fill_path(base, operation.path, &path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let method = Method::from_bytes(operation.http_method.as_bytes()).unwrap_or(Method::GET);
    let mut request = reqwest::Request::new(method, url);
    set_body(&mut request, operation, rest)?;
    Ok(request)
}

fn set_body(
    request: &mut reqwest::Request,
    operation: &Operation,
    rest: Map<String, Value>,
) -> Result<(), InvokeError> {
    let (kind, body) = match operation.body {
        Body::None => {
            return match rest.into_iter().next() {
                Some((field, _)) => {
                    let takes = || operation.parameters.iter().map(|parameter| parameter.name);
                    Err(InvokeError::Unexpected {
                        nearest: nearest(takes(), &field).map(str::to_owned),
                        takes: takes().map(str::to_owned).collect(),
                        field,
                    })
                }
                None => Ok(()),
            };
        }
        Body::Json => ("application/json", json_body(rest)),
        Body::Form => ("application/x-www-form-urlencoded", form_body(&rest)?),
    };
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    *request.body_mut() = Some(body.into());
    Ok(())
}

fn json_body(rest: Map<String, Value>) -> String {
    match rest.get("body") {
        Some(list @ Value::Array(_)) if rest.len() == 1 => list.to_string(),
        _ => Value::Object(rest).to_string(),
    }
}

fn form_body(rest: &Map<String, Value>) -> Result<String, InvokeError> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (field, value) in rest.iter().filter(|(_, value)| !value.is_null()) {
        let text = scalar(value).ok_or_else(|| not_scalar(field))?;
        form.append_pair(field, &text);
    }
    Ok(form.finish())
}

fn path_value(parameter: &Parameter, value: &Value) -> Result<String, InvokeError> {
    let text = scalar(value).ok_or_else(|| not_scalar(parameter.name))?;
    let problem = match text.as_str() {
        // An empty id would reach another operation: the list.
        "" => "is empty",
        // Servers and proxies fold these away, even when encoded.
        "." | ".." => "cannot be part of a path",
        _ => return Ok(text),
    };
    Err(InvokeError::Invalid {
        field: parameter.name.to_owned(),
        problem: problem.into(),
    })
}

fn query_values(
    parameter: &Parameter,
    value: &Value,
    query: &mut Vec<(&'static str, String)>,
) -> Result<(), InvokeError> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    for value in values {
        query.push((
            parameter.name,
            scalar(value).ok_or_else(|| not_scalar(parameter.name))?,
        ));
    }
    Ok(())
}

fn not_scalar(field: &str) -> InvokeError {
    InvokeError::Invalid {
        field: field.to_owned(),
        problem: "must be a text, a number or true or false".into(),
    }
}

/// How a value is written outside JSON. A whole number has no `.0`, which services refuse.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => {
            let text = number.to_string();
            Some(text.strip_suffix(".0").map(str::to_owned).unwrap_or(text))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn fill_path(base: &Url, template: &str, values: &[(&str, String)]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        for segment in template.trim_start_matches('/').split('/') {
            let mut filled = segment.to_owned();
            for (name, value) in values {
                // Only whole segments are parameters, so a value that looks like one is never filled in again.
                if segment
                    .strip_prefix('{')
                    .and_then(|segment| segment.strip_suffix('}'))
                    == Some(name)
                {
                    filled.clone_from(value);
                }
            }
            segments.push(&filled);
        }
    }
    url
}
