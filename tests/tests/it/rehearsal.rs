//! Dry runs and simulations: they say what would be done, and nothing is.

use std::collections::{BTreeMap, BTreeSet};

use canopy_store::Store;
use serde_json::{Value, json};

use crate::support::{World, eventually, is_write, text};

/// What the files of the folder hold: name, length and hash.
fn files(world: &World) -> BTreeSet<(String, usize, u64)> {
    let names = world.files().into_iter();
    let names = names.filter(|name| world.path(name).is_file());
    let files = names.map(|name| {
        let bytes = std::fs::read(world.path(&name)).unwrap();
        (name, bytes)
    });
    // SQLite keeps an index of the log for readers, and the log itself may be empty.
    let files = files.filter(|(name, bytes)| !name.ends_with("-shm") && !bytes.is_empty());
    files
        .map(|(name, bytes)| (name, bytes.len(), hash(&bytes)))
        .collect()
}

/// Tells contents apart, in a form that a failure can show.
fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Requests that changed something, by operation.
async fn writes(world: &World) -> BTreeMap<String, u64> {
    let mut writes = BTreeMap::new();
    for request in world.books("/requests").await {
        let operation = request["operation"].as_str().unwrap().to_owned();
        if is_write(&request) {
            *writes.entry(operation).or_default() += 1;
        }
    }
    writes
}

async fn json_of(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&world.succeed(arguments).await).unwrap()
}

