//! `canopy simulate`: what a workflow would do with what happened.

mod timetable;

use std::sync::Arc;

use canopy_engine::Connection;
use canopy_mapping::{Event, Source, Workflow};
use canopy_store::clock::SystemClock;
use canopy_store::{NewEvent, ProfileStore, Store, StoreError};
use canopy_triggers::{Backfill, BackfillOptions, RecordKind, Since, Site};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::backfill::fire::{fired, mark, read, updated};
use super::backfill::{asks_for, find};
use super::instant;
use crate::cli::ConfigArgs;
use crate::config;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::output;
use crate::program::OWNER;
use crate::rehearsal::{Rehearsal, Report, describe};

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Id of the workflow
    pub workflow: String,
    /// From when on: 2026-11-02 (UTC), 2026-11-02T08:00:00Z, or how long ago
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = instant::check)]
    pub since: String,
    /// Only this connection
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
    /// Print what would happen as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Rows read from the copy at a time.
const ROWS: u32 = 500;
const LEASE: SignedDuration = SignedDuration::from_mins(5);

pub(super) async fn simulate(
    options: &Simulate,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let workflows = config::workflows(&loaded)?;
    let workflow = find(&workflows, &options.workflow)?.clone();
    let at = instant::parse(&options.since, Timestamp::now()).map_err(Failure::BadInput)?;
    let since = Since {
        asked: options.since.clone(),
        at,
    };
    if let Some(id) = &options.connection {
        loaded.connection(id)?;
    }
    let rehearsal = Rehearsal::begin(&loaded, environment, vec![workflow.clone()]).await?;
    let report = play(&rehearsal, options, &workflow, since).await;
    let report = report.map_err(|failure| rehearsal.failure(failure));
    rehearsal.end().await;
    show(&report?, options.json)
}

/// Prints it; 3 where a person would be needed.
pub(super) fn show(report: &Report, json: bool) -> Result<Ended, Failure> {
    if json {
        output::line(&serde_json::json!(report))?;
    } else {
        print!("{}", describe(report));
    }
    Ok(if report.totals.held + report.totals.refused > 0 {
        Ended::NeedsPerson
    } else {
        Ended::Well
    })
}

async fn play(
    rehearsal: &Rehearsal,
    options: &Simulate,
    workflow: &Workflow,
    since: Since,
) -> Result<Report, Failure> {
    let mut occurrences = Vec::new();
    for connection in rehearsal.engine.connections() {
        let wanted = options.connection.as_ref();
        if wanted.is_some_and(|id| *id != connection.id) {
            continue;
        }
        // What its timetables are due for comes in the order of its times.
        if !timetable::of(workflow).is_empty() {
            let played = timetable::play(rehearsal, connection, workflow, since.at).await?;
            occurrences.extend(played);
        }
        fire(rehearsal, connection, workflow, since.clone()).await?;
        let drained = rehearsal.engine.drain(&connection.location).await;
        drained.map_err(|error| Failure::failed(&error))?;
    }
    let mut report = rehearsal.report(Some(&workflow.id)).await?;
    report.totals.occurrences = occurrences.len() as u64;
    report.occurrences = occurrences;
    Ok(report)
}

/// Makes what happened pending in the copy, for this workflow.
async fn fire(
    rehearsal: &Rehearsal,
    connection: &Connection,
    workflow: &Workflow,
    since: Since,
) -> Result<(), Failure> {
    let (store, location, at) = (&rehearsal.store, &connection.location, since.at);
    let wants = |event: &NewEvent| event.occurred_at >= at && workflow.starts_on(&read(event));
    if asks_for(workflow, RecordKind::Contact) {
        // What changed since, as far as the view does not have it.
        let reading = BackfillOptions {
            kinds: vec![RecordKind::Contact],
            since: Some(since),
        };
        let shared = Arc::new(store.clone());
        let site = Site::new(shared, Arc::new(SystemClock), &**location, OWNER);
        let reader = Backfill::new(connection.highlevel.clone(), site, reading);
        let read = reader.run(&|_| {}).await;
        read.map_err(|error| Failure::failed(&error))?;
    }
    if [RecordKind::Note, RecordKind::Task]
        .iter()
        .any(|kind| asks_for(workflow, *kind))
    {
        eprintln!(
            "notes and tasks are those that events and `canopy backfill` told of: to read all takes a call for each contact"
        );
    }
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let rows = store.events_after(after, ROWS).await.map_err(failed)?;
        let Some(last) = rows.last() else { break };
        after = last.event.id;
        for row in rows {
            if row.event.location == *location {
                events.push(again(row.event, workflow));
            }
        }
    }
    for kind in [RecordKind::Contact, RecordKind::Note, RecordKind::Task] {
        let mut after = String::new();
        loop {
            let page = store.records(location, kind.as_str(), &after, ROWS).await;
            let page = page.map_err(failed)?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.record);
            for record in &page {
                events.push(fired(record, &workflow.id));
                events.extend(updated(record, &workflow.id));
            }
        }
    }
    events.retain(wants);
    events.sort_by_key(|event| event.occurred_at);
    let now = Timestamp::now();
    let lease = store.acquire_lease(location, OWNER, now, LEASE).await;
    let Some(fence) = lease.map_err(failed)? else {
        // The copy has the lease of a process that runs on the store itself.
        return Err(Failure::Failed(format!(
            "location {location} is held by another process; try again when it has stopped"
        )));
    };
    for events in events.chunks(ROWS as usize) {
        let fired = store.fire_events(&fence, events.to_vec(), now).await;
        fired.map_err(failed)?;
    }
    Ok(())
}

/// An event of the inbox, once more for this workflow.
fn again(event: Event, workflow: &Workflow) -> NewEvent {
    let mut trace = event.trace;
    trace.found_by.push(mark(&workflow.id));
    NewEvent {
        source: Source::Manual,
        kind: event.kind,
        location: event.location,
        contact: event.contact,
        record: event.record,
        occurred_at: event.occurred_at,
        version: event.version,
        delivery: None,
        payload: event.payload,
        trace,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn failed(error: StoreError) -> Failure {
    Failure::failed(&error)
}
