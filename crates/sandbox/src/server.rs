//! Starting, listening, stopping.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt as _;

use crate::clock::Clock;
use crate::control;
use crate::ecologi::Account;
use crate::faults::Faults;
use crate::highlevel::access::{Class, Token};
use crate::highlevel::limits::Limits;
use crate::highlevel::oauth::Grants;
use crate::history::History;
use crate::ids::Ids;
use crate::records::Location;
use crate::requests::Requests;
use crate::seed;
use crate::service::{self, Dropped, Service};
use crate::settings::Settings;
use crate::webhooks::{Outbox, Signature, deliver};
use crate::world::World;

/// A body over this size is refused.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// How long connections may finish their answers at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    #[error(
        "the sandbox listens on loopback only, not on {0}: use 127.0.0.1 or [::1], e.g. 127.0.0.1:0"
    )]
    NotLoopback(SocketAddr),
    #[error("the sandbox cannot listen on {address}: choose a free port, or 0 for any")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the bundled description of {service} cannot be used ({reason}): run `cargo xtask codegen`"
    )]
    Description {
        service: &'static str,
        reason: &'static str,
    },
    #[error("the sandbox has no price list in {0}: use one of {1}")]
    Currency(String, String),
}

/// How a sandbox is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// How many contacts are there at the start.
    pub contacts: u64,
    /// What names, identifiers and keys are drawn from.
    pub seed: u64,
    /// Whether rate limits are held.
    pub limits: bool,
    /// The clock's start; the machine's time when absent.
    pub start_at: Option<Timestamp>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 0),
            contacts: 0,
            seed: 1,
            limits: true,
            start_at: None,
        }
    }
}

/// Where the sandbox is and what opens it. The secrets are its own and worth nothing elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SandboxInfo {
    pub highlevel_url: String,
    pub ecologi_url: String,
    /// Private integration token of the location.
    pub token: String,
    pub location_id: String,
    pub company_id: String,
    pub ecologi_key: String,
    pub ecologi_user: String,
    /// SPKI in base64.
    pub webhook_public_key: String,
    pub control_url: String,
}

/// A running sandbox. It stops when this is dropped; [`Sandbox::shutdown`] also lets answers finish.
#[derive(Debug)]
pub struct Sandbox {
    info: SandboxInfo,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Sets up a [`Sandbox`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    options: Options,
}

impl Builder {
    /// Where to listen, on loopback. Default: any free port of 127.0.0.1.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.options.listen = address;
        self
    }

    /// How many contacts are there at the start. Default: none.
    pub fn contacts(mut self, count: u64) -> Self {
        self.options.contacts = count;
        self
    }

    /// What names, identifiers and keys are drawn from. Default: 1.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// Whether rate limits are held. Default: yes.
    pub fn limits(mut self, limits: bool) -> Self {
        self.options.limits = limits;
        self
    }

    /// When the sandbox's clock starts. Default: now.
    pub fn start_at(mut self, at: Timestamp) -> Self {
        self.options.start_at = Some(at);
        self
    }

    /// Starts the sandbox; it answers when this returns.
    pub async fn start(self) -> Result<Sandbox, SandboxError> {
        Sandbox::start(self.options).await
    }
}

impl Sandbox {
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts the sandbox; it answers when this returns.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let address = options.listen;
        if !address.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(address));
        }
        for service in [Service::HighLevel, Service::Ecologi] {
            service
                .operations()
                .map_err(|reason| SandboxError::Description {
                    service: service.name(),
                    reason,
                })?;
        }
        let listen = |source| SandboxError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let shared = Arc::new(Shared::new(&options, address));
        let info = shared.info.clone();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, shared, stopped));
        tracing::debug!(%address, "sandbox listens");
        Ok(Self { info, stop, task })
    }

    pub fn info(&self) -> &SandboxInfo {
        &self.info
    }

    /// Stops listening, lets answers under way finish for a second, and ends.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The task was neither cancelled nor can it panic; if it did, the sandbox has ended all the same.
        let _ended = (&mut self.task).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Runs a sandbox until `shutdown` resolves; `ready` is told where it is once it answers.
pub async fn run(
    options: Options,
    ready: impl FnOnce(&SandboxInfo),
    shutdown: impl Future<Output = ()>,
) -> Result<(), SandboxError> {
    let sandbox = Sandbox::start(options).await?;
    ready(sandbox.info());
    shutdown.await;
    sandbox.shutdown().await;
    Ok(())
}

/// What all connections share.
#[derive(Debug)]
pub struct Shared {
    world: Mutex<World>,
    pub clock: Clock,
    pub info: SandboxInfo,
    pub signature: Signature,
    /// Wakes the task that sends webhooks.
    pub wake: Notify,
}

impl Shared {
    fn new(options: &Options, address: SocketAddr) -> Self {
        let seed = options.seed;
        let now = options.start_at.unwrap_or_else(Timestamp::now);
        let clock = Clock::starting_at(now);
        let mut identity = Ids::new(seed, 1);
        let location = Location {
            id: identity.record(),
            company_id: identity.record(),
            name: "Sandbox Location".to_owned(),
            user_id: identity.record(),
            created_at: now,
        };
        let token = format!("pit-{}", identity.uuid());
        let ecologi_key = identity.uuid();
        let ecologi_user = "sandbox-forest".to_owned();
        let signature = Signature::new(identity.bytes());
        let base = format!("http://{address}");
        let info = SandboxInfo {
            highlevel_url: format!("{base}/highlevel"),
            ecologi_url: format!("{base}/ecologi"),
            token: token.clone(),
            location_id: location.id.clone(),
            company_id: location.company_id.clone(),
            ecologi_key: ecologi_key.clone(),
            ecologi_user: ecologi_user.clone(),
            webhook_public_key: signature.public_key(),
            control_url: format!("{base}/control"),
        };
        let mut grants = Grants::new(seed);
        grants.issue(
            Some(token),
            Token {
                class: Class::LocationKey,
                scopes: None,
                expires_at: None,
            },
        );
        let mut world = World {
            settings: Settings {
                limits: options.limits,
                ..Settings::default()
            },
            ids: Ids::new(seed, 2),
            traces: Ids::new(seed, 6),
            seed,
            seeded: (0, 0),
            location,
            contacts: crate::contacts::Contacts::default(),
            notes: indexmap::IndexMap::new(),
            tasks: indexmap::IndexMap::new(),
            custom_fields: Vec::new(),
            grants,
            limits: Limits::default(),
            ecologi: Account::new(ecologi_key, ecologi_user, seed),
            history: History::default(),
            outbox: Outbox::default(),
            faults: Faults::new(seed),
            requests: Requests::default(),
        };
        seed::initial(&mut world, options.contacts, now);
        Self {
            world: Mutex::new(world),
            clock,
            info,
            signature,
            wake: Notify::new(),
        }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        // A handler that panicked has answered nobody; the others go on with what it left.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
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

type Body = http_body_util::Either<Full<Bytes>, axum::body::Body>;

async fn answer(
    shared: Arc<Shared>,
    control: axum::Router,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
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
            let mut refusal = Response::new(Body::Left(Full::default()));
            *refusal.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(refusal);
        };
        let response = service::serve(&shared, service, &parts, path, body.to_bytes()).await?;
        return Ok(response.map(Body::Left));
    }
    let response: Result<_, Infallible> = control.oneshot(request.map(axum::body::Body::new)).await;
    let Ok(response) = response;
    Ok(response.map(Body::Right))
}
