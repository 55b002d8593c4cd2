//! Operations called from the command line: `canopy call`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::ops::{json_of, refused};
use crate::support::{World, text};

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
async fn reads_and_actions_are_called_by_name() {
    let (world, contact) = with_contact().await;
    let id = format!("contactId={contact}");
    let answer = json_of(&world, &["call", "get-contact", "--param", &id]).await;
    assert_eq!(answer["contact"]["id"], contact.as_str());

    let line = world
        .succeed(&[
            "call",
            "create-contact-note",
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
        .succeed(&[
            "call",
            "add-tags-to-contact",
            "--param",
            &id,
            "--body",
            "@tags.json",
        ])
        .await;
    world
        .succeed(&[
            "call",
            "add-tags-to-contact",
            "--param",
            &id,
            "--param",
            "tags=one",
            "-p",
            "tags=two",
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
                "create-contact-note",
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
                "create-contact-task",
                "-p",
                "contactId=1",
                "-p",
                "title=t",
                "-p",
                "dueDate=2026-12-01T09:00:00Z",
                "-p",
                "completed=maybe",
            ],
            "`completed` must be true or false",
        ),
        (
            &[
                "call",
                "search-contacts",
                "-p",
                "pageLimit=5",
                "-p",
                r#"filters=[{"group": "ANY"}]"#,
            ],
            "`filters[0].group` must be one of AND, OR",
        ),
        (
            &["call", "create-contact-note", "--body", "{"],
            "--body is no JSON",
        ),
        (
            &[
                "call",
                "create-contact-note",
                "--body",
                "[1]",
                "-p",
                "contactId=1",
            ],
            "`body`",
        ),
        (
            &["call", "create-contact-note", "--body", "@nowhere.json"],
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
            "no connection has the id \"other\"; there are: main",
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
    let output = world.output(&["call", "list-locations"]).await;
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("token") && !stderr.contains("pit-wrong"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_shows_nothing_ends_with_1_and_prints_no_record() {
    let (world, contact) = with_contact().await;
    let id = format!("contactId={contact}");
    let answer = |operation: &str, more: Value| {
        let mut fault = json!({ "kind": "answer", "operation": operation, "status": 200 });
        fault
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        fault
    };
    for more in [
        json!({ "text": "<html>Down</html>", "content_type": "text/html" }),
        json!({ "body": null }),
        json!({ "body": { "contact": { "id": "another" } } }),
        json!({}),
    ] {
        world.control("/faults", answer("get-contact", more)).await;
        let read = ["call", "get-contact", "-p", &id];
        refused(&world, &read, 1, "it shows no success").await;
        world.clear_faults().await;
    }
    // A list without its list has no records, and is no empty one either.
    let page = json!({ "body": { "total": 0 } });
    world
        .control("/faults", answer("search-contacts-advanced", page))
        .await;
    for more in [&["--all-pages"][..], &[]] {
        let search = [&["call", "search-contacts", "-p", "pageLimit=5"], more].concat();
        refused(&world, &search, 1, "it shows no success").await;
    }
    let lost = json!({ "text": "<html>", "content_type": "text/html", "after_work": true });
    world.control("/faults", answer("create-note", lost)).await;
    let write = ["call", "create-contact-note", "-p", &id, "-p", "body=Hello"];
    refused(&world, &write, 1, "look there before it is sent again").await;
    world.clear_faults().await;
    let notes = notes(&world, &contact).await;
    assert_eq!(notes.as_array().unwrap().len(), 1, "{notes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_are_no_operations() {
    let world = World::new().await;
    for name in ["buy-trees", "purchase-trees", "trees", "purchaseTrees"] {
        refused(&world, &["call", name], 2, "there is no operation").await;
    }
    let list = json_of(&world, &["ops", "--json"]).await;
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
            "create-contact-note",
            "-p",
            &id,
            "-p",
            "body=Hello",
            "--dry-run",
        ])
        .await;
    let shown = shown
        .replace(&world.info().highlevel_url, "[base]")
        .replace(&contact, "[contact]")
        .replace(env!("CARGO_PKG_VERSION"), "[version]");
    insta::assert_snapshot!(shown, @r##"
    POST [base]/contacts/[contact]/notes
    authorization: Bearer [redacted]
    version: 2021-07-28
    accept: application/json
    user-agent: canopy/[version]
    content-type: application/json

    {
      "body": "Hello"
    }
    "##);
    let as_json = json_of(
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
            "search-contacts",
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
async fn find_contact_is_called_with_what_is_known_of_the_contact() {
    let (world, contact) = with_contact().await;
    let record = world.highlevel(&format!("/contacts/{contact}")).await["contact"].clone();
    for parameter in ["email", "id"] {
        let argument = format!("{parameter}={}", record[parameter].as_str().unwrap());
        let found = json_of(&world, &["call", "find-contact", "--param", &argument]).await;
        assert_eq!(
            found["contacts"][0]["id"],
            contact.as_str(),
            "{argument}: {found}"
        );
        assert_eq!(found["contacts"].as_array().unwrap().len(), 1, "{argument}");
    }
    // A value is data: it cannot become another filter.
    let found = json_of(
        &world,
        &[
            "call",
            "find-contact",
            "-p",
            r#"email=x", "operator": "exists"#,
        ],
    )
    .await;
    assert_eq!(found["contacts"], json!([]));
    for arguments in [
        &["call", "find-contact"][..],
        &["call", "find-contact", "-p", "email=a", "-p", "phone=b"],
    ] {
        refused(&world, arguments, 2, "takes one of `email`, `phone`, `id`").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_written_whole_or_not_at_all() {
    let (world, contact) = with_contact().await;
    let call =
        json!({ "type": "CALL", "contactId": contact, "callDuration": 1, "transcript": "Hello." });
    let call = world.control("/messages", call).await;
    let message = format!("messageId={}", call["id"].as_str().unwrap());
    let recording = ["call", "get-message-recording", "--out", "call.wav", "-p"];
    world.succeed(&[&recording[..], &[&message]].concat()).await;
    let bytes = std::fs::read(world.path("call.wav")).unwrap();
    assert_eq!(&bytes[..4], b"RIFF");
    let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
    assert_eq!(
        bytes.len(),
        length as usize + 8,
        "the header counts the bytes"
    );

    // A pipe takes the bytes as they are.
    let said = world
        .succeed(&["call", "download-transcription", "-p", &message])
        .await;
    assert_eq!(said, "Hello.");

    std::fs::remove_file(world.path("call.wav")).unwrap();
    refused(
        &world,
        &[&recording[..], &["messageId=nobody"]].concat(),
        1,
        "no such record",
    )
    .await;
    assert_eq!(
        world.files(),
        [""; 0],
        "nothing is left of a file that did not come"
    );
}
