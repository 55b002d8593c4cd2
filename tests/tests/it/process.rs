//! A running `canopy run` whose lines on standard error are kept, and what the system says of it.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use canopy_store::{Alert, Store as _};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::support::{World, eventually};

/// Its lines are read as they come.
pub struct Process {
    pub child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `canopy` with these arguments; nothing is waited for.
    pub fn start(world: &World, arguments: &[&str]) -> Self {
        Self::of(world.canopy(arguments))
    }

    /// The same of a command that was made up for it.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut read = BufReader::new(child.stderr.take().unwrap()).lines();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok(Some(line)) = read.next_line().await {
                kept.lock().unwrap().push(line);
            }
        });
        Self { child, lines }
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line that begins like this, and returns what follows.
    pub async fn told(&self, begin: &str) -> String {
        let find = || {
            let lines = self.lines();
            lines.iter().find_map(|line| {
                let said = said(line);
                said.strip_prefix(begin).map(|rest| rest.trim().to_owned())
            })
        };
        eventually(begin, async || find().is_some()).await;
        find().unwrap()
    }

    /// Waits for a line that has this in it.
    pub async fn says(&self, part: &str) {
        eventually(part, async || {
            self.lines().iter().any(|line| line.contains(part))
        })
        .await;
    }

    /// Waits until webhooks are taken; returns their address, of which the sandbox is told.
    pub async fn ready(&self, world: &World) -> String {
        let webhooks = self.told("webhooks: ").await;
        self.told("status page: ").await;
        let target = serde_json::json!({ "url": webhooks });
        world.control("/webhook-target", target).await;
        webhooks
    }

    pub async fn status(&self, world: &World) -> Value {
        let page = self.told("status page: ").await;
        let answer = world.get(&format!("{page}status.json")).await;
        answer.json().await.unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Ends it as an operator does; it must end well.
    pub async fn stop(mut self) {
        self.signal(rustix::process::Signal::TERM);
        let ended = self.child.wait().await.unwrap();
        assert!(ended.success(), "{ended:?}: {:?}", self.lines());
    }

    /// Memory that it holds, in KiB.
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let figure = line.unwrap().split_whitespace().nth(1).unwrap();
        figure.parse().unwrap()
    }
}

/// What a line of the log says, or the line itself.
fn said(line: &str) -> String {
    let json: Option<Value> = serde_json::from_str(line).ok();
    let message = json.and_then(|json| json["message"].as_str().map(str::to_owned));
    message.unwrap_or_else(|| line.to_owned())
}

/// The open alerts of a kind.
pub async fn alerts(world: &World, kind: &str) -> Vec<Alert> {
    let store = world.store().await;
    let mut alerts = store.alerts(true, 100).await.unwrap();
    store.close().await;
    alerts.retain(|alert| alert.kind == kind);
    alerts
}

/// Waits until as many contacts have been served as have been created.
pub async fn served(world: &World, process: &Process, runs: u64) {
    eventually("all work to be done", async || {
        let summary = process.status(world).await["summary"].clone();
        summary["runs_done"].as_u64() >= Some(runs)
            && summary["events_pending"] == 0
            && summary["runs_open"] == 0
    })
    .await;
}
