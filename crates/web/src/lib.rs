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
//! use canopy_web::{Bounds, Routes, page_router, serve};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! serve(listener, Routes::new(page_router(app)), Bounds::default(), std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod body;
mod callback;
mod crowd;
mod health;
mod page;
mod ready;
mod seldom;
mod serve;
mod webhooks;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

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
use tokio::sync::Semaphore;

pub use callback::{CALLBACK_PATH, Callback, NotTaken, Returned, callback_router};
pub use serve::{Bounds, Routes, serve};

use seldom::Seldom;
use webhooks::Hooks;

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

/// Largest webhook body that is kept, in bytes.
///
/// A record may be as large in a delivery as in an answer of the API. What is longer and signed by HighLevel is noted by size
/// and hash and answered with 200; of others it is answered with 413.
pub const MAX_WEBHOOK_BODY: usize = 10 * 1024 * 1024;

/// Lines that anybody can cause.
static UNWELL: Seldom = Seldom::new();

/// Requests of each listener that are worked on at the same time; others wait. Each has its own, so that neither page nor
/// webhooks starve the other: of the store's four readers the page leaves two.
const PAGES: usize = 2;
const DELIVERIES: usize = 32;
const LOOKS: usize = 1;
/// A request waits for its turn and is worked on no longer than this.
const LONGEST: Duration = Duration::from_secs(30);

/// `POST /webhooks/highlevel`, `POST /webhooks/highlevel/{event}`, `POST /webhooks/workflow/{name}`, `GET /oauth/callback`,
/// `GET /healthz` and `GET /readyz`.
pub fn webhook_router(app: App) -> Router {
    let callback = app.callback.clone().map(callback::routes);
    let health = Router::new()
        .route("/healthz", get(ready::alive))
        .route("/readyz", get(ready::ready));
    let health = in_turn(health, LOOKS);
    Router::new()
        .merge(deliveries())
        .with_state(Hooks::new(app.clone(), DELIVERIES))
        .merge(health.with_state(app))
        .merge(callback.unwrap_or_default())
}

/// The addresses that deliveries come to. People write them with a slash at the end, too.
fn deliveries() -> Router<Hooks> {
    let common = || post(webhooks::highlevel);
    let one = || post(webhooks::one_event);
    let workflow = || post(webhooks::workflow);
    Router::new()
        .route("/webhooks/highlevel", common())
        .route("/webhooks/highlevel/", common())
        .route("/webhooks/highlevel/{event}", one())
        .route("/webhooks/highlevel/{event}/", one())
        .route("/webhooks/workflow/{name}", workflow())
        .route("/webhooks/workflow/{name}/", workflow())
}

/// Before the program is ready: it is well, and whatever is sent is to be sent again.
pub fn starting_router() -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .fallback(async || {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                [(header::RETRY_AFTER, "10")],
                "starting; send it again later\n",
            )
        })
}

/// `GET /` (the status page), `GET /status.json`, `GET /healthz` and `GET /readyz`.
pub fn page_router(app: App) -> Router {
    let routes = Router::new()
        .route("/", get(page::show))
        .route("/status.json", get(page::status))
        .route("/healthz", get(ready::alive))
        .route("/readyz", get(ready::reasons));
    in_turn(routes, PAGES)
        .layer(axum::middleware::from_fn(local_names_only))
        .with_state(app)
}

/// Lets so many requests be worked on at the same time.
fn in_turn<S: Clone + Send + Sync + 'static>(router: Router<S>, at_once: usize) -> Router<S> {
    let turns = Arc::new(Semaphore::new(at_once));
    let wait = async |State(turns): State<Arc<Semaphore>>, request: Request, next: Next| {
        let worked_on = async {
            // It is never closed.
            let _turn = turns.acquire().await;
            next.run(request).await
        };
        let answer = tokio::time::timeout(LONGEST, worked_on).await;
        answer.unwrap_or_else(|_| (StatusCode::SERVICE_UNAVAILABLE, "busy\n").into_response())
    };
    router.layer(axum::middleware::from_fn_with_state(turns, wait))
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
