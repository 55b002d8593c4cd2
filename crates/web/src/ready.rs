//! `GET /healthz` and `GET /readyz`.
//!
//! The first says whether the process is broken, so that a supervisor starts it anew; a disk that is full or a service that
//! is down is no reason for that. The second says whether all is good, and on the operator's side what is not and what to
//! do.

use std::fmt::Write as _;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use canopy_store::{Reason, StoreError, not_good};
use jiff::Timestamp;
use tokio::time::timeout;

use crate::{App, UNWELL};

/// Open alerts that are looked through; far more than a person would leave open.
const OPEN: u32 = 1000;

/// A store that answers later does not: whoever asks has a bound of their own.
const PATIENCE: Duration = Duration::from_secs(3);

/// 200 while the store answers.
pub(crate) async fn alive(State(app): State<App>) -> Response {
    let error = match timeout(PATIENCE, app.store.alerts(true, 1)).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(hangs()),
    };
    match error {
        None => (StatusCode::OK, "ok\n").into_response(),
        Some(error) => {
            // The text names paths of this machine, and anybody may ask.
            if let Some(others) = UNWELL.now() {
                tracing::warn!(error, others, "the store does not answer");
            }
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the store does not answer\n",
            )
                .into_response()
        }
    }
}

/// 200 when all is good. Strangers are not told what is not.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    match good(&app).await {
        Ok(reasons) if reasons.is_empty() => (StatusCode::OK, "ready\n").into_response(),
        Ok(_) | Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready; the status page and `canopy status` say why\n",
        )
            .into_response(),
    }
}

/// The same with the reasons, a line each.
pub(crate) async fn reasons(State(app): State<App>) -> Response {
    match good(&app).await {
        Ok(reasons) if reasons.is_empty() => (StatusCode::OK, "ready\n").into_response(),
        Ok(reasons) => (StatusCode::SERVICE_UNAVAILABLE, lines(&reasons)).into_response(),
        Err(error) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready:\nstore: {error}\n"),
        )
            .into_response(),
    }
}

/// What is not good now. What cannot be written is known although no state can be kept of it, and what hangs although it
/// cannot be read either.
pub(crate) async fn good(app: &App) -> Result<Vec<Reason>, StoreError> {
    let now = Timestamp::now();
    let kept = async {
        let parts = app.store.health().await?;
        let alerts = app.store.alerts(true, OPEN).await?;
        Ok::<_, StoreError>(not_good(&parts, &alerts, now))
    };
    let kept = timeout(PATIENCE, kept).await;
    let trouble = match (app.store.trouble(), &kept) {
        (Some(error), _) => Some(format!("nothing can be stored: {error}")),
        (None, Err(_)) => Some(hangs()),
        (None, Ok(_)) => None,
    };
    let mut reasons = kept.unwrap_or_else(|_| Ok(Vec::new()))?;
    if let Some(text) = trouble {
        reasons.retain(|reason| reason.kind != "store");
        reasons.insert(
            0,
            Reason {
                location: String::new(),
                kind: "store".to_owned(),
                name: "store".to_owned(),
                since: now,
                text,
            },
        );
    }
    Ok(reasons)
}

fn hangs() -> String {
    format!(
        "the store has not answered for {} s; see to its disk",
        PATIENCE.as_secs()
    )
}

fn lines(reasons: &[Reason]) -> String {
    let mut text = "not ready:\n".to_owned();
    for reason in reasons {
        let _ = writeln!(text, "{} {}: {}", reason.kind, reason.name, reason.text);
    }
    text
}
