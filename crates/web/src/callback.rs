//! `GET /oauth/callback`: where HighLevel's chooser leads a person back to, with a code.

use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use maud::{DOCTYPE, html};
use serde::Deserialize;

use crate::seldom::Seldom;

/// Lines that anybody can cause.
static REFUSED: Seldom = Seldom::new();

/// The path of the redirect address.
pub const CALLBACK_PATH: &str = "/oauth/callback";

/// What the address carries. `Debug` shows none of it: the code opens the location.
#[derive(Deserialize)]
pub struct Returned {
    pub state: Option<String>,
    pub code: Option<String>,
    /// In place of a code, where the person or the service refused.
    pub error: Option<String>,
}

impl Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned").finish_non_exhaustive()
    }
}

/// Why a code was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Nobody knows the state: it was made up, used, or is too old. The caller may be anybody.
    #[error(
        "this link is unknown, used, or too old; run `canopy auth url` again and open the new link"
    )]
    State,
    /// The person began this and is told what to do.
    #[error("{0}")]
    Refused(String),
    /// It may work later; the cause is in the log.
    #[error(
        "the connection could not be kept; look at the log of canopy, then run `canopy auth url` again"
    )]
    Failed,
}

/// Takes the codes.
#[async_trait]
pub trait Callback: Send + Sync + Debug {
    /// Comes to its end even when the caller goes away; what is told is for the person.
    async fn take(&self, returned: Returned) -> Result<String, NotTaken>;
}

/// The callback alone, for a program that is not connected yet. Whatever else is sent is to be sent again.
pub fn callback_router(callback: Arc<dyn Callback>) -> Router {
    let well = Router::new().route("/healthz", get(async || "ok\n"));
    routes(callback).merge(well).fallback(async || {
        let text = "not connected yet; send it again later\n";
        (StatusCode::TOO_MANY_REQUESTS, text)
    })
}

pub(crate) fn routes(callback: Arc<dyn Callback>) -> Router {
    Router::new()
        .route(CALLBACK_PATH, get(take))
        .with_state(callback)
}

async fn take(
    State(callback): State<Arc<dyn Callback>>,
    method: Method,
    Query(returned): Query<Returned>,
) -> Response {
    // A program that looks at the link before the person follows it must not use it up.
    if method != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    match callback.take(returned).await {
        Ok(told) => page(StatusCode::OK, "Connected", &told),
        Err(error) => {
            let status = match error {
                NotTaken::State | NotTaken::Refused(_) => StatusCode::BAD_REQUEST,
                NotTaken::Failed => StatusCode::SERVICE_UNAVAILABLE,
            };
            // Anybody may try.
            if let Some(others) = REFUSED.now() {
                tracing::warn!(status = status.as_u16(), %error, others, "code not taken");
            }
            page(status, "Not connected", &error.to_string())
        }
    }
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Canopy: " (title) }
            }
            body {
                h1 { (title) }
                p { (text) }
            }
        }
    };
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        // The address has the code in it.
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ];
    (status, headers, Html(markup.into_string())).into_response()
}
