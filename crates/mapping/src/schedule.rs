//! When a timetable falls due: cron fields read in a time zone.
//!
//! croner reads the fields and finds the local times that fit them. Which instants these are is reckoned here: croner 4.0.3
//! runs `0 1,13 * * *` twice in the night in which the clocks go back, and leaves `15,45 2 * * *` out in the other one.

mod advice;
mod civil;
mod fields;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::on::ScheduleOn;
use crate::zones;
use civil::Civil;

/// So many occurrences that were missed are counted; more are "many".
const MOST_COUNTED: usize = 10_000;
/// Clocks change twice a year, and the 29th of February comes at least every eight years.
const MOST_CHANGES: usize = 40;
/// Four years have every combination of days that two fields can differ in.
const FIRST_DAY: DateTime = jiff::civil::date(2027, 1, 1).at(0, 0, 0, 0);
const LAST_DAY: DateTime = jiff::civil::date(2031, 1, 1).at(0, 0, 0, 0);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Why a timetable cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// No such time zone.
    #[error("unknown time zone \"{0}\"")]
    Zone(String),
    /// The five fields are not read.
    #[error("schedule \"{schedule}\" is not usable: {problem}")]
    Fields { schedule: String, problem: String },
}

/// A timetable, ready to be asked.
///
/// A time that the clocks show twice in autumn falls due once, at its first showing, unless minutes or hours are `*` or
/// `*/n`: these go on through. A time that they skip in spring falls due right after the gap, unless the hour is `*` or
/// `*/n`. Several that are skipped together fall due together, which is once.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: Cron,
    zone: TimeZone,
    /// Each showing of a local time counts.
    every_showing: bool,
    /// A local time that is skipped is made up for.
    makes_up: bool,
}

/// The occurrence that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub at: Timestamp,
    /// The same in local time, with offset and zone.
    pub local: String,
    /// Earlier ones that are left out.
    pub missed: usize,
}

impl ScheduleOn {
    /// Reads the fields and the zone.
    pub fn timetable(&self) -> Result<Timetable, ScheduleError> {
        let zone = match &self.timezone {
            None => TimeZone::UTC,
            Some(name) => zones::get(name).ok_or_else(|| ScheduleError::Zone(name.clone()))?,
        };
        let fields = |problem: String| ScheduleError::Fields {
            schedule: self.schedule.clone(),
            problem,
        };
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(&self.schedule)
            .map_err(|error| fields(error.to_string()))?;
        let mut names = self.schedule.split_whitespace();
        let minutes = names.next().is_some_and(is_all);
        let hours = names.next().is_some_and(is_all);
        let hourly = self.schedule.trim().eq_ignore_ascii_case("@hourly");
        let timetable = Timetable {
            cron,
            zone,
            every_showing: minutes || hours || hourly,
            makes_up: !hours && !hourly,
        };
        match timetable.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(timetable),
            None => Err(fields("no day ever fits it".to_owned())),
        }
    }

    /// Tells one timetable from another; a workflow whose timetable changes begins anew with it.
    pub fn identity(&self) -> String {
        let zone = self.timezone.as_deref().unwrap_or("UTC");
        format!("{} {zone}", self.schedule)
    }
}

/// Whether a field is `*` (croner takes `?` as well), or that with a step. A range that names everything is a list of times:
/// what goes on through a change of clocks can be told by its first letter.
fn is_all(field: &str) -> bool {
    let range = field.split_once('/').map_or(field, |(range, _)| range);
    matches!(range, "*" | "?")
}

/// A time in which the clocks do not change.
#[derive(Debug)]
struct Stretch {
    /// `None`: since ever, and for ever.
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    offset: Offset,
    /// How far the clocks went ahead (or, below zero, back) at its beginning.
    change: SignedDuration,
}

impl Stretch {
    fn of(zone: &TimeZone, instant: Timestamp) -> Self {
        let until = zone.following(instant).next();
        // The change at the instant itself begins its stretch.
        let after = instant.checked_add(SECOND).unwrap_or(instant);
        let from = zone
            .preceding(after)
            .next()
            .map(|change| change.timestamp());
        let offset = zone.to_offset(instant);
        let before = from.and_then(|from| from.checked_sub(SECOND).ok());
        let change = before.map_or(SignedDuration::ZERO, |before| {
            SignedDuration::from_secs((offset.seconds() - zone.to_offset(before).seconds()).into())
        });
        Self {
            from,
            until: until.map(|change| change.timestamp()),
            offset,
            change,
        }
    }

