//! `canopy backfill`: a location as a whole, into the view, a file, or a workflow.

mod export;
pub(super) mod fire;
mod progress;

use std::path::PathBuf;
use std::sync::Arc;

use canopy_engine::Connection;
use canopy_mapping::{On, Workflow, nearest};
use canopy_store::clock::SystemClock;
use canopy_store::{ProfileStore, SqliteStore, Store, StoreError};
use canopy_triggers::{
    Backfill as Reader, BackfillError, BackfillOptions, Backfilled, RecordKind, Since, Site,
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::fire::Fire;
use self::progress::Bar;
use super::{Only, instant};
use crate::call_log::CallSink;
use crate::cli::ConfigArgs;
use crate::config::{self, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::program::{OWNER, job_lock, open_store};
use crate::{output, shutdown};

#[derive(Debug, Args)]
pub(crate) struct Backfill {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// What to read
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "contacts,notes,tasks"
    )]
    pub kind: Vec<Kind>,
    /// Only what changed since: 2026-11-02 (UTC), 2026-11-02T08:00:00Z, or how long ago (30d)
    #[arg(long, value_name = "TIME", value_parser = instant::check)]
    pub since: Option<String>,
    /// Say what this workflow would do and cost for each record; it starts with --yes
    #[arg(long, value_name = "WORKFLOW")]
    pub fire: Option<String>,
    /// Start the workflow
    #[arg(long, requires = "fire")]
    pub yes: bool,
    /// Write the records that are known then to a file, .jsonl or .csv
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Print what was done as one line of JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Contacts,
    Notes,
    Tasks,
}

impl From<Kind> for RecordKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Contacts => Self::Contact,
            Kind::Notes => Self::Note,
            Kind::Tasks => Self::Task,
        }
    }
}

pub(super) async fn backfill(
    options: &Backfill,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    if let Some(path) = &options.to {
        export::format_of(path)?;
    }
    let workflows = config::workflows(&loaded)?;
    let kinds: Vec<RecordKind> = options.kind.iter().copied().map(RecordKind::from).collect();
    let fired = match &options.fire {
        Some(id) => Some(workflow(&workflows, id, &kinds)?),
        None => None,
    };
    let _lock = job_lock(&loaded)?;
    let store = open_store(&loaded, environment).await?;
    let (calls, log) = CallSink::new();
    log.start(Arc::new(store.clone()));
    let job = Job {
        options,
        loaded: &loaded,
        environment,
        store: &store,
        calls: &calls,
        kinds,
    };
    let stop = shutdown::on_signal();
    let ended = tokio::select! {
        ended = job.run(fired) => ended,
        () = stop.cancelled() => Err(Failure::Failed(
            "stopped; the same command goes on from here".to_owned(),
        )),
    };
    calls.flush().await;
    store.close().await;
    ended
}

/// The workflow with this id.
pub(super) fn find<'a>(workflows: &'a [Workflow], id: &str) -> Result<&'a Workflow, Failure> {
    workflows
        .iter()
        .find(|workflow| workflow.id == id)
        .ok_or_else(|| {
            let ids: Vec<_> = workflows.iter().map(|workflow| &*workflow.id).collect();
            let hint = nearest(id, ids.iter().copied())
                .map_or_else(|| ids.join(", "), |near| format!("did you mean {near}?"));
            Failure::BadInput(format!("no workflow has the id \"{id}\"; {hint}"))
        })
}

/// The workflow to fire, which must ask for what is read.
fn workflow<'a>(
    workflows: &'a [Workflow],
    id: &str,
    kinds: &[RecordKind],
) -> Result<&'a Workflow, Failure> {
    let workflow = find(workflows, id)?;
    if kinds.iter().any(|kind| asks_for(workflow, *kind)) {
        return Ok(workflow);
    }
    Err(Failure::BadInput(format!(
        "workflow \"{id}\" starts on {}, which is none of what is read; add it to --kind",
        workflow
            .on
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    )))
}

/// Whether the workflow is about records of this kind.
pub(super) fn asks_for(workflow: &Workflow, kind: RecordKind) -> bool {
    let record_of = |on: &On| match on {
        On::Kind(name) => name.split('.').next().map(str::to_owned),
        On::Trigger(on) => canopy_highlevel::operation(&on.trigger)
            .and_then(|operation| operation.trigger)
            .map(|trigger| trigger.record.to_owned()),
        On::Schedule(_) | On::Webhook(_) => None,
    };
    workflow
        .on
        .iter()
        .any(|on| record_of(on).as_deref() == Some(kind.as_str()))
}

/// Triggers by which the workflow starts on a part of these records only. What a back-fill reads does not tell which.
fn narrowed(workflow: &Workflow, kinds: &[RecordKind]) -> Vec<String> {
    let mut found = Vec::new();
    for on in &workflow.on {
        let alone = Workflow {
            on: vec![on.clone()],
            ..workflow.clone()
        };
        if !kinds.iter().any(|kind| asks_for(&alone, *kind)) {
            continue;
        }
        match on {
            On::Trigger(trigger) if !trigger.with.is_empty() => found.push(trigger.poll_name()),
            _ => return Vec::new(),
        }
    }
    found
}

struct Job<'a> {
    options: &'a Backfill,
    loaded: &'a Loaded,
    environment: &'a Environment,
    store: &'a SqliteStore,
    calls: &'a CallSink,
    kinds: Vec<RecordKind>,
}

