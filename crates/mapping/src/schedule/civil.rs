//! Local times as croner asks for them: a clock that is never changed.

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::time::{CivilDateTime, CronDateTime, Resolution, Weekday};
use jiff::SignedDuration;
use jiff::civil::DateTime;

/// A local time, with no zone.
#[derive(Debug, Clone)]
pub(super) struct Civil(pub DateTime);

impl CronDateTime for Civil {
    fn to_civil(&self) -> CivilDateTime {
        let time = self.0;
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
        civil_time(civil).map(|time| Resolution::Single(Self(time)))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let moved = self.0.checked_add(SignedDuration::from_secs(seconds));
        moved.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
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
