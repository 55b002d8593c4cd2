//! The documents for operators, followed as they are written: going live, backup and restore, rotating keys; and every
//! command that a document names is there.

use std::collections::BTreeSet;

use serde_json::json;

use crate::process::{Process, served};
use crate::support::{World, eventually, text};

/// What has a document of its own, with the README's.
fn documents() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = vec![root.join("README.md")];
    for folder in ["docs", "docs/recipes"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        found.extend(files.filter(|file| file.extension().is_some_and(|end| end == "md")));
    }
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    found.iter().map(read).collect()
}

/// `canopy ...` in a document: in a line of a block for a shell, or between backticks.
fn commands(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (place, block) in document.split("```").enumerate() {
        if place % 2 == 1 {
            let lines = block.lines().map(str::trim);
            let lines = lines.filter(|line| line.starts_with("canopy "));
            found.extend(lines.map(|line| line.split('#').next().unwrap().to_owned()));
            continue;
        }
        let spans = block.split('`').skip(1).step_by(2);
        let spans = spans.filter(|span| span.starts_with("canopy "));
        found.extend(spans.map(|span| span.replace('\n', " ")));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_a_document_names_is_there() {
    let world = World::new().await;
    let mut asked = BTreeSet::new();
    for (document, text_) in documents() {
        for command in commands(&text_) {
            // Words in small letters are commands up to the first that is something else: an argument, an option.
            let words: Vec<_> = command.split_whitespace().skip(1).collect();
            let is_word = |word: &&&str| word.chars().all(|one| one.is_ascii_lowercase());
            let path: Vec<_> = words.iter().take_while(is_word).copied().collect();
            let options = words.iter().filter_map(|word| word.strip_prefix("--"));
            let options: Vec<_> = options
                .map(|option| {
                    let end = option.find(|one: char| !(one.is_ascii_lowercase() || one == '-'));
                    &option[..end.unwrap_or(option.len())]
                })
                .collect();
            let key = (path.join(" "), options.join(" "));
            if !asked.insert(key) {
                continue;
            }
            // An argument in small letters is no command; then the command before it is asked.
            let mut help = None;
            for words in (0..=path.len()).rev() {
                let arguments: Vec<_> = path[..words].iter().copied().chain(["--help"]).collect();
                let output = world.output(&arguments).await;
                if output.status.success() {
                    help = Some((words, text(&output.stdout)));
                    break;
                }
            }
            let (known, help) = help.unwrap();
            assert!(known >= path.len().min(1), "{document}: `{command}`");
            for option in options {
                assert!(
                    help.contains(&format!("--{option}")),
                    "{document}: `{command}` has no --{option}"
                );
            }
        }
    }
    assert!(asked.len() > 40, "{asked:?}");
}

/// docs/operating.md, steps 1 to 7.
#[tokio::test(flavor = "multi_thread")]
async fn going_live_is_as_it_is_written() {
    let world = World::new().await;
    let real = world.config();
    let test = real.replace("test = false", "test = true");
    world.write_config(&test);
    // 1. Both names.
    let told = world.succeed(&["check"]).await;
    for name in [&world.info().location_id, &world.info().ecologi_user] {
        assert!(told.contains(name.as_str()), "{told}");
    }
    // 2. A contact of one's own, followed.
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let ada = json!({ "firstName": "Ada", "email": "ada@example.com" });
    world.control("/contacts", ada).await;
    served(&world, &process, 1).await;
    let told = world.succeed(&["runs", "1"]).await;
    for sent in ["\"tags\":[\"ecologi\"]", "A tree was funded"] {
        assert!(told.contains(sent), "as it would be sent: {told}");
    }
    process.stop().await;
    assert!(
        world
            .books("/purchases")
            .await
            .iter()
            .all(|one| one["test"] == true)
    );
    // 3. What a month would have cost.
    let output = world
        .output(&["simulate", "new-contact", "--since", "30d"])
        .await;
    let (told, log) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{log}");
    assert!(told.contains("nothing was written"), "{told}");
    assert!(!log.contains("bought"), "nothing is: {log}");
    // 4 and 6. Caps are in the file; a copy first, then the check of what would fail.
    world.succeed(&["backup", "before.db"]).await;
    world.write_config(&real);
    let told = world.succeed(&["check"]).await;
    assert!(told.contains("10000 GBP a day"), "{told}");
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    // 5. The address stands in the status after its first delivery, 7. and the first real tree has its link.
    let bob = json!({ "firstName": "Bob", "email": "bob@example.com" });
    let bob = world.control("/contacts", bob).await;
    served(&world, &process, 2).await;
    eventually("the address", async || {
        let told = text(&world.output(&["status"]).await.stdout);
        told.contains("/webhooks/highlevel ") && told.contains("100 %")
    })
    .await;
    let listed = world.succeed(&["purchase", "list"]).await;
    let bought = world.books("/purchases").await;
    let bought: Vec<_> = bought.iter().filter(|one| one["test"] == false).collect();
    assert_eq!(bought.len(), 1);
    let line = listed
        .lines()
        .find(|line| line.contains(bob["id"].as_str().unwrap()));
    let tree = bought[0]["url"].as_str().unwrap();
    assert!(line.is_some_and(|line| line.ends_with(tree)), "{listed}");
    world
        .control("/clock", json!({ "advance_seconds": 600 }))
        .await;
    world.succeed(&["ledger", "reconcile"]).await;
    process.stop().await;
}

/// docs/backup.md and *Upgrading*: a disk is lost, and the way back from a copy.
#[tokio::test(flavor = "multi_thread")]
async fn backup_and_restore_are_as_they_are_written() {
    let world = World::new().await;
    world.write_config(&format!(
        "[purchases]\nreport_delay = \"1s\"\n{}",
        world.config()
    ));
    world
        .control("/settings", json!({ "report_lag_seconds": 0 }))
        .await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    let mut contacts = world.seed(1).await;
    served(&world, &process, 1).await;
    world.succeed(&["backup", "copy.db"]).await;
    let again = world.output(&["backup", "copy.db"]).await;
    assert!(!again.status.success(), "never written over");
    let refused = world.output(&["restore", "copy.db"]).await;
    assert!(!refused.status.success(), "it runs");
    process.stop().await;
    let refused = world.output(&["restore", "copy.db"]).await;
    assert_eq!(refused.status.code(), Some(2), "there is a store");
    for name in ["canopy.db", "canopy.db-wal", "canopy.db-shm"] {
        // The last two are gone where it has ended well.
        let _ = std::fs::rename(world.path(name), world.path(&format!("aside-{name}")));
    }
    let gone = world.output(&["run", "--once"]).await;
    assert_eq!(gone.status.code(), Some(2), "{}", text(&gone.stderr));
    assert!(text(&gone.stderr).contains("canopy restore FILE"));
    world.succeed(&["restore", "copy.db"]).await;
    world.succeed(&["ledger", "reconcile"]).await;
    let process = Process::start(&world, &["run"]);
    process.ready(&world).await;
    contacts.extend(world.seed(1).await);
    served(&world, &process, 2).await;
    process.stop().await;
    world.assert_served_once(&contacts).await;
}

/// *Rotating keys*: of each kind, with a contact that comes afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_as_it_is_written() {
    let world = World::new().await;
    let config = world.config();
    let token = world.info().token.clone();
    let rotate = async |token: &str| {
        let made = world
            .control(&format!("/tokens/{token}/rotate"), json!({}))
            .await;
        made["token"].as_str().unwrap().to_owned()
    };
    let mut contacts = Vec::new();
    world.succeed(&["run", "--once"]).await;
    let new = rotate(&token).await;
    let both = format!("token = \"{token}\"\nnext_token = \"{new}\"");
    let plain = format!("token = \"{token}\"");
    let steps = [
        // Both are tried while both work, and when the old one has ended the new one is made `token`.
        config.replace(&plain, &both),
        config.replace(&plain, &both),
        config.replace(&token, &new),
    ];
    for (step, config) in steps.iter().enumerate() {
        if step == 1 {
            let url = format!("{}/tokens/{token}", world.info().control_url);
            let ended = world.http.delete(url).send().await.unwrap();
            ended.error_for_status().unwrap();
        }
        world.write_config(config);
        contacts.extend(world.seed(1).await);
        world.succeed(&["run", "--once"]).await;
        let alerts = world.succeed(&["alerts"]).await;
        assert_eq!(alerts, "no alerts\n", "{step}");
    }
    for id in &contacts {
        let notes = world.http.get(format!(
            "{}/contacts/{id}/notes",
            world.info().highlevel_url
        ));
        let notes = notes.bearer_auth(&new).header("Version", "2021-07-28");
        let notes = notes.send().await.unwrap().error_for_status().unwrap();
        let notes: serde_json::Value = notes.json().await.unwrap();
        assert_eq!(notes["notes"].as_array().unwrap().len(), 1, "{notes}");
    }
    assert_eq!(world.books("/purchases").await.len(), contacts.len());
}
