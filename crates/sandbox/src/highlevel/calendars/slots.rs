//! Which slots of a calendar are free: opening hours, less what is booked and blocked. Pure: no world, no clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::Value;

use crate::collection::Record;

/// Time that an event takes.
#[derive(Debug, Clone)]
pub struct Occupied {
    calendar: String,
    user: Option<String>,
    is_block: bool,
    start: Timestamp,
    end: Timestamp,
}

impl Occupied {
    /// `None` for an appointment that does not take place.
    pub fn of(event: &Record) -> Option<Self> {
        if !takes_place(event) {
            return None;
        }
        Some(Self {
            calendar: event.text("calendarId")?.to_owned(),
            user: event.text("assignedUserId").map(ToOwned::to_owned),
            is_block: event.flag("isBlock") == Some(true),
            start: event.time("startTime")?,
            end: event.time("endTime")?,
        })
    }
}

/// Whether an event takes time: blocks do, and appointments that are not called off.
pub fn takes_place(event: &Record) -> bool {
    let status = event.text("appointmentStatus").unwrap_or_default();
    !["cancelled", "noshow", "invalid"].contains(&status)
}

/// Opening hours of a day, in minutes from midnight.
type Hours = Vec<(i64, i64)>;

/// When a calendar can be booked.
#[derive(Debug)]
pub struct Plan {
    calendar: String,
    zone: TimeZone,
    /// One of these must have time; nobody in particular when there are none.
    users: Vec<String>,
    duration: SignedDuration,
    interval: i64,
    before: SignedDuration,
    after: SignedDuration,
    per_slot: usize,
    per_day: Option<usize>,
    notice: SignedDuration,
    horizon: Option<SignedDuration>,
    /// By day of the week, 0 is Sunday.
    weekly: BTreeMap<i64, Hours>,
    /// Days with hours of their own.
    dates: BTreeMap<Date, Hours>,
    occupied: Vec<Occupied>,
}

impl Plan {
    /// `users` narrows the calendar's team down.
    pub fn of(calendar: &Record, zone: TimeZone, users: &[&str], occupied: Vec<Occupied>) -> Self {
        let team = calendar.list("teamMembers").iter();
        let team = team.filter_map(|member| member["userId"].as_str());
        let users: BTreeSet<&str> = if users.is_empty() {
            team.collect()
        } else {
            users.iter().copied().collect()
        };
        let minutes = |member: &str, default: &str| length(calendar, member, default);
        let duration = minutes("slotDuration", "mins").max(1);
        let interval = match minutes("slotInterval", "mins") {
            0 => duration,
            interval => interval,
        };
        let custom_only = calendar.number("availabilityType") == Some(1);
        let horizon = minutes("allowBookingFor", "days");
        Self {
            calendar: calendar.id.clone(),
            zone,
            users: users.into_iter().map(ToOwned::to_owned).collect(),
            duration: SignedDuration::from_mins(duration),
            interval,
            before: SignedDuration::from_mins(minutes("preBuffer", "mins")),
            after: SignedDuration::from_mins(minutes("slotBuffer", "mins")),
            per_slot: count(calendar, "appoinmentPerSlot").unwrap_or(1),
            per_day: count(calendar, "appoinmentPerDay"),
            notice: SignedDuration::from_mins(minutes("allowBookingAfter", "hours")),
            horizon: (horizon > 0).then(|| SignedDuration::from_mins(horizon)),
            weekly: if custom_only {
                BTreeMap::new()
            } else {
                weekly(calendar)
            },
            dates: dates(calendar),
            occupied,
        }
    }

    pub fn duration(&self) -> SignedDuration {
        self.duration
    }

