//! The part of the trait that knows why nothing is bought at a location.

use async_trait::async_trait;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::types::Fence;

/// Kind of the alert of an open breaker; its subject is the breaker's cause.
pub const STOPPED: &str = "stopped";

/// Why nothing is bought at a location until a check finds all well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub location: String,
    /// What is to be mended, in a word: `ecologi`, `highlevel`, `currency`. Each is open once at most.
    pub cause: String,
    /// What happened and what to do. Nothing personal, no secrets.
    pub reason: String,
    /// The operation or purchase that was refused, where only its success shows that it is granted again.
    pub need: Option<String>,
    /// The run that may buy all the same, to try it.
    pub probe: Option<i64>,
    pub opened_at: Timestamp,
    /// When it was refused again, where it was.
    pub refused_at: Option<Timestamp>,
}

/// An ended run of which something was only simulated in test mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    pub run: i64,
    /// The connection's id.
    pub connection: String,
    /// How many steps were recorded as they would be sent to HighLevel, and not sent.
    pub steps: u64,
    /// What it bought in test mode.
    pub purchases: Vec<SimulatedPurchase>,
}

/// A purchase in test mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedPurchase {
    pub quantity: Decimal,
    pub unit: String,
    /// As answered, or by the list where it was not.
    pub cost: Decimal,
    pub currency: String,
}

/// What is durable about breakers and about test mode. The rules of [`Store`](crate::Store), which includes it, hold here too.
/// How many runs followed the switches of their workflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switched {
    /// They wait from now on.
    pub off: u64,
    /// They go on.
    pub on: u64,
}

#[async_trait]
pub trait BreakerStore: Send + Sync + std::fmt::Debug + 'static {
    /// Opens a breaker, and raises its alert with it. `false`: it is open already, and stays as it is, but for a need that it
    /// did not have.
    async fn open_breaker(
        &self,
        location: &str,
        (cause, need): (&str, Option<&str>),
        reason: &str,
        now: Timestamp,
    ) -> Result<bool>;
    /// Closes a breaker and resolves its alert; with the last one, all runs of the location that wait for it are due at
    /// once. `false`: it was not open.
    async fn close_breaker(&self, location: &str, cause: &str, now: Timestamp) -> Result<bool>;
    /// Has one of the runs that wait for an open breaker be due, to try what was refused: one whose step was refused, else
    /// one that has bought, else the oldest. The one that was chosen before stays it until it is stopped again, and where an
    /// order is to be tried, until it waits for more than an hour (at a cap). `None`: no run waits.
    async fn probe_breaker(
        &self,
        location: &str,
        cause: &str,
        now: Timestamp,
    ) -> Result<Option<i64>>;
    /// The open ones of a location, or of all of them; the oldest first.
    async fn breakers(&self, location: Option<&str>) -> Result<Vec<Breaker>>;
    /// Lets a run wait until no breaker of its location is open. That is no attempt. `false`: none is open any more, and
    /// the run stays as it is.
    async fn stop_run(&self, fence: &Fence, run: i64, reason: &str, now: Timestamp)
    -> Result<bool>;
    /// Keeps in which mode the connection of a location is from the next event on; `true`: it was in the other one. Simulated
    /// purchases that were not answered are refused when they are real from now on.
    async fn enter_mode(&self, location: &str, test: bool, now: Timestamp) -> Result<bool>;
    /// Whether the event of a run came in test mode, and nobody had the run carried out for real since; `None`: not known.
    async fn began_in_test(&self, run: i64) -> Result<Option<bool>>;
    /// Ended runs with steps that were recorded in test mode and not sent, or with purchases of test mode that nobody had
    /// carried out since; the oldest first.
    async fn withheld(&self) -> Result<Vec<Withheld>>;
    /// An operator's word that an ended run's recorded steps be carried out: it becomes ready, from the first step that was
    /// only simulated on. `real`: what was bought in test mode is bought for real, and the run counts as real from now on. `false`: nothing of the run was simulated,
    /// or it has not ended.
    async fn carry_out(&self, run: i64, real: bool, now: Timestamp) -> Result<bool>;
    /// The id of the connection that a location belongs to.
    async fn connection_of(&self, location: &str) -> Result<Option<String>>;
    /// Has what was begun of workflows that are switched off wait as it is, and what so waited of those that are on go on.
    async fn switch_runs(
        &self,
        fence: &Fence,
        off: Vec<String>,
        on: Vec<String>,
        now: Timestamp,
    ) -> Result<Switched>;
    /// How many runs of a location wait for its breakers.
    async fn stopped_runs(&self, location: &str) -> Result<u64>;
}
