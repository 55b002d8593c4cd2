//! `POST /webhooks/highlevel`, `POST /webhooks/highlevel/{event}` and `POST /webhooks/workflow/{name}`: the sender is told
//! 200 as soon as what it sent is durable, whether or not anything can be done with it.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use canopy_triggers::{ReceiveError, Received, Signatures};

use crate::App;

/// A body, or why it could not be read as a whole.
type Body = Result<Bytes, BytesRejection>;

/// Deliveries of an app's webhooks, signed by HighLevel.
pub(crate) async fn highlevel(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    take(&app, None, &headers, body).await
}

/// The same at the address of one event.
pub(crate) async fn one_event(
    State(app): State<App>,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(&app, Some(&event), &headers, body).await
}

async fn take(app: &App, event: Option<&str>, headers: &HeaderMap, body: Body) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            app.receiver.too_big(event);
            tracing::warn!(status = rejection.status().as_u16(), "webhook not taken");
            return rejection.into_response();
        }
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signatures = Signatures {
        ed25519: header("x-ghl-signature"),
        rsa: header("x-wh-signature"),
    };
    let received = app.receiver.receive_at(event, signatures, &body).await;
    answer(app, received)
}

/// Webhook actions of a workflow, told by a secret header.
pub(crate) async fn workflow(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).map(axum::http::HeaderValue::as_bytes);
    let received = app.receiver.receive_hook(&name, header, &body).await;
    answer(&app, received)
}

fn answer(app: &App, received: Result<Received, ReceiveError>) -> Response {
    let (status, text) = match received {
        Ok(Received::Stored { locations }) => {
            for location in &locations {
                app.dispatch.ring(location);
            }
            (StatusCode::OK, "stored\n".to_owned())
        }
        Ok(Received::Unplaced) => (
            StatusCode::OK,
            "stored; it does not say its location\n".to_owned(),
        ),
        Ok(Received::Duplicate) => (StatusCode::OK, "duplicate\n".to_owned()),
        Ok(Received::Foreign) => (
            StatusCode::OK,
            "no connection is for this location\n".to_owned(),
        ),
        Ok(Received::Unreadable) => {
            tracing::warn!("a signed webhook cannot be read; `canopy events` shows it");
            (StatusCode::OK, "noted; it cannot be read\n".to_owned())
        }
        Ok(Received::TooOld) => (
            StatusCode::OK,
            "noted; it is too old to be acted upon\n".to_owned(),
        ),
        Err(error) => {
            let status = match &error {
                ReceiveError::Signature(_) | ReceiveError::Secret => StatusCode::UNAUTHORIZED,
                ReceiveError::Payload(_) => StatusCode::BAD_REQUEST,
                // HighLevel sends again after everything but 2xx; until 2026 it did so after this one alone.
                ReceiveError::Store(_) => StatusCode::TOO_MANY_REQUESTS,
            };
            tracing::warn!(status = status.as_u16(), %error, "webhook not taken");
            // A store's error names paths of this machine: not for strangers.
            let text = match error {
                ReceiveError::Store(_) => {
                    "the event could not be stored; send it again later\n".to_owned()
                }
                other => format!("{other}\n"),
            };
            (status, text)
        }
    };
    (status, text).into_response()
}
