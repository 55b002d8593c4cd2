//! One budget per location that every caller draws on: a short window, a day, and what the service itself reports.
//!
//! The service must never refuse a call because of us. So permits are given out below its limits, the more urgent caller
//! first, and less urgent ones leave a reserve of the day's budget untouched.

mod daily;
mod limiter;
mod server;
mod window;

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

pub use limiter::{Limiter, Permit};
pub use server::{ServerLimits, retry_after};

/// How urgent a call is. The order of the variants is the order in which waiting calls are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// A person waits for it.
    #[default]
    Interactive,
    /// A step of a workflow.
    Workflow,
    /// A poll for changes.
    Poll,
    /// Reading history.
    Backfill,
}

/// The limits of one location at one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// At most this many calls in any stretch of time of this length. `None`: no such limit.
    pub window: Option<WindowLimit>,
    /// At most this many calls in a UTC day. `None`: no such limit.
    pub daily: Option<DailyLimit>,
    /// A call that would have to wait longer than this because the service asked for a pause is refused instead.
    pub max_pause: Duration,
    /// No pause that the service asks for is kept longer than this.
    pub longest_pause: Duration,
}

impl Limits {
    /// No limit of our own; the service's answers are still obeyed.
    pub const UNLIMITED: Self = Self {
        window: None,
        daily: None,
        max_pause: Duration::from_mins(1),
        longest_pause: Duration::from_mins(15),
    };
}

/// The pace that several processes keep together, such as a program and a command beside it.
pub trait SharedPace: Send + Sync + std::fmt::Debug {
    /// Takes a call of one each `period`, with up to `burst` at once, or tells how long to wait for one. `None`: it cannot
    /// be told, and the process keeps a pace of its own.
    fn take(&self, period: Duration, burst: u32) -> Option<Result<(), Duration>>;
}

/// A limit per window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLimit {
    pub max: NonZeroU32,
    pub per: Duration,
}

/// A limit per day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyLimit {
    pub max: u32,
    pub reserves: Reserves,
}

/// Percent of the day's budget that each priority leaves to the more urgent ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserves {
    pub workflow: u8,
    pub poll: u8,
    pub backfill: u8,
}

impl Default for Reserves {
    fn default() -> Self {
        Self {
            workflow: 2,
            poll: 10,
            backfill: 30,
        }
    }
}

impl Reserves {
    fn percent(self, priority: Priority) -> u8 {
        match priority {
            Priority::Interactive => 0,
            Priority::Workflow => self.workflow,
            Priority::Poll => self.poll,
            Priority::Backfill => self.backfill,
        }
    }
}

/// How much of the limits is used, for pages and summaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    pub window: Option<WindowBudget>,
    pub daily: Option<DailyBudget>,
    /// Callers in the queue.
    pub waiting: usize,
    /// How long the service asked to pause, from now.
    pub paused_for: Option<Duration>,
}

/// The window's part of a [`Budget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowBudget {
    pub max: u32,
    pub per: Duration,
    pub used: u32,
    pub remaining: u32,
}

/// The day's part of a [`Budget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyBudget {
    /// The service's own limit where it told one, otherwise the configured one.
    pub limit: u32,
    /// By everybody, as far as the service tells.
    pub used: u32,
    /// How many of them were not ours: other programs with the same location or token.
    pub others: u32,
    pub remaining: u32,
    /// Whether the service itself has told of the day.
    pub told: bool,
    /// When the count starts again.
    pub resets_at: Timestamp,
}

/// A call was not sent because the budget does not allow it now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    #[error(
        "the day's budget of {limit} calls leaves none for {priority:?} calls ({used} used); it starts again at {resets_at}. \
         Wait until then, or lower the reserves in the config"
    )]
    Day {
        limit: u32,
        used: u32,
        priority: Priority,
        resets_at: Timestamp,
        retry_after: Duration,
    },
    #[error("the service asked to pause for {} s; try again after that", retry_after.as_secs())]
    Paused { retry_after: Duration },
}

impl Exhausted {
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Day { retry_after, .. } | Self::Paused { retry_after } => *retry_after,
        }
    }
}
