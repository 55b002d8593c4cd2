//! How far the service's clock is ahead of ours, as its answers tell. One answer alone is not believed when it jumps: behind
//! it stands a proxy or a node whose clock is wrong, and a good reading that lies in the future would have all that is made
//! until then look old.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Answers take a while, and a header has no fractions of a second.
const SAME: i64 = 30;

/// In seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ahead {
    believed: Option<i64>,
    /// Another one that was told last.
    doubted: Option<i64>,
}

impl Ahead {
    /// The service's time as far as it is sure: what it tells, or what is known of its clock, whichever is earlier, until a
    /// second reading tells the same.
    pub fn sure(&mut self, told: Timestamp, ours: Timestamp) -> Timestamp {
        let ahead = told.duration_since(ours).as_secs();
        let is_same = |other: i64| (other - ahead).abs() <= SAME;
        match self.believed {
            Some(believed) if !is_same(believed) && !self.doubted.is_some_and(is_same) => {
                self.doubted = Some(ahead);
                let known = ours.saturating_add(SignedDuration::from_secs(believed));
                told.min(known.unwrap_or(told))
            }
            None if ahead > SAME && self.doubted.is_none() => {
                // Nothing is known yet, and too early a reading tells a change too many, where one too late loses some.
                self.doubted = Some(ahead);
                ours
            }
            _ => {
                (self.believed, self.doubted) = (Some(ahead), None);
                told
            }
        }
    }
}

/// The service's time of one poll that has several answers, as far as the first of them makes it sure: all of them may
/// come from one node.
#[derive(Debug)]
pub(super) struct Sure<'a> {
    ahead: &'a mut Ahead,
    at: Option<Timestamp>,
}

impl<'a> Sure<'a> {
    pub fn new(ahead: &'a mut Ahead) -> Self {
        Self { ahead, at: None }
    }

    pub fn now(&mut self, told: Timestamp, ours: Timestamp) -> Timestamp {
        *self.at.get_or_insert_with(|| self.ahead.sure(told, ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_that_jumps_ahead_is_not_believed_and_two_are() {
        let ours: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
        let after = |seconds| ours + SignedDuration::from_secs(seconds);
        let mut ahead = Ahead::default();
        assert_eq!(ahead.sure(after(5), ours), after(5));
        assert_eq!(ahead.sure(after(3600), ours), after(5));
        assert_eq!(ahead.sure(after(6), ours), after(6), "it was one node");
        assert_eq!(ahead.sure(after(3600), ours), after(6));
        assert_eq!(
            ahead.sure(after(3601), ours),
            after(3601),
            "its clock was set"
        );
        // Behind is told at once, and believed when it lasts.
        assert_eq!(ahead.sure(after(-100), ours), after(-100));
        // A first reading that is ahead waits for the second.
        let mut ahead = Ahead::default();
        assert_eq!(ahead.sure(after(3600), ours), ours);
        assert_eq!(ahead.sure(after(3600), ours), after(3600));
    }
}
