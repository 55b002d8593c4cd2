//! Timetables: due once, whoever looks, and made up for after a stop.

use std::sync::Arc;

use canopy_mapping::{Each, ScheduleOn};
use canopy_store::clock::{Clock, ManualClock};
use canopy_store::{InboxRow, ProfileStore, ProfileUpdate, SecretKey, SqliteStore, Store};
use canopy_triggers::{Schedule, Scheduler, Site};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

struct World {
    store: SqliteStore,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

fn daily(each: Option<Each>) -> Schedule {
    schedule("0 9 * * *", each)
}

fn schedule(fields: &str, each: Option<Each>) -> Schedule {
    let on = ScheduleOn {
        schedule: fields.to_owned(),
        timezone: Some("Europe/London".to_owned()),
        each,
    };
    Schedule::new("report", 0, &on).unwrap()
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canopy.db");
        Self {
            store: SqliteStore::open(&path, &SecretKey::generate())
                .await
                .unwrap(),
            clock: Arc::new(ManualClock::new("2026-10-23T07:00:00Z".parse().unwrap())),
            _folder: folder,
        }
    }

    fn scheduler(&self, owner: &str, schedule: Schedule) -> Scheduler {
        let store: Arc<dyn Store> = Arc::new(self.store.clone());
        let site = Site::new(store, self.clock.clone(), "l1", owner);
        Scheduler::new(site, vec![schedule])
    }

    fn at(&self, time: &str) {
        let time: Timestamp = time.parse().unwrap();
        self.clock.advance(time.duration_since(self.clock.now()));
    }

    async fn events(&self) -> Vec<InboxRow> {
        let mut rows = self.store.recent_events(1000).await.unwrap();
        rows.reverse();
        rows
    }
}

#[tokio::test]
async fn an_occurrence_is_one_event_by_restarts_and_by_other_processes() {
    let world = World::new().await;
    let scheduler = world.scheduler("a", daily(None));
    assert_eq!(
        scheduler.look().await.unwrap(),
        0,
        "nothing is due at the first look"
    );
    world.at("2026-10-23T07:59:59Z");
    assert_eq!(scheduler.look().await.unwrap(), 0);
    world.at("2026-10-23T08:00:00Z");
    assert_eq!(scheduler.look().await.unwrap(), 1);
    assert_eq!(scheduler.look().await.unwrap(), 0);
    let restarted = world.scheduler("a", daily(None));
    assert_eq!(restarted.look().await.unwrap(), 0);
    // The lease of the first has run out, so another process may look.
    world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(world.scheduler("b", daily(None)).look().await.unwrap(), 0);
    let rows = world.events().await;
    assert_eq!(rows.len(), 1);
    let event = &rows[0].event;
    assert_eq!((&*event.kind, &*event.record), ("schedule.due", "report"));
    assert_eq!(event.version.as_deref(), Some("2026-10-23T08:00:00Z"));
    assert_eq!(
        event.payload["due"],
        "2026-10-23T09:00:00+01:00[Europe/London]"
    );
    // Local time: after the clocks went back it is due an hour later.
    world.at("2026-10-26T08:59:59Z");
    scheduler.look().await.unwrap();
    world.at("2026-10-26T09:00:00Z");
    assert_eq!(scheduler.look().await.unwrap(), 1);
}

#[tokio::test]
async fn after_a_stop_the_latest_occurrence_is_made_up_for_and_the_others_are_told_of() {
    let world = World::new().await;
    world.scheduler("a", daily(None)).look().await.unwrap();
    world.at("2026-10-27T12:00:00Z");
    assert_eq!(world.scheduler("a", daily(None)).look().await.unwrap(), 1);
    let rows = world.events().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].event.version.as_deref(),
        Some("2026-10-27T09:00:00Z")
    );
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!((alerts.len(), &*alerts[0].kind), (1, "schedule"));
    assert!(
        alerts[0].message.contains("was due 4 time(s)"),
        "{}",
        alerts[0].message
    );
}

