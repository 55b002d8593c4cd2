//! Runs and their steps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::profile_types::ProfileChange;
use crate::types::{LinkUpdate, NewEvent, ProfileUpdate};

/// One workflow to be run for an event.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    pub workflow: String,
    /// The workflow file's text as it was when the run began: a run keeps the version that it began with.
    pub definition: String,
}

/// State of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// To be executed, or interrupted by a crash.
    Ready,
    /// Waits for `next_attempt_at`: a retry or a budget's reset.
    Waiting,
    /// Waits for a person (unknown purchase, refused credential).
    Held,
    Done,
    /// Gave up: a dead letter.
    Dead,
}

/// A run as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: i64,
    pub event: i64,
    pub location: String,
    pub contact: Option<String>,
    pub workflow: String,
    pub definition: String,
    pub state: RunState,
    pub attempts: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub error: Option<String>,
    pub trouble: Trouble,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The last run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    pub workflow: String,
    pub run: i64,
    pub state: RunState,
    /// When it last came further.
    pub at: Timestamp,
    /// How many runs the workflow had.
    pub runs: u64,
    /// How many of them had begun and wait because it is switched off.
    pub switched_off: u64,
}

/// Since when a run has not come further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trouble {
    /// The first of the failures in a row.
    pub failing_since: Option<Timestamp>,
    /// The first of the answers in a row that said that its contact is not there.
    pub missing_since: Option<Timestamp>,
}

/// What has not come further for a while, for reasons that pass by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stuck {
    pub runs: u64,
    pub events: u64,
    /// The first failure of the oldest of them.
    pub since: Option<Timestamp>,
    /// What the newest attempt said.
    pub error: Option<String>,
}

/// The new state of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunUpdate {
    pub state: RunState,
    pub attempts: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub error: Option<String>,
    pub trouble: Trouble,
}

/// What a step wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What was written to.
    pub target: String,
    /// Which parts of it; `*` for the whole.
    pub parts: Vec<String>,
    pub contact: Option<String>,
    /// Place of the step's event in the order of what is known: [`InboxRow::position`](crate::InboxRow::position).
    pub position: i64,
}

/// State of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its request is written; whether the call was made is not known yet.
    Intended,
    /// The call was made and its outcome is not known (time-out, dropped answer).
    Unsure,
    Done,
    /// Nothing to do: done before under the same key, or already so.
    Skipped,
    /// Refused, or gave up.
    Failed,
    /// Recorded in test mode as it would be sent, and not sent; done as far as its run is concerned.
    Withheld,
}

/// A step as stored: one per (run, step id).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub run: i64,
    /// The step's id in the workflow file.
    pub step: String,
    /// The deterministic key; the same key in another run means the same work.
    pub key: String,
    pub action: String,
    pub state: StepState,
    pub request: Value,
    /// The answer, or what stands for it when skipped.
    pub output: Option<Value>,
    pub error: Option<String>,
    pub attempts: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Intent of a step, written before its call.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStep {
    pub run: i64,
    pub step: String,
    pub key: String,
    pub action: String,
    pub request: Value,
    /// What its call is about to write: until the outcome is known it counts as written, so that steps of older events do
    /// not write over it.
    pub written: Vec<Written>,
    /// What the call is about to make of records, so that it is known when it comes back.
    pub links: Vec<LinkUpdate>,
}

/// Outcome of a step, with everything that must become durable together with it.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    pub run: i64,
    pub step: String,
    pub state: StepState,
    pub output: Option<Value>,
    pub error: Option<String>,
    pub profile: Option<ProfileUpdate>,
    pub links: Vec<LinkUpdate>,
    /// What the step wrote, so that steps of older events do not write over it.
    pub written: Vec<Written>,
    /// Notes, tasks and tags of the profile.
    pub changes: Vec<ProfileChange>,
    /// What the step made happen on the Ecologi side.
    pub events: Vec<NewEvent>,
}
