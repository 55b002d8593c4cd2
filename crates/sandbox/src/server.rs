//! Starting, listening, stopping.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::connection::accept;
use crate::faults::Order as FaultOrder;
use crate::service::{self, Service};
use crate::shared::Shared;

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
        reason: String,
    },
    #[error("the fault cannot be: {0}")]
    Fault(String),
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
    /// HighLevel as this OpenAPI document in JSON describes it; the bundled one when absent.
    pub highlevel: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 0),
            contacts: 0,
            seed: 1,
            limits: true,
            start_at: None,
            highlevel: None,
        }
    }
}

/// Where the sandbox is and what opens it. The secrets are its own and worth nothing elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    shared: Arc<Shared>,
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

    /// Serves HighLevel as this OpenAPI document in JSON describes it, which is how a new operation is tried before it is
    /// bundled. Default: the bundled description.
    pub fn highlevel(mut self, document: impl Into<String>) -> Self {
        self.options.highlevel = Some(document.into());
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
                    reason: reason.to_owned(),
                })?;
        }
        let highlevel = options.highlevel.as_deref().map(service::highlevel_as);
        let highlevel = highlevel
            .transpose()
            .map_err(|reason| SandboxError::Description {
                service: Service::HighLevel.name(),
                reason,
            })?;
        let listen = |source| SandboxError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let shared = Arc::new(Shared::new(&options, address, highlevel));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
        tracing::debug!(%address, "sandbox listens");
        Ok(Self { shared, stop, task })
    }

    pub fn info(&self) -> &SandboxInfo {
        &self.shared.info
    }

    /// Orders a fault, as `POST /faults` does, and answers its number.
    ///
    /// # Errors
    /// When a member that the kind needs is missing or wrong.
    pub fn add_fault(&self, order: FaultOrder) -> Result<u64, SandboxError> {
        let mut world = self.shared.world();
        let since = world.history.newest();
        let fault = world.faults.add(order, since);
        fault.map(|fault| fault.id).map_err(SandboxError::Fault)
    }

    /// Ends all faults; webhooks that one holds back leave now.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
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
