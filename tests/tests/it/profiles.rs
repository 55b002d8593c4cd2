//! The customer's side: what `HighLevel` has of a contact, notes and tasks by hand, and erasure.

use canopy_store::{PurchaseState, Store as _};
use serde_json::{Value, json};

use crate::support::{Running, World, eventually, text};

const NAME: &str = "Zebulon";
const EMAIL: &str = "zebulon.quux@example.org";
const PHONE: &str = "+12015559876";

async fn json_of(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&world.succeed(arguments).await).unwrap()
}

/// A contact that is made by hand, and served by the recipe.
async fn served(world: &World, running: &Running) -> String {
    let body = json!({ "firstName": NAME, "lastName": "Quux", "email": EMAIL, "phone": PHONE, "tags": ["vip"] });
    let made = world.control("/contacts", body).await;
    running.until_idle(world, 1).await;
    made["id"].as_str().unwrap().to_owned()
}

/// What a call of `HighLevel` answers, by the program itself.
async fn call(world: &World, operation: &str, arguments: &[&str]) -> Value {
    let mut command = vec!["call", operation];
    for argument in arguments {
        command.extend(["--param", argument]);
    }
    json_of(world, &command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_tasks_notes_appointments_and_opportunities_are_shown() {
    let world = World::new().await;
    let running = world.start().await;
    let contact = served(&world, &running).await;
    let at = &world.info().location_id;
    let location = format!("locationId={at}");
    let calendars = call(&world, "get-calendars", &[&location]).await;
    let calendar = &calendars["calendars"][0]["id"];
    let book = async |title: &str, day: u32| {
        let body = json!({ "calendarId": calendar, "contactId": contact, "title": title,
            "startTime": format!("2100-01-0{day}T09:00:00-08:00"),
            "endTime": format!("2100-01-0{day}T09:30:00-08:00"), "ignoreFreeSlotValidation": true });
        let made = world.control("/appointments", body).await;
        made["id"].as_str().unwrap().to_owned()
    };
    let (visit, gone) = (book("Visit", 4).await, book("Gone", 5).await);
    let pipelines = call(&world, "get-pipelines", &[&location]).await;
    let pipeline = &pipelines["pipelines"][0];
    let deal = json!({ "pipelineId": pipeline["id"], "pipelineStageId": pipeline["stages"][0]["id"],
        "locationId": at, "contactId": contact, "name": "Hedge", "status": "open", "monetaryValue": 1200 });
    let deal = world.control("/opportunities", deal).await;
    let won = format!("/opportunities/{}", deal["id"].as_str().unwrap());
    world.control(&won, json!({ "status": "won" })).await;
    let url = format!("{}/appointments/{gone}", world.info().control_url);
    reqwest::Client::new()
        .delete(url)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    running.until_idle(&world, 1).await;

    let show = ["profile", "show", &contact, "--json"];
    let known = json_of(&world, &show).await[0]["highlevel"].clone();
    let live = json_of(&world, &[&show[..], &["--live"]].concat()).await[0]["highlevel"].clone();
    running.stop().await;
    assert_eq!(
        (&known["from"], &live["from"]),
        (&json!("store"), &json!("live"))
    );
    for side in [&known, &live] {
        assert_eq!(side["contact"]["email"], EMAIL, "{side}");
        let tags = side["tags"].as_array().unwrap();
        assert!(tags.contains(&json!("vip")), "{side}");
        let ids = |member: &str| -> Vec<Value> {
            let all = side[member].as_array().unwrap().iter();
            all.map(|one| one["id"].clone()).collect()
        };
        assert_eq!(ids("appointments"), [json!(visit)], "{side}");
        assert_eq!(ids("opportunities"), [deal["id"].clone()], "{side}");
        assert_eq!(side["opportunities"][0]["status"], "won", "{side}");
        assert_eq!(ids("notes").len(), 1, "the recipe's: {side}");
    }
    let shown = world.succeed(&["profile", "show", &contact]).await;
    for part in [
        "tags: ",
        "vip",
        "Visit",
        "Hedge  won",
        "--live reads it now",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_and_tasks_by_hand_are_kept_and_told_of() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contact = world.seed(1).await.remove(0);
    world.succeed(&["run", "--once"]).await;
    world
        .succeed(&["profile", "note", &contact, "Likes oaks"])
        .await;
    let plant = async |progress: &str| {
        let task = ["profile", "task", &contact, "--title", "Plant"];
        let task = [&task[..], &["--progress", progress]].concat();
        world.succeed(&task).await;
    };
    plant("40").await;
    let view = json_of(&world, &["profile", "show", &contact, "--json"]).await[0].clone();
    assert_eq!(view["notes"][0]["body"], "Likes oaks");
    let task = &view["tasks"][0];
    assert_eq!(
        (&task["title"], &task["progress"]),
        (&json!("Plant"), &json!(40))
    );
    plant("100").await;
    let view = json_of(&world, &["profile", "show", &contact, "--json"]).await[0].clone();
    assert_eq!(view["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(view["tasks"][0]["completed"], true);
    let timeline = view["timeline"].as_array().unwrap();
    for kind in [
        "profile_note.created",
        "profile_task.created",
        "profile_task.completed",
    ] {
        assert!(
            timeline
                .iter()
                .any(|moment| moment["event"]["kind"] == kind),
            "{kind}: {timeline:?}"
        );
    }
    // What a step did names the run that is its cause.
    let caused = timeline
        .iter()
        .find(|moment| moment["event"]["kind"] == "profile.created");
    let cause = &caused.unwrap()["cause"];
    assert_eq!(cause["workflow"], "new-contact");
    let runs: Vec<_> = timeline
        .iter()
        .flat_map(|moment| moment["runs"].as_array().unwrap())
        .collect();
    assert!(runs.iter().any(|run| run["id"] == cause["run"]), "{cause}");
    let shown = world.succeed(&["profile", "show", &contact]).await;
    let by = format!("by run {} of new-contact", cause["run"]);
    assert!(shown.contains(&by), "{shown}");
    let unknown = world.output(&["profile", "note", "nobody", "x"]).await;
    assert_eq!(unknown.status.code(), Some(2));
}

/// The files of the store that hold one of these.
fn with_any(world: &World, needles: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in world.files() {
        let Ok(bytes) = std::fs::read(world.path(&file)) else {
            continue;
        };
        for needle in needles {
            let mut windows = bytes.windows(needle.len());
            if windows.any(|window| window.eq_ignore_ascii_case(needle.as_bytes())) {
                found.push((file.clone(), (*needle).to_owned()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn erasure_leaves_the_ledger_and_nothing_personal() {
    let world = World::new().await;
    let running = world.start().await;
    let contact = served(&world, &running).await;
    let path = format!("/contacts/{contact}");
    world.control(&path, json!({ "city": "Quuxville" })).await;
    running.until_idle(&world, 2).await;
    let note = format!("{NAME} likes oaks");
    world.succeed(&["profile", "note", &contact, &note]).await;
    running.stop().await;
    world.succeed(&["backfill"]).await;
    // It is gone in HighLevel: the ledger is kept all the same.
    let running = world.start().await;
    let url = format!("{}{path}", world.info().control_url);
    reqwest::Client::new()
        .delete(url)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    eventually("the deletion", async || {
        let events = world.store().await.recent_events(50).await.unwrap();
        events.iter().any(|row| row.event.kind == "contact.deleted")
    })
    .await;
    running.until_idle(&world, 2).await;
    let personal = [NAME, "Quux", EMAIL, PHONE, "Quuxville"];
    assert!(!with_any(&world, &personal).is_empty());
    let unsaid = world.output(&["profile", "erase", &contact]).await;
    assert_eq!(unsaid.status.code(), Some(2));
    assert!(text(&unsaid.stderr).contains("--yes"));
    let before = world.store().await.purchases(10).await.unwrap();
    assert_eq!(before.len(), 1);

    // Beside a running canopy.
    world
        .succeed(&["profile", "erase", &contact, "--yes"])
        .await;
    assert_eq!(with_any(&world, &personal), []);
    running.stop().await;
    assert_eq!(with_any(&world, &personal), []);
    let after = world.store().await.purchases(10).await.unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!(
        (&after[0].key, after[0].state, after[0].amount),
        (&before[0].key, PurchaseState::Confirmed, before[0].amount)
    );
    let csv = world.succeed(&["ledger", "export"]).await;
    assert_eq!(csv.lines().count(), 2);
    assert!(csv.contains(&contact));
}
