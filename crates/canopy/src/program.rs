//! Wiring: from a configuration to a running program.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use canopy_engine::{
    Connection, Engine, LocalDispatch, Observer, Options, RetryOptions, Workflows,
};
use canopy_store::clock::SystemClock;
use canopy_store::{DeliveryStore as _, SqliteStore, Store};
use canopy_triggers::{Poller, Receiver, Scheduler, Site};
use canopy_web::{App, Bounds, Routes};
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::assess::Guard;
use crate::call_log::CallSink;
use crate::config::{self, Loaded, WorkflowFiles};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Failure, chain};
use crate::limiters::Limiters;
use crate::log::note;
use crate::reload::Reload;
use crate::{auth, health, polls, schedules};

mod connections;

use self::connections::{PrivateTokens, files_are_in_force, private_tokens, remind, tell_left};
pub(crate) use self::connections::{connections, try_all};
pub(crate) use crate::opening::{existing_store, job_lock, lock, open_store, refuse_lost};

/// The lease owner of the one process that may hold the store's lock.
pub(crate) const OWNER: &str = "embedded";
/// Calls are kept this long in the call log.
const CALL_LOG: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often the store's file is looked at. Each write looks, too.
const STORE_LOOK: Duration = Duration::from_secs(2);

/// What nobody can use of webhooks is kept this long: as long as HighLevel keeps its own log, within which it can be asked
/// to send again.
const USELESS: SignedDuration = SignedDuration::from_hours(31 * 24);

/// A wired program.
pub(crate) struct Program {
    pub store: SqliteStore,
    pub engine: Arc<Engine>,
    pub polls: Vec<Poller>,
    pub schedulers: Vec<Scheduler>,
    /// Shared by all connections.
    workflows: Workflows,
    /// What the workflows were read from.
    files: WorkflowFiles,
    pub bells: LocalDispatch,
    receiver: Arc<Receiver>,
    callback: Option<auth::Callback>,
    calls: CallSink,
    /// The private integration tokens, whose age is looked at.
    tokens: Vec<PrivateTokens>,
    loaded: Loaded,
    /// Held as long as the process works on the store: one does at a time.
    lock: Arc<File>,
    limiters: Arc<Limiters>,
}

/// When the credentials are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Before anything is written.
    Tried,
    /// Where there is a store, they have worked: then no service is asked before the program listens. They are looked at
    /// before anything is bought.
    Known,
}

/// What one program hands to the next in the same process.
#[derive(Debug)]
pub(crate) struct Kept {
    store: SqliteStore,
    lock: Arc<File>,
    limiters: Arc<Limiters>,
}

