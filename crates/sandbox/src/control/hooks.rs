//! Where webhooks go, the log of their deliveries, the breaker.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Host, Url};

use super::books::to_json;
use super::{Answered, Body, Refused};
use crate::shared::Shared;
use crate::webhooks::mentions;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetOrder {
    url: Option<Url>,
    /// Addresses of their own, by the event's name.
    #[serde(default)]
    events: IndexMap<String, Url>,
}

pub async fn target(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.world();
    Json(json!({ "url": world.outbox.target(), "events": world.outbox.overrides() }))
}

/// Webhooks of changes from now on go to these addresses, or nowhere.
pub async fn set_target(
    State(shared): State<Arc<Shared>>,
    Body(order): Body<TargetOrder>,
) -> Answered {
    for url in order.url.iter().chain(order.events.values()) {
        if url.scheme() != "http" || !is_loopback(url) {
            return Err(Refused::bad(
                "the sandbox sends webhooks to loopback only: use http://127.0.0.1:PORT/...",
            ));
        }
    }
    let events = order.events.into_iter();
    let events = events.map(|(name, url)| (name, url.into())).collect();
    let url = order.url.map(String::from);
    shared.world().outbox.set_target(url, events);
    Ok(target(State(shared)).await)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What to look for in the log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    webhook_id: Option<String>,
    /// A part of the payload.
    text: Option<String>,
}

/// The attempts of the last 30 days, oldest first.
pub async fn log(State(shared): State<Arc<Shared>>, Query(wanted): Query<Wanted>) -> Json<Value> {
    let world = shared.world();
    let log = world.outbox.log(shared.clock.now()).into_iter();
    let log = log.filter(|(delivery, _)| {
        let id = wanted.webhook_id.as_ref();
        let text = wanted.text.as_ref();
        id.is_none_or(|id| *id == delivery.webhook_id)
            && text.is_none_or(|text| mentions(&delivery.payload, text))
    });
    let log = log.map(|(delivery, attempt)| {
        json!({
            "delivery": delivery.id, "event": delivery.event, "webhook_id": delivery.webhook_id,
            "url": delivery.url, "at": attempt.at, "attempt": attempt.number, "status": attempt.status,
            "error": attempt.error,
        })
    });
    Json(log.collect())
}

/// Sends a delivery again, as a person does in the developer's dashboard.
pub async fn resend(State(shared): State<Arc<Shared>>, Path(id): Path<u64>) -> Answered {
    let now = shared.clock.now();
    let resent = shared.world().outbox.resend(id, now);
    resent.map_err(Refused::bad)?;
    shared.wake.notify_one();
    Ok(Json(json!({ "resent": id })))
}

/// How each address does, and whether deliveries to it are paused.
pub async fn breaker(State(shared): State<Arc<Shared>>) -> Answered {
    let now = shared.clock.now();
    let mut world = shared.world();
    let world = &mut *world;
    world.outbox.look(now, &world.settings);
    to_json(&world.outbox.breaker.judged()).map(Json)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchOn {
    /// Absent: all that are paused.
    url: Option<String>,
}

/// Switches deliveries on again, as a person does after the breaker has paused them.
pub async fn switch_on(
    State(shared): State<Arc<Shared>>,
    Body(order): Body<SwitchOn>,
) -> Json<Value> {
    let mut world = shared.world();
    let count = world.outbox.breaker.switch_on(order.url.as_deref());
    drop(world);
    shared.wake.notify_one();
    Json(json!({ "switched_on": count }))
}
