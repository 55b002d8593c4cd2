//! The control API: reading the books and steering the sandbox.

mod books;
mod hooks;
mod people;
mod records;
mod steer;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::FromRequest;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::shared::Shared;

pub fn router(shared: Arc<Shared>) -> Router {
    let control = Router::new()
        .route("/info", get(books::info))
        .route("/purchases", get(books::purchases))
        .route("/requests", get(books::requests))
        .route("/history", get(books::history))
        .route("/webhooks", get(books::webhooks))
        .route("/webhooks/log", get(hooks::log))
        .route("/webhooks/breaker", get(hooks::breaker))
        .route("/webhooks/switch-on", post(hooks::switch_on))
        .route("/webhooks/{id}/resend", post(hooks::resend))
        .route(
            "/webhook-target",
            get(hooks::target).post(hooks::set_target),
        )
        .route("/clock", get(steer::clock).post(steer::set_clock))
        .route(
            "/faults",
            get(steer::faults)
                .post(steer::add_fault)
                .delete(steer::clear_faults),
        )
        .route("/settings", get(steer::settings).post(steer::set_settings))
        .route("/usage", post(people::use_up))
        .route("/seed", post(people::seed))
        .route("/contacts", get(people::list).post(people::create))
        .route(
            "/contacts/{id}",
            get(people::get).post(people::edit).delete(people::delete),
        )
        .route(
            "/records/{collection}",
            get(records::list).post(records::keep),
        )
        .route(
            "/records/{collection}/{id}",
            post(records::rewrite).delete(records::forget),
        )
        .route("/opportunities", post(records::create_opportunity))
        .route(
            "/opportunities/{id}",
            post(records::edit_opportunity).delete(records::delete_opportunity),
        )
        .route("/appointments", post(records::create_appointment))
        .route(
            "/appointments/{id}",
            post(records::edit_appointment).delete(records::delete_appointment),
        )
        .route("/messages", post(records::create_message))
        .route("/locations/{id}", post(records::edit_location))
        .route("/custom-fields/{id}", post(records::edit_custom_field))
        .route("/oauth/authorize", post(people::authorize))
        .route("/tokens", post(people::issue_token))
        .route("/tokens/{token}/rotate", post(people::rotate_token))
        .route(
            "/tokens/{token}",
            axum::routing::delete(people::revoke_token),
        );
    Router::new()
        .nest("/control", control)
        .fallback(async || {
            Refused::new(
                StatusCode::NOT_FOUND,
                "nothing here: see the sandbox's README for its addresses",
            )
        })
        .with_state(shared)
}

/// A refusal of the control API: `{"error": "..."}`.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    error: String,
}

impl Refused {
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
        }
    }

    pub fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error }))).into_response()
    }
}

impl From<Answer> for Refused {
    fn from(answer: Answer) -> Self {
        let message = match &answer.body["message"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Self::new(answer.status, message)
    }
}

pub type Answered = Result<Json<Value>, Refused>;

/// A JSON body, whatever its content type says; `curl -d` then works without a header.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Refused> {
        let bytes = bytes::Bytes::from_request(request, state)
            .await
            .map_err(|error| Refused::bad(error.to_string()))?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes)
            .map(Body)
            .map_err(|error| Refused::bad(format!("the body does not fit: {error}")))
    }
}
