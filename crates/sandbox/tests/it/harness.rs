//! A sandbox, a client for it, and a receiver of webhooks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use canopy_sandbox::{Builder, Sandbox, SandboxInfo};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// What an answer said.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Reply {
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub struct World {
    pub sandbox: Sandbox,
    pub http: Client,
}

pub async fn start(builder: Builder) -> World {
    World {
        sandbox: builder.start().await.unwrap(),
        http: client(),
    }
}

/// A sandbox of three contacts whose searches do not lag.
pub async fn settled() -> World {
    let world = start(Sandbox::builder().contacts(3).seed(7)).await;
    world
        .control("POST", "/settings", json!({ "search_lag_seconds": 0 }))
        .await;
    world
}

fn client() -> Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

pub async fn send(request: RequestBuilder) -> Result<Reply, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Reply {
        status,
        headers,
        body,
    })
}

/// The API version that a path asks for.
fn version(path: &str) -> &'static str {
    let is_older = path.starts_with("/calendars") || path.starts_with("/conversations");
    if is_older && !path.starts_with("/conversations/messages/email/") {
        "2021-04-15"
    } else {
        "2021-07-28"
    }
}

impl World {
    pub fn info(&self) -> &SandboxInfo {
        self.sandbox.info()
    }

    /// A HighLevel request with the sandbox's token and version; a null body is none.
    pub fn request(&self, method: &str, path: &str, body: &Value) -> RequestBuilder {
        self.request_as(&self.info().token, method, path, body)
    }

    pub fn request_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> RequestBuilder {
        let url = format!("{}{path}", self.info().highlevel_url);
        let request = self
            .http
            .request(method.parse::<Method>().unwrap(), url)
            .bearer_auth(token)
            .header("Version", version(path));
        if body.is_null() {
            request
        } else {
            request.json(body)
        }
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        send(self.request(method, path, &body)).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, Value::Null).await
    }

    /// Creates a contact and answers its id.
    pub async fn contact(&self, mut members: Value) -> String {
        members["locationId"] = json!(self.info().location_id);
        let created = self.call("POST", "/contacts/", members).await.expect(201);
        created["contact"]["id"].as_str().unwrap().to_owned()
    }

    /// The oldest record of a collection: what is there from the start.
    pub async fn first(&self, collection: &str) -> Value {
        let path = format!("/records/{collection}");
        self.control("GET", &path, Value::Null).await[0].clone()
    }

    /// A token of this order.
    pub async fn token(&self, order: Value) -> String {
        let token = self.control("POST", "/tokens", order).await;
        token["token"].as_str().unwrap().to_owned()
    }

    /// Calls with another token than the location's.
    pub async fn call_as(&self, token: &str, method: &str, path: &str, body: Value) -> Reply {
        send(self.request_as(token, method, path, &body))
            .await
            .unwrap()
    }

    /// What the history says of a record, oldest first.
    pub async fn kinds(&self, id: &Value) -> Vec<String> {
        let history = self.control("GET", "/history", Value::Null).await;
        let own = history.as_array().unwrap().iter();
        own.filter(|change| change["record_id"] == *id)
            .map(|change| change["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Names of the webhooks that were sent or wait to be.
    pub async fn told(&self) -> Vec<String> {
        let webhooks = self.control("GET", "/webhooks", Value::Null).await;
        let webhooks = webhooks.as_array().unwrap().iter();
        webhooks
            .map(|webhook| webhook["event"].as_str().unwrap().to_owned())
            .collect()
    }

    /// From now on, on the sandbox's clock, in milliseconds.
    pub async fn next_days(&self, days: i64) -> (i64, i64) {
        let clock = self.control("GET", "/clock", Value::Null).await;
        let now: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
        let from = now.as_millisecond();
        (from, from + days * 86_400_000)
    }

    pub async fn search(&self, mut body: Value) -> Value {
        body["locationId"] = json!(self.info().location_id);
        self.call("POST", "/contacts/search", body)
            .await
            .expect(200)
    }

    pub async fn try_control(&self, method: &str, path: &str, body: Value) -> Reply {
        let url = format!("{}{path}", self.info().control_url);
        let request = self.http.request(method.parse::<Method>().unwrap(), url);
        send(if body.is_null() {
            request
        } else {
            request.json(&body)
        })
        .await
        .unwrap()
    }

    #[track_caller]
    pub fn control(&self, method: &str, path: &str, body: Value) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        let call = format!("{method} {path} at {place}");
        async move {
            let reply = self.try_control(method, path, body).await;
            assert_eq!(reply.status, 200, "{call}: {}", reply.body);
            reply.body
        }
    }

    pub fn purchase_request(&self, path: &str, key: Option<&str>, body: &Value) -> RequestBuilder {
        let url = format!("{}{path}", self.info().ecologi_url);
        let request = self
            .http
            .post(url)
            .bearer_auth(&self.info().ecologi_key)
            .json(body);
        match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    pub async fn buy(&self, path: &str, key: Option<&str>, body: Value) -> Reply {
        send(self.purchase_request(path, key, &body)).await.unwrap()
    }

    pub async fn report(&self, path: &str) -> Reply {
        let url = format!("{}{path}", self.info().ecologi_url);
        send(self.http.get(url)).await.unwrap()
    }
}

/// A webhook as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub signature: String,
    pub raw: Bytes,
    pub body: Value,
}

/// Takes webhooks in, answering the statuses it was given one after the other and then 200.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub url: String,
    inbox: Arc<Mutex<Vec<Received>>>,
}

type Inbox = (Arc<Mutex<Vec<Received>>>, Arc<Mutex<Vec<u16>>>);

impl Receiver {
    pub async fn start(mut statuses: Vec<u16>) -> Self {
        statuses.reverse();
        let inbox = Arc::new(Mutex::new(Vec::new()));
        let state: Inbox = (Arc::clone(&inbox), Arc::new(Mutex::new(statuses)));
        let app = Router::new()
            .route("/hooks", axum::routing::post(take))
            .with_state(state);
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, inbox }
    }

    pub fn received(&self) -> Vec<Received> {
        self.inbox.lock().unwrap().clone()
    }

    /// Waits until this many have arrived.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        until("webhooks to arrive", || async {
            self.received().len() >= count
        })
        .await;
        self.received()
    }
}

async fn take(
    State((inbox, statuses)): State<Inbox>,
    headers: HeaderMap,
    raw: Bytes,
) -> StatusCode {
    let signature = headers["x-ghl-signature"].to_str().unwrap().to_owned();
    let body = serde_json::from_slice(&raw).unwrap();
    inbox.lock().unwrap().push(Received {
        signature,
        raw,
        body,
    });
    let status = statuses.lock().unwrap().pop().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

/// Waits for a condition, and fails when it does not come true in ten seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"));
}
