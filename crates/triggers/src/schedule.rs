//! Timetables: events that no service tells, but the clock.
//!
//! An occurrence is an event whose version is its time, so whoever looks, and however often, it is one. How far the
//! timetables of a location have come is one cursor in the store, written in the same transaction as the events. A
//! timetable that is not watched any more leaves it, and begins anew when it comes back. Of occurrences that were missed
//! while the program was down, the latest is made up for and the others are told of: who was away for a week does not want
//! seven monthly reports' worth of purchases at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use canopy_mapping::{Each, SCHEDULE_DUE, ScheduleError, ScheduleOn, Source, Timetable, Trace};
use canopy_store::{
    Inserted, NewAlert, NewEvent, Part, PartReport, PartState, PollCommit, Reports, StoreError,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Site;

/// Longest time between two looks at the clock: it may be set, and a sleeping machine does not count.
const LONGEST: Duration = Duration::from_secs(20);
/// For the moment of writing.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Clocks of machines that share a store differ by less.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);
/// The cursor that keeps the positions of all timetables of a location, by their names.
const CURSOR: &str = "schedules";

/// The timetable of a workflow.
#[derive(Debug, Clone)]
pub struct Schedule {
    workflow: String,
    /// Which of the workflow's timetables it is, counted from 0.
    place: usize,
    identity: String,
    each: Option<Each>,
    timetable: Timetable,
}

impl Schedule {
    /// The timetable that stands at `place` among those of a workflow.
    pub fn new(workflow: &str, place: usize, on: &ScheduleOn) -> Result<Self, ScheduleError> {
        Ok(Self {
            workflow: workflow.to_owned(),
            place,
            identity: on.identity(),
            each: on.each,
            timetable: on.timetable()?,
        })
    }

    /// The workflow that it starts.
    pub fn workflow(&self) -> &str {
        &self.workflow
    }

    /// Fields and time zone.
    pub fn fields(&self) -> &str {
        &self.identity
    }

    /// When it is due next.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.timetable.next_after(now)
    }

    /// Its name among the timetables of a location.
    fn name(&self) -> String {
        match self.place {
            0 => self.workflow.clone(),
            place => format!("{}:{place}", self.workflow),
        }
    }
}

/// How far a timetable has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Position {
    /// Fields and zone: where they change, it begins anew.
    timetable: String,
    /// The occurrence that was due last, or when it was first looked at.
    since: Timestamp,
}

/// Watches the timetables of one location.
#[derive(Debug)]
pub struct Scheduler {
    site: Site,
    schedules: tokio::sync::watch::Sender<Arc<[Schedule]>>,
}

impl Scheduler {
    pub fn new(site: Site, schedules: impl Into<Arc<[Schedule]>>) -> Self {
        Self {
            site,
            schedules: tokio::sync::watch::channel(schedules.into()).0,
        }
    }

    /// Watches others from now on.
    pub fn replace(&self, schedules: impl Into<Arc<[Schedule]>>) {
        self.schedules.send_replace(schedules.into());
    }

