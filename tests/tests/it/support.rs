//! A sandbox, a folder with a configuration, and the binary.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use canopy_sandbox::{Sandbox, SandboxInfo};
use canopy_store::SqliteStore;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// How long a condition may take to come true before a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// A sandbox without limits and a folder for one configuration.
pub struct World {
    pub sandbox: Sandbox,
    pub folder: TempDir,
    pub http: reqwest::Client,
}

/// A running `canopy run`.
pub struct Running {
    pub child: Child,
    pub page: String,
    pub webhooks: String,
}

impl World {
    pub async fn new() -> Self {
        Self::in_a(Sandbox::builder().limits(false)).await
    }

    pub async fn in_a(sandbox: canopy_sandbox::Builder) -> Self {
        let sandbox = sandbox.start().await.unwrap();
        let world = Self {
            sandbox,
            folder: tempfile::tempdir().unwrap(),
            http: http(),
        };
        world
            .control("/settings", json!({ "search_lag_seconds": 0 }))
            .await;
        world.write_config(&world.config());
        world
    }

    pub fn info(&self) -> &SandboxInfo {
        self.sandbox.info()
    }

    /// A configuration for this sandbox, without rate limits and with quick retries.
    pub fn config(&self) -> String {
        let info = self.info();
        format!(
            r#"
[server]
listen = "127.0.0.1:0"

[webhooks]
listen = "127.0.0.1:0"
public_keys = ["{key}"]

[retry]
base = "100ms"
max = "1s"
max_attempts = 5

[[connection]]
test = false

[connection.highlevel]
base_url = "{highlevel}"
token = "{token}"
requests_per_10_seconds = 1000000

[connection.ecologi]
base_url = "{ecologi}"
api_key = "{api_key}"
username = "{user}"
requests_per_minute = 1000000

[connection.budget]
per_day = 10000
per_month = 100000
"#,
            key = info.webhook_public_key,
            highlevel = info.highlevel_url,
            token = info.token,
            ecologi = info.ecologi_url,
            api_key = info.ecologi_key,
            user = info.ecologi_user,
        )
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write_config(&self, text: &str) {
        std::fs::write(self.path("canopy.toml"), text).unwrap();
    }

    /// The names of the files in the folder, besides the configuration.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "canopy.toml").collect()
    }

    /// The binary in the folder, with nothing of this process's environment that could matter.
    pub fn canopy(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_canopy-observed"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("CANOPY_CONFIG")
            .env_remove("CANOPY_KEY")
            .env_remove("CREDENTIALS_DIRECTORY")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub async fn output(&self, arguments: &[&str]) -> Output {
        self.canopy(arguments).output().await.unwrap()
    }

    /// Runs a command that must succeed.
    pub async fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments).await;
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// A round in which something failed that the next one tries again.
    pub async fn fails(&self, arguments: &[&str]) {
        let output = self.output(arguments).await;
        let code = output.status.code();
        assert_eq!(code, Some(1), "{arguments:?}: {}", text(&output.stderr));
    }

    /// A round that leaves something to a person.
    pub async fn needs_person(&self, arguments: &[&str]) {
        let output = self.output(arguments).await;
        let code = output.status.code();
        assert_eq!(code, Some(3), "{arguments:?}: {}", text(&output.stderr));
    }

    /// Starts `canopy run` and waits until it listens.
    pub async fn start(&self) -> Running {
        self.start_as(self.canopy(&["run"])).await
    }

    /// The same, of a command that was made up for it.
    pub async fn start_as(&self, command: Command) -> Running {
        let (running, mut lines) = self.begin(command).await;
        // The pipe must be read on, or lines would be lost.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        running
    }

    /// Starts `canopy run` whose standard error is closed as soon as it listens.
    pub async fn start_unread(&self) -> Running {
        let (running, lines) = self.begin(self.canopy(&["run"])).await;
        drop(lines);
        running
    }

    /// Starts `canopy run` whose standard error is not read any more once it listens.
    pub async fn start_stuck(&self, command: Command) -> Running {
        let (running, lines) = self.begin(command).await;
        tokio::spawn(async move {
            let _open = lines;
            std::future::pending::<()>().await;
        });
        running
    }

