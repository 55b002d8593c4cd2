//! What happens to a request of either service, in order: find the operation, faults, token, version, limits,
//! description, work.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::faults::{Kind, Order, Target};
use crate::highlevel::access::{self, Access, Caller, Class};
use crate::operations::{Found, Operation, Operations};
use crate::requests::Request;
use crate::server::Shared;
use crate::spec::Bundle;
use crate::world::World;

/// The API version that HighLevel's contacts, locations and OAuth take.
const VERSION: &str = "2021-07-28";

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
    Ok(Operations::new(crate::ecologi::routes::ROUTES, bundle))
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
struct Incoming<'r> {
    service: Service,
    parts: &'r Parts,
    /// Without the service's prefix.
    path: &'r str,
    query: Vec<(String, String)>,
    body: Bytes,
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
    served.map(into_response)
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

/// Does what the request asks and answers it.
fn work(shared: &Shared, incoming: &Incoming<'_>, found: &Found<'_, '_>) -> Answer {
    let mut world = shared.world();
    let answer = match found {
        Found::Operation(operation, arguments) => {
            handle(shared, &mut world, incoming, operation, arguments)
                .unwrap_or_else(|refusal| refusal)
        }
        // The service answers a path in the wrong letter case as if the token were bad.
        Found::WrongCase => Answer::unauthorized("Unauthorized"),
        Found::Nothing => Answer::not_found(format!(
            "Cannot {} {}",
            incoming.parts.method, incoming.path
        )),
    };
    let mut answer = answer;
    if incoming.service == Service::HighLevel
        && let Value::Object(body) = &mut answer.body
    {
        body.insert("traceId".to_owned(), world.traces.uuid().into());
    }
    drop(world);
    shared.wake.notify_one();
    answer
}

fn handle(
    shared: &Shared,
    world: &mut World,
    incoming: &Incoming<'_>,
    operation: &Operation,
    arguments: &[&str],
) -> Handled {
    let Some(route) = operation.route else {
        return Err(Answer::refused(
            StatusCode::NOT_IMPLEMENTED,
            format!("The sandbox does not serve {} yet", operation.name),
        ));
    };
    let now = shared.clock.now();
    let base_url = match incoming.service {
        Service::HighLevel => &shared.info.highlevel_url,
        Service::Ecologi => &shared.info.ecologi_url,
    };
    let mut call = Call {
        arguments: arguments.to_vec(),
        query: &incoming.query,
        body: &Value::Null,
        caller: None,
        idempotency_key: header(&incoming.parts.headers, "idempotency-key"),
        now,
        base_url,
    };
    let mut left = None;
    let result = match incoming.service {
        Service::HighLevel => enter_highlevel(
            world,
            incoming,
            route.access,
            route.scope,
            &mut call,
            &mut left,
        ),
        Service::Ecologi => enter_ecologi(world, incoming, route.access, &call),
    };
    let result = result.and_then(|()| {
        let body = read_body(incoming)?;
        let refusals = operation
            .checks
            .as_ref()
            .map(|checks| checks.refusals(&incoming.query, &body))
            .unwrap_or_default();
        if !refusals.is_empty() {
            return Err(match incoming.service {
                Service::HighLevel => Answer::invalid(refusals),
                Service::Ecologi => Answer::bad_request(refusals),
            });
        }
        let call = Call {
            body: &body,
            ..call
        };
        if let Some(caller) = call.caller {
            check_tenant(world, caller, &operation.template, route.access, &call)?;
        }
        (route.handler)(world, &call)
    });
    match (result, left) {
        (Ok(answer), Some(left)) => Ok(left.onto(answer)),
        (Err(refusal), Some(left)) => Err(left.onto(refusal)),
        (result, None) => result,
    }
}

/// Token, version and rate limit of HighLevel.
fn enter_highlevel(
    world: &mut World,
    incoming: &Incoming<'_>,
    access: Access,
    scope: Option<&str>,
    call: &mut Call<'_>,
    left: &mut Option<crate::highlevel::limits::Left>,
) -> Result<(), Answer> {
    if access == Access::Open {
        return Ok(());
    }
    let headers = &incoming.parts.headers;
    let Some(secret) = bearer(headers) else {
        return Err(Answer::unauthorized("Authorization header not found."));
    };
    let caller = access::check(world.grants.token(secret), access, scope, call.now)?;
    call.caller = Some(caller);
    match header(headers, "version") {
        None | Some("") => return Err(Answer::unauthorized("version header was not found.")),
        Some(VERSION) => {}
        Some(_) => return Err(Answer::bad_request("version header is invalid")),
    }
    if world.settings.limits {
        *left = Some(world.limits.take(caller.class, call.now, &world.settings)?);
    }
    Ok(())
}

/// Rate limit and key of Ecologi; reports are open.
fn enter_ecologi(
    world: &mut World,
    incoming: &Incoming<'_>,
    access: Access,
    call: &Call<'_>,
) -> Result<(), Answer> {
    if world.settings.limits {
        world.ecologi.take(call.now, &world.settings)?;
    }
    if access != Access::Open && bearer(&incoming.parts.headers) != Some(world.ecologi.key.as_str())
    {
        return Err(Answer::unauthorized("The API key is missing or wrong"));
    }
    Ok(())
}

/// Holds the location and agency that the request names against the token's.
fn check_tenant(
    world: &World,
    caller: Caller,
    template: &str,
    access: Access,
    call: &Call<'_>,
) -> Result<(), Answer> {
    if access == Access::Agency && caller.class == Class::Company {
        // The agency's own operations name what they ask for, and answer that it is not there.
        return Ok(());
    }
    let from_path = template
        .starts_with("/locations/{")
        .then(|| call.arguments.first().copied())
        .flatten();
    let location_id = from_path
        .or_else(|| call.query("locationId"))
        .or_else(|| call.body_text("locationId"));
    let company_id = call
        .query("companyId")
        .or_else(|| call.body_text("companyId"));
    access::check_tenant(caller, &world.location, location_id, company_id)
}

/// The body as JSON: an object of texts when it is a form, an empty object when there is none.
fn read_body(incoming: &Incoming<'_>) -> Result<Value, Answer> {
    if incoming.body.is_empty() {
        return Ok(json!({}));
    }
    let media = header(&incoming.parts.headers, "content-type").unwrap_or_default();
    if media.starts_with("application/x-www-form-urlencoded") {
        let pairs = url::form_urlencoded::parse(&incoming.body).into_owned();
        return Ok(Value::Object(
            pairs
                .map(|(name, text)| (name, text.into()))
                .collect::<Map<_, _>>(),
        ));
    }
    serde_json::from_slice(&incoming.body)
        .map_err(|error| Answer::bad_request(format!("The body is not JSON: {error}")))
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = header(headers, "authorization")?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(secret.trim())
}

fn into_response(answer: Answer) -> Response<Full<Bytes>> {
    // Only a fault can order a plain text; the services' own answers are objects.
    let (media, bytes) = match answer.body {
        Value::String(text) => ("text/plain; charset=utf-8", Bytes::from(text)),
        body => (
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
