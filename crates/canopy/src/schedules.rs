//! The timetables of workflows.

use canopy_mapping::{On, Workflow};
use canopy_triggers::Schedule;
use jiff::Timestamp;
use serde::Serialize;

use crate::exit::Failure;

/// The timetables that these workflows start on.
pub(crate) fn schedules(workflows: &[Workflow]) -> Result<Vec<Schedule>, Failure> {
    let mut found = Vec::new();
    for workflow in workflows {
        let own = workflow.on.iter().filter_map(|on| match on {
            On::Schedule(schedule) => Some(schedule),
            _ => None,
        });
        for (place, on) in own.enumerate() {
            let schedule = Schedule::new(&workflow.id, place, on).map_err(|error| {
                Failure::BadInput(format!("workflow \"{}\": {error}", workflow.id))
            })?;
            found.push(schedule);
        }
    }
    Ok(found)
}

/// When a timetable is due next.
#[derive(Debug, Serialize)]
pub(crate) struct NextDue {
    pub workflow: String,
    pub schedule: String,
    pub at: Timestamp,
}

/// What is due next, the soonest first.
pub(crate) fn next_due(schedules: &[Schedule], now: Timestamp) -> Vec<NextDue> {
    let mut next: Vec<_> = schedules
        .iter()
        .filter_map(|schedule| {
            Some(NextDue {
                workflow: schedule.workflow().to_owned(),
                schedule: schedule.fields().to_owned(),
                at: schedule.next_after(now)?,
            })
        })
        .collect();
    next.sort_by_key(|due| due.at);
    next
}
