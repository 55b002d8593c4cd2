//! Doing what a request asks, in the services' order: token, version, limits, description, tenant, work.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::ecologi;
use crate::highlevel::access::{self, Access, Caller, Class};
use crate::highlevel::limits::Left;
use crate::operations::{Found, Operation, Route, VERSIONS};
use crate::service::{Incoming, Service};
use crate::shared::Shared;
use crate::world::World;

/// Does what the request asks and answers it.
pub fn work(shared: &Shared, incoming: &Incoming<'_>, found: &Found<'_, '_>) -> Answer {
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
    drop(world);
    shared.wake.notify_one();
    in_form(shared, incoming, answer)
}

/// The answer in its service's form: with the trace id that HighLevel puts into each, or as Ecologi refuses.
pub fn in_form(shared: &Shared, incoming: &Incoming<'_>, mut answer: Answer) -> Answer {
    let mut world = shared.world();
    match incoming.service {
        Service::HighLevel => {
            if let Value::Object(body) = &mut answer.body {
                body.insert("traceId".to_owned(), world.traces.uuid().into());
            }
            answer
        }
        Service::Ecologi => ecologi::refusal(answer, world.settings.ecologi_errors),
    }
}

fn handle(
    shared: &Shared,
    world: &mut World,
    incoming: &Incoming<'_>,
    operation: &Operation,
    arguments: &[&str],
) -> Handled {
    let route = operation.served()?;
    let now = shared.clock.now();
    let base_url = match incoming.service {
        Service::HighLevel => &shared.info.highlevel_url,
        Service::Ecologi => &shared.info.ecologi_url,
    };
    let (caller, left) = match incoming.service {
        Service::HighLevel => enter_highlevel(world, incoming, operation, route, now)?,
        Service::Ecologi => {
            enter_ecologi(world, incoming, route.access, now)?;
            (None, None)
        }
    };
    let answered = read_body(incoming, operation).and_then(|body| {
        let call = Call {
            arguments: arguments.to_vec(),
            query: &incoming.query,
            body: &body,
            caller,
            idempotency_key: header(&incoming.parts.headers, "idempotency-key"),
            now,
            base_url,
        };
        check_description(incoming, operation, &body)?;
        if let Some(caller) = caller {
            check_tenant(world, caller, route, &call)?;
        }
        match &operation.plain {
            Some(plan) => plan.serve(world, &call),
            None => (route.handler)(world, &call),
        }
    });
    match (answered, left) {
        (Ok(answer), Some(left)) => Ok(left.onto(answer)),
        (Err(refusal), Some(left)) => Err(left.onto(refusal)),
        (answered, None) => answered,
    }
}

fn check_description(
    incoming: &Incoming<'_>,
    operation: &Operation,
    body: &Value,
) -> Result<(), Answer> {
    let Some(checks) = &operation.checks else {
        return Ok(());
    };
    let refusals = checks.refusals(&incoming.query, body);
    if refusals.is_empty() {
        return Ok(());
    }
    Err(match incoming.service {
        Service::HighLevel => Answer::invalid(refusals),
        Service::Ecologi => Answer::bad_request(refusals),
    })
}

/// Token, version and rate limit of HighLevel: who calls, and what is left to them.
fn enter_highlevel(
    world: &mut World,
    incoming: &Incoming<'_>,
    operation: &Operation,
    route: Route,
    now: Timestamp,
) -> Result<(Option<Caller>, Option<Left>), Answer> {
    if route.access == Access::Open {
        return Ok((None, None));
    }
    let headers = &incoming.parts.headers;
    let Some(secret) = bearer(headers) else {
        return Err(Answer::unauthorized("Authorization header not found."));
    };
    let caller = access::check(world.grants.token(secret), route.access, route.scope, now)?;
    if operation.for_apps && caller.class.is_private() {
        return Err(Answer::unauthorized(
            "This authClass type is not allowed to access this scope.",
        ));
    }
    match header(headers, "version") {
        None | Some("") => return Err(Answer::unauthorized("version header was not found.")),
        Some(version) if VERSIONS.contains(&version) => {}
        // Older reports have 400; the newest has 401.
        Some(_) => return Err(Answer::unauthorized("version header is invalid")),
    }
    let left = if world.settings.limits {
        Some(world.limits.take(caller, now, &world.settings)?)
    } else {
        None
    };
    Ok((Some(caller), left))
}

