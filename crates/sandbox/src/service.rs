//! What happens to a request of either service, in order: find the operation, log, faults, work.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response};

use crate::answer::respond;
use crate::body::Body;
use crate::faults::{Order, Target};
use crate::misbehave::misbehave;
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

static HIGHLEVEL: LazyLock<Result<Operations, String>> =
    LazyLock::new(|| highlevel_as(include_str!("../openapi/highlevel.json")));

/// HighLevel as a document describes it.
///
/// # Errors
/// Why the document is no description.
pub fn highlevel_as(document: &str) -> Result<Operations, String> {
    let bundle = Bundle::read(document)?;
    Ok(Operations::new(crate::highlevel::routes::ROUTES, bundle))
}

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

pub type Served = Result<Response<Body>, Dropped>;

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
    let found = match shared.operations(service) {
        Some(operations) => operations.find(parts.method.as_str(), path),
        None => Found::Nothing,
    };
    let (fault, seq) = enter(shared, &incoming, &found);
    let served = match fault {
        None => Ok(respond(work(shared, &incoming, &found))),
        Some(fault) => misbehave(shared, &incoming, &found, &fault).await,
    };
    if let Ok(response) = &served {
        let status = response.status().as_u16();
        shared.world().requests.answered(seq, status);
    }
    served.map(|mut response| {
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
    let arguments = match found {
        Found::Operation(_, arguments) => arguments.as_slice(),
        Found::WrongCase | Found::Nothing => &[],
    };
    let mut world = shared.world();
    let created = arguments
        .last()
        .and_then(|id| Some((*id, world.history.created(id)?)));
    let fault = world.faults.for_request(Target {
        service: incoming.service.name(),
        operation: operation.map(|operation| operation.name.as_str()),
        template: operation.map(|operation| operation.template.as_str()),
        method: incoming.parts.method.as_str(),
        path: incoming.path,
        created,
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

/// The `Date` of an answer: the sandbox's clock and not the machine's, as the service's answers show the service's.
fn date(now: jiff::Timestamp) -> HeaderValue {
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
