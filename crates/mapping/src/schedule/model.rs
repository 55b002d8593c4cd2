//! The promise for clock changes, as plainly as it can be said: minute after minute around each change of clocks. The
//! timetable must fall due at the same instants, looked for forward and back.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::on::ScheduleOn;

/// One hour, half an hour, none; both hemispheres.
const ZONES: [&str; 6] = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kolkata",
];

const PATTERNS: [&str; 46] = [
    "30 1 * * *",
    "0 1 * * *",
    "0 2 * * *",
    "30 2 * * *",
    "0 3 * * *",
    "0 0 * * *",
    "45 1 * * *",
    "15 2 * * *",
    "0 1,13 * * *",
    "0,30 1 * * *",
    "0 2,14 * * *",
    "15,45 2 * * *",
    "0,30 0-3 * * *",
    "0 1-3 * * *",
    "5-10 1 * * *",
    "59 1,2 * * *",
    "0,59 0,1,2,3 * * *",
    "10,20,30,40,50 1-2 * * *",
    "0 0,23 * * *",
    "30 23 * * *",
    "30 0 * * *",
    "* * * * *",
    "*/15 * * * *",
    "0 * * * *",
    "30 * * * *",
    "0,30 * * * *",
    "15-45 * * * *",
    "0 */2 * * *",
    "30 */3 * * *",
    "*/20 */2 * * *",
    "* 1 * * *",
    "*/15 1 * * *",
    "*/15 2 * * *",
    "*/10 1-2 * * *",
    "0 1 * * 0",
    "0 2 * * SUN",
    "30 2 * 3,10 *",
    "0 1 25 10 *",
    "0-30/10 1,2 * * *",
    "0 2-4/2 * * *",
    // Ranges that name everything, or go to the end.
    "0 0-23 * * *",
    "0 0-23/2 * * *",
    "0-59/20 1-2 * * *",
    "0-59 2 * * *",
    "1-59/2 1 * * *",
    "0-59 * * * *",
];

/// The numbers that a field names.
fn numbers(field: &str, first: u32, last: u32) -> BTreeSet<u32> {
    let field = field.replace("SUN", "0");
    let part = |part: &str| {
        let (range, step) = part
            .split_once('/')
            .map_or((part, 1), |(range, step)| (range, step.parse().unwrap()));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        (from..=to).step_by(step).collect::<Vec<_>>()
    };
    field.split(',').flat_map(part).collect()
}

/// The fields of a pattern: which numbers each names.
struct Model {
    fields: Vec<[bool; 60]>,
    through_fold: bool,
    through_gap: bool,
}

/// One minute of a zone's clocks.
struct Minute {
    at: Timestamp,
    local: DateTime,
    /// The clocks have not shown this before.
    is_new: bool,
    /// The local times between the last minute and this one.
    skipped: Vec<DateTime>,
}