impl Program {
    /// Reads the workflows, tries the credentials, and only then creates or opens the store.
    pub async fn assemble(
        loaded: &Loaded,
        environment: &Environment,
        observer: Arc<dyn Observer>,
        trust: Trust,
        kept: Option<Kept>,
    ) -> Result<Self, Failure> {
        let config = &loaded.config;
        if kept.is_none() {
            refuse_lost(loaded, environment)?;
        }
        let verifier = config::verifier(loaded)?;
        let (calls, log) = CallSink::new();
        let known = kept.as_ref().map(|kept| Arc::clone(&kept.limiters));
        let limiters = known.unwrap_or_default();
        // A store that is there is locked before it is opened, one that is not there is not created yet.
        let (held, existing) = match kept {
            Some(kept) => (Some(kept.lock), Some(kept.store)),
            None if loaded.store_path().exists() => {
                let held = Arc::new(lock(loaded)?);
                (Some(held), existing_store(loaded, environment).await?)
            }
            None => (None, None),
        };
        let connector = Connector {
            loaded,
            environment,
            store: existing.as_ref(),
            calls: &calls,
            limiters: Some(&limiters),
        };
        let files = config::workflow_files(loaded);
        let (workflows, off) = config::switched_workflows(loaded, &files)
            .map_err(|mistakes| config::refusal(&mistakes))?;
        let wanted = polls::polls(loaded, &workflows)?;
        polls::must_fit(loaded, &wanted)?;
        let timetables = schedules::schedules(&workflows)?;
        let workflows: Workflows = workflows.into_iter().chain(off).collect();
        let connections = connections(connector, &workflows).await?;
        if trust == Trust::Tried || existing.is_none() {
            try_all(loaded, existing.as_ref(), &connections).await?;
        }
        let hooks =
            config::workflow_hooks(loaded, environment, existing.as_ref(), &connections).await?;
        let tokens = private_tokens(connector, &connections).await?;
        // From here on things are written: everything that a person could have got wrong has been looked at.
        let lock = match held {
            Some(lock) => lock,
            None => Arc::new(lock(loaded)?),
        };
        let store = match existing {
            Some(store) => store,
            None => open_store(loaded, environment).await?,
        };
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        log.start(shared.clone());
        let locations: Vec<String> = connections
            .iter()
            .map(|connection| connection.location.clone())
            .collect();
        if let Some(twice) = locations
            .iter()
            .enumerate()
            .find(|(i, one)| locations[..*i].contains(one))
        {
            return Err(Failure::BadInput(format!(
                "{}: two connections are for location {}",
                loaded.file, twice.1
            )));
        }
        for connection in &connections {
            shared
                .register_connection(&connection.location, &connection.id, Timestamp::now())
                .await
                .map_err(|error| Failure::bad_input(&error))?;
        }
        let told = async {
            files_are_in_force(&store).await?;
            tell_left(&store, &locations).await
        };
        told.await.map_err(|error| Failure::failed(&error))?;
        let clock = Arc::new(SystemClock);
        let site =
            |location: &String| Site::new(shared.clone(), clock.clone(), location.clone(), OWNER);
        let polls = if config.poll.enabled {
            let options = polls::options(&config.poll);
            let poll = |connection: &Connection| {
                let client = connection.highlevel.clone();
                Poller::new(client, site(&connection.location), options, wanted.clone())
            };
            connections.iter().map(poll).collect()
        } else {
            Vec::new()
        };
        let scheduler = |location| Scheduler::new(site(location), timetables.clone());
        let schedulers = locations.iter().map(scheduler).collect();
        let receiver = Receiver::new(shared.clone(), clock.clone(), verifier, locations.clone())
            .with_hooks(hooks);
        let connector = Connector {
            loaded,
            environment,
            store: Some(&store),
            calls: &calls,
            limiters: Some(&limiters),
        };
        let callback = auth::Callback::new(connector, shared.clone(), auth::Time::system()).await?;
        remind(&store, &tokens).await;
        let engine = Engine::new(shared, clock, connections, OWNER, engine_options(config))
            .observed_by(observer);
        // Before the webhooks' port opens: what comes from now on came in this mode.
        engine
            .enter_modes()
            .await
            .map_err(|error| Failure::failed(&error))?;
        Ok(Self {
            store,
            engine: Arc::new(engine),
            polls,
            schedulers,
            workflows,
            files,
            bells: LocalDispatch::new(locations),
            receiver: Arc::new(receiver),
            callback,
            calls,
            tokens,
            loaded: loaded.clone(),
            lock,
            limiters,
        })
    }

    /// What its routes work on.
    pub fn app(&self) -> App {
        App {
            store: Arc::new(self.store.clone()),
            engine: self.engine.clone(),
            receiver: self.receiver.clone(),
            callback: self.callback.clone().map(|one| Arc::new(one) as _),
            dispatch: Arc::new(self.bells.clone()),
            title: self.loaded.file.clone(),
        }
    }

    /// What the next program in this process goes on with.
    pub fn kept(&self) -> Kept {
        Kept {
            store: self.store.clone(),
            lock: Arc::clone(&self.lock),
            limiters: Arc::clone(&self.limiters),
        }
    }

    pub fn config(&self) -> &config::Config {
        &self.loaded.config
    }

    /// The text of the configuration that it was put together from.
    pub fn text(&self) -> &str {
        &self.loaded.text
    }

    /// Where an alert belongs that is about no location.
    pub fn first_location(&self) -> &str {
        let location = self.engine.connections().next();
        location.map_or("", |connection| &connection.location)
    }

    /// Tells the person at the terminal what it works for.
    pub fn introduce(&self) {
        for connection in self.engine.connections() {
            let configs = &self.loaded.config.connection;
            let config = configs.iter().find(|one| one.id == connection.id);
            let mode = config.map_or("", |config| config.mode());
            note(&format!(
                "connection {}: location {}, {mode}",
                connection.id, connection.location
            ));
        }
        if let Some(recipe) = config::left_out(&self.loaded) {
            note(&format!("workflows: {}", config::left_out_text(recipe)));
        }
    }

    /// Polls, receives and drains until `shutdown`; then everything that was begun is finished.
    pub async fn serve(
        &self,
        page: TcpListener,
        webhooks: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), Failure> {
        let (app, bounds) = (self.app(), Bounds::default());
        let pages = Routes::new(canopy_web::page_router(app.clone()));
        let pages = canopy_web::serve(page, pages, bounds, shutdown.cancelled());
        let hooks = Routes::new(canopy_web::webhook_router(app));
        let hooks = canopy_web::serve(webhooks, hooks, bounds, shutdown.cancelled());
        tokio::join!(self.work(&shutdown), pages, hooks).0
    }

