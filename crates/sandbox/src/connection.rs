//! Connections: accepting them, telling the services and the control API apart, and ending.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::body::{Body, whole};
use crate::control;
use crate::service::{self, Dropped, Service};
use crate::shared::Shared;
use crate::webhooks::deliver;

/// A body over this size is refused.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// How long connections may finish their answers at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves until told to stop.
pub async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let control = control::router(Arc::clone(&shared));
    let mut connections = JoinSet::new();
    let mut background = JoinSet::new();
    background.spawn(deliver::run(Arc::clone(&shared)));
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An error here is one connection's (it went away at once), not the listener's.
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(stream, Arc::clone(&shared), control.clone(), stopped.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // Requests that hang by order never end: they are cut off.
    let _in_time = tokio::time::timeout(FAREWELL, ended).await;
}

async fn connection(
    stream: TcpStream,
    shared: Arc<Shared>,
    control: axum::Router,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&shared), control.clone(), request));
    let mut connection = std::pin::pin!(
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service)
    );
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

type Sent = Either<Body, axum::body::Body>;

async fn answer(
    shared: Arc<Shared>,
    control: axum::Router,
    request: Request<Incoming>,
) -> Result<Response<Sent>, Dropped> {
    let path = request.uri().path().to_owned();
    for (prefix, service) in [
        ("/highlevel", Service::HighLevel),
        ("/ecologi", Service::Ecologi),
    ] {
        let Some(path) = path
            .strip_prefix(prefix)
            .filter(|rest| rest.starts_with('/'))
        else {
            continue;
        };
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            let mut refusal = Response::new(Either::Left(whole(Bytes::new())));
            *refusal.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(refusal);
        };
        let response = service::serve(&shared, service, &parts, path, body.to_bytes()).await?;
        return Ok(response.map(Either::Left));
    }
    let response: Result<_, Infallible> = control.oneshot(request.map(axum::body::Body::new)).await;
    let Ok(response) = response;
    Ok(response.map(Either::Right))
}