    async fn begin(&self, mut command: Command) -> (Running, Lines<BufReader<ChildStderr>>) {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut page, mut webhooks) = (None, None);
        let mut seen = String::new();
        while page.is_none() || webhooks.is_none() {
            let line = lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("canopy ended: {seen}"));
            if let Some(address) = line.strip_prefix("status page: ") {
                page = Some(address.trim().to_owned());
            } else if let Some(address) = line.strip_prefix("webhooks: ") {
                webhooks = Some(address.trim().to_owned());
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        let running = Running {
            child,
            page: page.unwrap(),
            webhooks: webhooks.unwrap(),
        };
        self.control("/webhook-target", json!({ "url": running.webhooks }))
            .await;
        (running, lines)
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.info().control_url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// How often an operation was asked for.
    pub async fn asked(&self, operation: &str) -> usize {
        let requests = self.books("/requests").await;
        let asked = requests.iter().filter(|one| one["operation"] == operation);
        asked.count()
    }

    /// Runs a command and kills it at the request that this operation gets after `skip` others, when the service has
    /// done the work and not answered.
    pub async fn kill_at_request(&self, arguments: &[&str], operation: &str, skip: u32) {
        let fault = json!({
            "kind": "hang", "after_work": true, "operation": operation, "times": 1, "skip": skip,
        });
        self.control("/faults", fault).await;
        let mut child = self
            .canopy(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let seen = self.struck().await;
        eventually("the request", async || self.struck().await > seen).await;
        child.kill().await.unwrap();
        self.clear_faults().await;
    }

    /// Runs a command in which the process kills itself at the `boundary:step:time` that is given.
    pub async fn killed_at(&self, arguments: &[&str], place: &str) {
        let killed = self.canopy(arguments).env("E2E_KILL", place).output();
        let killed = killed.await.unwrap();
        let told = text(&killed.stderr);
        assert_eq!(killed.status.signal(), Some(9), "{place}: {told}");
    }

    /// How many requests hung.
    async fn struck(&self) -> usize {
        let requests = self.books("/requests").await;
        requests.iter().filter(|one| one["fault"] == "hang").count()
    }

    pub async fn books(&self, path: &str) -> Vec<Value> {
        let url = format!("{}{path}", self.info().control_url);
        let answer: Value = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        answer.as_array().unwrap().clone()
    }

    pub async fn clear_faults(&self) {
        let url = format!("{}/faults", self.info().control_url);
        self.http
            .delete(url)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
    }

    /// Creates contacts as users do in HighLevel; returns their ids.
    pub async fn seed(&self, contacts: u32) -> Vec<String> {
        let answer = self
            .control("/seed", json!({ "contacts": contacts, "webhooks": true }))
            .await;
        let ids = answer["contacts"].as_array().unwrap();
        ids.iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    }

    /// What HighLevel's API answers.
    pub async fn highlevel(&self, path: &str) -> Value {
        let request = self
            .http
            .get(format!("{}{path}", self.info().highlevel_url))
            .bearer_auth(&self.info().token)
            .header("Version", "2021-07-28");
        request
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub async fn get(&self, url: &str) -> reqwest::Response {
        self.http.get(url).send().await.unwrap()
    }

    /// The status when the page is asked for under another name.
    pub async fn get_as(&self, url: &str, host: &str) -> u16 {
        let request = self.http.get(url).header("Host", host);
        request.send().await.unwrap().status().as_u16()
    }

    pub async fn post(&self, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> u16 {
        let mut request = self.http.post(url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    }

    pub async fn store(&self) -> SqliteStore {
        SqliteStore::open_read_only(&self.path("canopy.db"))
            .await
            .unwrap()
    }

    /// Asserts what the recipe `new-contact` promises for each of these contacts, and that nothing was bought besides.
    pub async fn assert_served_once(&self, contacts: &[String]) {
        let purchases = self.books("/purchases").await;
        assert_eq!(
            purchases.len(),
            contacts.len(),
            "one purchase for each contact"
        );
        let urls: std::collections::HashSet<_> = purchases
            .iter()
            .map(|one| one["url"].as_str().unwrap())
            .collect();
        for id in contacts {
            let contact = self.highlevel(&format!("/contacts/{id}")).await["contact"].clone();
            assert!(
                contact["tags"]
                    .as_array()
                    .unwrap()
                    .contains(&json!("ecologi")),
                "{contact}"
            );
            let fields = contact["customFields"].as_array().unwrap();
            assert_eq!(fields.len(), 3, "{fields:?}");
            let links = fields
                .iter()
                .filter(|field| urls.contains(field["value"].as_str().unwrap_or_default()));
            assert_eq!(
                links.count(),
                1,
                "the link to a tree that was bought: {fields:?}"
            );
            let notes = self.highlevel(&format!("/contacts/{id}/notes")).await;
            assert_eq!(
                notes["notes"].as_array().unwrap().len(),
                1,
                "one note: {notes}"
            );
        }
        let store = self.store().await;
        let info = self.info();
        let audit = canopy::audit_sandbox(&info.control_url, &store, &info.location_id);
        let audit = audit.await.unwrap();
        assert_eq!((audit.duplicates, audit.lost), (0, 0));
    }
}

impl Running {
    pub async fn status(&self, world: &World) -> Value {
        world
            .get(&format!("{}status.json", self.page))
            .await
            .json()
            .await
            .unwrap()
    }

    /// Waits until this holds for the summary of `/status.json`.
    pub async fn until(&self, world: &World, what: &str, holds: impl Fn(&Value) -> bool) {
        eventually(what, async || holds(&self.status(world).await["summary"])).await;
    }

    /// Waits until nothing is left to do: all deliveries made, all events and runs worked off.
    pub async fn until_idle(&self, world: &World, runs: u64) {
        eventually("all work to be done", async || {
            let deliveries = world.books("/webhooks").await;
            let under_way = deliveries.iter().any(|one| {
                ["held", "waiting", "sending"].contains(&one["state"].as_str().unwrap())
            });
            let summary = self.status(world).await["summary"].clone();
            !under_way
                && summary["runs_done"] == runs
                && summary["events_pending"] == 0
                && summary["runs_open"] == 0
        })
        .await;
    }

    /// Ends it as an operator does.
    pub async fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap())
            .unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().await.unwrap().success());
    }

    /// Ends it as a power cut does.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Whether a request changed something, by the sandbox's book. A check tries what a token may write on records that do not
/// exist, and simulates orders without a key: nothing comes of either.
pub fn is_write(request: &Value) -> bool {
    let tried = request["method"] == "PUT"
        && request["status"]
            .as_u64()
            .is_some_and(|status| (400..500).contains(&status));
    let simulated = request["service"] == "ecologi" && request["idempotency_key"].is_null();
    request["method"] != "GET"
        && request["operation"] != "search-contacts-advanced"
        && !tried
        && !simulated
}

/// Waits until a condition holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn http() -> reqwest::Client {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
