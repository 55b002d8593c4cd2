//! The engine: takes events from the inbox, runs the workflows that ask for them, and makes every step happen once.
//!
//! It may use `mapping` (pure planning), `store` (everything durable) and the two clients. It knows no workflow, no
//! HTTP routes and no configuration files; time, store and clients are given to it.
//!
//! For each step: write the intent under its key, call, write the outcome. Whatever happens in between, the next
//! [`Engine::drain`] finds the intent and finishes the work: purchases by repeating them under the same key, creates
//! at HighLevel by looking whether they happened.
//!
//! ```
//! use canopy_engine::{Catalog, Options};
//! use canopy_mapping::{ActionKind, Actions};
//!
//! assert_eq!(Catalog.kind("buy-trees"), Some(ActionKind::Purchase));
//! assert_eq!(Catalog.kind("create-note"), Some(ActionKind::HighLevel));
//! assert_eq!(Options::default().purchase_window.as_mins(), 10);
//! ```

pub mod account;
mod actions;
mod adopt;
mod arguments;
mod blanks;
mod breaker;
mod complete;
mod connection;
mod contacts;
mod context;
mod custom_fields;
mod dispatch;
mod drain;
mod due;
mod echo;
mod error;
mod fitting;
mod foresee;
mod guards;
mod intake;
mod keys;
mod location;
mod lookup;
mod observer;
mod options;
mod partly;
mod patience;
mod plan;
mod profile_arguments;
mod queue;
mod run;
mod service;
mod slips;
mod steps;
mod switched;
mod turns;
mod vocabulary;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use canopy_store::Store;
use canopy_store::clock::Clock;

pub use actions::{Catalog, SAVE_PROFILE, SYNC_PROFILE};
pub use adopt::{
    AdoptError, Adopted, Adoption, Known, Likeness, PERSON_FIELDS, likeness, recognisable,
};
pub use breaker::{Buyer, Cause, Went};
pub use connection::{Budget, BudgetZone, Caps, Connection, Workflows};
pub use custom_fields::custom_fields;
pub use dispatch::{Dispatch, LocalDispatch};
pub use drain::Drained;
pub use error::EngineError;
pub use foresee::{Foreseen, foresee};
pub use observer::{Boundary, Observer};
pub use options::{Options, RetryOptions};
pub use plan::PLANNED;
pub use queue::{UNSURE_GATES, zone_fact};
pub use steps::unknown::{short, unknown_purchases};
pub use steps::writes_by_local_clock;
pub use vocabulary::workflow_schema;

/// Begins the mark, in an event's `found_by`, of a workflow for which a person fired it: it starts that one alone.
pub const FIRED: &str = "backfill:";

/// Runs workflows for a set of connections.
#[derive(Debug)]
pub struct Engine {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// By location.
    connections: HashMap<String, Arc<Connection>>,
    options: Options,
    observer: Arc<dyn Observer>,
    /// Names this process in leases.
    owner: String,
    fields: custom_fields::FieldDirectory,
    records: location::Records,
    /// Which accounts were compared with the ledger.
    account_gate: account::Gate,
    /// Real purchases go one after the other.
    turns: turns::Turns,
    /// Held while it is looked which purchases may go.
    freeing: tokio::sync::Mutex<()>,
    /// Whether the store knows which locations are worked for.
    noted: tokio::sync::OnceCell<()>,
    switched: switched::Switched,
    /// Set at shutdown: no further run is begun.
    stopping: AtomicBool,
    /// Calls that write do not go out, but are counted here.
    plan: Option<plan::Plan>,
}

impl Engine {
    /// An engine for these connections. `owner` names the process in leases: two processes must not share it.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        connections: impl IntoIterator<Item = Connection>,
        owner: impl Into<String>,
        options: Options,
    ) -> Self {
        let connections = connections
            .into_iter()
            .map(|connection| (connection.location.clone(), Arc::new(connection)))
            .collect();
        Self {
            store,
            clock,
            connections,
            options,
            observer: Arc::new(()),
            owner: owner.into(),
            fields: custom_fields::FieldDirectory::default(),
            records: location::Records::default(),
            account_gate: account::Gate::default(),
            turns: turns::Turns::default(),
            freeing: tokio::sync::Mutex::default(),
            noted: tokio::sync::OnceCell::new(),
            switched: switched::Switched::default(),
            stopping: AtomicBool::new(false),
            plan: None,
        }
    }

    /// Has `observer` told of every boundary of every step.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// The connections that it works for.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().map(|connection| &**connection)
    }
}
