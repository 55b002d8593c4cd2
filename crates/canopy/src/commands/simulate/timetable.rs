//! Simulating a timetable: each occurrence of the period is played at its own time, so that caps, months and keys count as
//! they would have.

use std::collections::{BTreeMap, HashMap};

use canopy_engine::Connection;
use canopy_mapping::{Each, On, SCHEDULE_DUE, ScheduleOn, Source, Trace, Workflow};
use canopy_store::{EventState, NewEvent, ProfileStore, Store};
use jiff::Timestamp;
use serde_json::json;

use super::super::backfill::fire::mark;
use super::{LEASE, ROWS, failed};
use crate::exit::Failure;
use crate::program::OWNER;
use crate::rehearsal::{Occurrence, Rehearsal};

/// A timetable that is due each minute has so many occurrences in a week.
const MOST: usize = 10_080;

/// The timetables that a workflow starts on.
pub(super) fn of(workflow: &Workflow) -> Vec<&ScheduleOn> {
    let schedules = workflow.on.iter().filter_map(|on| match on {
        On::Schedule(schedule) => Some(schedule),
        _ => None,
    });
    schedules.collect()
}

/// Plays all occurrences of a connection since a moment, oldest first, and tells what came of each.
pub(super) async fn play(
    rehearsal: &Rehearsal,
    connection: &Connection,
    workflow: &Workflow,
    since: Timestamp,
) -> Result<Vec<Occurrence>, Failure> {
    let now = Timestamp::now();
    let mut all = Vec::new();
    for schedule in of(workflow) {
        let timetable = schedule
            .timetable()
            .map_err(|error| Failure::BadInput(error.to_string()))?;
        let mut at = timetable.next_after(since);
        while let Some(due) = at.filter(|due| *due <= now) {
            if all.len() == MOST {
                return Err(Failure::BadInput(format!(
                    "the timetables of \"{}\" are due more than {MOST} times since then; take a shorter time with --since",
                    workflow.id
                )));
            }
            all.push((due, schedule));
            at = timetable.next_after(due);
        }
    }
    all.sort_by_key(|(due, _)| *due);
    let mut told = Vec::new();
    for (due, schedule) in all {
        told.push(one(rehearsal, connection, workflow, (due, schedule)).await?);
    }
    rehearsal.clock.run();
    look_back(rehearsal, (connection, workflow), &mut told).await?;
    Ok(told)
}

async fn one(
    rehearsal: &Rehearsal,
    connection: &Connection,
    workflow: &Workflow,
    (at, schedule): (Timestamp, &ScheduleOn),
) -> Result<Occurrence, Failure> {
    let (store, location) = (&rehearsal.store, &connection.location);
    let zone = schedule.timezone.as_deref().unwrap_or("UTC");
    let local = at
        .in_tz(zone)
        .map_or_else(|_| at.to_string(), |at| at.to_string());
    let mut occurrence = Occurrence {
        connection: connection.id.clone(),
        at,
        local,
        schedule: schedule.identity(),
        runs: 0,
        nothing: None,
    };
    let contacts = match schedule.each {
        None => vec![None],
        Some(Each::Profile) => {
            let contacts = store
                .contacts_with_profile(location)
                .await
                .map_err(failed)?;
            contacts.into_iter().map(Some).collect()
        }
    };
    if contacts.is_empty() {
        occurrence.nothing = Some("no contact has a profile".to_owned());
        return Ok(occurrence);
    }
    // The same event as the one that it was, or would have been.
    let event = |contact: Option<String>| NewEvent {
        source: Source::Manual,
        kind: SCHEDULE_DUE.to_owned(),
        location: location.clone(),
        record: workflow.id.clone(),
        occurred_at: at,
        version: Some(match &contact {
            Some(contact) => format!("{at} {contact}"),
            None => at.to_string(),
        }),
        delivery: None,
        payload: json!({ "due": occurrence.local, "schedule": occurrence.schedule }),
        trace: Trace {
            found_by: vec![mark(&workflow.id)],
            ..Trace::default()
        },
        contact,
    };
    let events: Vec<NewEvent> = contacts.into_iter().map(event).collect();
    rehearsal.clock.set(at);
    let lease = store.acquire_lease(location, OWNER, at, LEASE).await;
    let Some(fence) = lease.map_err(failed)? else {
        return Err(Failure::Failed(format!(
            "location {location} is held by another process; try again when it has stopped"
        )));
    };
    for events in events.chunks(ROWS as usize) {
        let fired = store.fire_events(&fence, events.to_vec(), at).await;
        fired.map_err(failed)?;
    }
    let drained = rehearsal.engine.drain(location).await;
    drained.map_err(|error| Failure::failed(&error))?;
    Ok(occurrence)
}

/// How many runs each started, or why none.
async fn look_back(
    rehearsal: &Rehearsal,
    (connection, workflow): (&Connection, &Workflow),
    occurrences: &mut [Occurrence],
) -> Result<(), Failure> {
    let store = &rehearsal.store;
    // Two timetables that are due at the same time are one event.
    let mut places: HashMap<Timestamp, usize> = HashMap::new();
    for (place, occurrence) in occurrences.iter().enumerate().rev() {
        places.insert(occurrence.at, place);
    }
    let mut why: Vec<BTreeMap<String, usize>> = vec![BTreeMap::new(); occurrences.len()];
    let mut after = 0;
    loop {
        let rows = store.events_after(after, ROWS).await.map_err(failed)?;
        let Some(last) = rows.last() else { break };
        after = last.event.id;
        for row in rows {
            let event = &row.event;
            let is_of_it = event.kind == SCHEDULE_DUE
                && event.record == workflow.id
                && event.location == connection.location;
            let Some(place) = places.get(&event.occurred_at).filter(|_| is_of_it) else {
                continue;
            };
            let runs = store.runs_of_event(event.id).await.map_err(failed)?;
            let run = runs.iter().find(|run| run.workflow == workflow.id);
            let reason = match run {
                Some(run) if rehearsal.is_new(run) => {
                    occurrences[*place].runs += 1;
                    continue;
                }
                Some(run) => format!("it ran then (run {}, {})", run.id, run.state),
                None if row.state == EventState::NoMatch => match &workflow.when {
                    Some(when) => format!("its condition does not hold: {when}"),
                    None => "it starts nothing".to_owned(),
                },
                None => row
                    .error
                    .unwrap_or_else(|| format!("its event is {}", row.state)),
            };
            *why[*place].entry(reason).or_default() += 1;
        }
    }
    for (place, (occurrence, why)) in occurrences.iter_mut().zip(why).enumerate() {
        if occurrence.runs > 0 || occurrence.nothing.is_some() {
            continue;
        }
        if places.get(&occurrence.at) != Some(&place) {
            occurrence.nothing =
                Some("it is one with another of the workflow's timetables".to_owned());
            continue;
        }
        let told = why.into_iter().map(|(reason, count)| match count {
            1 => reason,
            count => format!("{reason} ({count} contacts)"),
        });
        occurrence.nothing = Some(told.collect::<Vec<_>>().join("; "));
    }
    Ok(())
}
