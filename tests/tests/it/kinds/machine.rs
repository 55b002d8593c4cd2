//! Alerts about the machine: its clock, its disk, its files.

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{
    connection, ended, ended_after_a_day, is_open, once, raised, refuse, sql, with_workflow,
};
use crate::process::Process;
use crate::support::{World, eventually};

const TIMED: &str = "id = \"timed\"\ntitle = \"Timed\"\non = { schedule = \"0 9 * * *\" }\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nonce = \"event\"\nwith = { number = 1 }\n";

/// It was ahead when something was bought.
pub async fn clock() {
    let world = World::new().await;
    once(&world).await;
    world.seed(1).await;
    once(&world).await;
    assert!(!is_open(&world, "clock").await);
    sql(
        &world,
        "UPDATE purchases SET counted_at = counted_at + 7200000000",
    )
    .await;
    once(&world).await;
    raised(
        &world,
        "clock",
        "the clock was ahead",
        "are looked at again",
    )
    .await;
    ended_after_a_day(&world, "clock").await;
}

/// HighLevel's answers show another time.
pub async fn clock_off() {
    let world = World::new().await;
    once(&world).await;
    let hour = Timestamp::now() + SignedDuration::from_hours(1);
    let date = hour.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let ahead = json!({ "kind": "status", "service": "highlevel", "status": 503, "headers": { "Date": date } });
    world.control("/faults", ahead).await;
    once(&world).await;
    assert!(!is_open(&world, "clock_off").await, "one answer may lie");
    once(&world).await;
    raised(&world, "clock_off", "behind HighLevel's", "set the clock").await;
    world.clear_faults().await;
    once(&world).await;
    ended(&world, "clock_off").await;
}

pub async fn configuration() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    world.write_config(&format!("{}# changed\n", world.config()));
    raised(
        &world,
        "configuration",
        "has changed since it was read",
        "kill -HUP",
    )
    .await;
    process.signal(Signal::HUP);
    ended(&world, "configuration").await;
    // A file that is gone is told as well, also by who asks for it, and is back when it is back.
    let good = std::fs::read_to_string(world.path("canopy.toml")).unwrap();
    std::fs::remove_file(world.path("canopy.toml")).unwrap();
    process
        .says("is gone; what was read from it stays in force")
        .await;
    process.signal(Signal::HUP);
    process.says("is not put into force").await;
    world.write_config(&good);
    ended(&world, "configuration").await;
    world.write_config(&format!("{}# once more\n", world.config()));
    raised(&world, "configuration", "has changed", "kill -HUP").await;
    process.stop().await;
    assert_eq!(once(&world).await, 0);
    ended(&world, "configuration").await;
    left_behind().await;
}

/// What waits at a location whose connection was taken out of the file is told until it is back, and nobody says that it
/// goes on.
async fn left_behind() {
    let world = World::new().await;
    let good = world.config();
    once(&world).await;
    refuse(&world, "create-note", 400).await;
    world.seed(1).await;
    once(&world).await;
    world.clear_faults().await;
    sql(&world, "UPDATE runs SET state = 'held'").await;
    let elsewhere = "[[connection]]\nid = \"other\"\n[connection.highlevel]\ntoken = \"pit-x\"\nlocation_id = \"elsewhere\"\n\
        base_url = \"http://127.0.0.1:9/\"\n[connection.ecologi]\napi_key = \"key\"\nbase_url = \"http://127.0.0.1:9/\"\n";
    let connection = good.find("[[connection]]").unwrap();
    world.write_config(&format!("{}{elsewhere}", &good[..connection]));
    once(&world).await;
    let told = "1 run(s) wait at location";
    raised(&world, "configuration", told, "Put the connection back").await;
    let refused = world.output(&["retry", "1"]).await;
    assert_eq!(refused.status.code(), Some(2));
    let told = crate::support::text(&refused.stderr);
    assert!(told.contains("connection \"main\", which"), "{told}");
    world.write_config(&good);
    once(&world).await;
    ended(&world, "configuration").await;
    world.succeed(&["retry", "1"]).await;
}

