//! Windows that move with the present.

use canopy_store::Store;
use canopy_triggers::{PlanError, PollOptions, PollSpec, Poller, Polls};
use serde_json::{Value, json};

use crate::support::{World, stored};

const DAY: u32 = 86_400;

struct Diary {
    world: World,
    calendar: Value,
    contact: String,
}

impl Diary {
    async fn new() -> Self {
        let world = World::new(0).await;
        world.same_time().await;
        let calendar = world.books("/records/calendars").await[0]["id"].clone();
        let contact = world.create("Ada").await;
        Self {
            world,
            calendar,
            contact,
        }
    }

    /// Books half an hour on a day; the first is 2100-01-01, a Friday.
    async fn book(&self, day: &str) -> String {
        let body = json!({ "calendarId": self.calendar, "contactId": self.contact, "title": "Visit",
            "startTime": format!("{day}T18:00:00Z"), "endTime": format!("{day}T18:30:00Z"),
            "ignoreFreeSlotValidation": true });
        let made = self.world.control("/appointments", body).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn edit(&self, appointment: &str, body: Value) {
        self.world
            .control(&format!("/appointments/{appointment}"), body)
            .await;
    }

    fn poller(&self, operation: &str, names: [&str; 2], ends: [&str; 2]) -> Poller {
        let arguments =
            json!({ "calendarId": self.calendar, (names[0]): ends[0], (names[1]): ends[1] });
        self.world.poller(
            PollOptions::default(),
            "test",
            &[spec(operation, &arguments)],
            &[],
        )
    }

    async fn told(&self) -> Vec<(String, String)> {
        self.world.events().await
    }
}

fn spec(operation: &str, arguments: &Value) -> PollSpec {
    PollSpec {
        operation: operation.to_owned(),
        arguments: arguments.as_object().unwrap().clone(),
        every: None,
        backfill: false,
    }
}

#[tokio::test]
async fn what_slides_through_a_moving_window_is_neither_created_nor_deleted() {
    let diary = Diary::new().await;
    diary.book("2100-01-03").await;
    let beyond = diary.book("2100-01-09").await;
    let poller = diary.poller(
        "get-calendar-events",
        ["startTime", "endTime"],
        ["now", "now+7d"],
    );
    assert!(poller.poll().await.unwrap().baseline);
    // One falls out, one slides in, and nothing happened.
    for _ in 0..4 {
        diary.world.advance(DAY).await;
        assert_eq!(stored(poller.poll().await.unwrap()), 0);
    }
    assert_eq!(diary.told().await, []);

    // What is made, and what is changed into the window or within it, is told.
    let made = diary.book("2100-01-10").await;
    let far = diary.book("2100-02-10").await;
    assert_eq!(stored(poller.poll().await.unwrap()), 1);
    diary.world.advance(DAY).await;
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    diary.world.advance(600).await;
    let moved = json!({ "startTime": "2100-01-11T18:00:00Z", "endTime": "2100-01-11T18:30:00Z", "ignoreFreeSlotValidation": true });
    diary.edit(&far, moved).await;
    diary.edit(&beyond, json!({ "title": "Walk" })).await;
    assert_eq!(stored(poller.poll().await.unwrap()), 2);
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    let mut told = diary.told().await;
    told[1..].sort();
    let mut expected = [("updated", &far), ("updated", &beyond)];
    expected.sort_by_key(|(_, id)| *id);
    let expected = [("created", &made), expected[0], expected[1]];
    let expected = expected.map(|(verb, id)| (format!("appointment.{verb}"), id.clone()));
    assert_eq!(told, expected);

    // One that fell out and comes back unchanged is remembered no more, and not told all the same.
    diary.world.advance(30 * DAY).await;
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    let polls = poller.polls();
    let poll = polls.iter().next().unwrap();
    let records = diary
        .world
        .store
        .poll_records(diary.world.location(), &poll.name, None);
    assert_eq!(records.await.unwrap(), []);
}

#[tokio::test]
async fn a_kept_appointment_is_found_with_a_call_for_each_calendar_and_no_change_of_its_contact() {
    let diary = Diary::new().await;
    let before = diary.book("2099-12-30").await;
    let kinds = ["appointment.updated", "appointment.showed"];
    let poller = diary
        .world
        .poller(PollOptions::default(), "test", &[], &kinds);
    assert!(poller.poll().await.unwrap().baseline);
    diary.world.advance(600).await;
    let booked = diary.book("2100-01-09").await;
    assert_eq!(stored(poller.poll().await.unwrap()), 1);
    diary.world.advance(600).await;
    let calls = diary.world.books("/requests").await.len();
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    let calendars = diary.world.books("/records/calendars").await.len();
    let calls = diary.world.books("/requests").await.len() - calls;
    assert_eq!(calls, calendars + 1, "one more lists the calendars");
    for appointment in [&before, &booked] {
        diary.world.advance(600).await;
        diary
            .edit(appointment, json!({ "appointmentStatus": "showed" }))
            .await;
        assert_eq!(stored(poller.poll().await.unwrap()), 2);
        assert_eq!(stored(poller.poll().await.unwrap()), 0);
    }
    let told = diary.told().await;
    let told: Vec<_> = told.iter().map(|(kind, id)| (&**kind, id)).collect();
    let expected = [
        ("appointment.created", &booked),
        ("appointment.updated", &before),
        ("appointment.showed", &before),
        ("appointment.updated", &booked),
        ("appointment.showed", &booked),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn free_slots_change_when_one_is_taken_and_not_when_time_passes() {
    let diary = Diary::new().await;
    let poller = diary.poller(
        "get-free-slots",
        ["startDate", "endDate"],
        ["today", "today+10d"],
    );
    poller.poll().await.unwrap();
    for _ in 0..20 {
        diary.world.advance(DAY / 4).await;
        assert_eq!(stored(poller.poll().await.unwrap()), 0);
    }
    // A Monday.
    diary.book("2100-01-11").await;
    assert_eq!(stored(poller.poll().await.unwrap()), 1);
    diary.world.advance(DAY / 4).await;
    assert_eq!(stored(poller.poll().await.unwrap()), 0);
    assert_eq!(diary.told().await.remove(0).0, "free_slots.changed");
}

#[tokio::test]
async fn today_is_the_day_of_the_location_and_of_utc_where_that_cannot_be_read() {
    // It is 2100-01-01 in UTC and still New Year's Eve in the location, on the Pacific coast.
    for (may_read, told) in [(true, "2099-12-31"), (false, "2100-01-01")] {
        let diary = Diary::new().await;
        if !may_read {
            let refusal = json!({ "kind": "status", "status": 403, "operation": "get-location" });
            diary.world.control("/faults", refusal).await;
        }
        let poller = diary.poller(
            "get-calendar-events",
            ["startTime", "endTime"],
            ["today", "today+1d"],
        );
        poller.poll().await.unwrap();
        let mut expected = Vec::new();
        for day in ["2099-12-31", "2100-01-01"] {
            let booked = diary.book(day).await;
            if day == told {
                expected.push(("appointment.created".to_owned(), booked));
            }
        }
        for _ in 0..3 {
            poller.poll().await.unwrap();
        }
        assert_eq!(diary.told().await, expected, "{told}");
        let requests = diary.world.books("/requests").await;
        let reads = requests
            .iter()
            .filter(|one| one["operation"] == "get-location");
        assert_eq!(reads.count(), 1, "once a start");
    }
}

#[tokio::test]
async fn what_was_booked_more_than_a_year_ahead_is_told_when_the_poll_comes_to_see_it() {
    let diary = Diary::new().await;
    let history = diary.book("2101-01-20").await;
    let kinds = ["appointment.created", "appointment.updated"];
    let options = PollOptions::default();
    let poller = diary.world.poller(options, "test", &[], &kinds);
    diary.world.advance(600).await;
    assert!(poller.poll().await.unwrap().baseline);
    diary.world.advance(DAY).await;
    let ahead = diary.book("2101-02-10").await;
    for _ in 0..60 {
        poller.poll().await.unwrap();
        diary.world.advance(DAY).await;
    }
    let told = diary.told().await;
    assert_eq!(
        told,
        [("appointment.created".to_owned(), ahead)],
        "and not {history}"
    );
}

#[tokio::test]
async fn blocked_slots_are_read_in_a_moving_window() {
    let diary = Diary::new().await;
    let poller = diary.poller(
        "get-blocked-slots",
        ["startTime", "endTime"],
        ["now-1h", "now+2w"],
    );
    poller.poll().await.unwrap();
    diary.world.advance(DAY).await;
    let block = json!({ "locationId": diary.world.location(), "calendarId": diary.calendar, "title": "Off",
        "startTime": "2100-01-05T18:00:00Z", "endTime": "2100-01-05T19:00:00Z" });
    let block = diary.world.call("create-block-slot", block).await["id"].clone();
    poller.poll().await.unwrap();
    diary.world.advance(600).await;
    let change = json!({ "eventId": block, "locationId": diary.world.location(), "calendarId": diary.calendar, "title": "Away" });
    diary.world.call("update-block-slot", change).await;
    poller.poll().await.unwrap();
    diary.world.advance(5 * DAY).await;
    poller.poll().await.unwrap();
    let kinds: Vec<_> = diary
        .told()
        .await
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(kinds, ["blocked_slot.created", "blocked_slot.updated"]);
}

#[test]
fn the_name_of_a_poll_is_that_of_the_text_and_a_wrong_moment_is_refused() {
    let options = PollOptions::default();
    let arguments = json!({ "calendarId": "c", "startTime": "now", "endTime": "now+30d" });
    let spec_of = |arguments: &Value| spec("get-calendar-events", arguments);
    let polls = Polls::new(&[spec_of(&arguments)], &[].into(), &options).unwrap();
    let name = canopy_mapping::poll_name("get-calendar-events", arguments.as_object().unwrap());
    assert_eq!(polls.iter().next().unwrap().name, name);
    let wrong = json!({ "calendarId": "c", "startTime": "now", "endTime": "now+30" });
    let error = Polls::new(&[spec_of(&wrong)], &[].into(), &options).unwrap_err();
    assert!(matches!(error, PlanError::Arguments { .. }));
    assert!(
        error.to_string().contains("did you mean \"now+30d\"?"),
        "{error}"
    );
}
