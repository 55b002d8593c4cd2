//! How many calls a day the polls of a location take, and whether they fit.

use canopy_store::{Store, StoreError};
use serde::Serialize;

use super::parents::Progress;
use super::stretch::{calls_a_day, share_of_polls};
use super::{PollOptions, Polls};

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
}

/// The day of a location.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayPlan {
    pub polls: Vec<PollPlan>,
    pub calls_per_day: u64,
    /// What the location may make in a day.
    pub limit: u32,
    /// What of that is for polls; the rest is left to workflows and people.
    pub for_polls: u32,
    /// Kinds that workflows wait for and that come by webhook only.
    pub webhooks_only: Vec<String>,
}

/// Seconds to the next poll and calls of the day, as they were at the last poll.
type Last = (Option<u64>, Option<u64>);

impl DayPlan {
    /// The plan before anything was polled: every poll takes one call, which is the least that it can.
    pub fn at_least(polls: &Polls, limit: u32) -> Self {
        let plans = polls
            .iter()
            .map(|poll| (poll, 1, 0, (None, None)))
            .collect::<Vec<_>>();
        Self::of(polls, limit, plans)
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
            let last = (number("every"), number("used"));
            if poll.parents().is_some() {
                let progress = state
                    .clone()
                    .and_then(|state| serde_json::from_value::<Progress>(state).ok());
                let swept = progress.map_or(0, |progress| progress.swept_a_day(options.sweep));
                plans.push((poll, 0, swept, last));
            } else {
                let calls = number("calls").and_then(|calls| u32::try_from(calls).ok());
                plans.push((poll, calls.unwrap_or(1).max(1), 0, last));
            }
        }
        Ok(Self::of(polls, limit, plans))
    }

    fn of(polls: &Polls, limit: u32, plans: Vec<(&super::Poll, u32, u64, Last)>) -> Self {
        let plans: Vec<PollPlan> = plans
            .into_iter()
            .map(|(poll, calls, beside, (every, used))| {
                let stretched = every.filter(|every| *every > poll.every.as_secs());
                let calls_per_day = calls_a_day(poll.every, calls) + beside;
                PollPlan {
                    poll: poll.name.clone(),
                    operation: poll.operation.name,
                    every: poll.every.as_secs(),
                    stretched,
                    used_today: stretched.and(used),
                    calls_per_poll: calls,
                    calls_per_day,
                    percent: percent(calls_per_day, limit),
                }
            })
            .collect();
        Self {
            calls_per_day: plans.iter().map(|plan| plan.calls_per_day).sum(),
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