#[tokio::test]
async fn each_profile_has_an_event_of_its_own() {
    let world = World::new().await;
    for contact in ["c2", "c1"] {
        let profile = ProfileUpdate {
            id: format!("p-{contact}"),
            contact: contact.to_owned(),
            fields: serde_json::Map::new(),
        };
        let now = "2026-10-23T07:00:00Z".parse().unwrap();
        let store = &world.store;
        store
            .edit_profile("l1", Some(profile), vec![], vec![], now)
            .await
            .unwrap();
    }
    let scheduler = world.scheduler("a", daily(Some(Each::Profile)));
    scheduler.look().await.unwrap();
    world.at("2026-10-23T08:00:30Z");
    assert_eq!(scheduler.look().await.unwrap(), 2);
    let contacts: Vec<_> = world
        .events()
        .await
        .into_iter()
        .map(|row| row.event.contact.unwrap())
        .collect();
    assert_eq!(contacts, ["c1", "c2"]);
}

#[tokio::test]
async fn another_timetable_begins_anew() {
    let world = World::new().await;
    let scheduler = world.scheduler("a", daily(None));
    scheduler.look().await.unwrap();
    // 07:30 in London has passed when the file is changed.
    scheduler.replace(vec![schedule("30 7 * * *", None)]);
    assert_eq!(scheduler.look().await.unwrap(), 0);
    world.at("2026-10-23T12:00:00Z");
    assert_eq!(scheduler.look().await.unwrap(), 0);
    world.at("2026-10-24T06:30:00Z");
    assert_eq!(scheduler.look().await.unwrap(), 1);
}

#[tokio::test]
async fn a_timetable_that_was_away_begins_anew() {
    let world = World::new().await;
    let scheduler = world.scheduler("a", daily(None));
    scheduler.look().await.unwrap();
    let other = schedule("30 7 * * *", None);
    for away in [vec![], vec![other]] {
        scheduler.replace(away);
        scheduler.look().await.unwrap();
        world.clock.advance(SignedDuration::from_hours(50));
        scheduler.look().await.unwrap();
        let before = world.events().await.len();
        scheduler.replace(vec![daily(None)]);
        // 09:00 has passed twice while nobody wanted it.
        assert_eq!(scheduler.look().await.unwrap(), 0);
        assert_eq!(world.events().await.len(), before);
        world.clock.advance(SignedDuration::from_hours(24));
        assert_eq!(scheduler.look().await.unwrap(), 1);
    }
    // Also where it was away at a start of the program, and another went on.
    let two = |first: Schedule| {
        let on = ScheduleOn {
            schedule: "0 10 * * *".to_owned(),
            timezone: None,
            each: None,
        };
        vec![first, Schedule::new("other", 0, &on).unwrap()]
    };
    scheduler.replace(two(daily(None)));
    scheduler.look().await.unwrap();
    let without = world.scheduler("a", two(daily(None)).remove(1));
    without.look().await.unwrap();
    world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(without.look().await.unwrap(), 1, "the other one");
    scheduler.replace(two(daily(None)));
    assert_eq!(scheduler.look().await.unwrap(), 0);
}

#[tokio::test]
async fn a_clock_that_was_ahead_and_is_set_right_silences_no_timetable() {
    let world = World::new().await;
    let scheduler = world.scheduler("a", daily(None));
    scheduler.look().await.unwrap();
    world.at("2027-10-23T12:00:00Z");
    assert_eq!(scheduler.look().await.unwrap(), 1);
    world.at("2026-10-24T07:00:00Z");
    assert_eq!(scheduler.look().await.unwrap(), 0);
    let alerts = world.store.alerts(true, 10).await.unwrap();
    let told = alerts.iter().find(|alert| alert.kind == "clock").unwrap();
    assert!(
        told.message.contains("had come to 2027-10-23T08:00:00Z"),
        "{told:?}"
    );
    world.at("2026-10-24T08:00:00Z");
    assert_eq!(scheduler.look().await.unwrap(), 1);
    // What ran while the clock was ahead does not run again when its day comes.
    world.at("2027-10-22T12:00:00Z");
    scheduler.look().await.unwrap();
    world.at("2027-10-23T12:00:00Z");
    assert_eq!(scheduler.look().await.unwrap(), 0);
}
