//! A slow sweep over all records that lists hang on: it finds what moved none of them.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::events::Maker;
use super::evidence::ReadError;
use super::reading::Reader;
use super::{PollError, Poller};

/// Parents that the sweep reads in one poll, whatever it is behind.
pub(super) const SWEPT: u64 = 50;

/// How far the sweep over all parents has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Sweep {
    /// Parents of a page, to be read next.
    pub queue: VecDeque<Parent>,
    /// Arguments of the page behind. `None`: from the beginning.
    pub next: Option<Value>,
    /// Parents that were met in this round, and how many there are, as far as that is known.
    pub met: u64,
    pub total: u64,
    /// Up to when parents have been read.
    pub at: Option<Timestamp>,
    /// Each parent that was there at first has been read.
    pub through: bool,
}

/// A record whose list is to be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub(super) struct Parent {
    pub id: String,
    pub created: Option<Timestamp>,
}

/// Earlier versions of the program kept ids only.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Id(String),
    Parent {
        id: String,
        created: Option<Timestamp>,
    },
}

impl From<Stored> for Parent {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Id(id) => Self { id, created: None },
            Stored::Parent { id, created } => Self { id, created },
        }
    }
}

impl Poller {
    /// The parents whose turn it is.
    pub(super) async fn sweep(
        &self,
        maker: Maker<'_>,
        reader: &Reader,
        sweep: &mut Sweep,
    ) -> Result<Vec<Parent>, PollError> {
        let polls = self.polls();
        let Some(parents) = polls.iter().find(|poll| {
            Some(poll.operation.name) == maker.poll.parents() && poll.arguments.is_empty()
        }) else {
            return Ok(Vec::new());
        };
        let mut due = sweep.due(maker.now, self.options.sweep);
        let first_round = maker.poll.has_first_round() && !sweep.through;
        if first_round {
            due = SWEPT;
        }
        let mut turn = Vec::new();
        while due > 0 {
            if sweep.queue.is_empty() {
                let begins = sweep.next.is_none();
                if begins && sweep.met > 0 {
                    sweep.total = sweep.met;
                    sweep.met = 0;
                    sweep.through = true;
                    if first_round {
                        break;
                    }
                }
                let page = reader.parents(parents, sweep.next.take()).await;
                let page = page.map_err(|error: ReadError| self.failed(parents, error))?;
                if page.parents.is_empty() {
                    if begins {
                        sweep.through = true;
                        break;
                    }
                    // The list ended; the next round begins.
                    continue;
                }
                sweep.met += page.parents.len() as u64;
                sweep.total = page.total.unwrap_or(sweep.total).max(sweep.met);
                sweep.queue.extend(page.parents);
                sweep.next = page.next;
            }
            turn.extend(sweep.queue.pop_front());
            due -= 1;
        }
        Ok(turn)
    }
}

impl Sweep {
    /// How many parents are to be read now, so that all are read within the time of a sweep.
    fn due(&mut self, now: Timestamp, sweep: SignedDuration) -> u64 {
        // One that lies in the future was written by a clock that was ahead.
        let Some(at) = self.at.filter(|at| *at <= now) else {
            self.at = Some(now);
            return 1;
        };
        let each = sweep.as_secs().max(1) / i64::try_from(self.total.max(1)).unwrap_or(i64::MAX);
        let each = SignedDuration::from_secs(each.max(1));
        let due = now.duration_since(at).as_secs() / each.as_secs();
        let most = SWEPT.min(self.total.max(1));
        let due = due.clamp(0, i64::try_from(most).unwrap_or(i64::MAX));
        // What it is behind after a long stop is not made up for at once.
        self.at = Some(if now.duration_since(at) > each * 50 {
            now
        } else {
            at + each * i32::try_from(due).unwrap_or(i32::MAX)
        });
        u64::try_from(due).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_reads_all_parents_in_its_time() {
        let start: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let week = SignedDuration::from_hours(7 * 24);
        let mut sweep = Sweep {
            total: 10_000,
            at: Some(start),
            ..Sweep::default()
        };
        let polls = 7 * 24 * 12;
        let read: u64 = (1..=polls)
            .map(|poll| sweep.due(start + SignedDuration::from_mins(5) * poll, week))
            .sum();
        assert!((9_900..=10_100).contains(&read), "{read}");
        sweep.total = 3;
        let day = start + week + SignedDuration::from_hours(24);
        assert_eq!(sweep.due(day, week), 0, "each has its turn after 56 hours");
        assert_eq!(sweep.due(start + week * 2, week), 3);
        // The clock was ahead by years, and is set right.
        sweep.at = Some(start + week * 500);
        assert_eq!(sweep.due(start, week), 1);
        assert_eq!(sweep.due(start + week, week), 3);
    }
}
