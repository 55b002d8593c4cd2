//! Every command that shows what belongs to a connection says in which mode that is, as text and as data. New commands have
//! to be put into one of the two lists.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{World, text};

/// What shows something of connections, with arguments for a world in which contact CONTACT was served.
const SHOWING: &[&[&str]] = &[
    &["alerts"],
    &["backfill", "--kind", "contacts"],
    &["backfill", "--kind", "contacts", "--fire", "new-contact"],
    &["backup", "FILE"],
    &["budget"],
    &["check"],
    &["events"],
    &["ledger", "export"],
    &["ledger", "reconcile"],
    &["ledger", "import", "kept.csv"],
    &["ledger", "acknowledge"],
    &["plan"],
    &["profile", "show", "CONTACT"],
    &["purchase", "list"],
    &["run", "--once"],
    &["run", "--dry-run"],
    &["runs"],
    &["runs", "1"],
    &["simulate", "new-contact"],
    &["status"],
    &["trigger", "test", "get-all-notes"],
    &["workflows"],
];

/// What shows nothing of the kind: it describes or does something, is about credentials, or gives out what a service
/// answered. `watch` and `mcp` go on, and have their tests where they are tested.
const OTHERS: &[&str] = &[
    "approve",
    "auth finish",
    "auth scopes",
    "auth status",
    "auth url",
    "call",
    "completions",
    "demo",
    "init",
    "mcp",
    "ops",
    "profile create",
    "profile erase",
    "profile import",
    "profile note",
    "profile set",
    "profile task",
    "purchase resolve",
    "recipe add",
    "recipe list",
    "recipe show",
    "restore",
    "retry",
    "sandbox",
    "schema",
    "secret delete",
    "secret set",
    "watch",
];

/// The commands below these words, by their help.
async fn commands(world: &World, path: &[&str]) -> Vec<String> {
    let help = world.succeed(&[path, &["--help"]].concat()).await;
    let lines = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"));
    let names = lines.skip(1).take_while(|line| !line.trim().is_empty());
    // What goes on with more blanks is the rest of a description.
    let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

async fn all_commands(world: &World) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for name in commands(world, &[]).await {
        let below = commands(world, &[&name]).await;
        // `ops` does something by itself as well; what is below it describes.
        if below.is_empty() || name == "ops" {
            all.insert(name);
        } else {
            all.extend(below.into_iter().map(|sub| format!("{name} {sub}")));
        }
    }
    all
}

/// Whether data says that a connection is in this mode.
fn says(data: &Value, mode: &str) -> bool {
    match data {
        Value::Array(rows) => rows.iter().any(|row| says(row, mode)),
        Value::Object(members) => {
            members
                .iter()
                .any(|(name, value)| match (name.as_str(), value) {
                    ("test", Value::Bool(test)) => *test == (mode == "test"),
                    (
                        "mode" | "connection_mode" | "connectionMode" | "info",
                        Value::String(told),
                    ) => told.starts_with(mode),
                    _ => says(value, mode),
                })
        }
        _ => false,
    }
}

async fn world(mode: &str) -> (World, String) {
    let world = World::new().await;
    // Of two contacts one is bought for, so that there is an alert as well.
    let config = world.config().replace("per_day = 10000", "per_day = 0.7");
    let config = config.replace("test = false", &format!("test = {}", mode == "test"));
    world.write_config(&config);
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(2).await;
    world.output(&["run", "--once"]).await;
    world
        .succeed(&["ledger", "export", "--csv", "kept.csv"])
        .await;
    let bought = world.succeed(&["purchase", "list", "--json"]).await;
    let bought: Value = serde_json::from_str(&bought).unwrap();
    let contact = bought[0]["contact"].as_str().unwrap().to_owned();
    assert!(contacts.contains(&contact));
    (world, contact)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_shows_something_says_in_which_mode_its_connection_is() {
    for mode in ["real", "test"] {
        let (world, contact) = world(mode).await;
        for (number, arguments) in SHOWING.iter().enumerate() {
            for as_data in [false, true] {
                let file = format!("copy-{number}-{as_data}.db");
                let mut arguments: Vec<_> = arguments
                    .iter()
                    .map(|argument| match *argument {
                        "CONTACT" => contact.as_str(),
                        "FILE" => file.as_str(),
                        argument => argument,
                    })
                    .collect();
                if as_data {
                    arguments.push("--json");
                }
                let output = world.output(&arguments).await;
                let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
                // What needs a person is said by the code as well.
                let code = output.status.code();
                assert!(
                    matches!(code, Some(0 | 3)),
                    "{arguments:?}: {code:?} {stderr}"
                );
                if as_data {
                    let data: Value = serde_json::from_str(&stdout)
                        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {stdout}"));
                    let is_empty = data.as_array().is_some_and(Vec::is_empty);
                    assert!(
                        is_empty || says(&data, mode),
                        "{mode}, {arguments:?}: {stdout}"
                    );
                } else {
                    assert!(
                        (stdout.clone() + &stderr).contains(mode),
                        "{mode}, {arguments:?}: {stdout}{stderr}"
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_known_to_show_something_or_not_to() {
    let world = World::new().await;
    let found = all_commands(&world).await;
    assert!(found.len() > 30, "{found:?}");
    for command in &found {
        let words: Vec<_> = command.split(' ').collect();
        let shows = SHOWING.iter().any(|one| one.starts_with(&words));
        let is_other = OTHERS.contains(&command.as_str());
        assert!(
            shows != is_other,
            "`canopy {command}`: does it show what belongs to a connection? Put it into one of the lists"
        );
    }
}

/// Two connections in two modes at one time: no sum has both.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_rehearsal_would_buy_and_simulate_is_apart() {
    let (world, _) = world("test").await;
    world.seed(2).await;
    let report = world.succeed(&["run", "--dry-run", "--json"]).await;
    let report: Value = serde_json::from_str(&report).unwrap();
    let totals = &report["totals"];
    assert_eq!(totals["purchases"], 0, "{totals}");
    assert_eq!(totals["purchases_in_test_mode"], 2, "{totals}");
    assert_eq!(totals["quantities_in_test_mode"]["trees"], "2", "{totals}");
    assert_eq!(totals["cost"], serde_json::json!({}), "{totals}");
    let told = world.succeed(&["run", "--dry-run"]).await;
    assert!(
        told.contains("2 trees, about 1.20 GBP (test mode: simulated, nothing is charged)"),
        "{told}"
    );
}
