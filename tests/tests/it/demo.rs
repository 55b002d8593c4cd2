//! `canopy demo` and `canopy sandbox`, as scripts use them.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{World, eventually, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_by_itself_and_prints_one_line_of_json() {
    let world = World::new().await;
    let output = world
        .output(&["demo", "--once", "--json", "--contacts", "5", "--no-limits"])
        .await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    for (name, expected) in [
        ("profiles", 5),
        ("purchases", 5),
        ("trees", 5),
        ("duplicates", 0),
        ("lost", 0),
    ] {
        assert_eq!(summary[name], expected, "{summary}");
    }
    assert_eq!(summary["cost"], "3.00");
    assert_eq!(summary["currency"], "GBP");
    assert!(summary["events"].as_u64().unwrap() >= 5);
    assert!(summary["calls"].as_u64().unwrap() >= 25);
    assert!(summary["elapsed_ms"].is_u64());
    assert_eq!(
        world.files(),
        ["canopy.toml"; 0],
        "it leaves nothing behind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_prints_one_line_when_it_is_ready() {
    let world = World::new().await;
    let arguments = [
        "sandbox",
        "--listen",
        "127.0.0.1:0",
        "--contacts",
        "4",
        "--seed",
        "9",
        "--no-limits",
        "--json",
    ];
    let mut child = world
        .canopy(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let info: Value = serde_json::from_str(&line).unwrap();
    let names: Vec<_> = info
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "highlevel_url",
            "ecologi_url",
            "token",
            "location_id",
            "company_id",
            "ecologi_key",
            "ecologi_user",
            "webhook_public_key",
            "control_url"
        ]
    );
    let contacts = world
        .get(&format!(
            "{}/contacts",
            info["control_url"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        contacts
            .json::<Value>()
            .await
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        4
    );
    child.kill().await.unwrap();
}

/// Whatever is under way: idle and hanging connections, an answer that trickles, a webhook that nobody answers.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_sandbox_whatever_is_under_way() {
    let world = World::new().await;
    let mut child = world
        .canopy(&[
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--no-limits",
            "--json",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let info: Value = serde_json::from_str(&line).unwrap();
    let control = info["control_url"].as_str().unwrap().to_owned();
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hooks = format!("http://{}/", deaf.local_addr().unwrap());
    for (path, body) in [
        ("/webhook-target", json!({ "url": hooks })),
        (
            "/faults",
            json!({ "kind": "hang", "operation": "search-locations" }),
        ),
        (
            "/faults",
            json!({ "kind": "slow_body", "delay_ms": 60_000 }),
        ),
        ("/seed", json!({ "contacts": 9 })),
    ] {
        let order = world.http.post(format!("{control}{path}")).json(&body);
        order.send().await.unwrap().error_for_status().unwrap();
    }
    let _webhook = deaf.accept().await.unwrap();
    let address = control
        .trim_start_matches("http://")
        .trim_end_matches("/control");
    let _idle = tokio::net::TcpStream::connect(address).await.unwrap();
    for url in [
        format!(
            "{}/locations/search",
            info["highlevel_url"].as_str().unwrap()
        ),
        format!(
            "{}/users/nobody/trees",
            info["ecologi_url"].as_str().unwrap()
        ),
    ] {
        let request = world.http.get(url);
        tokio::spawn(async move {
            let answer = request.send().await?;
            answer.bytes().await
        });
    }
    eventually("both requests to be under way", async || {
        let log = world.http.get(format!("{control}/requests"));
        let log: Value = log.send().await.unwrap().json().await.unwrap();
        log.as_array().unwrap().len() == 2
    })
    .await;
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_mins(1), child.wait());
    let status = ended.await.expect("it ends").unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_listens_on_loopback_only() {
    let world = World::new().await;
    let output = world.output(&["sandbox", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("loopback"));
}