impl Job<'_> {
    async fn run(&self, fired: Option<&Workflow>) -> Result<Ended, Failure> {
        let now = Timestamp::now();
        let since = match &self.options.since {
            Some(asked) => Some(Since {
                asked: asked.clone(),
                at: instant::parse(asked, now).map_err(Failure::BadInput)?,
            }),
            None => None,
        };
        let connections = self.connections().await?;
        let (mut report, mut finished) = (Vec::new(), true);
        for connection in &connections {
            let (entry, whole) = self.read(connection, since.clone()).await?;
            finished &= whole;
            report.push(entry);
        }
        if finished {
            if let Some(workflow) = fired {
                for (connection, entry) in connections.iter().zip(&mut report) {
                    entry["fire"] = self
                        .fire(connection, workflow, since.as_ref().map(|since| since.at))
                        .await?;
                }
            }
            if let Some(path) = &self.options.to {
                let locations: Vec<String> = connections
                    .iter()
                    .map(|connection| connection.location.clone())
                    .collect();
                let count = export::export(self.store, &locations, &self.kinds, path).await?;
                self.say(&format!("{count} records written to {}", path.display()));
            }
        }
        if self.options.json {
            output::line(&json!({ "finished": finished, "connections": report }))?;
        }
        Ok(if finished {
            Ended::Well
        } else {
            Ended::Unfinished
        })
    }

    async fn connections(&self) -> Result<Vec<Connection>, Failure> {
        let connector = Connector {
            loaded: self.loaded,
            environment: self.environment,
            store: Some(self.store),
            calls: self.calls,
            limiters: None,
        };
        let mut connections = Vec::new();
        let wanted = self.options.only.find(self.loaded)?;
        let all = self.loaded.config.connection.iter();
        for config in all.filter(|one| wanted.is_none_or(|id| one.id == *id)) {
            let connection = connector
                .connection(config, canopy_engine::Workflows::default())
                .await?;
            self.store
                .register_connection(&connection.location, &connection.id, Timestamp::now())
                .await
                .map_err(|error| Failure::bad_input(&error))?;
            connections.push(connection);
        }
        Ok(connections)
    }

    /// Reads a location; `false`: it goes on another day.
    async fn read(
        &self,
        connection: &Connection,
        since: Option<Since>,
    ) -> Result<(Value, bool), Failure> {
        let options = BackfillOptions {
            kinds: self.kinds.clone(),
            since,
        };
        let store = Arc::new(self.store.clone());
        let site = Site::new(store, Arc::new(SystemClock), &*connection.location, OWNER);
        let reader = Reader::new(connection.highlevel.clone(), site, options);
        let bar = Bar::new(&connection.id, self.options.json);
        let read = reader.run(&|progress| bar.show(progress)).await;
        bar.clear();
        let mut entry = json!({
            "connection": connection.id, "location": connection.location, "test": connection.test,
        });
        let whole = match read {
            Ok(Backfilled { resumed, progress }) => {
                self.say(&format!(
                    "connection {}: {} contacts read, {} records in the view{}",
                    connection.id,
                    progress.contacts,
                    progress.records,
                    if resumed {
                        ", going on from an earlier run"
                    } else {
                        ""
                    },
                ));
                entry["resumed"] = json!(resumed);
                entry["contacts"] = json!(progress.contacts);
                true
            }
            Err(error @ BackfillError::DayUsedUp { .. }) => {
                eprintln!("canopy: connection {}: {error}", connection.id);
                if let BackfillError::DayUsedUp {
                    contacts,
                    total,
                    resets_at,
                    ..
                } = error
                {
                    entry["contacts"] = json!(contacts);
                    entry["total"] = json!(total);
                    entry["goes_on_after"] = json!(resets_at);
                }
                false
            }
            Err(error) => return Err(Failure::failed(&error)),
        };
        let mut counts = serde_json::Map::new();
        for kind in &self.kinds {
            let count = self
                .store
                .count_records(&connection.location, kind.as_str())
                .await;
            counts.insert(kind.as_str().to_owned(), json!(count.map_err(failed)?));
        }
        entry["records"] = Value::Object(counts);
        Ok((entry, whole))
    }

    async fn fire(
        &self,
        connection: &Connection,
        workflow: &Workflow,
        since: Option<Timestamp>,
    ) -> Result<Value, Failure> {
        let kinds = self.kinds.iter().copied();
        let fire = Fire {
            store: self.store,
            connection,
            workflow,
            kinds: kinds.filter(|kind| asks_for(workflow, *kind)).collect(),
            since,
        };
        let plan = fire.plan().await?;
        self.say(&format!(
            "connection {}: {}",
            connection.id,
            fire::describe(&plan, &workflow.id)
        ));
        let narrowed = narrowed(workflow, &self.kinds);
        if !narrowed.is_empty() {
            self.say(&format!(
                "that is all that was read: a back-fill cannot tell which of it {} would find; narrow it by the workflow's \"when\"",
                narrowed.join(", ")
            ));
        }
        let mut entry = json!({ "plan": plan, "not_narrowed_to": narrowed });
        if !self.options.yes {
            self.say("nothing was started; add --yes to start it");
            return Ok(entry);
        }
        let fired = fire.start().await?;
        self.say(&format!(
            "{} event(s) wait for `canopy run`{}",
            fired.pending,
            match fired.left {
                0 => String::new(),
                left => format!("; {left} were left alone, as they wait already or are not to run"),
            }
        ));
        entry["started"] = json!(fired);
        Ok(entry)
    }

    /// Tells a person; scripts read the JSON.
    fn say(&self, text: &str) {
        if !self.options.json {
            println!("{text}");
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn failed(error: StoreError) -> Failure {
    Failure::failed(&error)
}