fn calls(report: &Value) -> BTreeMap<String, u64> {
    serde_json::from_value(report["totals"]["calls"].clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_the_run_then_does() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(3).await;
    let (before, files_before) = (writes(&world).await, files(&world));
    let report = json_of(&world, &["run", "--dry-run", "--json"]).await;
    assert_eq!(writes(&world).await, before, "nothing was sent");
    assert_eq!(files(&world), files_before, "nothing was kept");
    let totals = &report["totals"];
    assert_eq!(
        (&report["dry_run"], &totals["runs"]),
        (&json!(true), &json!(3))
    );
    assert_eq!(totals["quantities"], json!({ "trees": "3" }));
    assert_eq!(totals["cost"], json!({ "GBP": "1.80" }));
    let planned = calls(&report);
    assert_eq!(planned["buy-trees"], 3);
    // What only the answer of a purchase would tell is marked as such, in the later step that uses it.
    let steps = report["runs"][0]["steps"].as_array().unwrap();
    let tree = steps
        .iter()
        .find(|step| step["action"] == "buy-trees")
        .unwrap();
    assert_eq!(
        (&tree["would"], &tree["cost"]),
        (&json!("buy"), &json!("0.60"))
    );
    let note = steps.iter().find(|step| step["step"] == "note").unwrap();
    let note = note["arguments"].to_string();
    assert!(note.contains("planned: treeUrl of buy-trees"), "{note}");
    let told = world.succeed(&["run", "--dry-run"]).await;
    for part in [
        "would buy 1 trees, about 0.60 GBP",
        "about 1.80 GBP",
        "nothing was written",
    ] {
        assert!(told.contains(part), "{told}");
    }

    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
    assert_eq!(writes(&world).await, planned, "as it was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_none_is_made() {
    let world = World::new().await;
    world.seed(2).await;
    let report = json_of(&world, &["run", "--dry-run", "--json"]).await;
    assert_eq!(report["totals"]["runs"], 0, "the first poll is a baseline");
    let simulated = json_of(&world, &["simulate", "new-contact", "--json"]).await;
    assert_eq!(simulated["totals"]["runs"], 2);
    assert_eq!(simulated["totals"]["quantities"]["trees"], "2");
    assert!(world.files().is_empty(), "{:?}", world.files());
    assert!(world.books("/purchases").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_knows_what_was_done_before_and_what_a_cap_stops() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    world.seed(2).await;
    world.succeed(&["run", "--once"]).await;
    world.seed(3).await;
    let again = json_of(
        &world,
        &["simulate", "new-contact", "--since", "30d", "--json"],
    )
    .await;
    assert_eq!(again["totals"]["purchases"], 3, "{again}");
    assert_eq!(
        again["totals"]["runs"], 3,
        "those that ran do not run again"
    );

    // Another workflow sees all five; a cap lets two through.
    std::fs::create_dir(world.path("workflows")).unwrap();
    let workflow = "id = \"other\"\ntitle = \"Other\"\non = [\"contact.created\"]\nwhen = \"contact.email\"\n\n[[do]]\nid = \"tree\"\n\
                    action = \"buy-trees\"\nwith = { number = 1 }\n\n[[do]]\nid = \"tag\"\naction = \"add-tags\"\n\
                    when = \"false\"\nwith = { contactId = \"{{ contact.id }}\", tags = [\"x\"] }\n";
    std::fs::write(world.path("workflows/other.toml"), workflow).unwrap();
    let config = world
        .config()
        .replace("per_day = 10000", "per_day = \"2.40\"");
    let head = "workflows = \"workflows\"\nrecipes = []\n";
    world.write_config(&format!("{head}{config}"));
    let (before, files_before) = (writes(&world).await, files(&world));
    let report = json_of(&world, &["simulate", "other", "--json"]).await;
    assert_eq!(
        (writes(&world).await, files(&world)),
        (before, files_before)
    );
    let totals = &report["totals"];
    assert_eq!(totals["runs"], 5, "{report}");
    // 1.20 of the day are spent already.
    assert_eq!(
        (&totals["purchases"], &totals["waiting"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(totals["skipped"], 2);
    let runs = report["runs"].as_array().unwrap();
    let waiting = runs.iter().find(|run| run["state"] == "waiting").unwrap();
    assert!(
        waiting["why"].as_str().unwrap().contains("the cap of"),
        "{waiting}"
    );
    let skipped = runs.iter().flat_map(|run| run["steps"].as_array().unwrap());
    let skipped = skipped
        .into_iter()
        .find(|step| step["would"] == "skip")
        .unwrap();
    assert!(
        skipped["why"].as_str().unwrap().contains("condition"),
        "{skipped}"
    );
    let later = json_of(&world, &["simulate", "other", "--since", "0h", "--json"]).await;
    assert_eq!(later["totals"]["runs"], 0);
    let unknown = world.output(&["simulate", "othr"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("other"));
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_running_canopy_it_sees_the_same_and_disturbs_nothing() {
    let world = World::new().await;
    let running = world.start().await;
    let contacts = world.seed(2).await;
    running.until_idle(&world, 2).await;
    let report = json_of(&world, &["simulate", "new-contact", "--json"]).await;
    assert_eq!(report["totals"]["purchases"], 0, "all was bought: {report}");
    let mut all = contacts;
    all.extend(world.seed(1).await);
    running.until_idle(&world, 3).await;
    running.stop().await;
    world.assert_served_once(&all).await;
    eventually("the store to be whole", async || {
        world.store().await.summary().await.unwrap().runs_done == 3
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_that_start_each_other_are_foreseen_with_all_their_calls() {
    let world = World::new().await;
    let recipes = json_of(&world, &["recipe", "list", "--json"]).await;
    let names: Vec<_> = recipes
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    let head = format!("recipes = {}\n", json!(names));
    let hook = "\n[[webhooks.workflow]]\nname = \"plant-tree\"\nsecret = \"a secret\"\n";
    world.write_config(&format!("{head}{}{hook}", world.config()));
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(2).await;
    let bearer = format!("Bearer {}", world.info().token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Version", "2021-07-28"),
        ("Content-Type", "application/json"),
    ];
    for (list, body) in [
        ("notes", json!({ "body": "Likes oaks" })),
        (
            "tasks",
            json!({ "title": "Call", "dueDate": "2100-01-01T00:00:00Z", "completed": true }),
        ),
    ] {
        let url = format!(
            "{}/contacts/{}/{list}",
            world.info().highlevel_url,
            contacts[0]
        );
        let status = world
            .post(&url, &headers, body.to_string().into_bytes())
            .await;
        assert!((200..300).contains(&status), "{list}: {status}");
    }
    let before = writes(&world).await;
    let report = json_of(&world, &["run", "--dry-run", "--json"]).await;
    assert_eq!(writes(&world).await, before);
    let totals = &report["totals"];
    assert_eq!(
        (&totals["refused"], &totals["held"]),
        (&json!(0), &json!(0)),
        "{report:#}"
    );
    let runs = report["runs"].as_array().unwrap();
    for (workflow, kind) in [
        ("new-contact", "contact.created"),
        ("tag-new-profiles", "profile.created"),
    ] {
        let of = |run: &&Value| run["workflow"] == workflow && run["event"]["kind"] == kind;
        assert_eq!(runs.iter().filter(of).count(), 2, "{workflow}: {report:#}");
    }
    world.succeed(&["run", "--once"]).await;
    let mut made = writes(&world).await;
    for (operation, count) in &before {
        *made.get_mut(operation).unwrap() -= count;
    }
    made.retain(|_, count| *count > 0);
    assert_eq!(made, calls(&report), "as it was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timetable_is_priced_occurrence_by_occurrence() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    std::fs::create_dir(world.path("workflows")).unwrap();
    let file = |id: &str, on: &str, rest: &str| {
        let text = format!(
            "id = \"{id}\"\ntitle = \"Daily\"\non = {{ schedule = \"0 12 * * *\"{on} }}\n{rest}\n\n[[do]]\nid = \"trees\"\n\
             action = \"buy-trees\"\nonce = \"event\"\nwith = {{ number = 2 }}\n"
        );
        std::fs::write(world.path(&format!("workflows/{id}.toml")), text).unwrap();
    };
    file("daily", "", "");
    file("never", "", "when = \"connection.test\"");
    file("people", ", each = \"profile\"", "");
    // Enough for one occurrence a day: each counts on its own day.
    let config = world
        .config()
        .replace("per_day = 10000", "per_day = \"1.50\"");
    world.write_config(&format!("workflows = \"workflows\"\n{config}"));
    let (before, files_before) = (writes(&world).await, files(&world));

    let daily = json_of(&world, &["simulate", "daily", "--since", "5d", "--json"]).await;
    let totals = &daily["totals"];
    assert_eq!(totals["occurrences"], 5, "{daily}");
    assert_eq!(
        (
            &totals["purchases"],
            &totals["quantities"]["trees"],
            &totals["cost"]["GBP"]
        ),
        (&json!(5), &json!("10"), &json!("6.00")),
        "{daily}"
    );
    for (run, occurrence) in daily["runs"]
        .as_array()
        .unwrap()
        .iter()
        .zip(daily["occurrences"].as_array().unwrap())
    {
        assert_eq!(run["event"]["occurred_at"], occurrence["at"]);
        assert_eq!(run["steps"][0]["cost"], "1.20", "{run}");
        assert_eq!(
            (&occurrence["runs"], &occurrence["nothing"]),
            (&json!(1), &Value::Null)
        );
    }

    for (workflow, why) in [
        ("never", "its condition does not hold: connection.test"),
        ("people", "no contact has a profile"),
    ] {
        let report = json_of(&world, &["simulate", workflow, "--since", "5d", "--json"]).await;
        assert_eq!(report["totals"]["runs"], 0, "{report}");
        let occurrences = report["occurrences"].as_array().unwrap();
        assert_eq!(occurrences.len(), 5);
        for occurrence in occurrences {
            assert_eq!(occurrence["nothing"], why, "{report}");
        }
        let told = world
            .succeed(&["simulate", workflow, "--since", "5d"])
            .await;
        assert!(told.contains(&format!("nothing: {why}")), "{told}");
        assert!(told.contains("due 5 time(s)"), "{told}");
    }
    assert_eq!(
        (writes(&world).await, files(&world)),
        (before, files_before)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_occurrence_that_a_cap_would_have_stopped_it_is_told_why() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    std::fs::create_dir(world.path("workflows")).unwrap();
    let text = "id = \"hourly\"\ntitle = \"Hourly\"\non = { schedule = \"*/15 * * * *\" }\n\n[[do]]\nid = \"trees\"\n\
                action = \"buy-trees\"\nonce = \"event\"\nwith = { number = 2 }\n";
    std::fs::write(world.path("workflows/hourly.toml"), text).unwrap();
    // Two occurrences of a day, at 1.20 each.
    let config = world
        .config()
        .replace("per_day = 10000", "per_day = \"2.40\"");
    world.write_config(&format!("workflows = \"workflows\"\n{config}"));
    let simulate = ["simulate", "hourly", "--since", "1h"];
    let report = json_of(&world, &[&simulate[..], &["--json"]].concat()).await;
    assert_eq!(report["totals"]["occurrences"], 4, "{report}");
    let runs = report["runs"].as_array().unwrap();
    let waiting: Vec<_> = runs
        .iter()
        .filter(|run| run["state"] == "waiting")
        .collect();
    // Around midnight the hour belongs to two days.
    let bought = report["totals"]["purchases"].as_u64().unwrap();
    assert!((2..=4).contains(&bought), "{report}");
    assert_eq!(waiting.len() as u64 + bought, 4, "{report}");
    for run in &waiting {
        let why = run["why"].as_str().unwrap();
        assert!(why.contains("GBP a day is reached"), "{why}");
    }
    let told = world.succeed(&simulate).await;
    assert!(told.contains("would buy 2 trees, about 1.20 GBP"), "{told}");
    assert!(
        waiting.is_empty() || told.contains("GBP a day is reached"),
        "{told}"
    );
    assert!(world.books("/purchases").await.is_empty());
}
