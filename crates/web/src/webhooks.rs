//! `POST /webhooks/highlevel` and `POST /webhooks/workflow/{name}`: the sender is told 200 only when the event is
//! durable.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use canopy_triggers::{ReceiveError, Received, Signatures};

use crate::App;

/// Deliveries of an app's webhooks, signed by HighLevel.
pub(crate) async fn highlevel(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signatures = Signatures {
        ed25519: header("x-ghl-signature"),
        rsa: header("x-wh-signature"),
    };
    let received = app.receiver.receive(signatures, &body).await;
    answer(&app, received)
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
        Err(error) => {
            let status = match &error {
                ReceiveError::Signature(_) | ReceiveError::Secret => StatusCode::UNAUTHORIZED,
                ReceiveError::Payload(_) => StatusCode::BAD_REQUEST,
                // HighLevel sends again after 429, and is only documented to do so after 429.
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
