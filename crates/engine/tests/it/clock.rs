//! Days and times without a zone are on the location's clock, also in what a call takes as an instant.

use std::fmt::Write as _;

use canopy_store::RunState;
use serde_json::json;

use crate::support::World;

fn workflow(dates: &[&str]) -> String {
    let mut text = "id = \"due\"\ntitle = \"Due\"\non = \"contact.created\"\n".to_owned();
    for (place, due) in dates.iter().enumerate() {
        let _ = write!(
            text,
            "\n[[do]]\nid = \"t{place}\"\naction = \"create-task\"\nwith = {{ contactId = \"{{{{ contact.id }}}}\", title = \"{place}\", dueDate = \"{due}\", completed = false }}\n"
        );
    }
    text
}

async fn create(world: &World) -> String {
    let contact =
        json!({ "locationId": world.location, "firstName": "Ada", "lastName": "2026-12-02" });
    let contact = world.invoke("create-contact", contact).await;
    contact["contact"]["id"].as_str().unwrap().to_owned()
}

/// The sandbox's location is in Los Angeles, eight hours behind UTC in winter.
#[tokio::test]
async fn a_due_date_without_a_zone_is_on_the_locations_clock() {
    let dates = [
        ("2026-12-02", "2026-12-02T08:00:00Z"),
        ("{{ contact.lastName }}", "2026-12-02T08:00:00Z"),
        (
            "{{ contact.lastName | later('1d') }}",
            "2026-12-03T08:00:00Z",
        ),
        ("{{ contact.lastName }}T09:30:00", "2026-12-02T17:30:00Z"),
        ("2026-07-01 09:30", "2026-07-01T16:30:00Z"),
        // The clocks skip it: the end of the gap, as in timetables.
        ("2027-03-14T02:30:00", "2027-03-14T10:00:00Z"),
        // What names its zone is an instant.
        ("2026-12-02T09:30:00-05:00", "2026-12-02T09:30:00-05:00"),
        ("2026-12-02T00:00:00Z", "2026-12-02T00:00:00Z"),
        (
            "{{ '2026-12-01T09:00:00Z' | later('1d') }}",
            "2026-12-02T09:00:00Z",
        ),
    ];
    let world = World::new(&workflow(&dates.map(|(given, _)| given))).await;
    let contact = create(&world).await;
    world.poll_and_drain().await;
    let runs = world.runs_of("due").await;
    assert_eq!(runs[0].state, RunState::Done, "{:?}", runs[0].error);
    let tasks = world
        .invoke("get-all-tasks", json!({ "contactId": contact }))
        .await;
    let tasks = tasks["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), dates.len(), "{tasks:?}");
    for task in tasks {
        let place: usize = task["title"].as_str().unwrap().parse().unwrap();
        let (given, right) = dates[place];
        assert_eq!(task["dueDate"], right, "{given}");
    }
}

#[tokio::test]
async fn without_the_locations_zone_a_due_date_without_one_ends_the_run() {
    let world = World::with(
        &workflow(&["{{ contact.lastName }}"]),
        |_| {},
        canopy_engine::Options::default(),
    )
    .await;
    let fault = json!({ "kind": "status", "operation": "get-location", "status": 403, "body": { "statusCode": 403, "message": "The token does not have access to this location" } });
    world.control("/faults", fault).await;
    create(&world).await;
    world.poll_and_drain().await;
    let runs = world.runs_of("due").await;
    assert_eq!(runs[0].state, RunState::Dead, "{:?}", runs[0].error);
    let error = runs[0].error.as_deref().unwrap();
    assert!(
        error.starts_with("\"dueDate\" is \"2026-12-02\", which names no time zone, and the location's cannot be read: give the token the scope locations.readonly"),
        "{error}"
    );
}
