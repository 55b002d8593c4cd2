//! Timetables from day to day; clock changes are held in `model`.

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
