//! A rehearsal: the program on a copy of its store, with an engine that plans. Reads go to the services, nothing that
//! writes goes out, and the copy is thrown away.

mod clock;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use canopy_engine::{Connection, Engine};
use canopy_mapping::Workflow;
use canopy_store::clock::SystemClock;
use canopy_store::{Run, SecretKey, SqliteStore, Store};
use canopy_triggers::{Poller, Site};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::call_log::CallSink;
use crate::config::{self, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::program::{OWNER, connections, engine_options, existing_store, try_all};
use crate::{polls, temporary};

pub(crate) use clock::Hands;
pub(crate) use report::{Occurrence, Report, describe};

/// A program that changes nothing.
pub(crate) struct Rehearsal {
    pub engine: Engine,
    /// The copy.
    pub store: SqliteStore,
    pub polls: Vec<Poller>,
    /// The engine's; it can be set to what was.
    pub clock: Arc<Hands>,
    began: Timestamp,
    /// The last run that the store had before.
    last_run: i64,
    /// Open where an app's tokens may be renewed: the service spends the old ones, so the new ones are kept for good.
    real: Option<SqliteStore>,
    /// The copy's, readable by nobody else; deleted with this.
    folder: TempDir,
    /// What it is a copy of.
    copied: PathBuf,
}

impl Rehearsal {
    pub async fn begin(
        loaded: &Loaded,
        environment: &Environment,
        workflows: Vec<Workflow>,
    ) -> Result<Self, Failure> {
        let wanted = polls::polls(loaded, &workflows)?;
        let folder = temporary::folder()?;
        let store = copy(loaded, environment, &folder).await?;
        let mut configured = loaded.config.connection.iter();
        let real = if configured.any(|one| one.highlevel.oauth.is_some()) {
            existing_store(loaded, environment).await?
        } else {
            None
        };
        let (calls, _) = CallSink::new();
        let connector = Connector {
            loaded,
            environment,
            store: Some(real.as_ref().unwrap_or(&store)),
            calls: &calls,
            limiters: None,
        };
        let connections = connections(connector, &workflows.into()).await?;
        try_all(loaded, None, &connections).await?;
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        for connection in &connections {
            shared
                .register_connection(&connection.location, &connection.id, Timestamp::now())
                .await
                .map_err(|error| Failure::bad_input(&error))?;
        }
        let clock = Arc::new(SystemClock);
        let hands = Arc::new(Hands::default());
        let poll = |connection: &Connection| {
            let client = connection.highlevel.clone();
            let site = Site::new(shared.clone(), clock.clone(), &*connection.location, OWNER);
            let options = polls::options(&loaded.config.poll);
            Poller::new(client, site, options, wanted.clone())
        };
        let polls = if loaded.config.poll.enabled {
            connections.iter().map(poll).collect()
        } else {
            Vec::new()
        };
        let options = engine_options(&loaded.config);
        let engine = Engine::new(shared.clone(), hands.clone(), connections, OWNER, options);
        let runs = store.runs(None, 1).await;
        let runs = runs.map_err(|error| Failure::failed(&error))?;
        Ok(Self {
            engine: engine.planning(),
            store,
            polls,
            clock: hands,
            began: Timestamp::now(),
            last_run: runs.first().map_or(0, |run| run.id),
            real,
            folder,
            copied: loaded.store_path(),
        })
    }

    /// Plans what is due now at each location.
    pub async fn play(&self) -> Result<(), Failure> {
        for connection in self.engine.connections() {
            let drained = self.engine.drain(&connection.location).await;
            drained.map_err(|error| self.failure(Failure::failed(&error)))?;
        }
        Ok(())
    }

    /// Whether a run of the copy is of this rehearsal.
    pub fn is_new(&self, run: &Run) -> bool {
        run.id > self.last_run || run.updated_at >= self.began
    }

    /// A failure of the rehearsal. The copy is another store than the one that messages of the store would be taken for.
    pub fn failure(&self, failure: Failure) -> Failure {
        temporary::failure(self.folder.path(), &self.copied, failure)
    }

    /// What would have happened, to this workflow or to all.
    pub async fn report(&self, workflow: Option<&str>) -> Result<Report, Failure> {
        let report = report::collect(self, workflow, self.engine.planned());
        report
            .await
            .map_err(|error| self.failure(Failure::failed(&error)))
    }

    pub async fn end(self) {
        self.store.close().await;
        if let Some(real) = self.real {
            real.close().await;
        }
    }
}

async fn copy(
    loaded: &Loaded,
    environment: &Environment,
    folder: &TempDir,
) -> Result<SqliteStore, Failure> {
    let path = folder.path().join("copy.db");
    let real = loaded.store_path();
    let key = if real.exists() {
        temporary::announce(folder.path(), &real);
        temporary::has_room(folder.path(), &real)?;
        let store = SqliteStore::open_read_only(&real).await;
        let store = store.map_err(|error| Failure::opening(&error))?;
        let copied = store.copy_to(&path).await;
        store.close().await;
        copied.map_err(|error| temporary::not_copied(folder.path(), &real, &error))?;
        config::store_key(&real, &loaded.config, &loaded.folder, environment)?
    } else {
        SecretKey::generate()
    };
    let store = SqliteStore::open(&path, &key).await;
    store.map_err(|error| Failure::failed(&error))
}