    /// Polls and drains until `shutdown`; then everything that was begun is finished.
    pub async fn work(&self, shutdown: &CancellationToken) -> Result<(), Failure> {
        let polls = self.polls.iter().map(|poll| {
            let bells = self.bells.clone();
            let found = move |location: &str| canopy_engine::Dispatch::ring(&bells, location);
            poll.serve(found, shutdown.clone().cancelled_owned())
        });
        let schedules = self.schedulers.iter().map(|scheduler| {
            let bells = self.bells.clone();
            let found = move |location: &str| canopy_engine::Dispatch::ring(&bells, location);
            scheduler.serve(found, shutdown.clone().cancelled_owned())
        });
        let reload = Reload {
            loaded: &self.loaded,
            store: &self.store,
            workflows: &self.workflows,
            files: &self.files,
            pollers: &self.polls,
            schedulers: &self.schedulers,
            location: self.first_location(),
        };
        let guard = self.guard();
        let engine = async {
            // Before money: nothing is bought until it has been looked whether it may be.
            tokio::select! {
                () = guard.look() => {}
                () = shutdown.cancelled() => return,
            }
            let engine = self
                .engine
                .clone()
                .serve(self.bells.clone(), shutdown.clone().cancelled_owned());
            tokio::join!(engine, guard.serve(shutdown));
        };
        let (store, ..) = tokio::join!(
            self.watch_store(shutdown),
            futures::future::join_all(polls),
            futures::future::join_all(schedules),
            reload.serve(shutdown),
            engine,
            health::serve(self.look(), &self.store, &self.receiver, shutdown),
            self.prune(shutdown)
        );
        store
    }

    /// What looks whether the connections may do what they are to do.
    pub fn guard(&self) -> Guard<'_> {
        Guard {
            loaded: &self.loaded,
            store: &self.store,
            engine: &self.engine,
            bells: &self.bells,
            answers: self.calls.answers(),
        }
    }

    /// Looks at how the program fares.
    pub fn look(&self) -> health::Look<'_> {
        let room = self.loaded.config.health.free_bytes();
        health::Look::new(&self.store, &self.engine, self.calls.answers(), room)
    }

    /// Ends the program when its store is deleted, replaced or emptied: what it would write from then on is lost with it.
    /// Tells when nothing can be written, which no alert can that is written to it.
    async fn watch_store(&self, shutdown: &CancellationToken) -> Result<(), Failure> {
        let mut often = tokio::time::interval(STORE_LOOK);
        let mut told = false;
        loop {
            tokio::select! {
                _ = often.tick() => {}
                () = shutdown.cancelled() => return Ok(()),
            }
            let trouble = self.store.trouble();
            match &trouble {
                Some(error) if !told => {
                    tracing::error!(%error, "nothing can be stored: webhooks are told to come again, and nothing is bought");
                }
                None if told => tracing::info!("the store takes what is written again"),
                _ => {}
            }
            told = trouble.is_some();
            if let Err(error) = self.store.check_file() {
                shutdown.cancel();
                return Err(Failure::failed(&error));
            }
        }
    }

    /// Keeps the call log from growing for ever, and the age of tokens in view.
    async fn prune(&self, shutdown: &CancellationToken) {
        let mut hourly = tokio::time::interval(Duration::from_hours(1));
        loop {
            tokio::select! {
                _ = hourly.tick() => {}
                () = shutdown.cancelled() => return,
            }
            remind(&self.store, &self.tokens).await;
            if let Err(error) = self.engine.compare_accounts().await {
                tracing::warn!(error = %chain(&error), "ledger and account could not be compared; it will be tried again");
            }
            if let Err(error) = self.store.prune_calls(Timestamp::now() - CALL_LOG).await {
                tracing::warn!(%error, "old calls could not be deleted from the call log");
            }
            let now = Timestamp::now();
            if let Err(error) = self.store.prune_deliveries(now - USELESS, now).await {
                tracing::warn!(%error, "old webhooks of no use could not be deleted");
            }
        }
    }

    /// Writes what is still in memory.
    pub async fn flush(&self) {
        if let Err(error) = self.receiver.flush().await {
            tracing::warn!(%error, "the figures of webhooks could not be kept");
        }
        self.calls.flush().await;
    }

    /// Writes what is still in memory and closes the store.
    pub async fn close(self) {
        self.flush().await;
        self.store.close().await;
    }
}

pub(crate) fn engine_options(config: &config::Config) -> Options {
    Options {
        retry: RetryOptions {
            base: config.retry.base,
            max: config.retry.max,
            max_attempts: config.retry.max_attempts,
            give_up_after: polls::signed(config.retry.give_up_after),
            gone_after: polls::signed(config.retry.gone_after),
        },
        most_runs: config.loops.most_runs,
        purchase_window: polls::signed(config.purchases.window),
        key_memory: polls::signed(config.purchases.key_memory),
        report_delay: polls::signed(config.purchases.report_delay),
        // Who asks for what is there already does not want to approve it once more.
        max_age: (!config.poll.backfill).then(|| polls::signed(config.poll.max_age)),
        ..Options::default()
    }
}
