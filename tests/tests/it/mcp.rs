//! `canopy mcp` as an assistant's program uses it: a client of the protocol that starts the real binary.

use std::process::Stdio;

use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject};
use rmcp::service::{RoleClient, RunningService, ServiceExt};
use rmcp::transport::TokioChildProcess;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::auth::with_app;
use crate::support::{World, text};

type Assistant = RunningService<RoleClient, ()>;

async fn assistant(world: &World, arguments: &[&str]) -> Assistant {
    let command = world.canopy(&[&["mcp"], arguments].concat());
    let (process, _) = TokioChildProcess::builder(command)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    ().serve(process).await.unwrap()
}

async fn tool(assistant: &Assistant, name: &'static str, arguments: Value) -> CallToolResult {
    let arguments: JsonObject = serde_json::from_value(arguments).unwrap();
    let request = CallToolRequestParams::new(name).with_arguments(arguments);
    assistant.call_tool(request).await.unwrap()
}

async fn answer(assistant: &Assistant, name: &'static str, arguments: Value) -> Value {
    let result = tool(assistant, name, arguments).await;
    assert_ne!(result.is_error, Some(true), "{result:?}");
    // Once: several clients show their model both.
    assert_eq!(result.structured_content, None);
    assert_eq!(result.content.len(), 1);
    serde_json::from_str(&result.content[0].as_text().unwrap().text).unwrap()
}

/// The text of a refusal.
async fn refusal(assistant: &Assistant, name: &'static str, arguments: Value) -> String {
    let result = tool(assistant, name, arguments).await;
    assert_eq!(result.is_error, Some(true), "{result:?}");
    result.content[0].as_text().unwrap().text.clone()
}