/// Rate limit and key of Ecologi; reports are open.
fn enter_ecologi(
    world: &mut World,
    incoming: &Incoming<'_>,
    access: Access,
    now: Timestamp,
) -> Result<(), Answer> {
    if world.settings.limits {
        world.ecologi.take(now, &world.settings)?;
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
    route: Route,
    call: &Call<'_>,
) -> Result<(), Answer> {
    if route.template.starts_with("/oauth/") && caller.class == Class::Company {
        // These name what they ask for, and answer that it is not there.
        return Ok(());
    }
    let parameters = route
        .template
        .split('/')
        .filter(|segment| segment.starts_with('{'));
    let from_path = parameters
        .zip(&call.arguments)
        .find(|(name, _)| *name == "{locationId}")
        .map(|(_, id)| *id);
    let location_id = from_path
        .or_else(|| call.query("locationId"))
        .or_else(|| call.query("location_id"))
        .or_else(|| call.body_text("locationId"));
    let company_id = call
        .query("companyId")
        .or_else(|| call.body_text("companyId"));
    if caller.class.is_agency() && location_id.is_some_and(|id| world.records.locations.has(id)) {
        return access::check_tenant(caller, &world.location, None, company_id);
    }
    access::check_tenant(caller, &world.location, location_id, company_id)
}

/// The body as JSON, whatever its content type says; an object of texts when it is a form, an empty object when there is
/// none. Ecologi's own clients and people with `curl -d` send JSON as a form.
fn read_body(incoming: &Incoming<'_>, operation: &Operation) -> Result<Value, Answer> {
    if incoming.body.is_empty() {
        return Ok(json!({}));
    }
    let read = serde_json::from_slice(&incoming.body);
    let media = header(&incoming.parts.headers, "content-type").unwrap_or_default();
    let mut body = match read {
        Ok(body) => body,
        Err(_) if media.starts_with("application/x-www-form-urlencoded") => {
            let pairs = url::form_urlencoded::parse(&incoming.body).into_owned();
            Value::Object(
                pairs
                    .map(|(name, text)| (name, text.into()))
                    .collect::<Map<_, _>>(),
            )
        }
        Err(error) => {
            return Err(Answer::bad_request(format!(
                "The body is not JSON: {error}"
            )));
        }
    };
    if operation.template == "/oauth/token" {
        in_snake_case(&mut body);
    }
    if header(&incoming.parts.headers, "version") == Some("v3") {
        as_before_v3(&operation.template, &mut body)?;
    }
    Ok(body)
}

/// The token's endpoint takes the spelling of early summer 2026, too.
fn in_snake_case(body: &mut Value) {
    let Some(members) = body.as_object_mut() else {
        return;
    };
    for (camel, snake) in [
        ("clientId", "client_id"),
        ("clientSecret", "client_secret"),
        ("grantType", "grant_type"),
        ("refreshToken", "refresh_token"),
        ("userType", "user_type"),
        ("redirectUri", "redirect_uri"),
    ] {
        if let Some(value) = members.shift_remove(camel) {
            members.entry(snake).or_insert(value);
        }
    }
}

/// Version v3 writes the values of custom fields as `fieldValue`: those of contacts may be written so, those of
/// opportunities must be.
fn as_before_v3(template: &str, body: &mut Value) -> Result<(), Answer> {
    let is_contact = template.starts_with("/contacts/");
    if !is_contact && !template.starts_with("/opportunities/") {
        return Ok(());
    }
    let fields = body.get_mut("customFields").and_then(Value::as_array_mut);
    let fields = fields
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut);
    for (place, field) in fields.enumerate() {
        if !is_contact && field.contains_key("field_value") {
            return Err(Answer::invalid(vec![format!(
                "customFields.{place}.property field_value should not exist"
            )]));
        }
        if let Some(value) = field.shift_remove("fieldValue") {
            field.insert("field_value".to_owned(), value);
        }
    }
    Ok(())
}

pub fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = header(headers, "authorization")?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(secret.trim())
}
