//! The catalog on the command line: `canopy ops`, `canopy call`, `canopy completions`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{World, text};

/// Runs a command that must end with this code and say this.
async fn refused(world: &World, arguments: &[&str], code: i32, expected: &str) {
    let output = world.output(arguments).await;
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(
        stderr.contains(expected),
        "{expected:?} is not in: {stderr}"
    );
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
}

async fn call(world: &World, arguments: &[&str]) -> Value {
    let stdout = world.succeed(arguments).await;
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

/// A world with one contact.
async fn with_contact() -> (World, String) {
    let world = World::new().await;
    let contact = world.seed(1).await.remove(0);
    (world, contact)
}

async fn notes(world: &World, contact: &str) -> Value {
    world.highlevel(&format!("/contacts/{contact}/notes")).await["notes"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_listed_as_a_table_and_as_json() {
    let world = World::new().await;
    let list = call(&world, &["ops", "--json"]).await;
    let list = list.as_array().unwrap();
    let of_kind = |kind: &str| list.iter().filter(|entry| entry["kind"] == kind).count();
    let table = world.succeed(&["ops"]).await;
    let last = format!(
        "{} operations: {} triggers, {} actions\n",
        list.len(),
        of_kind("trigger"),
        of_kind("action")
    );
    assert!(table.ends_with(&last), "{table}");
    for entry in list {
        let name = format!(" {} ", entry["name"].as_str().unwrap());
        assert_eq!(table.matches(&name).count(), 1, "{name}: {table}");
        for member in [
            "title",
            "category",
            "method",
            "path",
            "operation_id",
            "api_version",
        ] {
            assert!(entry[member].is_string(), "{member}: {entry}");
        }
        assert!(
            entry["scopes"].is_array() && entry["fields"].is_array(),
            "{entry}"
        );
    }
    let note = list
        .iter()
        .find(|entry| entry["name"] == "create-note")
        .unwrap();
    insta::assert_snapshot!(format!("{note:#}"), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_category_can_be_listed_alone() {
    let world = World::new().await;
    let all = call(&world, &["ops", "--json"]).await;
    let note = all
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == "create-note");
    let category = note.unwrap()["category"].as_str().unwrap();
    let some = call(
        &world,
        &["ops", "--json", "--category", &category.to_uppercase()],
    )
    .await;
    let some = some.as_array().unwrap();
    assert!(!some.is_empty() && some.len() < all.as_array().unwrap().len());
    assert!(some.iter().all(|entry| entry["category"] == category));
    refused(
        &world,
        &["ops", "--category", &format!("{category}x")],
        2,
        &format!("did you mean \"{category}\"?"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_is_described_with_fields_scopes_and_an_example() {
    let world = World::new().await;
    insta::assert_snapshot!(world.succeed(&["ops", "show", "create-note"]).await, @"");
    let described = call(&world, &["ops", "show", "update-task", "--json"]).await;
    let fields = described["fields"].as_array().unwrap();
    let places: Vec<_> = fields
        .iter()
        .map(|field| (&field["name"], &field["place"]))
        .collect();
    assert_eq!(places[0], (&json!("contactId"), &json!("path")));
    assert_eq!(described["only_reads"], false);
    refused(
        &world,
        &["ops", "show", "create-nte"],
        2,
        "did you mean \"create-note\"?",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_every_operation_passes_its_own_check() {
    let world = World::new().await;
    for entry in call(&world, &["ops", "--json"]).await.as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let described = call(&world, &["ops", "show", name, "--json"]).await;
        let body = described["example"].to_string();
        let shown = call(
            &world,
            &["call", name, "--body", &body, "--dry-run", "--json"],
        )
        .await;
        assert_eq!(shown["method"], entry["method"], "{name}: {shown}");
    }
    assert!(
        world.books("/requests").await.is_empty(),
        "a dry run sends nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_actions_are_called_by_name() {
    let (world, contact) = with_contact().await;
    let id = format!("contactId={contact}");
    let answer = call(&world, &["call", "get-contact", "--param", &id]).await;
    assert_eq!(answer["contact"]["id"], contact.as_str());

    let line = world
        .succeed(&[
            "call",
            "create-note",
            "--param",
            &id,
            "--param",
            "body=Hello = there",
            "--json",
        ])
        .await;
    assert_eq!(line.lines().count(), 1, "{line}");
    assert_eq!(notes(&world, &contact).await[0]["body"], "Hello = there");

    std::fs::write(world.path("tags.json"), r#"{"tags": ["from a file"]}"#).unwrap();
    world
        .succeed(&["call", "add-tags", "--param", &id, "--body", "@tags.json"])
        .await;
    world
        .succeed(&[
            "call", "add-tags", "--param", &id, "--param", "tags=one", "-p", "tags=two",
        ])
        .await;
    let tags = world.highlevel(&format!("/contacts/{contact}")).await["contact"]["tags"].clone();
    for tag in ["from a file", "one", "two"] {
        assert!(tags.as_array().unwrap().contains(&json!(tag)), "{tags}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_come_from_standard_input_and_the_location_from_the_connection() {
    let world = World::new().await;
    let mut command = world.canopy(&[
        "call",
        "create-contact",
        "--body",
        "-",
        "--out",
        "made.json",
    ]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(br#"{"firstName": "Ada", "email": "ada@example.com"}"#)
        .await
        .unwrap();
    drop(stdin);
    assert!(child.wait().await.unwrap().success());
    let made: Value =
        serde_json::from_slice(&std::fs::read(world.path("made.json")).unwrap()).unwrap();
    assert_eq!(
        made["contact"]["locationId"],
        world.info().location_id.as_str()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_refused_before_anything_is_sent() {
    let world = World::new().await;
    for (arguments, expected) in [
        (&["call", "get-contct"][..], "did you mean \"get-contact\"?"),
        (&["call", "get-contact"], "`contactId` is missing"),
        (
            &["call", "get-contact", "-p", "contctId=1"],
            "has no field \"contctId\"; did you mean \"contactId\"?",
        ),
        (
            &["call", "get-contact", "-p", "contactId"],
            "not of the form FIELD=VALUE",
        ),
        (
            &[
                "call",
                "get-contact",
                "-p",
                "contactId=1",
                "-p",
                "contactId=2",
            ],
            "\"contactId\" is given twice",
        ),
        (
            &[
                "call",
                "create-note",
                "-p",
                "contactId=1",
                "--body",
                r#"{"bdy": "x"}"#,
            ],
            "`bdy` is unknown here; the nearest is `body`",
        ),
        (
            &[
                "call",
                "create-task",
                "-p",
                "contactId=1",
                "-p",
                "title=t",
                "-p",
                "dueDate=d",
                "-p",
                "completed=maybe",
            ],
            "`completed` must be true or false",
        ),
        (
            &[
                "call",
                "search-contacts-advanced",
                "-p",
                "pageLimit=5",
                "-p",
                r#"filters=[{"group": "ANY"}]"#,
            ],
            "`filters[0].group` must be one of AND, OR",
        ),
        (&["call", "create-note", "--body", "{"], "--body is no JSON"),
        (
            &["call", "create-note", "--body", "[1]", "-p", "contactId=1"],
            "`body`",
        ),
        (
            &["call", "create-note", "--body", "@nowhere.json"],
            "nowhere.json cannot be read",
        ),
        (
            &["call", "get-contact", "-p", "contactId=1", "--all-pages"],
            "gives no list",
        ),
        (
            &[
                "call",
                "get-contact",
                "-p",
                "contactId=1",
                "--connection",
                "other",
            ],
            "has no connection \"other\"; there are: main",
        ),
    ] {
        refused(&world, arguments, 2, expected).await;
    }
    assert!(
        world.books("/requests").await.is_empty(),
        "something was sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_the_service_is_told_with_what_to_do() {
    let world = World::new().await;
    refused(
        &world,
        &["call", "get-contact", "-p", "contactId=nobody"],
        1,
        "no such record",
    )
    .await;
    let config = world.config().replace(&world.info().token, "pit-wrong");
    world.write_config(&config);
    let output = world.output(&["call", "search-locations"]).await;
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("token") && !stderr.contains("pit-wrong"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_are_no_operations() {
    let world = World::new().await;
    for name in ["buy-trees", "purchase-trees", "trees", "purchaseTrees"] {
        refused(&world, &["call", name], 2, "there is no operation").await;
    }
    let list = call(&world, &["ops", "--json"]).await;
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .all(|entry| !entry["path"].as_str().unwrap().starts_with("/impact"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_request_without_the_token_and_sends_nothing() {
    let (world, contact) = with_contact().await;
    let before = world.books("/requests").await.len();
    let id = format!("contactId={contact}");
    let shown = world
        .succeed(&[
            "call",
            "create-note",
            "-p",
            &id,
            "-p",
            "body=Hello",
            "--dry-run",
        ])
        .await;
    let shown = shown
        .replace(&world.info().highlevel_url, "[base]")
        .replace(&contact, "[contact]");
    insta::assert_snapshot!(shown, @"");
    let as_json = call(
        &world,
        &["call", "get-contact", "-p", &id, "--dry-run", "--json"],
    )
    .await;
    assert_eq!(as_json["method"], "GET");
    assert_eq!(as_json["headers"]["authorization"], "Bearer [redacted]");
    assert_eq!(as_json["body"], Value::Null);
    assert_eq!(
        world.books("/requests").await.len(),
        before,
        "something was sent"
    );
    assert!(notes(&world, &contact).await.as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_to_its_end_as_json_lines() {
    let world = World::new().await;
    let mut contacts = world.seed(25).await;
    let lines = world
        .succeed(&[
            "call",
            "search-contacts-advanced",
            "-p",
            "pageLimit=10",
            "--all-pages",
        ])
        .await;
    let mut read: Vec<String> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    contacts.sort();
    read.sort();
    assert_eq!(read, contacts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_seen_enough_ends_the_output_quietly() {
    let world = World::new().await;
    let mut child = world
        .canopy(&["ops", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_complete_the_names_of_operations() {
    let world = World::new().await;
    let script = world.succeed(&["completions", "bash"]).await;
    std::fs::write(world.path("canopy.bash"), script).unwrap();
    let typed = "source ./canopy.bash; COMP_WORDS=(canopy call create-no); COMP_CWORD=2; _canopy canopy create-no call; echo \"${COMPREPLY[*]}\"";
    let output = tokio::process::Command::new("bash")
        .args(["-c", typed])
        .current_dir(world.folder.path())
        .output()
        .await
        .unwrap();
    assert_eq!(
        text(&output.stdout).trim(),
        "create-note",
        "{}",
        text(&output.stderr)
    );
}
