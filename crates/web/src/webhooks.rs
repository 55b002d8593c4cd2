//! `POST /webhooks/highlevel`, `POST /webhooks/highlevel/{event}` and `POST /webhooks/workflow/{name}`: the sender is told
//! 200 as soon as what it sent is durable, whether or not anything can be done with it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use canopy_triggers::{ReceiveError, Received, Signatures};
use tokio::sync::Semaphore;

use crate::App;
use crate::body::{Bodies, BodyError, Read, Whole};
use crate::seldom::Seldom;

/// Lines that anybody can cause, by kind.
static REFUSED: Seldom = Seldom::new();
static FAILED: Seldom = Seldom::new();
static UNREAD: Seldom = Seldom::new();

/// A delivery is worked on no longer than this. What is stored all the same is a duplicate when it comes again.
const LONGEST: Duration = Duration::from_secs(30);

/// What the routes of webhooks share.
#[derive(Debug, Clone)]
pub(crate) struct Hooks {
    app: App,
    bodies: Bodies,
    /// Deliveries that are there as a whole and worked on.
    turns: Arc<Semaphore>,
    /// Large ones among these: what is made of them takes up several times their size.
    large: Arc<Semaphore>,
}

impl Hooks {
    pub fn new(app: App, at_once: usize) -> Self {
        Self {
            app,
            bodies: Bodies::new(),
            turns: Arc::new(Semaphore::new(at_once)),
            large: Arc::new(Semaphore::new(1)),
        }
    }

    /// What becomes of a delivery, once it is its turn. An error: it was not worked on, or not in time.
    async fn in_turn(
        &self,
        body: &Whole,
        received: impl Future<Output = Result<Received, ReceiveError>>,
    ) -> Result<Response, BodyError> {
        // They are never closed.
        let turn = async {
            let large = if body.is_large() {
                Some(self.large.acquire().await)
            } else {
                None
            };
            (large, self.turns.acquire().await)
        };
        let worked_on = async {
            let _turn = tokio::select! {
                biased;
                turn = turn => turn,
                () = body.sent_away() => return Err(BodyError::Crowded),
            };
            Ok(answer(&self.app, received.await))
        };
        let answered = tokio::time::timeout(LONGEST, worked_on).await;
        answered.unwrap_or(Err(BodyError::Busy))
    }
}

/// Deliveries of an app's webhooks, signed by HighLevel.
pub(crate) async fn highlevel(
    State(hooks): State<Hooks>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(&hooks, None, &headers, body).await
}

/// The same at the address of one event.
pub(crate) async fn one_event(
    State(hooks): State<Hooks>,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(&hooks, Some(&event), &headers, body).await
}

async fn take(hooks: &Hooks, event: Option<&str>, headers: &HeaderMap, body: Body) -> Response {
    let receiver = &hooks.app.receiver;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signatures = Signatures {
        ed25519: header("x-ghl-signature"),
        rsa: header("x-wh-signature"),
    };
    // Of what nobody signed no byte is read.
    if let Err(error) = receiver.look_at(event, signatures) {
        return answer(&hooks.app, Err(error));
    }
    let long = receiver.long_body(signatures);
    let body = match hooks.bodies.read_long(body, long).await {
        Ok(Read::Whole(body)) => body,
        Ok(Read::Long(long)) => {
            let noted = receiver.receive_long(event, long);
            return match tokio::time::timeout(LONGEST, noted).await {
                Ok(noted) => answer(&hooks.app, noted),
                Err(_) => unread(BodyError::Busy),
            };
        }
        Err(error) => {
            receiver.unread(event);
            return unread(error);
        }
    };
    let taken = receiver.receive_at(event, signatures, &body.bytes);
    let answered = hooks.in_turn(&body, taken).await;
    answered.unwrap_or_else(|error| {
        receiver.put_off(event, signatures, &body.bytes);
        unread(error)
    })
}

/// Webhook actions of a workflow, told by a secret header.
pub(crate) async fn workflow(
    State(hooks): State<Hooks>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let receiver = &hooks.app.receiver;
    let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    if let Err(error) = receiver.look_at_hook(&name, header) {
        return answer(&hooks.app, Err(error));
    }
    let answered = match hooks.bodies.read(body).await {
        Ok(body) => {
            let taken = receiver.receive_hook(&name, header, &body.bytes);
            hooks.in_turn(&body, taken).await
        }
        Err(error) => Err(error),
    };
    match answered {
        Ok(answer) => answer,
        Err(error) => {
            // Nothing sends it again.
            let problem = error.to_string();
            let told = receiver.hook_unread(&name, &problem);
            if let Ok(Err(error)) = tokio::time::timeout(LONGEST, told).await {
                tracing::warn!(%error, "a lost call of a workflow's webhook could not be told");
            }
            unread(error)
        }
    }
}

fn unread(error: BodyError) -> Response {
    if let Some(others) = UNREAD.now() {
        tracing::warn!(%error, others, "webhook not taken");
    }
    error.into_response()
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
            // Anybody may send what is refused, and what cannot be stored comes again and again.
            let line = match &error {
                ReceiveError::Store(_) | ReceiveError::Payload(_) => &FAILED,
                ReceiveError::Signature(_) | ReceiveError::Secret => &REFUSED,
            };
            if let Some(others) = line.now() {
                tracing::warn!(status = status.as_u16(), %error, others, "webhook not taken");
            }
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