    /// Looks at the clock until `shutdown`; `found` is told of new events.
    pub async fn serve(
        &self,
        found: impl Fn(&str) + Send,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        tokio::pin!(shutdown);
        let mut replaced = self.schedules.subscribe();
        let mut reports = Reports::default();
        loop {
            let looked = self.look().await;
            self.report(looked.as_ref().err(), &mut reports).await;
            match looked {
                Ok(0) => {}
                Ok(_) => found(&self.site.location),
                Err(error) => {
                    tracing::warn!(location = %self.site.location, %error, "timetables could not be looked at; it will be tried again");
                }
            }
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                _ = replaced.changed() => {}
                () = tokio::time::sleep(self.until_next()) => {}
            }
        }
    }

    /// Reports how the timetables fare, where there are any.
    async fn report(&self, failed: Option<&StoreError>, reports: &mut Reports) {
        let (now, location) = (self.site.clock.now(), &self.site.location);
        let store = &self.site.store;
        let kept = if self.schedules.borrow().is_empty() {
            let none = Vec::new();
            store
                .keep_parts(location, Part::Timetables, none, now)
                .await
        } else {
            let wait = SignedDuration::try_from(self.until_next()).unwrap_or(SignedDuration::MAX);
            let state = failed.map_or(PartState::Good, |error| PartState::Failing {
                cause: error.to_string(),
                remedy: "see to the disk; timetables are looked at again by themselves, and what falls due meanwhile is made up for".to_owned(),
                at_once: false,
            });
            let report = PartReport {
                location: location.clone(),
                part: Part::Timetables,
                name: location.clone(),
                state,
                next_try: now.checked_add(wait).ok(),
            };
            let news = reports.news(vec![report], now);
            store.report_health(news, now).await
        };
        if let Err(error) = kept {
            tracing::debug!(%location, %error, "the state of timetables could not be kept");
        }
    }

    /// Stores the events of all timetables that are due; tells how many there are.
    pub async fn look(&self) -> Result<u64, StoreError> {
        let schedules = self.schedules.borrow().clone();
        let now = self.site.clock.now();
        let before = self.positions().await?;
        let mut after = BTreeMap::new();
        let mut events = Vec::new();
        let mut missed = Vec::new();
        let mut ahead = Vec::new();
        for schedule in &*schedules {
            let name = schedule.name();
            let position = before.get(&name);
            let position = position.filter(|position| position.timetable == schedule.identity);
            // What was due before it was first looked at is history.
            let mut since = position.map_or(now, |position| position.since);
            if since > now + AHEAD {
                // The clock was ahead. What it made due is one event with what falls due now at the same time.
                ahead.push((schedule, since));
                since = now;
            }
            if let Some(due) = schedule.timetable.due(since, now) {
                since = due.at;
                events.extend(self.events(schedule, due.at, &due.local).await?);
                missed.push((schedule, due.missed));
            }
            let timetable = schedule.identity.clone();
            after.insert(name, Position { timetable, since });
        }
        if after == before {
            return Ok(0);
        }
        let fence = self.site.lease(LEASE).await?;
        // Another process has the location: it looks at the clock as well.
        let Some(fence) = fence else {
            return Ok(0);
        };
        for (schedule, missed) in missed {
            self.tell_of_missed(schedule, missed, now).await?;
        }
        for (schedule, since) in ahead {
            self.tell_of_clock(schedule, since, now).await?;
        }
        let commit = PollCommit {
            name: CURSOR.to_owned(),
            state: json!(after),
            events,
            ..PollCommit::default()
        };
        let inserted = self.site.store.commit_poll(&fence, commit, now).await?;
        let stored = inserted
            .iter()
            .filter(|one| matches!(one, Inserted::Stored(_)));
        Ok(stored.count() as u64)
    }

    /// How far the timetables had come at the last look.
    async fn positions(&self) -> Result<BTreeMap<String, Position>, StoreError> {
        let state = self.site.cursor(CURSOR).await?;
        let positions = state.and_then(|state| serde_json::from_value(state).ok());
        Ok(positions.unwrap_or_default())
    }

    /// One event for the location, or one for each contact with a profile.
    async fn events(
        &self,
        schedule: &Schedule,
        at: Timestamp,
        local: &str,
    ) -> Result<Vec<NewEvent>, StoreError> {
        let event = |contact: Option<String>| NewEvent {
            source: Source::Schedule,
            kind: SCHEDULE_DUE.to_owned(),
            location: self.site.location.clone(),
            record: schedule.workflow.clone(),
            occurred_at: at,
            version: Some(match &contact {
                Some(contact) => format!("{at} {contact}"),
                None => at.to_string(),
            }),
            delivery: None,
            payload: json!({ "due": local, "schedule": schedule.identity }),
            trace: Trace::default(),
            contact,
        };
        Ok(match schedule.each {
            None => vec![event(None)],
            Some(Each::Profile) => {
                let contacts = self
                    .site
                    .store
                    .contacts_with_profile(&self.site.location)
                    .await?;
                contacts.into_iter().map(Some).map(event).collect()
            }
        })
    }

    async fn tell_of_missed(
        &self,
        schedule: &Schedule,
        missed: usize,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if missed == 0 {
            return Ok(());
        }
        let workflow = &schedule.workflow;
        tracing::warn!(%workflow, missed, "occurrences of a timetable were missed; the latest one runs now");
        let alert = NewAlert {
            location: self.site.location.clone(),
            kind: "schedule".to_owned(),
            subject: workflow.clone(),
            message: format!(
                "workflow \"{workflow}\" was due {missed} time(s) while nothing ran; the latest occurrence is made up for, the earlier ones are left out"
            ),
        };
        self.site.store.raise_alert(alert, now).await?;
        Ok(())
    }

    /// A clock that was ahead would have silenced the timetable until then.
    async fn tell_of_clock(
        &self,
        schedule: &Schedule,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let workflow = &schedule.workflow;
        tracing::warn!(%workflow, %since, "the clock was ahead, and is set right; the timetable goes on from now");
        let alert = NewAlert {
            location: self.site.location.clone(),
            kind: "clock".to_owned(),
            subject: workflow.clone(),
            message: format!(
                "the clock was ahead and was set right: the timetable of workflow \"{workflow}\" had come to {since}; it goes on from now, and what ran already does not run again"
            ),
        };
        self.site.store.raise_alert(alert, now).await?;
        Ok(())
    }

    fn until_next(&self) -> Duration {
        let now = self.site.clock.now();
        let schedules = self.schedules.borrow();
        let next = schedules.iter().filter_map(|one| one.next_after(now)).min();
        next.and_then(|next| Duration::try_from(next.duration_since(now)).ok())
            .map_or(LONGEST, |wait| wait.min(LONGEST))
    }
}
