//! Listening, within bounds: of connections, of the time that a request's head may take, and of the time that the end may.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::crowd::{Crowd, Guest};

/// What a listener allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at the same time. Another one has the one closed that has been quiet longest.
    pub connections: usize,
    /// How long a new connection may take for the head of its first request.
    pub first_head: Duration,
    /// How long it may then be quiet before the next head is whole. Above what proxies keep connections for, so that they
    /// do not send on one that is just being closed.
    pub next_head: Duration,
    /// How long answers that were begun may take once the listener is to end.
    pub farewell: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 1500,
            first_head: Duration::from_secs(10),
            next_head: Duration::from_secs(75),
            farewell: Duration::from_secs(3),
        }
    }
}

/// Head of a request, in bytes; more is answered with 431. Whoever sends one slowly takes up as much memory.
const HEAD: usize = 16 * 1024;
/// Wait after the machine refused a connection, as it does when no more files may be open.
const PAUSE: Duration = Duration::from_millis(50);

/// The routes that a listener serves. They can be replaced while it does.
#[derive(Debug, Clone)]
pub struct Routes(watch::Sender<Router>);

impl Routes {
    pub fn new(router: Router) -> Self {
        Self(watch::Sender::new(router))
    }

    /// Serves these from the next request on.
    pub fn replace(&self, router: Router) {
        // What was there is dropped.
        drop(self.0.send_replace(router));
    }

    fn current(&self) -> Router {
        self.0.borrow().clone()
    }
}

/// Serves until `shutdown` resolves; requests in progress are finished, within bounds.
pub async fn serve(
    listener: TcpListener,
    routes: Routes,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) {
    let crowd = Crowd::new(bounds.connections);
    let stop = CancellationToken::new();
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let guest = Arc::new(crowd.enter(1));
                    connections.spawn(connection(stream, guest, routes.clone(), bounds, stop.clone()));
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection was not accepted");
                    crowd.send_one_away();
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    stop.cancel();
    let ended = async { while connections.join_next().await.is_some() {} };
    // Whoever does not read its answer is cut off: dropping the set ends its tasks.
    let _in_time = tokio::time::timeout(bounds.farewell, ended).await;
}

async fn connection(
    stream: TcpStream,
    guest: Arc<Guest>,
    routes: Routes,
    bounds: Bounds,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let heard = Arc::new(AtomicBool::new(false));
    let service = {
        let (guest, heard) = (Arc::clone(&guest), Arc::clone(&heard));
        service_fn(move |request: Request<Incoming>| {
            heard.store(true, Ordering::Relaxed);
            guest.stir(0);
            answer(routes.current(), request)
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.next_head)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let first = tokio::time::sleep(bounds.first_head);
    tokio::pin!(first);
    let (mut is_first, mut is_last) = (true, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = guest.sent_away() => return,
            () = &mut first, if is_first => {
                if !heard.load(Ordering::Relaxed) {
                    return;
                }
                is_first = false;
            }
            () = stop.cancelled(), if !is_last => {
                if !heard.load(Ordering::Relaxed) {
                    return;
                }
                connection.as_mut().graceful_shutdown();
                is_last = true;
            }
        }
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    router.oneshot(request.map(Body::new)).await
}