/// Minute after minute.
fn minutes(zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<Minute> {
    let minute = SignedDuration::from_mins(1);
    let mut shown = BTreeSet::new();
    let mut found = Vec::new();
    let mut at = from - SignedDuration::from_hours(3);
    let mut last = zone.to_datetime(at - minute);
    while at <= until {
        let local = zone.to_datetime(at);
        let mut skipped = Vec::new();
        let mut next = last + minute;
        while next < local {
            skipped.push(next);
            next += minute;
        }
        let is_new = shown.insert(local);
        found.push(Minute {
            at,
            local,
            is_new,
            skipped,
        });
        last = local;
        at += minute;
    }
    found
}

impl Model {
    fn of(pattern: &str) -> Self {
        let fields: Vec<&str> = pattern.split(' ').collect();
        let bounds = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
        // docs/workflows.md: `*` and `*/n`, and nothing else.
        let is_wild = |field: &str| field.starts_with('*');
        let named = |field: &str, (first, last): (u32, u32)| {
            let mut named = [false; 60];
            for number in numbers(field, first, last) {
                named[number as usize] = true;
            }
            named
        };
        let bounded = fields.iter().zip(bounds);
        Self {
            through_fold: is_wild(fields[0]) || is_wild(fields[1]),
            through_gap: is_wild(fields[1]),
            fields: bounded
                .map(|(field, bounds)| named(field, bounds))
                .collect(),
        }
    }

    fn fits(&self, local: DateTime) -> bool {
        let weekday = local.weekday().to_sunday_zero_offset();
        [
            local.minute(),
            local.hour(),
            local.day(),
            local.month(),
            weekday,
        ]
        .into_iter()
        .zip(&self.fields)
        .all(|(value, field)| field[usize::from(value.unsigned_abs())])
    }

    fn due(&self, minutes: &[Minute], from: Timestamp) -> Vec<Timestamp> {
        let is_due = |minute: &&Minute| {
            let shown = self.fits(minute.local) && (minute.is_new || self.through_fold);
            let skipped = || minute.skipped.iter().any(|local| self.fits(*local));
            minute.at > from && (shown || !self.through_gap && skipped())
        };
        let due = minutes.iter().filter(is_due);
        due.map(|minute| minute.at).collect()
    }
}

/// All changes of these zones to the end of 2037, as far as the database lists them one by one.
#[test]
fn around_every_change_of_clocks_a_timetable_is_due_as_promised() {
    let (mut changes, mut windows) = (0, 0);
    let begin: Timestamp = "2025-12-20T00:00:00Z".parse().unwrap();
    let end: Timestamp = "2038-01-01T00:00:00Z".parse().unwrap();
    let around = SignedDuration::from_hours(14);
    let near = SignedDuration::from_hours(4);
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        let mut moments: Vec<Timestamp> = zone
            .following(begin)
            .map(|change| change.timestamp())
            .take_while(|at| *at < end)
            .collect();
        changes += moments.len();
        if moments.is_empty() {
            moments = vec![
                "2026-03-29T01:00:00Z".parse().unwrap(),
                "2027-10-31T01:00:00Z".parse().unwrap(),
            ];
        }
        let windows_of_zone: Vec<_> = moments
            .iter()
            .map(|moment| (*moment, minutes(&zone, *moment - around, *moment + around)))
            .collect();
        for pattern in PATTERNS {
            let on = ScheduleOn {
                schedule: pattern.to_owned(),
                timezone: Some(name.to_owned()),
                each: None,
            };
            let timetable = on.timetable().unwrap();
            let model = Model::of(pattern);
            for (moment, minutes) in &windows_of_zone {
                windows += 1;
                let (from, until) = (*moment - around, *moment + around);
                let promised = model.due(minutes, from);
                let mut found = Vec::new();
                let mut at = from;
                while let Some(next) = timetable.next_after(at).filter(|next| *next <= until) {
                    found.push(next);
                    at = next;
                }
                assert_eq!(found, promised, "{pattern} in {name} around {moment}");
                // Looked for from behind: at each occurrence, and just before it.
                let is_near = |pair: &&[Timestamp]| pair[1].duration_since(*moment).abs() < near;
                for pair in promised.windows(2).filter(is_near) {
                    assert_eq!(
                        timetable.latest(pair[1]),
                        Some(pair[1]),
                        "{pattern} in {name}"
                    );
                    let before = timetable.latest(pair[1] - SignedDuration::from_secs(1));
                    assert_eq!(
                        before,
                        Some(pair[0]),
                        "{pattern} in {name} before {}",
                        pair[1]
                    );
                }
            }
        }
    }
    assert_eq!((changes, windows), (120, 5612));
}

/// The samples of the table in docs/workflows.md: what falls due, in London's local time with its offset.
#[test]
fn the_table_of_the_docs_is_true() {
    let autumn = ("2026-10-25T00:00:00+01:00", "2026-10-25T23:59:00+00:00");
    let spring = ("2026-03-29T00:00:00+00:00", "2026-03-29T23:59:00+01:00");
    for (pattern, (from, until), right) in [
        ("30 1 * * *", autumn, &["01:30+01"][..]),
        ("0 1,13 * * *", autumn, &["01:00+01", "13:00+00"]),
        ("0,30 1 * * *", autumn, &["01:00+01", "01:30+01"]),
        (
            "*/30 1 * * *",
            autumn,
            &["01:00+01", "01:30+01", "01:00+00", "01:30+00"],
        ),
        ("30 1 * * *", spring, &["02:00+01"]),
        ("0 1,13 * * *", spring, &["02:00+01", "13:00+01"]),
        ("15,45 1 * * *", spring, &["02:00+01"]),
        ("*/30 1 * * *", spring, &["02:00+01"]),
        ("30 */12 * * *", spring, &["00:30+00", "12:30+01"]),
    ] {
        let on = ScheduleOn {
            schedule: pattern.to_owned(),
            timezone: Some("Europe/London".to_owned()),
            each: None,
        };
        let timetable = on.timetable().unwrap();
        let from: Timestamp = from.parse().unwrap();
        let until: Timestamp = until.parse().unwrap();
        let coming = timetable.coming(from - SignedDuration::from_secs(1), 60);
        let found = coming.into_iter().filter(|at| at.timestamp() <= until);
        let found: Vec<String> = found
            .map(|at| {
                at.strftime("%H:%M%:z")
                    .to_string()
                    .replace("+00:00", "+00")
                    .replace("+01:00", "+01")
            })
            .collect();
        assert_eq!(found, right, "{pattern}");
    }
}
