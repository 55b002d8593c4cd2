//! Workflow files in the running program: changed while it runs, corrected for a run that stopped, on a timetable.

use canopy_store::{PollCommit, SecretKey, SqliteStore, Store as _};
use serde_json::{Value, json};

use crate::support::{World, eventually, text};

fn workflow(id: &str, trees: &str) -> String {
    format!(
        r#"
id = "{id}"
title = "Trees"
on = "contact.created"

[[do]]
id = "tree"
action = "buy-trees"
with = {{ number = {trees} }}
"#
    )
}

async fn world() -> World {
    let world = World::new().await;
    world.write_config(&format!("workflows = \"workflows\"\n{}", world.config()));
    std::fs::create_dir(world.path("workflows")).unwrap();
    world
}

fn write(world: &World, name: &str, text: &str) {
    std::fs::write(world.path("workflows").join(name), text).unwrap();
}

async fn quantities(world: &World) -> Vec<i64> {
    let purchases = world.books("/purchases").await;
    purchases
        .iter()
        .map(|one| one["quantity"].as_i64().unwrap())
        .collect()
}

async fn alert(world: &World) -> Option<String> {
    let store = world.store().await;
    let alerts = store.alerts(true, 10).await.unwrap();
    store.close().await;
    alerts
        .into_iter()
        .find(|alert| alert.kind == "workflows")
        .map(|alert| alert.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_files_take_effect_without_a_restart_all_or_none() {
    let world = world().await;
    write(&world, "trees.toml", &workflow("trees", "1"));
    let running = world.start().await;
    world.seed(1).await;
    running.until_idle(&world, 1).await;
    assert_eq!(quantities(&world).await, [1]);

    // One of two files is wrong: neither is taken.
    write(&world, "trees.toml", &workflow("trees", "2"));
    write(
        &world,
        "more.toml",
        &workflow("more", "3").replace("buy-trees", "buy-tree"),
    );
    eventually("the alert", async || alert(&world).await.is_some()).await;
    let told = alert(&world).await.unwrap();
    assert!(
        told.contains("more.toml:8: unknown action \"buy-tree\"; did you mean \"buy-trees\"?"),
        "{told}"
    );
    world.seed(1).await;
    running.until_idle(&world, 2).await;
    assert_eq!(quantities(&world).await, [1, 1]);

    write(&world, "more.toml", &workflow("more", "3"));
    eventually("the alert's end", async || alert(&world).await.is_none()).await;
    world.seed(1).await;
    running.until_idle(&world, 4).await;
    let mut bought = quantities(&world).await;
    bought.sort_unstable();
    assert_eq!(bought, [1, 1, 2, 3]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_between_its_reading_and_the_first_look_is_taken_up() {
    let world = world().await;
    write(&world, "trees.toml", &workflow("trees", "1"));
    // The program has read its files when it tries its token, and waits there.
    let delay = json!({ "kind": "delay", "delay_ms": 1000, "operation": "search-contacts-advanced", "times": 1 });
    world.control("/faults", delay).await;
    let (running, ()) = tokio::join!(world.start(), async {
        eventually("the first call", async || {
            world.asked("search-contacts-advanced").await > 0
        })
        .await;
        write(&world, "trees.toml", &workflow("trees", "0"));
    });
    // The change has a mistake, of which an alert tells.
    eventually("the alert", async || alert(&world).await.is_some()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_goes_on_as_it_began_or_as_it_is_written_now() {
    let world = world().await;
    write(&world, "trees.toml", &workflow("trees", "\"{{ 5 / 2 }}\""));
    world.succeed(&["run", "--once"]).await;
    world.seed(1).await;
    let ran = world.output(&["run", "--once"]).await;
    assert_eq!(ran.status.code(), Some(3));
    let shown = world.succeed(&["runs", "1"]).await;
    assert!(
        shown.contains("run 1 dead (trees") && shown.contains("tree buy-trees: failed"),
        "{shown}"
    );
    assert!(shown.contains("name how to round it"), "{shown}");

    write(
        &world,
        "trees.toml",
        &workflow("trees", "\"{{ (5 / 2) | ceil }}\""),
    );
    world.succeed(&["retry", "1"]).await;
    assert_eq!(
        world.output(&["run", "--once"]).await.status.code(),
        Some(3)
    );
    assert!(quantities(&world).await.is_empty());
    world.succeed(&["retry", "1", "--current"]).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(quantities(&world).await, [3]);

    // Too little is no failure, and says why nothing was bought.
    write(
        &world,
        "trees.toml",
        &workflow("trees", "\"{{ 0.4 | round }}\""),
    );
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    let rows: Value = serde_json::from_str(&world.succeed(&["runs", "--json"]).await).unwrap();
    assert_eq!(
        (&rows[0]["id"], &rows[0]["state"]),
        (&json!(2), &json!("done"))
    );
    let shown = world.succeed(&["runs", "2"]).await;
    assert!(
        shown.contains("tree buy-trees: skipped: `number` is 0 and must be at least 1"),
        "{shown}"
    );
    let unknown = world.output(&["runs", "99"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    write(&world, "trees.toml", &workflow("others", "1"));
    let gone = world.output(&["retry", "1", "--current"]).await;
    assert!(
        text(&gone.stderr).contains("no longer has"),
        "{}",
        text(&gone.stderr)
    );
}

/// Sets back how far a timetable has come, as if the program had been down since.
pub async fn set_back(world: &World, workflow: &str, timetable: &str, since: &str) {
    let key = SecretKey::from_file(&world.path("canopy.key")).unwrap();
    let path = world.path("canopy.db");
    let store = SqliteStore::open(&path, &key).await.unwrap();
    let now = jiff::Timestamp::now();
    let lease = jiff::SignedDuration::from_secs(60);
    let fence = store.acquire_lease(&world.info().location_id, "embedded", now, lease);
    let fence = fence.await.unwrap().unwrap();
    let commit = PollCommit {
        name: "schedules".to_owned(),
        state: json!({ workflow: { "timetable": timetable, "since": since } }),
        ..PollCommit::default()
    };
    store.commit_poll(&fence, commit, now).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timetable_runs_once_for_what_is_due() {
    let world = world().await;
    let file = workflow("daily", "4")
        .replace(
            "\"contact.created\"",
            "{ schedule = \"0 9 * * *\", timezone = \"Europe/London\" }",
        )
        .replace("with =", "once = \"event\"\nwith =");
    write(&world, "daily.toml", &file);
    world.succeed(&["run", "--once"]).await;
    let shown = world.succeed(&["status"]).await;
    assert!(shown.contains("daily (0 9 * * * Europe/London)"), "{shown}");
    assert!(
        quantities(&world).await.is_empty(),
        "what was due before is history"
    );
    set_back(
        &world,
        "daily",
        "0 9 * * * Europe/London",
        "2026-01-01T00:00:00Z",
    )
    .await;
    for _ in 0..2 {
        // An alert tells of the occurrences that are left out.
        world.output(&["run", "--once"]).await;
        assert_eq!(quantities(&world).await, [4]);
    }
    let told = world.output(&["alerts"]).await;
    assert!(
        text(&told.stdout).contains("the latest occurrence is made up for"),
        "{}",
        text(&told.stdout)
    );
}
