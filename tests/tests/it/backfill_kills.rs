//! Back-fills that are really killed: read once, fired once, and files that stay as they are.

use std::collections::BTreeSet;

use canopy_sandbox::Sandbox;
use canopy_store::Store;
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::support::World;

const SEARCH: &str = "search-contacts-advanced";
const NOTES: &str = "get-all-notes";
const TASKS: &str = "get-all-tasks";

/// The records of a kind in a file that was exported.
fn exported(world: &World, kind: &str) -> Vec<String> {
    let lines = std::fs::read_to_string(world.path("all.jsonl")).unwrap();
    let records = lines
        .lines()
        .map(|line| -> Value { serde_json::from_str(line).unwrap() });
    let records = records.filter(|record| record["kind"] == kind);
    records
        .map(|record| record["record"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_and_within_pages_it_reads_each_contact_once() {
    let world = World::new().await;
    // Four pages, and the empty one that ends them.
    let contacts = world.seed(1_700).await;
    let read = ["backfill", "--kind", "contacts", "--to", "all.jsonl"];
    world.kill_at_request(&read, SEARCH, 0).await;
    world.kill_at_request(&read, SEARCH, 1).await;
    world.kill_at_request(&read, SEARCH, 1).await;
    let json = world.succeed(&[&read[..], &["--json"]].concat()).await;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["connections"][0]["resumed"], true);
    assert_eq!(report["connections"][0]["contacts"], 1_700);
    let found = exported(&world, "contact");
    assert_eq!(found.len(), 1_700);
    assert_eq!(
        found.into_iter().collect::<BTreeSet<_>>(),
        contacts.into_iter().collect()
    );
    assert_eq!(
        world.asked(SEARCH).await,
        5 + 3,
        "one page again for each kill"
    );
    assert_eq!(world.store().await.summary().await.unwrap().events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_among_notes_and_tasks_it_reads_few_of_them_again() {
    let world = World::new().await;
    let contacts = world.seed(80).await;
    let mut written = BTreeSet::new();
    for contact in contacts.iter().step_by(16) {
        let url = format!("{}/contacts/{contact}/notes", world.info().highlevel_url);
        let bearer = format!("Bearer {}", world.info().token);
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Version", "2021-07-28"),
            ("Content-Type", "application/json"),
        ];
        let body = json!({ "body": "by hand" }).to_string();
        let status = world.post(&url, &headers, body.into_bytes()).await;
        assert!((200..300).contains(&status), "{status}");
        let notes = world.highlevel(&format!("/contacts/{contact}/notes")).await;
        written.insert(notes["notes"][0]["id"].as_str().unwrap().to_owned());
    }
    let before = world.asked(NOTES).await;
    let read = ["backfill", "--to", "all.jsonl"];
    let kills = [(NOTES, 0), (TASKS, 3), (NOTES, 30), (TASKS, 1), (NOTES, 20)];
    for (operation, skip) in kills {
        world.kill_at_request(&read, operation, skip).await;
    }
    world.succeed(&read).await;
    assert_eq!(exported(&world, "contact").len(), 80);
    let notes = exported(&world, "note");
    assert_eq!(notes.len(), written.len());
    assert_eq!(notes.into_iter().collect::<BTreeSet<_>>(), written);
    // Of each kill at most what is stored together is read again.
    let again = 25 * kills.len();
    for (operation, before) in [(NOTES, before), (TASKS, 0)] {
        let asked = world.asked(operation).await - before;
        assert!((80..=80 + again).contains(&asked), "{operation}: {asked}");
    }
    assert_eq!(world.asked(SEARCH).await, 2);
}

/// Events that are in the store, whoever else writes to it.
async fn events(world: &World) -> i64 {
    let url = format!("sqlite://{}?mode=ro", world.path("canopy.db").display());
    let Ok(mut connection) = sqlx::SqliteConnection::connect(&url).await else {
        return 0;
    };
    let count = sqlx::query_scalar("SELECT count(*) FROM inbox").fetch_one(&mut connection);
    count.await.unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_fires_each_workflow_runs_once() {
    let world = World::new().await;
    std::fs::create_dir(world.path("workflows")).unwrap();
    let workflow = "id = \"greet\"\ntitle = \"Greet\"\non = [\"contact.created\"]\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\n\
                    with = { number = 1 }\n";
    std::fs::write(world.path("workflows/greet.toml"), workflow).unwrap();
    let head = "recipes = []\nworkflows = \"workflows\"\n";
    world.write_config(&format!("{head}{}", world.config()));
    let count = 1_200;
    world.seed(count).await;
    let plan = ["backfill", "--kind", "contacts", "--fire", "greet"];
    let told = world.succeed(&plan).await;
    assert!(told.contains("1200 event(s) would start it"), "{told}");
    assert!(told.contains("1200 trees, about 720.00 GBP"), "{told}");
    assert_eq!(events(&world).await, 0);
    assert!(world.books("/purchases").await.is_empty());

    let yes = [&plan[..], &["--yes"]].concat();
    let mut child = world
        .canopy(&yes)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while events(&world).await == 0 && child.try_wait().unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    child.kill().await.unwrap();
    world.succeed(&yes).await;
    assert_eq!(events(&world).await, 1_200);
    for boundary in ["AfterIntent", "AfterCall", "BeforeOutcome"] {
        world
            .killed_at(&["run", "--once"], &format!("{boundary}:tree:300"))
            .await;
    }
    // Fired once more in between: what ran or waits is left alone.
    world.succeed(&yes).await;
    world.succeed(&["run", "--once"]).await;
    let store = world.store().await;
    let summary = store.summary().await.unwrap();
    assert_eq!((summary.runs_done, summary.runs_open), (1_200, 0));
    let bought = world.books("/purchases").await;
    assert_eq!(bought.len(), 1_200);
    let keys: BTreeSet<_> = bought.iter().map(|one| one["key"].to_string()).collect();
    assert_eq!(keys.len(), 1_200);
}

#[tokio::test(flavor = "multi_thread")]
async fn exported_files_keep_their_form() {
    let start = "2026-11-01T09:00:00Z".parse().unwrap();
    let world = World::in_a(Sandbox::builder().limits(false).start_at(start)).await;
    let frozen = json!({ "set": "2026-11-01T09:01:00Z", "frozen": true });
    world.control("/clock", frozen).await;
    world.seed(2).await;
    for file in ["all.jsonl", "all.csv"] {
        world
            .succeed(&["backfill", "--kind", "contacts", "--to", file])
            .await;
    }
    let file = |name: &str| {
        let text = std::fs::read_to_string(world.path(name)).unwrap();
        let lines = text.lines().map(|line| {
            // When it was read is the machine's time.
            match line.split_once("\"read_at\":\"") {
                Some((before, after)) => {
                    let (_, after) = after.split_once('"').unwrap();
                    format!("{before}\"read_at\":\"NOW\"{after}")
                }
                None => line.to_owned(),
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!("exported_jsonl", file("all.jsonl"));
    insta::assert_snapshot!("exported_csv", file("all.csv"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_of_drift_ends_with_the_drift() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    world.seed(1).await;
    // Bought, and nobody heard of it.
    let fault = json!({ "kind": "drop_answer", "service": "ecologi", "method": "POST" });
    world.control("/faults", fault).await;
    world.fails(&["run", "--once"]).await;
    let reconcile = async || {
        let output = world.output(&["ledger", "reconcile", "--json"]).await;
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report["agree"].clone())
    };
    assert_eq!(reconcile().await, (Some(3), json!(false)));
    let open = async || world.store().await.alerts(true, 10).await.unwrap();
    assert_eq!(open().await.len(), 1);
    world.clear_faults().await;
    crate::support::eventually("the purchase to be asked for again", async || {
        world.output(&["run", "--once"]).await;
        world.store().await.summary().await.unwrap().runs_open == 0
    })
    .await;
    assert_eq!(reconcile().await, (Some(0), json!(true)));
    assert_eq!(open().await, []);
    let all = world.store().await.alerts(false, 10).await.unwrap();
    assert_eq!((all.len(), all[0].kind.as_str()), (1, "drift"));
    assert!(all[0].resolved_at.is_some());
}
