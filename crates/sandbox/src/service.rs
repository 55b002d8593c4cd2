//! What happens to a request of either service, in order: find the operation, log, faults, work.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use crate::answer::Answer;
use crate::faults::{Kind, Order, Target};
use crate::operations::{Found, Operations};
use crate::requests::Request;
use crate::shared::Shared;
use crate::spec::Bundle;
use crate::work::{header, work};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    HighLevel,
    Ecologi,
}

static HIGHLEVEL: LazyLock<Result<Operations, String>> = LazyLock::new(|| {
    let bundle = Bundle::read(include_str!("../openapi/highlevel.json"))?;
    Ok(Operations::new(crate::highlevel::routes::ROUTES, bundle))
});

static ECOLOGI: LazyLock<Result<Operations, String>> = LazyLock::new(|| {
    let bundle = Bundle::read(include_str!("../openapi/ecologi.json"))?;
    Ok(Operations::new(&[crate::ecologi::routes::ROUTES], bundle))
});

impl Service {
    pub fn name(self) -> &'static str {
        match self {
            Self::HighLevel => "highlevel",
            Self::Ecologi => "ecologi",
        }
    }

    /// The operations, read from the bundled description once per process.
    pub fn operations(self) -> Result<&'static Operations, &'static str> {
        let operations = match self {
            Self::HighLevel => &*HIGHLEVEL,
            Self::Ecologi => &*ECOLOGI,
        };
        operations.as_ref().map_err(String::as_str)
    }
}

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped by a fault")]
pub struct Dropped;

pub type Served = Result<Response<Full<Bytes>>, Dropped>;

/// A request, read.
pub struct Incoming<'r> {
    pub service: Service,
    pub parts: &'r Parts,
    /// Without the service's prefix.
    pub path: &'r str,
    pub query: Vec<(String, String)>,
    pub body: Bytes,
}

/// Answers a request of a service; `path` is without the service's prefix.
pub async fn serve(
    shared: &Arc<Shared>,
    service: Service,
    parts: &Parts,
    path: &str,
    body: Bytes,
) -> Served {
    let query = parts.uri.query().unwrap_or_default();
    let incoming = Incoming {
        service,
        parts,
        path,
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        body,
    };
    let found = match service.operations() {
        Ok(operations) => operations.find(parts.method.as_str(), path),
        Err(_) => Found::Nothing,
    };
    let (fault, seq) = enter(shared, &incoming, &found);
    let served = match fault {
        None => Ok(work(shared, &incoming, &found)),
        Some(fault) => work_with_fault(shared, &incoming, &found, &fault).await,
    };
    if let Ok(answer) = &served {
        shared
            .world()
            .requests
            .answered(seq, answer.status.as_u16());
    }
    served.map(|answer| {
        let mut response = into_response(answer);
        response
            .headers_mut()
            .entry(http::header::DATE)
            .or_insert_with(|| date(shared.clock.now()));
        response
    })
}

/// Logs the request and draws the fault that strikes it.
fn enter(shared: &Shared, incoming: &Incoming<'_>, found: &Found<'_, '_>) -> (Option<Order>, u64) {
    let operation = match found {
        Found::Operation(operation, _) => Some(*operation),
        Found::WrongCase | Found::Nothing => None,
    };
    let mut world = shared.world();
    let fault = world.faults.for_request(Target {
        service: incoming.service.name(),
        operation: operation.map(|operation| operation.name.as_str()),
        template: operation.map(|operation| operation.template.as_str()),
        method: incoming.parts.method.as_str(),
        path: incoming.path,
    });
    let seq = world.requests.push(|seq| Request {
        seq,
        at: shared.clock.now(),
        service: incoming.service.name(),
        method: incoming.parts.method.to_string(),
        path: incoming.path.to_owned(),
        operation: operation.map(|operation| operation.name.clone()),
        status: None,
        idempotency_key: header(&incoming.parts.headers, "idempotency-key").map(ToOwned::to_owned),
        fault: fault.as_ref().map(|fault| fault.kind.name()),
    });
    (fault, seq)
}

async fn work_with_fault(
    shared: &Shared,
    incoming: &Incoming<'_>,
    found: &Found<'_, '_>,
    fault: &Order,
) -> Result<Answer, Dropped> {
    match fault.kind {
        Kind::Delay => {
            tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or_default())).await;
            Ok(work(shared, incoming, found))
        }
        Kind::DropRequest => Err(Dropped),
        Kind::DropAnswer => {
            work(shared, incoming, found);
            Err(Dropped)
        }
        Kind::Hang => {
            if fault.after_work {
                work(shared, incoming, found);
            }
            std::future::pending().await
        }
        _ => {
            if fault.after_work {
                work(shared, incoming, found);
            }
            Ok(ordered_answer(fault))
        }
    }
}

fn ordered_answer(fault: &Order) -> Answer {
    let status = fault
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match &fault.body {
        Some(body) => Answer::new(status, body.clone()),
        None => Answer::refused(status, "a fault was ordered for this request"),
    };
    for (name, value) in &fault.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers.push((name, value));
        }
    }
    answer
}

fn into_response(answer: Answer) -> Response<Full<Bytes>> {
    // Only a fault can order a plain text; the services' own answers are objects.
    let (media, bytes) = match (answer.download, answer.body) {
        (Some(download), _) => (download.media, download.bytes),
        (None, Value::String(text)) => ("text/plain; charset=utf-8", Bytes::from(text)),
        (None, body) => (
            "application/json; charset=utf-8",
            Bytes::from(body.to_string()),
        ),
    };
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(media));
    for (name, value) in answer.headers {
        headers.insert(name, value);
    }
    response
}

/// The `Date` of an answer: the sandbox's clock and not the machine's, as the service's answers show the service's.
fn date(now: jiff::Timestamp) -> HeaderValue {
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
