//! Answering a request that a fault strikes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, encode, respond};
use crate::body::{Body, Pieces, whole};
use crate::faults::{Kind, Order};
use crate::operations::Found;
use crate::service::{Dropped, Incoming, Served};
use crate::shared::Shared;
use crate::work::{in_form, work};

pub async fn misbehave(
    shared: &Shared,
    incoming: &Incoming<'_>,
    found: &Found<'_, '_>,
    fault: &Order,
) -> Served {
    let pause = Duration::from_millis(fault.delay_ms.unwrap_or_default());
    if fault.after_work {
        work(shared, incoming, found);
    }
    match fault.kind {
        Kind::Delay => {
            tokio::time::sleep(pause).await;
            Ok(respond(work(shared, incoming, found)))
        }
        Kind::DropRequest => Err(Dropped),
        Kind::DropAnswer => {
            work(shared, incoming, found);
            Err(Dropped)
        }
        Kind::Hang => std::future::pending().await,
        Kind::Answer => Ok(exactly(fault)),
        Kind::Alter => {
            let mut answer = work(shared, incoming, found);
            alter(&mut answer.body, fault);
            Ok(respond(answer))
        }
        Kind::SlowBody => {
            let (head, bytes) = encode(work(shared, incoming, found));
            let piece = fault.piece_bytes.unwrap_or(1);
            Ok(head.map(|()| Pieces::slow(bytes, piece, pause)))
        }
        Kind::CutBody => {
            let (head, bytes) = encode(work(shared, incoming, found));
            let after = fault.after_bytes.unwrap_or(bytes.len() / 2);
            Ok(head.map(|()| Pieces::cut(bytes, after)))
        }
        Kind::LateRecord => {
            let message = match found {
                Found::Operation(_, arguments) => arguments.last(),
                Found::WrongCase | Found::Nothing => None,
            }
            .map(|id| format!("No record with id {id} found"));
            let answer = Answer::not_found(message.unwrap_or_default());
            Ok(respond(in_form(shared, incoming, answer)))
        }
        Kind::Status | Kind::DuplicateWebhooks | Kind::ReorderWebhooks | Kind::LoseWebhooks => {
            Ok(respond(refusal(shared, incoming, fault)))
        }
    }
}

/// A status in the service's form, or with the body that was ordered.
fn refusal(shared: &Shared, incoming: &Incoming<'_>, fault: &Order) -> Answer {
    let status = status(fault, StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match &fault.body {
        Some(body) => Answer::new(status, body.clone()),
        None => in_form(
            shared,
            incoming,
            Answer::refused(status, "a fault was ordered for this request"),
        ),
    };
    answer.headers.extend(headers(fault));
    answer
}

/// Nothing but what was ordered.
fn exactly(fault: &Order) -> Response<Body> {
    let (media, bytes) = match (&fault.body, &fault.text, &fault.base64) {
        (Some(body), _, _) => (
            "application/json; charset=utf-8",
            Bytes::from(body.to_string()),
        ),
        (None, Some(text), _) => ("text/plain; charset=utf-8", Bytes::from(text.clone())),
        (None, None, Some(text)) => (
            "application/octet-stream",
            Bytes::from(STANDARD.decode(text).unwrap_or_default()),
        ),
        (None, None, None) => ("", Bytes::new()),
    };
    let media = fault.content_type.as_deref().unwrap_or(media);
    let body = match fault.repeat {
        Some(times) => Pieces::repeated(bytes, times),
        None => whole(bytes),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status(fault, StatusCode::OK);
    let sent = response.headers_mut();
    if let Ok(media) = HeaderValue::try_from(media)
        && !media.is_empty()
    {
        sent.insert(http::header::CONTENT_TYPE, media);
    }
    sent.extend(headers(fault).map(|(name, value)| (Some(name), value)));
    response
}

fn status(fault: &Order, otherwise: StatusCode) -> StatusCode {
    let ordered = fault.status.map(StatusCode::from_u16);
    ordered.and_then(Result::ok).unwrap_or(otherwise)
}

fn headers(fault: &Order) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let headers = fault.headers.iter();
    headers.filter_map(|(name, value)| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value).ok()?))
    })
}

/// Changes the answer's JSON as ordered: first what is set, then what is taken out.
fn alter(body: &mut Value, fault: &Order) {
    for (pointer, value) in &fault.set {
        if let Some(place) = reach(body, pointer) {
            *place = value.clone();
        }
    }
    for pointer in &fault.remove {
        let Some((parent, last)) = pointer.rsplit_once('/') else {
            continue;
        };
        let last = unescaped(last);
        match body.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.shift_remove(&last);
            }
            Some(Value::Array(items)) => {
                if let Some(at) = last.parse().ok().filter(|at| *at < items.len()) {
                    items.remove(at);
                }
            }
            _ => {}
        }
    }
}

/// What a pointer leads to, made where it is missing; `-` and the place after the last one extend a list.
fn reach<'b>(body: &'b mut Value, pointer: &str) -> Option<&'b mut Value> {
    let mut place = body;
    for segment in pointer.split('/').skip(1) {
        let segment = unescaped(segment);
        if !place.is_array() && !place.is_object() {
            *place = json!(Map::new());
        }
        place = match place {
            Value::Array(items) => {
                let at = segment.parse().unwrap_or(items.len());
                if at == items.len() {
                    items.push(Value::Null);
                }
                items.get_mut(at)?
            }
            other => other.as_object_mut()?.entry(segment).or_insert(Value::Null),
        };
    }
    Some(place)
}

fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}
