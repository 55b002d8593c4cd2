//! HTTP in: the webhook endpoint and the operator's status page.
//!
//! It may use `store`, `engine` and `triggers`. It decides nothing: the endpoint hands raw bytes to the receiver and
//! translates its answer into a status code, the page reads the store.
//!
//! Two routers, because they have two publics: [`webhook_router`] has to be reachable from the internet,
//! [`page_router`] must not be.
//!
//! ```no_run
//! # async fn example(app: canopy_web::App) -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! canopy_web::serve(listener, canopy_web::page_router(app), std::future::pending()).await
//! # }
//! ```

mod callback;
mod page;
mod webhooks;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use canopy_engine::{Dispatch, Engine};
use canopy_store::Store;
use canopy_triggers::Receiver;
use tokio::net::TcpListener;

pub use callback::{CALLBACK_PATH, Callback, NotTaken, Returned, callback_router};

/// What the routes work on.
#[derive(Debug, Clone)]
pub struct App {
    pub store: Arc<dyn Store>,
    pub engine: Arc<Engine>,
    pub receiver: Arc<Receiver>,
    pub dispatch: Arc<dyn Dispatch>,
    /// Takes the codes of apps that are installed, where their redirect address leads here.
    pub callback: Option<Arc<dyn Callback>>,
    /// Shown at the top of the page, e.g. `demo` or the configuration's file name.
    pub title: String,
}

/// Largest webhook body that is read, in bytes; more is answered with 413.
pub const MAX_WEBHOOK_BODY: usize = 1024 * 1024;

/// `POST /webhooks/highlevel`, `POST /webhooks/highlevel/{event}`, `POST /webhooks/workflow/{name}`, `GET /oauth/callback` and `GET /healthz`.
pub fn webhook_router(app: App) -> Router {
    let callback = app.callback.clone().map(callback::routes);
    Router::new()
        .route(
            "/webhooks/highlevel",
            post(webhooks::highlevel).layer(axum::extract::DefaultBodyLimit::max(MAX_WEBHOOK_BODY)),
        )
        .route(
            "/webhooks/highlevel/{event}",
            post(webhooks::one_event).layer(axum::extract::DefaultBodyLimit::max(MAX_WEBHOOK_BODY)),
        )
        .route(
            "/webhooks/workflow/{name}",
            post(webhooks::workflow).layer(axum::extract::DefaultBodyLimit::max(MAX_WEBHOOK_BODY)),
        )
        .route("/healthz", get(health))
        .with_state(app)
        .merge(callback.unwrap_or_default())
}

/// `GET /` (the status page), `GET /status.json` and `GET /healthz`.
pub fn page_router(app: App) -> Router {
    Router::new()
        .route("/", get(page::show))
        .route("/status.json", get(page::status))
        .route("/healthz", get(health))
        .layer(axum::middleware::from_fn(local_names_only))
        .with_state(app)
}

/// The page asks for no password, so it is not shown under a foreign name: a website that the operator visits could
/// otherwise have its name resolve to this machine and read the page.
async fn local_names_only(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let local = authority.is_some_and(|authority| {
        let name = authority.host().trim_matches(['[', ']']);
        name == "localhost" || name.parse::<IpAddr>().is_ok()
    });
    if local {
        return next.run(request).await;
    }
    (
        StatusCode::MISDIRECTED_REQUEST,
        "open this page as http://localhost or by its address\n",
    )
        .into_response()
}

/// Serves until `shutdown` resolves; requests in progress are finished.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
}

/// 200 while the store answers.
async fn health(State(app): State<App>) -> Response {
    match app.store.summary().await {
        Ok(_) => (StatusCode::OK, "ok\n").into_response(),
        Err(error) => {
            // The text names paths of this machine, and anybody may ask.
            tracing::warn!(%error, "the store does not answer");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the store does not answer\n",
            )
                .into_response()
        }
    }
}
