//! What was asked, bought, changed and sent.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Refused};
use crate::shared::Shared;

/// `?since=` leaves out what is known already.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    #[serde(default)]
    since: u64,
}

/// `?state=` shows only deliveries in that state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InState {
    state: Option<String>,
}

/// The line that the command prints, and what the OAuth flows need beside it.
pub async fn info(State(shared): State<Arc<Shared>>) -> Answered {
    let mut info = to_json(&shared.info)?;
    let world = shared.world();
    info["oauth"] = json!({
        "client_id": world.grants.client_id, "client_secret": world.grants.client_secret, "app_id": world.grants.app_id,
    });
    info["contacts"] = json!(world.contacts.len());
    Ok(Json(info))
}

pub async fn purchases(State(shared): State<Arc<Shared>>) -> Answered {
    to_json(&shared.world().ecologi.book()).map(Json)
}

pub async fn requests(State(shared): State<Arc<Shared>>, Query(query): Query<Since>) -> Answered {
    let world = shared.world();
    to_json(&world.requests.since(query.since).collect::<Vec<_>>()).map(Json)
}

pub async fn history(State(shared): State<Arc<Shared>>, Query(query): Query<Since>) -> Answered {
    to_json(&shared.world().history.since(query.since)).map(Json)
}

pub async fn webhooks(State(shared): State<Arc<Shared>>, Query(query): Query<InState>) -> Answered {
    let mut deliveries = to_json(&shared.world().outbox.deliveries())?;
    if let (Some(state), Value::Array(deliveries)) = (query.state, &mut deliveries) {
        deliveries.retain(|delivery| delivery["state"] == state.as_str());
    }
    Ok(Json(deliveries))
}

pub fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Value, Refused> {
    serde_json::to_value(value).map_err(|error| {
        Refused::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
        )
    })
}