async fn notes(world: &World, contact: &str) -> usize {
    let notes = world.highlevel(&format!("/contacts/{contact}/notes")).await;
    notes["notes"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assistant_finds_describes_and_calls_a_read() {
    let world = World::new().await;
    let contact = world.seed(1).await.remove(0);
    let assistant = assistant(&world, &[]).await;
    let tools = assistant.list_all_tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(
        names,
        ["find_operations", "describe_operation", "call_operation"]
    );
    assert!(
        tools
            .iter()
            .all(|tool| tool.annotations.as_ref().unwrap().read_only_hint == Some(true))
    );

    let found = answer(
        &assistant,
        "find_operations",
        json!({ "query": "get a contact" }),
    )
    .await;
    assert_eq!(found["operations"][0]["name"], "get-contact");
    assert_eq!(found["operations"][0]["allowed"], true);

    let described = answer(
        &assistant,
        "describe_operation",
        json!({ "name": "get-contact" }),
    )
    .await;
    assert_eq!(described["fields"][0]["name"], "contactId");
    assert_eq!(described["only_reads"], true);

    let arguments = json!({ "name": "get-contact", "arguments": { "contactId": contact } });
    let read = answer(&assistant, "call_operation", arguments).await;
    assert_eq!(read["answer"]["contact"]["id"], contact.as_str());
    assert_eq!(
        (&read["location"], &read["connection"]),
        (&json!(world.info().location_id), &json!("main"))
    );
    assert_eq!(read["mode"], "real");
    let told = assistant.peer_info().unwrap().instructions.clone();
    let told = told.unwrap_or_default();
    assert!(
        told.contains("mode \"real: purchases are charged"),
        "{told}"
    );

    let email = read["answer"]["contact"]["email"].clone();
    let arguments = json!({ "name": "find-contact", "arguments": { "email": email } });
    let read = answer(&assistant, "call_operation", arguments).await;
    assert_eq!(read["answer"]["contacts"][0]["id"], contact.as_str());

    // The location is the connection's.
    let arguments = json!({ "name": "search-contacts", "arguments": { "pageLimit": 5 } });
    let read = answer(&assistant, "call_operation", arguments).await;
    assert_eq!(
        read["answer"]["contacts"][0]["locationId"],
        world.info().location_id.as_str()
    );
    assistant.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_refused_unless_the_operator_allows_it() {
    let world = World::new().await;
    let contact = world.seed(1).await.remove(0);
    let create = json!({ "name": "create-contact-note", "arguments": { "contactId": contact, "body": "Hello" } });

    let reader = assistant(&world, &[]).await;
    let text = refusal(&reader, "call_operation", create.clone()).await;
    assert!(text.contains("--allow-actions"), "{text}");
    let described = answer(
        &reader,
        "describe_operation",
        json!({ "name": "create-contact-note" }),
    )
    .await;
    assert_eq!(described["allowed"], false);
    reader.cancel().await.unwrap();
    assert_eq!(notes(&world, &contact).await, 0);

    let writer = assistant(&world, &["--allow-actions"]).await;
    answer(&writer, "call_operation", create).await;
    writer.cancel().await.unwrap();
    assert_eq!(notes(&world, &contact).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_tell_the_assistant_what_to_change() {
    let world = World::new().await;
    let assistant = assistant(&world, &["--allow-actions"]).await;
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments });
    for (tool, arguments, expected) in [
        (
            "describe_operation",
            json!({ "name": "create-contact-nte" }),
            "did you mean \"create-contact-note\"?",
        ),
        (
            "describe_operation",
            json!({ "nme": "create-contact-note" }),
            "unknown field `nme`",
        ),
        (
            "call_operation",
            call("buy-trees", json!({})),
            "there is no operation \"buy-trees\"",
        ),
        (
            "call_operation",
            call("get-contact", json!({})),
            "`contactId` is missing",
        ),
        (
            "call_operation",
            call(
                "create-contact-note",
                json!({ "contactId": "1", "bdy": "x" }),
            ),
            "`bdy` is unknown here; the nearest is `body`",
        ),
        (
            "call_operation",
            call("get-contact", json!({ "contactId": "nobody" })),
            "no such record",
        ),
        (
            "call_operation",
            call("get-message-recording", json!({ "messageId": "1" })),
            "answers with a file",
        ),
    ] {
        let text = refusal(&assistant, tool, arguments.clone()).await;
        assert!(text.contains(expected), "{arguments}: {text}");
        assert!(!text.contains(&world.info().token));
    }
    let request = CallToolRequestParams::new("buy_trees");
    assert!(
        assistant.call_tool(request).await.is_err(),
        "there is no such tool"
    );
    assert!(world.books("/purchases").await.is_empty());
    assistant.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_output_carries_only_the_protocol_and_its_end_ends_the_server() {
    let world = World::new().await;
    let mut child = world
        .canopy(&["mcp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("CANOPY_LOG", "debug")
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for message in [
        json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": { "name": "test", "version": "1" },
            },
        }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }),
    ] {
        stdin
            .write_all(format!("{message}\n").as_bytes())
            .await
            .unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let messages: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        messages.iter().all(|message| message["jsonrpc"] == "2.0"),
        "{stdout}"
    );
    let ids: Vec<_> = messages.iter().map(|message| &message["id"]).collect();
    assert_eq!(ids, [&json!(1), &json!(2)], "{stdout}");
    assert!(
        !text(&output.stderr).is_empty(),
        "the log is on standard error"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_come_as_text_are_taken_where_no_text_is_wanted() {
    let world = World::new().await;
    let contact = world.seed(1).await.remove(0);
    let assistant = assistant(&world, &["--allow-actions"]).await;
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments });
    let search =
        json!({ "pageLimit": "2", "sort": [{ "field": "dateAdded", "direction": "desc" }] });
    for (name, arguments) in [
        ("search-contacts", json!(search.to_string())),
        (
            "search-contacts",
            json!({ "pageLimit": 2.0, "sort": search["sort"].to_string() }),
        ),
        (
            "add-tags",
            json!({ "contactId": contact, "tags": "[\"a\",\"b\"]" }),
        ),
        (
            "create-contact-note",
            json!({ "contactId": contact, "body": "[\"this is a text\"]" }),
        ),
        ("find-contact", json!("{\"email\":\"nobody@example.com\"}")),
    ] {
        answer(&assistant, "call_operation", call(name, arguments)).await;
    }
    let there = world.highlevel(&format!("/contacts/{contact}")).await;
    let tags = there["contact"]["tags"].as_array().unwrap();
    assert!(tags.ends_with(&[json!("a"), json!("b")]), "{tags:?}");
    let notes = world.highlevel(&format!("/contacts/{contact}/notes")).await;
    assert_eq!(notes["notes"][0]["body"], "[\"this is a text\"]");
    for (name, arguments, expected) in [
        (
            "search-contacts",
            json!("[1]"),
            "`arguments` must be an object",
        ),
        (
            "search-contacts",
            json!({ "pageLimit": 20.5 }),
            "`pageLimit` must be a whole number; write it without a fraction, such as 20",
        ),
        (
            "add-tags",
            json!({ "contactId": contact, "tags": "a, b" }),
            "`tags` must be a list",
        ),
    ] {
        let text = refusal(&assistant, "call_operation", call(name, arguments)).await;
        assert!(text.contains(expected), "{text}");
    }
    assistant.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_cut_and_going_on_gives_all_records_once() {
    let world = World::new().await;
    let seeded = world.seed(60).await;
    let assistant = assistant(&world, &["--max-answer", "6000"]).await;
    let arguments = json!({ "pageLimit": 60 });
    let (mut skip, mut ids, mut calls) = (json!(0), Vec::new(), 0);
    while !skip.is_null() {
        let call =
            json!({ "name": "search-contacts", "arguments": arguments, "skip": skip.to_string() });
        let result = tool(&assistant, "call_operation", call).await;
        let text = &result.content[0].as_text().unwrap().text;
        assert!(text.len() <= 6000, "{}", text.len());
        let read: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read["location"], world.info().location_id.as_str());
        for contact in read["answer"]["contacts"].as_array().unwrap() {
            ids.push(contact["id"].as_str().unwrap().to_owned());
        }
        skip = read["left_out"]["go_on"]["skip"].clone();
        calls += 1;
    }
    assert!(calls > 2, "nothing was cut");
    assert_eq!(ids.len(), 60);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), seeded.len(), "a record came twice");

    let call = json!({ "name": "search-contacts", "arguments": arguments, "fields": ["id"] });
    let read = answer(&assistant, "call_operation", call).await;
    assert_eq!(read["answer"]["contacts"].as_array().unwrap().len(), 60);
    assert_eq!(read.get("left_out"), None);

    let call = json!({ "name": "get-contact", "arguments": { "contactId": seeded[0] }, "part": "/contact/email" });
    let read = answer(&assistant, "call_operation", call).await;
    assert!(read["answer"].as_str().unwrap().contains('@'), "{read}");
    let call = json!({ "name": "search-contacts", "arguments": arguments, "fields": ["emial"] });
    let text = refusal(&assistant, "call_operation", call).await;
    assert!(
        text.contains("no record has \"emial\"; there are: "),
        "{text}"
    );
    assistant.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_request_and_what_is_known_of_the_scope() {
    let world = World::new().await;
    let contact = world.seed(1).await.remove(0);
    let reader = assistant(&world, &[]).await;
    let arguments = json!({ "contactId": contact, "body": "Hello" });
    let dry = json!({ "name": "create-contact-note", "arguments": arguments, "dry_run": true });
    let shown = answer(&reader, "call_operation", dry.clone()).await;
    assert_eq!(shown["dry_run"]["method"], "POST");
    assert_eq!(shown["dry_run"]["body"], json!({ "body": "Hello" }));
    assert_eq!(shown["location"], world.info().location_id.as_str());
    assert_eq!(shown["allowed"], false);
    assert_eq!(shown["scopes"]["needed"], json!(["contacts.write"]));
    assert_eq!(
        shown["scopes"]["token_has"],
        Value::Null,
        "nobody can know yet"
    );
    assert!(!shown.to_string().contains(&world.info().token));

    // A read shows that the token has its scope, and says nothing of the other one.
    let read = json!({ "name": "get-contact", "arguments": { "contactId": contact } });
    answer(&reader, "call_operation", read.clone()).await;
    let mut dry_read = read;
    dry_read["dry_run"] = json!(true);
    let shown = answer(&reader, "call_operation", dry_read).await;
    assert_eq!(shown["scopes"]["token_has"], true);
    let shown = answer(&reader, "call_operation", dry).await;
    assert_eq!(shown["scopes"]["token_has"], Value::Null);
    reader.cancel().await.unwrap();
    assert_eq!(notes(&world, &contact).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apps_token_is_known_to_have_its_scopes_or_to_lack_them() {
    let world = World::new().await;
    let contact = world.seed(1).await.remove(0);
    let scopes = ["contacts.readonly", "locations/customFields.readonly"];
    let code = world
        .control(
            "/oauth/authorize",
            json!({ "user_type": "Location", "scopes": scopes }),
        )
        .await;
    world.write_config(&with_app(&world, &code, ""));
    let code = code["code"].as_str().unwrap();
    world.succeed(&["auth", "finish", code]).await;
    let reader = assistant(&world, &[]).await;
    let dry = async |name: &str, arguments: Value| {
        let call = json!({ "name": name, "arguments": arguments, "dry_run": "True" });
        answer(&reader, "call_operation", call).await["scopes"].clone()
    };
    let read = dry("get-contact", json!({ "contactId": contact })).await;
    assert_eq!(
        (&read["token_has"], &read["missing"]),
        (&json!(true), &json!([])),
        "{read}"
    );
    let write = dry(
        "create-contact-note",
        json!({ "contactId": contact, "body": "Hello" }),
    )
    .await;
    assert_eq!(
        (&write["token_has"], &write["missing"]),
        (&json!(false), &json!(["contacts.write"])),
        "{write}"
    );
    assert!(write["note"].as_str().unwrap().contains("connect again"));
    reader.cancel().await.unwrap();
    assert_eq!(world.asked("create-note").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_shows_nothing_is_an_error_and_no_record() {
    let world = World::new().await;
    let contact = world.seed(1).await.remove(0);
    let actor = assistant(&world, &["--allow-actions"]).await;
    for body in [
        json!({ "contact": null }),
        json!({ "error": "down" }),
        Value::Null,
    ] {
        let fault =
            json!({ "kind": "answer", "operation": "get-contact", "status": 200, "body": body });
        world.control("/faults", fault).await;
        let read = json!({ "name": "get-contact", "arguments": { "contactId": contact } });
        let told = refusal(&actor, "call_operation", read).await;
        assert!(told.contains("it shows no success"), "{told}");
        assert!(told.contains("try again later"), "{told}");
        world.clear_faults().await;
    }
    let fault = json!({ "kind": "answer", "operation": "create-note", "status": 201,
        "text": "<html>", "content_type": "text/html", "after_work": true });
    world.control("/faults", fault).await;
    let note = json!({ "name": "create-contact-note", "arguments": { "contactId": contact, "body": "Hello" } });
    let told = refusal(&actor, "call_operation", note).await;
    assert!(
        told.contains("look there before it is sent again"),
        "{told}"
    );
    actor.cancel().await.unwrap();
    assert_eq!(
        world.asked("create-note").await,
        1,
        "a create goes out once"
    );
}