    fn local(&self, instant: Timestamp) -> DateTime {
        self.offset.to_datetime(instant)
    }

    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        self.offset.to_timestamp(local).ok()
    }

    /// The first local time of it that has not been shown before.
    fn fresh(&self) -> Option<DateTime> {
        let begin = self.local(self.from?);
        let back = SignedDuration::ZERO.saturating_sub(self.change);
        Some(if back > SignedDuration::ZERO {
            begin.saturating_add(back)
        } else {
            begin
        })
    }
}

impl Timetable {
    /// The first occurrence after an instant.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut stretch = Stretch::of(&self.zone, instant);
        // What fits from here on; the beginning of a later stretch counts itself.
        let mut from = (stretch.local(instant), false);
        for _ in 0..MOST_CHANGES {
            if !self.every_showing
                && let Some(fresh) = stretch.fresh()
                && from.0 < fresh
            {
                from = (fresh, true);
            }
            let next = self.fitting(from.0, from.1);
            let found = next.and_then(|next| stretch.instant(next));
            match (found, stretch.until) {
                (Some(found), None) => return Some(found),
                (Some(found), Some(until)) if found < until => return Some(found),
                (_, None) => return None,
                (_, Some(until)) => {
                    stretch = Stretch::of(&self.zone, until);
                    if self.is_made_up_at(&stretch) {
                        return Some(until);
                    }
                    from = (stretch.local(until), true);
                }
            }
        }
        None
    }

    /// The last occurrence that is not after an instant.
    fn latest(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut stretch = Stretch::of(&self.zone, instant);
        let mut until = (stretch.local(instant), true);
        for _ in 0..MOST_CHANGES {
            let begin = match (stretch.from, self.every_showing) {
                (Some(from), true) => Some(stretch.local(from)),
                (_, _) => stretch.fresh(),
            };
            let last = self.fitting_before(until.0, until.1);
            let last = last.filter(|last| begin.is_none_or(|begin| *last >= begin));
            if let Some(found) = last.and_then(|last| stretch.instant(last)) {
                return Some(found);
            }
            let from = stretch.from?;
            if self.is_made_up_at(&stretch) {
                return Some(from);
            }
            stretch = Stretch::of(&self.zone, from.checked_sub(SECOND).ok()?);
            until = (stretch.local(from), false);
        }
        None
    }

    /// Whether a time was skipped when this stretch began.
    fn is_made_up_at(&self, stretch: &Stretch) -> bool {
        let Some(from) = stretch
            .from
            .filter(|_| self.makes_up && stretch.change > SignedDuration::ZERO)
        else {
            return false;
        };
        let end = stretch.local(from);
        let begin = end.saturating_sub(stretch.change);
        self.fitting(begin, true)
            .is_some_and(|skipped| skipped < end)
    }

    /// The first local time that the fields fit, whether or not it is ever shown.
    fn fitting(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        // Fields have no seconds.
        let found = self.cron.find_next_occurrence(&Civil(from), inclusive);
        found.ok().map(|found| found.0)
    }

    fn fitting_before(&self, until: DateTime, inclusive: bool) -> Option<DateTime> {
        let found = self.cron.find_previous_occurrence(&Civil(until), inclusive);
        found.ok().map(|found| found.0)
    }

    /// The days of four years on which it falls due.
    fn days_of_four_years(&self) -> BTreeSet<Date> {
        let first = self.fitting(FIRST_DAY, true);
        let next = |from: &DateTime| {
            let found = self.fitting(from.date().tomorrow().ok()?.into(), true)?;
            (found < LAST_DAY).then_some(found)
        };
        let days = std::iter::successors(first.filter(|first| *first < LAST_DAY), next);
        days.map(DateTime::date).collect()
    }

    /// The next occurrences after an instant, in local time.
    pub fn coming(&self, instant: Timestamp, count: usize) -> Vec<jiff::ZonedDateTime> {
        let next = |at: &Timestamp| self.next_after(*at);
        let times = std::iter::successors(self.next_after(instant), next).take(count);
        times
            .map(|at| at.to_zoned_datetime(self.zone.clone()))
            .collect()
    }

    /// The latest occurrence after `after` and not after `now`.
    pub fn due(&self, after: Timestamp, now: Timestamp) -> Option<Due> {
        let at = self.latest(now).filter(|at| *at > after)?;
        let mut earlier = self.next_after(after);
        let mut missed = 0;
        while let Some(one) = earlier.filter(|one| *one < at && missed < MOST_COUNTED) {
            missed += 1;
            earlier = self.next_after(one);
        }
        Some(Due {
            at,
            local: at.to_zoned_datetime(self.zone.clone()).to_string(),
            missed,
        })
    }
}
