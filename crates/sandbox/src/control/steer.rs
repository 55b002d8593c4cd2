//! Clock, faults, settings.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::books::to_json;
use super::{Answered, Body, Refused};
use crate::clock::iso;
use crate::ecologi::currencies;
use crate::faults::Order;
use crate::settings::Settings;
use crate::shared::Shared;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockOrder {
    advance_seconds: Option<f64>,
    set: Option<Timestamp>,
    frozen: Option<bool>,
}

pub async fn clock(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "now": iso(shared.clock.now()), "frozen": shared.clock.is_frozen() }))
}

pub async fn set_clock(
    State(shared): State<Arc<Shared>>,
    Body(order): Body<ClockOrder>,
) -> Answered {
    if let Some(to) = order.set
        && !shared.clock.set(to)
    {
        return Err(Refused::bad(
            "the clock does not go back: `set` must be later than now",
        ));
    }
    if let Some(seconds) = order.advance_seconds {
        let by = Duration::try_from_secs_f64(seconds).map_err(|_| {
            Refused::bad("`advance_seconds` must be a number of seconds, 0 or more")
        })?;
        shared.clock.advance(by);
    }
    if let Some(frozen) = order.frozen {
        shared.clock.freeze(frozen);
    }
    shared.wake.notify_one();
    Ok(clock(State(shared)).await)
}

pub async fn faults(State(shared): State<Arc<Shared>>) -> Answered {
    to_json(shared.world().faults.all()).map(Json)
}

pub async fn add_fault(State(shared): State<Arc<Shared>>, Body(order): Body<Order>) -> Answered {
    let mut world = shared.world();
    let since = world.history.newest();
    let fault = world.faults.add(order, since).map_err(Refused::bad)?;
    to_json(fault).map(Json)
}

/// Ends all faults; webhooks that one holds back leave now.
pub async fn clear_faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.clear_faults();
    Json(json!([]))
}

pub async fn settings(State(shared): State<Arc<Shared>>) -> Answered {
    to_json(&shared.world().settings).map(Json)
}

/// Changes the settings that are named and leaves the others.
pub async fn set_settings(
    State(shared): State<Arc<Shared>>,
    Body(changes): Body<serde_json::Map<String, Value>>,
) -> Answered {
    let mut world = shared.world();
    let mut merged = to_json(&world.settings)?;
    for (name, value) in changes {
        merged[name] = value;
    }
    let settings: Settings =
        serde_json::from_value(merged).map_err(|error| Refused::bad(error.to_string()))?;
    let currencies = currencies();
    if !currencies.contains(&settings.currency) {
        return Err(Refused::bad(format!(
            "`currency` is one of {}",
            currencies.join(", ")
        )));
    }
    world.settings = settings;
    let answer = to_json(&world.settings).map(Json);
    drop(world);
    shared.wake.notify_one();
    answer
}
