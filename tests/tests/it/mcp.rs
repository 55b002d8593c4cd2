//! `canopy mcp` as an assistant's program uses it: a client of the protocol that starts the real binary.

use std::process::Stdio;

use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject};
use rmcp::service::{RoleClient, RunningService, ServiceExt};
use rmcp::transport::TokioChildProcess;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

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
    result.structured_content.unwrap()
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
    assert_eq!(read["contact"]["id"], contact.as_str());

    let email = read["contact"]["email"].clone();
    let arguments = json!({ "name": "find-contact", "arguments": { "email": email } });
    let read = answer(&assistant, "call_operation", arguments).await;
    assert_eq!(read["contacts"][0]["id"], contact.as_str());

    // The location is the connection's.
    let arguments = json!({ "name": "search-contacts", "arguments": { "pageLimit": 5 } });
    let read = answer(&assistant, "call_operation", arguments).await;
    assert_eq!(
        read["contacts"][0]["locationId"],
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
async fn a_wrong_configuration_is_told_at_once() {
    let world = World::new().await;
    let output = world.output(&["mcp", "--config", "nowhere.toml"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(text(&output.stderr).contains("nowhere.toml cannot be read"));
}
