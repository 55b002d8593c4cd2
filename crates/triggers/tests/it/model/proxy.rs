//! Stands between the poller and the sandbox, so that a test can do something before a request goes on.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response};
use tokio::sync::{mpsc, oneshot};

/// Lets one request go on.
pub type Gate = oneshot::Sender<()>;

pub struct Proxy {
    pub url: String,
    pub gates: mpsc::UnboundedReceiver<Gate>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Behind {
    base: String,
    gates: mpsc::UnboundedSender<Gate>,
    http: reqwest::Client,
}

impl Proxy {
    /// A proxy for a service; its URL has the same path.
    pub async fn new(base: &str) -> Self {
        let (sender, gates) = mpsc::unbounded_channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = reqwest::Url::parse(base).unwrap();
        let own = listener.local_addr().unwrap();
        let behind = Behind {
            base: base.origin().ascii_serialization(),
            gates: sender,
            http: reqwest::Client::new(),
        };
        let router = Router::new().fallback(pass).with_state(behind);
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            url: format!("http://{own}{}", base.path()),
            gates,
            server,
        }
    }
}

async fn pass(State(behind): State<Behind>, request: Request<Body>) -> Response<Body> {
    let (gate, opened) = oneshot::channel();
    behind.gates.send(gate).unwrap();
    // A gate that is dropped is that of a poll which was dropped: its request is not made.
    if opened.await.is_err() {
        return Response::builder().status(503).body(Body::empty()).unwrap();
    }
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut headers = parts.headers;
    headers.remove("host");
    let url = format!("{}{}", behind.base, parts.uri);
    let request = behind.http.request(parts.method, url).headers(headers);
    let answer = request.body(body).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != "content-length" && name != "transfer-encoding" {
            response = response.header(name, value);
        }
    }
    response
        .body(Body::from(answer.bytes().await.unwrap()))
        .unwrap()
}
