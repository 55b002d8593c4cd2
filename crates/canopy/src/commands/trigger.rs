//! `canopy trigger test`: polls once and shows what would fire. Nothing is stored.

use std::sync::Arc;

use canopy_highlevel::CATALOG;
use canopy_highlevel::operation::EntryKind;
use canopy_mapping::{On, Workflow, nearest};
use canopy_store::clock::SystemClock;
use canopy_store::{NewEvent, SecretKey, SqliteStore};
use canopy_triggers::{Poll, PollSpec, Poller, Polls, Site};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Only;
use crate::call_log::CallSink;
use crate::cli::ConfigArgs;
use crate::config::{self, ConnectionConfig, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::polls;
use crate::program::existing_store;
use crate::temporary;

#[derive(Debug, Subcommand)]
pub(crate) enum Trigger {
    /// Poll once and show what would fire; nothing is stored and no workflow runs
    Test(Test),
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// A workflow's id, or a trigger or operation of `canopy ops`
    pub name: String,
    /// Arguments of the trigger as a JSON object; left out, those that workflows give it
    #[arg(long, value_name = "JSON")]
    pub with: Option<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// What one poll of one connection would find.
struct Finding {
    connection: String,
    test: bool,
    poll: String,
    baseline: bool,
    events: Vec<NewEvent>,
}

pub(super) async fn trigger(options: Trigger, environment: &Environment) -> Result<Ended, Failure> {
    let Trigger::Test(options) = options;
    let mut loaded = config::load(&options.config.config)?;
    options.only.keep(&mut loaded)?;
    let wanted = wanted(&loaded, &options)?;
    // Without a store nothing was polled yet: an empty one says so.
    let folder = temporary::folder_for("trying a trigger", 0)?;
    let store = match existing_store(&loaded, environment).await? {
        Some(store) => store,
        None => SqliteStore::open(&folder.path().join("canopy.db"), &SecretKey::generate())
            .await
            .map_err(|error| Failure::failed(&error))?,
    };
    let mut findings = Vec::new();
    let result = async {
        for connection in &loaded.config.connection {
            let preview = preview(&loaded, environment, &store, connection, &wanted);
            findings.extend(preview.await?);
        }
        Ok(())
    };
    let result: Result<(), Failure> = result.await;
    store.close().await;
    result?;
    print(&findings, options.json);
    Ok(Ended::Well)
}

/// The polls of a workflow, or of one trigger.
fn wanted(loaded: &Loaded, options: &Test) -> Result<Polls, Failure> {
    let workflows = config::workflows(loaded)?;
    let name = options.name.as_str();
    if let Some(workflow) = workflows.iter().find(|workflow| workflow.id == name) {
        return polls::polls(loaded, std::slice::from_ref(workflow));
    }
    let entry = CATALOG
        .iter()
        .find(|entry| entry.kind == EntryKind::Trigger && entry.name == name);
    let operation = entry.map_or(name, |entry| entry.operation);
    if canopy_highlevel::operation(operation).is_none() {
        let known = CATALOG
            .iter()
            .filter(|entry| entry.kind == EntryKind::Trigger)
            .map(|entry| entry.name)
            .chain(workflows.iter().map(|workflow| workflow.id.as_str()));
        let fix = match nearest(name, known) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "`canopy ops` lists them".to_owned(),
        };
        return Err(Failure::BadInput(format!(
            "there is no workflow and no trigger \"{name}\"; {fix}"
        )));
    }
    let specs = match &options.with {
        Some(with) => vec![spec(operation, arguments(with)?)],
        None => as_configured(&workflows, operation),
    };
    let kinds = std::collections::BTreeSet::new();
    Polls::new(&specs, &kinds, &polls::options(&loaded.config.poll))
        .map_err(|error| Failure::bad_input(&error))
}

fn spec(operation: &str, arguments: Map<String, Value>) -> PollSpec {
    PollSpec {
        operation: operation.to_owned(),
        arguments,
        every: None,
        backfill: false,
    }
}

/// A trigger with the arguments that workflows give it; without any where none waits for it.
fn as_configured(workflows: &[Workflow], operation: &str) -> Vec<PollSpec> {
    let on = workflows.iter().flat_map(|workflow| &workflow.on);
    let mut specs: Vec<_> = on
        .filter_map(|on| match on {
            On::Trigger(trigger) => Some(trigger),
            _ => None,
        })
        .filter(|trigger| {
            canopy_highlevel::operation(&trigger.trigger)
                .is_some_and(|found| found.name == operation)
        })
        .map(|trigger| spec(operation, trigger.with.clone()))
        .collect();
    if specs.is_empty() {
        specs.push(spec(operation, Map::new()));
    }
    specs
}

fn arguments(text: &str) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(Failure::BadInput(
            "--with is no JSON object; write e.g. --with '{\"contactId\": \"...\"}'".to_owned(),
        )),
        Err(error) => Err(Failure::BadInput(format!("--with is no JSON: {error}"))),
    }
}

async fn preview(
    loaded: &Loaded,
    environment: &Environment,
    store: &SqliteStore,
    connection: &ConnectionConfig,
    wanted: &Polls,
) -> Result<Vec<Finding>, Failure> {
    let (calls, _) = CallSink::new();
    let connector = Connector {
        loaded,
        environment,
        store: Some(store),
        calls: &calls,
        limiters: None,
    };
    let location = connector.location(connection).await?;
    let client = connector.highlevel(connection, &location).await?;
    let options = polls::options(&loaded.config.poll);
    let site = Site::new(
        Arc::new(store.clone()),
        Arc::new(SystemClock),
        location,
        "preview",
    );
    let poller = Poller::new(client, site, options, wanted.clone());
    let mut findings = Vec::new();
    for poll in poller.polls().iter() {
        findings.push(of(&poller, poll, connection).await?);
    }
    Ok(findings)
}

async fn of(
    poller: &Poller,
    poll: &Poll,
    connection: &ConnectionConfig,
) -> Result<Finding, Failure> {
    let preview = poller
        .preview(poll)
        .await
        .map_err(|error| Failure::failed(&error))?;
    Ok(Finding {
        connection: connection.id.clone(),
        test: connection.test,
        poll: poll.name.clone(),
        baseline: preview.baseline,
        events: preview.events,
    })
}

fn print(findings: &[Finding], as_json: bool) {
    if as_json {
        let findings: Vec<_> = findings
            .iter()
            .map(|finding| json!({ "connection": finding.connection, "test": finding.test, "poll": finding.poll, "first": finding.baseline, "events": finding.events.iter().map(told).collect::<Vec<_>>() }))
            .collect();
        println!("{}", json!(findings));
        return;
    }
    for finding in findings {
        println!(
            "connection {}, poll {}: {} event(s)",
            finding.connection,
            finding.poll,
            finding.events.len()
        );
        if finding.baseline {
            println!(
                "  it was never polled: the first poll remembers what is there and fires nothing;"
            );
            println!("  with backfill = true it would fire these:");
        }
        for event in &finding.events {
            println!("  {}  {}  {}", event.occurred_at, event.kind, event.record);
        }
    }
}

/// An event without what its record says: that may be a person's.
fn told(event: &NewEvent) -> Value {
    json!({
        "kind": event.kind, "record": event.record, "contact": event.contact, "occurred_at": event.occurred_at,
        "version": event.version, "found_by": event.trace.found_by,
    })
}