pub async fn workflows() {
    let world = World::new().await;
    let good = "id = \"mine\"\ntitle = \"T\"\non = \"contact.created\"\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = { number = 1 }\n";
    with_workflow(&world, good);
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let file = world.path("workflows/mine.toml");
    std::fs::write(&file, good.replace("buy-trees", "buy-tree")).unwrap();
    raised(
        &world,
        "workflows",
        "mine.toml",
        "did you mean \"buy-trees\"?",
    )
    .await;
    std::fs::write(&file, good).unwrap();
    ended(&world, "workflows").await;
    // So it is where it was mended while nothing ran.
    std::fs::write(&file, good.replace("buy-trees", "buy-tree")).unwrap();
    raised(&world, "workflows", "mine.toml", "buy-trees").await;
    process.stop().await;
    std::fs::write(&file, good).unwrap();
    assert_eq!(once(&world).await, 0);
    ended(&world, "workflows").await;
}

pub async fn store() {
    let world = World::new().await;
    once(&world).await;
    let good = world.config();
    let many = u64::MAX / 2_000_000;
    world.write_config(&format!("[health]\nfree_megabytes = {many}\n{good}"));
    assert_eq!(once(&world).await, 3);
    raised(&world, "store", "nearly full", "make room").await;
    world.write_config(&good);
    once(&world).await;
    ended(&world, "store").await;
}

/// The work at a location cannot go on: what it writes is refused by the disk.
pub async fn drain() {
    let world = World::new().await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    world.seed(1).await;
    crate::process::served(&world, &process, 1).await;
    sql(
        &world,
        "CREATE TRIGGER broken BEFORE INSERT ON runs BEGIN SELECT RAISE(FAIL, 'bad block'); END",
    )
    .await;
    world.seed(1).await;
    raised(&world, "drain", "bad block", "tried again by itself").await;
    sql(&world, "DROP TRIGGER broken").await;
    crate::process::served(&world, &process, 2).await;
    ended(&world, "drain").await;
    process.stop().await;
}

pub async fn timetables() {
    let world = World::new().await;
    with_workflow(&world, TIMED);
    once(&world).await;
    // How far they have come cannot be written.
    sql(&world, "DELETE FROM cursors WHERE name = 'schedules'").await;
    sql(&world, "CREATE TRIGGER broken BEFORE INSERT ON cursors WHEN NEW.name = 'schedules' BEGIN SELECT RAISE(FAIL, 'bad block'); END").await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    raised(&world, "timetables", "bad block", "see to the disk").await;
    sql(&world, "DROP TRIGGER broken").await;
    ended(&world, "timetables").await;
    process.stop().await;
}

/// Nothing ran for three days.
pub async fn schedule() {
    let world = World::new().await;
    with_workflow(&world, TIMED);
    once(&world).await;
    let mut other = connection(&world).await;
    let row = sqlx::query("SELECT state FROM cursors WHERE name = 'schedules'");
    let row = row.fetch_one(&mut other).await.unwrap();
    let mut state: Value = serde_json::from_str(row.get("state")).unwrap();
    let before = Timestamp::now() - SignedDuration::from_hours(72);
    for position in state.as_object_mut().unwrap().values_mut() {
        position["since"] = json!(before);
    }
    sqlx::query("UPDATE cursors SET state = ?1 WHERE name = 'schedules'")
        .bind(state.to_string())
        .execute(&mut other)
        .await
        .unwrap();
    once(&world).await;
    raised(&world, "schedule", "while nothing ran", "is made up for").await;
    eventually("one tree", async || {
        world.books("/purchases").await.len() == 1
    })
    .await;
    ended_after_a_day(&world, "schedule").await;
    assert_eq!(world.books("/purchases").await.len(), 1);
}
