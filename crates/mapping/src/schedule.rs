//! When a timetable falls due: cron fields read in a time zone.

use std::cmp::Ordering;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::time::{CivilDateTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use crate::on::ScheduleOn;

/// So many occurrences that were missed are counted; more are "many".
const MOST_COUNTED: usize = 10_000;

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
/// A time that the clocks skip in spring falls due right after the gap; one that they show twice in autumn falls due once, at its
/// first showing. Only fields that name no hour (`*/15 * * * *`) go on through both.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: Cron,
    zone: TimeZone,
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
            Some(name) => TimeZone::get(name).map_err(|_| ScheduleError::Zone(name.clone()))?,
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
        let timetable = Timetable { cron, zone };
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

impl Timetable {
    /// The first occurrence after an instant.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let from = Local(instant.to_zoned_datetime(self.zone.clone()));
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        Some(next.0.timestamp())
    }

    /// The latest occurrence after `after` and not after `now`.
    pub fn due(&self, after: Timestamp, now: Timestamp) -> Option<Due> {
        let until = Local(now.to_zoned_datetime(self.zone.clone()));
        let latest = self.cron.find_previous_occurrence(&until, true).ok()?.0;
        let at = latest.timestamp();
        if at <= after {
            return None;
        }
        let mut earlier = self.next_after(after);
        let mut missed = 0;
        while let Some(one) = earlier.filter(|one| *one < at && missed < MOST_COUNTED) {
            missed += 1;
            earlier = self.next_after(one);
        }
        Some(Due {
            at,
            local: latest.to_string(),
            missed,
        })
    }
}

/// A time in a zone, as croner asks for it.
#[derive(Debug, Clone)]
struct Local(ZonedDateTime);

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        let time = self.0.datetime();
        let part = i8::unsigned_abs;
        CivilDateTime::from_ymd_hms_opt(
            i32::from(time.year()),
            part(time.month()).into(),
            part(time.day()).into(),
            part(time.hour()).into(),
            part(time.minute()).into(),
            part(time.second()).into(),
        )
        .expect("a civil time of jiff is one for croner as well")
    }

    fn civil_weekday(&self) -> Weekday {
        let day = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(day.unsigned_abs().into())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let ambiguous = self
            .0
            .time_zone()
            .to_ambiguous_zoned_datetime(civil_time(civil)?);
        let invalid = |_| CronError::InvalidTime;
        Ok(match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => {
                Resolution::Single(Self(ambiguous.unambiguous().map_err(invalid)?))
            }
            AmbiguousOffset::Fold { .. } => Resolution::Ambiguous(
                Self(ambiguous.clone().earlier().map_err(invalid)?),
                Self(ambiguous.later().map_err(invalid)?),
            ),
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let moved = self.0.checked_add(SignedDuration::from_secs(seconds));
        moved.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

fn civil_time(civil: CivilDateTime) -> Result<DateTime, CronError> {
    let part = |value: u32| i8::try_from(value).map_err(|_| CronError::InvalidDate);
    DateTime::new(
        i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?,
        part(civil.month())?,
        part(civil.day())?,
        part(civil.hour())?,
        part(civil.minute())?,
        part(civil.second())?,
        0,
    )
    .map_err(|_| CronError::InvalidDate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(schedule: &str, zone: &str) -> ScheduleOn {
        ScheduleOn {
            schedule: schedule.to_owned(),
            timezone: Some(zone.to_owned()),
            each: None,
        }
    }

    fn next(schedule: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let timetable = on(schedule, zone).timetable().unwrap();
        let mut at: Timestamp = after.parse().unwrap();
        let mut found = Vec::new();
        for _ in 0..count {
            at = timetable.next_after(at).unwrap();
            found.push(at.to_string());
        }
        found
    }

    #[test]
    fn fields_are_local_times() {
        assert_eq!(
            next("0 9 1 * *", "Europe/London", "2026-02-15T00:00:00Z", 3),
            [
                "2026-03-01T09:00:00Z",
                "2026-04-01T08:00:00Z",
                "2026-05-01T08:00:00Z"
            ]
        );
        assert_eq!(
            next("*/15 * * * *", "UTC", "2026-02-15T00:01:00Z", 2),
            ["2026-02-15T00:15:00Z", "2026-02-15T00:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_the_clocks_skip_comes_after_the_gap_and_one_shown_twice_comes_once() {
        // Clocks go from 01:00 to 02:00 on 29 March and from 02:00 back to 01:00 on 25 October 2026.
        assert_eq!(
            next("30 1 * * *", "Europe/London", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            next("30 1 * * *", "Europe/London", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        let through = next("30 * * * *", "Europe/London", "2026-10-24T23:45:00Z", 3);
        assert_eq!(
            through,
            [
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:30:00Z"
            ]
        );
    }

    #[test]
    fn the_latest_one_is_due_and_earlier_ones_are_counted() {
        let timetable = on("0 9 * * *", "UTC").timetable().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let due = timetable.due(at("2026-11-20T09:00:00Z"), at("2026-11-23T10:00:00Z"));
        let due = due.unwrap();
        assert_eq!((due.at, due.missed), (at("2026-11-23T09:00:00Z"), 2));
        assert_eq!(due.local, "2026-11-23T09:00:00+00:00[UTC]");
        assert_eq!(
            timetable.due(at("2026-11-23T09:00:00Z"), at("2026-11-24T08:59:59Z")),
            None
        );
        let now = timetable
            .due(at("2026-11-23T09:00:00Z"), at("2026-11-24T09:00:00Z"))
            .unwrap();
        assert_eq!((now.at, now.missed), (at("2026-11-24T09:00:00Z"), 0));
    }

    #[test]
    fn what_can_never_be_due_is_refused() {
        for (schedule, expected) in [
            ("0 9 * *", "not usable"),
            ("0 25 * * *", "not usable"),
            ("0 0 9 * * *", "not usable"),
            ("0 0 31 2 *", "no day ever fits"),
            ("hourly", "not usable"),
        ] {
            let told = on(schedule, "UTC").timetable().unwrap_err().to_string();
            assert!(told.contains(expected), "{schedule}: {told}");
        }
        assert_eq!(
            on("0 9 * * *", "Mars").timetable().unwrap_err(),
            ScheduleError::Zone("Mars".to_owned())
        );
    }

    proptest! {
        #[test]
        fn looking_forward_and_back_find_the_same(minutes in 0_i64..2_000_000, zone in prop_oneof!["Europe/London", "America/New_York", "Asia/Kolkata"]) {
            let timetable = on("30 1 * * *", &zone).timetable().unwrap();
            let from = Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap();
            let next = timetable.next_after(from).unwrap();
            prop_assert!(next > from);
            prop_assert_eq!(timetable.due(from, next).map(|due| (due.at, due.missed)), Some((next, 0)));
        }

        #[test]
        fn no_text_panics(text in "[0-9*/,LW# -]{0,16}|\\PC{0,12}") {
            let _ = on(&text, "Europe/London").timetable();
        }
    }
}
