//! The catalog on the command line: `canopy ops` and `canopy completions`.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{World, text};

/// Runs a command that must end with this code and say this.
pub async fn refused(world: &World, arguments: &[&str], code: i32, expected: &str) {
    let output = world.output(arguments).await;
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(
        stderr.contains(expected),
        "{expected:?} is not in: {stderr}"
    );
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
}

/// Runs a command that must succeed and print one JSON value.
pub async fn json_of(world: &World, arguments: &[&str]) -> Value {
    let stdout = world.succeed(arguments).await;
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_listed_as_a_table_and_as_json() {
    let world = World::new().await;
    let list = json_of(&world, &["ops", "--json"]).await;
    let list = list.as_array().unwrap();
    let catalog = include_str!("../../../spec/catalog.yaml");
    assert_eq!(list.len(), catalog.matches("\n  - ").count());
    let of_kind = |kind: &str| list.iter().filter(|entry| entry["kind"] == kind).count();
    let table = world.succeed(&["ops"]).await;
    let totals = format!(
        "{} operations: {} triggers, {} actions\n",
        list.len(),
        of_kind("trigger"),
        of_kind("action")
    );
    assert!(table.ends_with(&totals), "{table}");
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
        .find(|entry| entry["name"] == "create-contact-note")
        .unwrap();
    insta::assert_snapshot!(format!("{note:#}"), @r##"
    {
      "name": "create-contact-note",
      "title": "Create Contact Note",
      "kind": "action",
      "category": "Contacts",
      "method": "POST",
      "path": "/contacts/{contactId}/notes",
      "operation_id": "create-note",
      "api_version": "2021-07-28",
      "scopes": [
        "contacts.write"
      ],
      "fields": [
        {
          "name": "contactId",
          "place": "path",
          "type": "string",
          "required": true,
          "description": "The contact's id."
        },
        {
          "name": "userId",
          "place": "body",
          "type": "string",
          "required": false,
          "description": "The user to show as its author."
        },
        {
          "name": "title",
          "place": "body",
          "type": "string",
          "required": false
        },
        {
          "name": "body",
          "place": "body",
          "type": "string",
          "required": true,
          "description": "The text."
        },
        {
          "name": "color",
          "place": "body",
          "type": "string",
          "required": false,
          "description": "A colour such as `#FFAA00`."
        },
        {
          "name": "pinned",
          "place": "body",
          "type": "boolean",
          "required": false,
          "description": "True keeps it on top."
        }
      ]
    }
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_category_can_be_listed_alone_by_title_slug_or_beginning() {
    let world = World::new().await;
    for name in [
        "Calendars & Appointments",
        "calendars-appointments",
        "CALENDARS",
    ] {
        let some = json_of(&world, &["ops", "--json", "--category", name]).await;
        let some = some.as_array().unwrap();
        assert!(!some.is_empty(), "{name}");
        assert!(
            some.iter()
                .all(|entry| entry["category"] == "Calendars & Appointments"),
            "{name}"
        );
    }
    for (name, expected) in [
        ("contcts", "did you mean \"contacts\"?"),
        ("", "there are: contacts, "),
    ] {
        refused(&world, &["ops", "--category", name], 2, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_is_described_with_fields_scopes_and_an_example() {
    let world = World::new().await;
    insta::assert_snapshot!(world.succeed(&["ops", "show", "create-contact-note"]).await, @r##"
    create-contact-note: Create Contact Note
    Adds a note to a contact. A repeat adds a second one: when an answer was lost, list the notes and compare the text before trying again.

    kind      action, changes something
    category  Contacts
    request   POST /contacts/{contactId}/notes
    version   2021-07-28
    scopes    contacts.write
    tokens    location

    fields
      contactId  path  string   required  The contact's id.
      userId     body  string             The user to show as its author.
      title      body  string
      body       body  string   required  The text.
      color      body  string             A colour such as `#FFAA00`.
      pinned     body  boolean            True keeps it on top.

    example
      canopy call create-contact-note --param contactId=ve9EPM428h8vShlRW1KT --param body=text
    "##);
    let described = json_of(&world, &["ops", "show", "update-contact-task", "--json"]).await;
    let fields = described["fields"].as_array().unwrap();
    let places: Vec<_> = fields
        .iter()
        .map(|field| (&field["name"], &field["place"]))
        .collect();
    assert_eq!(places[0], (&json!("contactId"), &json!("path")));
    assert_eq!(described["only_reads"], false);
    refused(
        &world,
        &["ops", "show", "create-contact-nte"],
        2,
        "did you mean \"create-contact-note\"?",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_seen_enough_ends_the_output_quietly() {
    let world = World::new().await;
    for arguments in [
        &["ops", "--json"][..],
        &["recipe", "list"],
        &["recipe", "list", "--json"],
        &["recipe", "show", "new-contact"],
    ] {
        let mut child = world
            .canopy(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_tell_its_result_says_so_and_does_not_panic() {
    let world = World::new().await;
    world.write_config(&world.config());
    let mut child = world
        .canopy(&["check", "--offline"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "error: standard output was closed; not all was done or shown\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_complete_the_names_of_operations() {
    let world = World::new().await;
    let script = world.succeed(&["completions", "bash"]).await;
    std::fs::write(world.path("canopy.bash"), script).unwrap();
    let typed = "source ./canopy.bash; COMP_WORDS=(canopy call create-contact-no); COMP_CWORD=2; _canopy canopy create-contact-no call; echo \"${COMPREPLY[*]}\"";
    let output = tokio::process::Command::new("bash")
        .args(["-c", typed])
        .current_dir(world.folder.path())
        .output()
        .await
        .unwrap();
    assert_eq!(
        text(&output.stdout).trim(),
        "create-contact-note",
        "{}",
        text(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_that_is_printed_is_taken() {
    let world = World::new().await;
    let list = json_of(&world, &["ops", "--json"]).await;
    // A process for each of all names would take minutes; the library's tests go through them.
    let list = list.as_array().unwrap();
    let other = list
        .iter()
        .filter(|entry| entry["name"] != entry["operation_id"])
        .take(12);
    for entry in other {
        for member in ["name", "operation_id"] {
            let name = entry[member].as_str().unwrap();
            let shown = json_of(&world, &["ops", "show", name, "--json"]).await;
            let example = shown["example"].to_string();
            let arguments = ["call", name, "--body", &example, "--dry-run", "--json"];
            let called = json_of(&world, &arguments).await;
            assert_eq!(called["method"], shown["method"], "{name}");
            assert_eq!(called["scopes"]["needed"], shown["scopes"], "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_number_may_have_an_empty_fraction() {
    let world = World::new().await;
    let called = json_of(
        &world,
        &[
            "call",
            "get-contacts",
            "-p",
            "limit=20.0",
            "-p",
            "locationId=l",
            "--dry-run",
            "--json",
        ],
    )
    .await;
    assert!(
        called["url"].as_str().unwrap().ends_with("limit=20"),
        "{called}"
    );
    let called = json_of(
        &world,
        &[
            "call",
            "search-contacts",
            "-p",
            "pageLimit=20.0",
            "-p",
            "locationId=l",
            "--dry-run",
            "--json",
        ],
    )
    .await;
    assert_eq!(called["body"]["pageLimit"].to_string(), "20");
    for (name, field) in [("get-contacts", "limit"), ("search-contacts", "pageLimit")] {
        let param = format!("{field}=20.5");
        let expected =
            format!("`{field}` must be a whole number; write it without a fraction, such as 20");
        refused(
            &world,
            &["call", name, "-p", &param, "--dry-run"],
            2,
            &expected,
        )
        .await;
    }
}
