//! Texts that are days and times, ordered as such. What names no zone (a day, or a time as calendars write it) is on the
//! location's clock; without that clock only what is the same everywhere is told.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use minijinja::{State, Value};
use serde_json::Value as Json;

use super::compare::{Key, is_date, is_year};
use super::mistake::Mistake;
use super::number::is_blank;
use crate::dates;
use crate::when::{self, When};

/// No clock is further from UTC, ahead or back.
const FURTHEST: SignedDuration = SignedDuration::from_hours(15);

/// What is known of values besides themselves, for their order in time.
pub(super) struct Clock<'a> {
    state: Option<&'a State<'a, 'a>>,
    /// The names of what is compared: some are times in any case.
    names: &'a [Value],
}

impl<'a> Clock<'a> {
    pub fn of(state: &'a State<'a, 'a>, names: &'a [Value]) -> Self {
        Self {
            state: Some(state),
            names,
        }
    }

    fn zone(&self) -> Option<TimeZone> {
        dates::zone(self.state?)
    }

    fn is_time(&self, place: usize) -> bool {
        let name = self.names.get(place).and_then(Value::as_str);
        name.is_some_and(when::is_time)
    }
}

/// A year or a month begins with its first day.
fn read(text: &Value) -> Option<When> {
    let text = if is_year(text) {
        let first = match text.as_str()?.trim() {
            year if year.len() == 4 => format!("{year}-01-01"),
            month => format!("{month}-01"),
        };
        Json::String(first)
    } else if is_date(text) {
        Json::String(text.as_str()?.to_owned())
    } else {
        return None;
    };
    When::read(&text)
}

/// The keys of texts that are all days or times; `None`: they are ordered as texts, as are days alone.
pub(super) fn keys(
    values: &[Value],
    clock: &Clock<'_>,
) -> Result<Option<Vec<Option<Key>>>, Mistake> {
    let mut moments = Vec::with_capacity(values.len());
    for (place, value) in values.iter().enumerate() {
        if is_blank(value) {
            moments.push(None);
            continue;
        }
        let Some(moment) = read(value) else {
            return Ok(None);
        };
        moments.push(Some(if clock.is_time(place) {
            moment.as_time()
        } else {
            moment
        }));
    }
    let present = || moments.iter().flatten();
    let has = |kind: fn(&When) -> bool| present().any(kind);
    if present().all(|moment| matches!(moment, When::Day(_))) {
        return Ok(None);
    }
    let has_instant = has(|moment| matches!(moment, When::Instant(_)));
    if !has_instant {
        // All of them are on one clock, whichever it is.
        let civil = |moment: &When| moment.civil().map(Key::Civil);
        let keys = moments.iter().map(|moment| moment.as_ref().and_then(civil));
        return Ok(Some(keys.collect()));
    }
    let zone = if has(|moment| !matches!(moment, When::Instant(_))) {
        clock.zone()
    } else {
        Some(TimeZone::UTC)
    };
    if zone.is_none() {
        same_everywhere(values, &moments)?;
    }
    let instant = |moment: &When| {
        let at = match (&zone, moment) {
            (Some(zone), When::Midnight(_)) => moment
                .civil()?
                .to_zoned_datetime(zone.clone())
                .ok()?
                .timestamp(),
            (Some(zone), _) => moment.instant(zone)?,
            (None, _) => moment.instant(&TimeZone::UTC)?,
        };
        Some(Key::Instant(at))
    };
    let keys = moments
        .iter()
        .map(|moment| moment.as_ref().and_then(instant));
    Ok(Some(keys.collect()))
}

/// Without the location's zone: each day and time that names none must be far enough from each instant.
fn same_everywhere(values: &[Value], moments: &[Option<When>]) -> Result<(), Mistake> {
    let instants: Vec<Timestamp> = moments
        .iter()
        .flatten()
        .filter_map(|moment| match moment {
            When::Instant(instant) => Some(*instant),
            _ => None,
        })
        .collect();
    for (value, moment) in values.iter().zip(moments) {
        let Some(local) = moment.filter(|moment| moment.is_local()) else {
            continue;
        };
        let here = local.instant(&TimeZone::UTC);
        let is_near = |instant: &Timestamp| {
            here.is_some_and(|here| here.duration_since(*instant).abs() < FURTHEST)
        };
        if instants.iter().any(is_near) {
            return Err(Mistake::new(
                value,
                "names no time zone, and the location's is not known: give the token the scope locations.readonly, or have it sent with its zone",
            ));
        }
    }
    Ok(())
}

impl When {
    /// The local time that it names; a day is its midnight.
    fn civil(&self) -> Option<DateTime> {
        match self {
            Self::Instant(_) => None,
            Self::Local(local) => Some(*local),
            Self::Day(_) | Self::Midnight(_) => Some(self.day(&TimeZone::UTC).into()),
        }
    }
}