    /// Free slots that start within a range; with `now`, only those that may be booked by then.
    pub fn free(&self, from: Timestamp, to: Timestamp, now: Option<Timestamp>) -> Vec<Timestamp> {
        let (first, last) = (self.day(from), self.day(to));
        let mut slots = Vec::new();
        let mut day = first;
        while day <= last {
            if !self.is_full(day) {
                let starts = self.starts(day).filter(|start| {
                    (from..=to).contains(start)
                        && now.is_none_or(|now| self.may_be_booked(*start, now))
                        && self.has_room(*start, *start + self.duration)
                });
                slots.extend(starts);
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// The first of the users who has time.
    pub fn free_user(&self, start: Timestamp, end: Timestamp) -> Option<&str> {
        let mut users = self.users.iter();
        let free = users.find(|user| self.is_free(user, start, end));
        free.map(String::as_str)
    }

    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned_datetime(self.zone.clone()).date()
    }

    fn may_be_booked(&self, start: Timestamp, now: Timestamp) -> bool {
        let ahead = start.duration_since(now);
        ahead >= self.notice && self.horizon.is_none_or(|horizon| ahead <= horizon)
    }

    /// Where slots of a day start, by its opening hours alone.
    fn starts(&self, day: Date) -> impl Iterator<Item = Timestamp> {
        let weekday = i64::from(day.weekday().to_sunday_zero_offset());
        let hours = self.dates.get(&day).or_else(|| self.weekly.get(&weekday));
        let length = self.duration.as_secs() / 60;
        let step = usize::try_from(self.interval.max(1)).unwrap_or(1);
        let minutes = hours
            .into_iter()
            .flatten()
            .flat_map(move |(open, close)| (*open..=close - length).step_by(step));
        minutes.filter_map(move |minute| {
            let midnight = day.at(0, 0, 0, 0);
            let local = midnight.checked_add(Span::new().minutes(minute)).ok()?;
            self.zone.to_timestamp(local).ok()
        })
    }

    fn is_full(&self, day: Date) -> bool {
        let booked = || {
            let own = self.occupied.iter().filter(|taken| self.is_own(taken));
            own.filter(|taken| self.day(taken.start) == day).count()
        };
        self.per_day.is_some_and(|limit| booked() >= limit)
    }

    fn has_room(&self, start: Timestamp, end: Timestamp) -> bool {
        let blocked = self.occupied.iter().any(|taken| {
            let is_for_all =
                taken.is_block && taken.user.is_none() && taken.calendar == self.calendar;
            is_for_all && taken.start < end && taken.end > start
        });
        if blocked {
            return false;
        }
        if self.users.is_empty() {
            let own = self.occupied.iter().filter(|taken| self.is_own(taken));
            return own.filter(|taken| self.meets(taken, start, end)).count() < self.per_slot;
        }
        self.free_user(start, end).is_some()
    }

    /// Whether a user has time: no block, no booking elsewhere, and a place left here.
    fn is_free(&self, user: &str, start: Timestamp, end: Timestamp) -> bool {
        let mut here = 0;
        for taken in &self.occupied {
            let is_theirs = taken.user.as_deref() == Some(user);
            let overlaps = taken.start < end && taken.end > start;
            if self.is_own(taken) {
                let counts = is_theirs || taken.user.is_none();
                here += usize::from(counts && self.meets(taken, start, end));
            } else if is_theirs && overlaps {
                return false;
            }
        }
        here < self.per_slot
    }

    fn is_own(&self, taken: &Occupied) -> bool {
        !taken.is_block && taken.calendar == self.calendar
    }

    /// Whether a booking of this calendar comes too near, with the buffers around both.
    fn meets(&self, taken: &Occupied, start: Timestamp, end: Timestamp) -> bool {
        let gap = self.before + self.after;
        taken.start < end + gap && taken.end + gap > start
    }
}

/// A count that limits; 0 does not.
fn count(calendar: &Record, member: &str) -> Option<usize> {
    let count = calendar.number(member).filter(|count| *count > 0)?;
    usize::try_from(count).ok()
}

/// A length in minutes; its unit is in the member that is called the same with `Unit`.
fn length(calendar: &Record, member: &str, default_unit: &str) -> i64 {
    let value = calendar.number(member).unwrap_or(0);
    let value = i64::try_from(value).unwrap_or(0).min(100_000);
    let unit = calendar.text(&format!("{member}Unit"));
    value
        * match unit.unwrap_or(default_unit) {
            "hours" => 60,
            "days" => 24 * 60,
            "weeks" => 7 * 24 * 60,
            "months" => 30 * 24 * 60,
            _ => 1,
        }
}

fn weekly(calendar: &Record) -> BTreeMap<i64, Hours> {
    let mut weekly: BTreeMap<i64, Hours> = BTreeMap::new();
    for open in calendar.list("openHours") {
        let days = open["daysOfTheWeek"].as_array().into_iter().flatten();
        for day in days.filter_map(Value::as_i64) {
            weekly.entry(day).or_default().extend(hours(open));
        }
    }
    weekly
}

fn dates(calendar: &Record) -> BTreeMap<Date, Hours> {
    let own = calendar.list("availabilities").iter();
    let own = own.filter(|day| day["deleted"] != true);
    own.filter_map(|day| Some((day["date"].as_str()?.get(..10)?.parse().ok()?, hours(day))))
        .collect()
}

fn hours(of: &Value) -> Hours {
    let minute = |span: &Value, hour: &str, minute: &str| {
        span[hour].as_i64().unwrap_or(0) * 60 + span[minute].as_i64().unwrap_or(0)
    };
    let spans = of["hours"].as_array().into_iter().flatten();
    spans
        .map(|span| {
            (
                minute(span, "openHour", "openMinute"),
                minute(span, "closeHour", "closeMinute"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn calendar(members: &Value) -> Record {
        let mut calendar = Record::new(
            "c".to_owned(),
            Timestamp::UNIX_EPOCH,
            json!({ "slotDuration": 1, "slotDurationUnit": "hours", "openHours": [
                { "daysOfTheWeek": [1], "hours": [{ "openHour": 9, "closeHour": 12 }] },
            ] }),
        );
        for (name, value) in members.as_object().unwrap() {
            calendar.set(name, value.clone());
        }
        calendar
    }

    fn event(members: Value) -> Occupied {
        let event = Record::new("e".to_owned(), Timestamp::UNIX_EPOCH, members);
        Occupied::of(&event).unwrap()
    }

    /// Free hours of Monday the 2nd of November 2026 in UTC.
    fn free(calendar: &Record, users: &[&str], occupied: Vec<Occupied>) -> Vec<String> {
        let plan = Plan::of(calendar, TimeZone::UTC, users, occupied);
        let day = |text: &str| text.parse::<Timestamp>().unwrap();
        let slots = plan.free(
            day("2026-11-02T00:00:00Z"),
            day("2026-11-02T23:59:59Z"),
            None,
        );
        let local = |slot: Timestamp| slot.strftime("%H:%M").to_string();
        slots.into_iter().map(local).collect()
    }

    #[test]
    fn slots_follow_hours_duration_and_interval() {
        assert_eq!(
            free(&calendar(&json!({})), &[], vec![]),
            ["09:00", "10:00", "11:00"]
        );
        let dense = calendar(&json!({ "slotInterval": 30 }));
        assert_eq!(
            free(&dense, &[], vec![]).len(),
            5,
            "the last one ends at closing time"
        );
        let own = json!([{ "date": "2026-11-02T00:00:00.000Z", "hours": [{ "openHour": 20, "closeHour": 24 }] }]);
        let own = calendar(&json!({ "availabilities": own }));
        assert_eq!(
            free(&own, &[], vec![]),
            ["20:00", "21:00", "22:00", "23:00"]
        );
    }

    #[test]
    fn bookings_take_places_and_buffers_keep_distance() {
        let booking = || {
            event(json!({ "calendarId": "c",
                "startTime": "2026-11-02T10:00:00Z", "endTime": "2026-11-02T11:00:00Z" }))
        };
        assert_eq!(
            free(&calendar(&json!({})), &[], vec![booking()]),
            ["09:00", "11:00"]
        );
        let two = calendar(&json!({ "appoinmentPerSlot": 2 }));
        assert_eq!(free(&two, &[], vec![booking()]).len(), 3);
        assert_eq!(free(&two, &[], vec![booking(), booking()]).len(), 2);
        let apart = calendar(&json!({ "slotBuffer": 15 }));
        assert_eq!(free(&apart, &[], vec![booking()]), Vec::<String>::new());
        let one_a_day = calendar(&json!({ "appoinmentPerDay": 1 }));
        assert_eq!(free(&one_a_day, &[], vec![booking()]), Vec::<String>::new());
    }

    #[test]
    fn a_slot_is_free_while_one_of_the_team_is() {
        let team = calendar(&json!({ "teamMembers": [{ "userId": "a" }, { "userId": "b" }] }));
        let of = |user: &str, calendar: &str, is_block: bool| {
            event(
                json!({ "calendarId": calendar, "assignedUserId": user, "isBlock": is_block,
                "startTime": "2026-11-02T10:00:00Z", "endTime": "2026-11-02T11:00:00Z" }),
            )
        };
        let busy = || vec![of("a", "c", false)];
        assert_eq!(free(&team, &[], busy()).len(), 3);
        assert_eq!(free(&team, &["a"], busy()), ["09:00", "11:00"]);
        let both = vec![of("a", "c", true), of("b", "other", false)];
        assert_eq!(free(&team, &[], both), ["09:00", "11:00"]);
    }
}
