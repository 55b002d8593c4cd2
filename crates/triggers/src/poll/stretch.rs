//! Intervals that grow while the day's budget runs low, and how many calls a day a poll takes.

use std::time::Duration;

/// No poll waits longer than this.
pub const LONGEST: Duration = Duration::from_mins(15);
/// No poll comes sooner than this.
pub const SHORTEST: Duration = Duration::from_mins(1);
/// Percent of the day's budget that polls leave to people and workflows.
const RESERVE: u64 = 10;

/// What polls may use of a day's budget.
pub fn share_of_polls(limit: u32) -> u32 {
    let reserved = u64::from(limit) * RESERVE / 100;
    limit - u32::try_from(reserved).unwrap_or(limit)
}

/// How many times longer than usual a poll waits when so much of the day's budget is used.
pub(super) fn factor(used: u32, limit: u32) -> u32 {
    let share = u64::from(share_of_polls(limit).max(1));
    match u64::from(used) * 100 / share {
        0..=80 => 1,
        81..=90 => 2,
        91..=95 => 4,
        _ => 8,
    }
}

/// The interval as it is now.
pub(super) fn stretched(every: Duration, used: u32, limit: u32) -> Duration {
    (every * factor(used, limit)).min(LONGEST.max(every))
}

/// Calls a day of a poll at its interval.
pub fn calls_a_day(every: Duration, calls: u32) -> u64 {
    let polls = Duration::from_hours(24).as_secs() / every.as_secs().max(1);
    polls * u64::from(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_as_the_budget_runs_low_and_shrink_again() {
        let every = Duration::from_mins(5);
        let at = |used| stretched(every, used, 1000).as_secs() / 60;
        // The polls' share is 900 calls.
        assert_eq!(
            [0, 720, 729, 819, 900, 1000].map(at),
            [5, 5, 10, 15, 15, 15]
        );
        assert_eq!(at(0), 5, "a new day");
        assert_eq!(stretched(SHORTEST, 729, 1000).as_secs(), 120);
        assert_eq!(stretched(SHORTEST, 829, 1000).as_secs(), 240);
        assert_eq!(stretched(SHORTEST, 900, 1000).as_secs(), 480);
        assert_eq!(stretched(LONGEST, 900, 1000), LONGEST);
        assert_eq!(stretched(every, 0, 0), every, "no budget, nothing used");
    }

    #[test]
    fn calls_a_day_are_polls_times_calls() {
        assert_eq!(calls_a_day(Duration::from_mins(5), 1), 288);
        assert_eq!(calls_a_day(Duration::from_mins(1), 3), 4320);
        assert_eq!(share_of_polls(200_000), 180_000);
    }
}
