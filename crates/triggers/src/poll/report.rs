//! How many calls a day the polls of a location take, and whether they fit.

use canopy_store::{Store, StoreError};
use serde::Serialize;

use super::parents::Progress;
use super::stretch::{calls_a_day, share_of_polls};
use super::sweep::SWEPT;
use super::{Poll, PollOptions, Polls};

/// One poll's part of the day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PollPlan {
    pub poll: String,
    pub operation: &'static str,
    /// Seconds between polls, as configured.
    pub every: u64,
    /// Seconds between polls at the last poll, when the day's budget had made them longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stretched: Option<u64>,
    /// Calls of the day that were used by then, which is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_today: Option<u64>,
    /// Calls of a poll: as many as the last one took, 1 before the first.
    pub calls_per_poll: u32,
    pub calls_per_day: u64,
    /// Percent of the calls that the location may make in a day.
    pub percent: f64,
    /// What comes on top in the first time, while it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_reading: Option<FirstReading>,
}

/// All lists of a poll are read once before it goes on at its leisure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FirstReading {
    /// First word of the kinds of the records that the lists hang on, e.g. `contact`.
    pub of: &'static str,
    /// So many of them are read in a poll, with a call for each.
    pub per_poll: u64,
    /// So many are still to be read; `None`: nobody knows yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// Calls of a day, at the most as many as are left.
    pub calls_per_day: u64,
    /// Percent of the calls that the location may make in a day.
    pub percent: f64,
    /// Hours until all have been read, at the poll's interval; `None`: nobody knows yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<f64>,
}

impl FirstReading {
    fn new(poll: &Poll, left: Option<u64>, limit: u32) -> Option<Self> {
        if !poll.has_first_round() || left == Some(0) {
            return None;
        }
        let most = calls_a_day(poll.every, 1) * SWEPT;
        let calls_per_day = left.map_or(most, |left| left.min(most));
        let hours = |left: u64| {
            let polls = u32::try_from(left.div_ceil(SWEPT)).unwrap_or(u32::MAX);
            (poll.every.as_secs_f64() * f64::from(polls) / 360.0).ceil() / 10.0
        };
        Some(Self {
            of: poll.parent_word().unwrap_or("record"),
            per_poll: SWEPT,
            left,
            calls_per_day,
            percent: percent(calls_per_day, limit),
            hours: left.map(hours),
        })
    }
}

/// The day of a location.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayPlan {
    pub polls: Vec<PollPlan>,
    /// Calls of a day when all lists have been read for the first time.
    pub calls_per_day: u64,
    /// Calls of a day until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_day_at_first: Option<u64>,
    /// What the location may make in a day.
    pub limit: u32,
    /// What of that is for polls; the rest is left to workflows and people.
    pub for_polls: u32,
    /// Kinds that workflows wait for and that come by webhook only.
    pub webhooks_only: Vec<String>,
}

/// What is known of a poll.
#[derive(Debug, Default)]
struct Known {
    /// Calls of a poll.
    calls: u32,
    /// Calls of a day besides.
    swept: u64,
    /// Parents that the first round has still to read.
    left: Option<u64>,
    /// Seconds to the next poll, as it was at the last one.
    every: Option<u64>,
    /// Calls of the day that were used by then.
    used: Option<u64>,
}

impl DayPlan {
    /// The plan before anything was polled: every poll takes one call, which is the least that it can.
    pub fn at_least(polls: &Polls, limit: u32) -> Self {
        let plans = polls.iter().map(|poll| {
            let known = Known {
                calls: 1,
                ..Known::default()
            };
            (poll, known)
        });
        Self::of(polls, limit, plans.collect())
    }

    /// The plan with what the last polls took.
    pub async fn measured(
        polls: &Polls,
        limit: u32,
        options: &PollOptions,
        store: &dyn Store,
        location: &str,
    ) -> Result<Self, StoreError> {
        let mut plans = Vec::new();
        for poll in polls.iter() {
            let state = store
                .cursor(location, &poll.name)
                .await?
                .map(|cursor| cursor.state);
            let number = |member: &str| state.as_ref().and_then(|state| state[member].as_u64());
            let mut known = Known {
                every: number("every"),
                used: number("used"),
                ..Known::default()
            };
            if poll.parents().is_some() {
                let progress = state
                    .clone()
                    .and_then(|state| serde_json::from_value::<Progress>(state).ok());
                known.left = progress.as_ref().and_then(Progress::left_at_first);
                known.swept = progress.map_or(0, |progress| progress.swept_a_day(options.sweep));
            } else {
                let calls = number("calls").and_then(|calls| u32::try_from(calls).ok());
                known.calls = calls.unwrap_or(1).max(1);
            }
            plans.push((poll, known));
        }
        Ok(Self::of(polls, limit, plans))
    }

    fn of(polls: &Polls, limit: u32, plans: Vec<(&Poll, Known)>) -> Self {
        let plans: Vec<PollPlan> = plans
            .into_iter()
            .map(|(poll, known)| {
                let stretched = known.every.filter(|every| *every > poll.every.as_secs());
                let calls_per_day = calls_a_day(poll.every, known.calls) + known.swept;
                PollPlan {
                    poll: poll.name.clone(),
                    operation: poll.operation.name,
                    every: poll.every.as_secs(),
                    stretched,
                    used_today: stretched.and(known.used),
                    calls_per_poll: known.calls,
                    calls_per_day,
                    percent: percent(calls_per_day, limit),
                    first_reading: FirstReading::new(poll, known.left, limit),
                }
            })
            .collect();
        let calls_per_day = plans.iter().map(|plan| plan.calls_per_day).sum();
        let at_first: u64 = plans
            .iter()
            .filter_map(|plan| Some(plan.first_reading.as_ref()?.calls_per_day))
            .sum();
        Self {
            calls_per_day,
            calls_per_day_at_first: (at_first > 0).then_some(calls_per_day + at_first),
            polls: plans,
            limit,
            for_polls: share_of_polls(limit),
            webhooks_only: polls.webhooks_only().map(str::to_owned).collect(),
        }
    }

    /// The arithmetic, when the polls do not fit into the day.
    pub fn refusal(&self) -> Option<String> {
        if self.calls_per_day <= u64::from(self.for_polls) {
            return None;
        }
        let sums: Vec<_> = self
            .polls
            .iter()
            .map(|plan| {
                format!(
                    "{}: 86400 s / {} s x {} call(s) = {}",
                    plan.poll, plan.every, plan.calls_per_poll, plan.calls_per_day
                )
            })
            .collect();
        Some(format!(
            "the polls take {} calls a day, and {} of the location's {} are for polls ({}); poll less often (poll.every, or \
             \"every\" of a trigger) or raise requests_per_day",
            self.calls_per_day,
            self.for_polls,
            self.limit,
            sums.join("; ")
        ))
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "calls of a day are far below 2^52"
)]
fn percent(calls: u64, limit: u32) -> f64 {
    (calls as f64 * 1000.0 / f64::from(limit.max(1))).round() / 10.0
}
