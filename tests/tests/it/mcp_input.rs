//! What `canopy mcp` says to input that is wrong.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_answered_and_the_server_goes_on() {
    let world = World::new().await;
    let mut child = world
        .canopy(&["mcp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        },
    });
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let input =
        format!("{{\n{initialize}\n{ready}\n{{\"jsonrpc\": \"2.0\", \"id\": 9, tools\n{list}\n");
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success());
    let stdout = text(&output.stdout);
    let messages: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let codes: Vec<_> = messages
        .iter()
        .map(|message| message["error"]["code"].as_i64())
        .collect();
    assert_eq!(
        codes.iter().flatten().collect::<Vec<_>>(),
        [&-32700, &-32700],
        "{stdout}"
    );
    let ids: Vec<_> = messages
        .iter()
        .filter_map(|message| message["id"].as_i64())
        .collect();
    assert_eq!(ids, [1, 2], "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_told_at_once() {
    let world = World::new().await;
    let output = world.output(&["mcp", "--config", "nowhere.toml"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(text(&output.stderr).contains("nowhere.toml cannot be read"));
}
