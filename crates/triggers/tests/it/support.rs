//! A sandbox, a store and a poll.

use std::sync::Arc;

use canopy_highlevel::{Limits, RetryPolicy};
use canopy_sandbox::Sandbox;
use canopy_store::clock::ManualClock;
use canopy_store::{InboxRow, SecretKey, SqliteStore, Store};
use canopy_triggers::{PollOptions, PollSpec, Polled, Poller, Polls, Site};
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct World {
    pub sandbox: Sandbox,
    pub store: SqliteStore,
    pub clock: Arc<ManualClock>,
    http: reqwest::Client,
    _folder: TempDir,
}

impl World {
    /// A sandbox in which this many contacts are history.
    pub async fn new(contacts: u64) -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Sandbox::builder().limits(false).contacts(contacts);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canopy.db");
        let world = Self {
            sandbox: builder.start().await.unwrap(),
            store: SqliteStore::open(&path, &SecretKey::generate())
                .await
                .unwrap(),
            clock: Arc::new(ManualClock::new("2100-01-01T00:00:00Z".parse().unwrap())),
            http: reqwest::Client::new(),
            _folder: folder,
        };
        world
            .control("/settings", json!({ "search_lag_seconds": 0 }))
            .await;
        world
    }

    pub fn location(&self) -> &str {
        &self.sandbox.info().location_id
    }

    pub fn shared_store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    /// The location as the process of this name works on it.
    pub fn site(&self, owner: &str) -> Site {
        Site::new(
            self.shared_store(),
            self.clock.clone(),
            self.location(),
            owner,
        )
    }

    pub fn poll(&self) -> Poller {
        self.poll_with(PollOptions::default(), "test")
    }

    pub fn poll_with(&self, options: PollOptions, owner: &str) -> Poller {
        let kinds = ["contact.created", "contact.updated"];
        self.poller(options, owner, &[], &kinds)
    }

    /// A poller for these triggers and kinds.
    pub fn poller(
        &self,
        options: PollOptions,
        owner: &str,
        specs: &[PollSpec],
        kinds: &[&str],
    ) -> Poller {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let polls = Polls::new(specs, &kinds, &options).unwrap();
        Poller::new(self.client(), self.site(owner), options, polls)
    }

    /// A poller with the agency's token, where one is given.
    pub fn poller_as(
        &self,
        token: Option<&str>,
        options: PollOptions,
        specs: &[PollSpec],
    ) -> Poller {
        let polls = Polls::new(specs, &std::collections::BTreeSet::new(), &options).unwrap();
        let token = token.unwrap_or(&self.sandbox.info().token);
        Poller::new(self.client_as(token), self.site("test"), options, polls)
    }

    pub fn client(&self) -> canopy_highlevel::Client {
        self.client_as(&self.sandbox.info().token)
    }

    fn client_as(&self, token: &str) -> canopy_highlevel::Client {
        let info = self.sandbox.info();
        canopy_highlevel::Client::builder()
            .base_url(&info.highlevel_url)
            .token(token.to_owned().into())
            .location(&*info.location_id)
            // The calls are counted here, not spread.
            .limits(Limits {
                window: None,
                ..canopy_highlevel::default_limits()
            })
            // What cannot be read is asked for again, after a time that would pass here.
            .retry(RetryPolicy::NEVER)
            .build()
            .unwrap()
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.info().control_url);
        let answer = self.http.post(&url).json(&body).send().await.unwrap();
        let (status, answer) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert!(status.is_success(), "{url} {body}: {answer}");
        answer
    }

    /// Deletes something through the control API.
    pub async fn delete(&self, path: &str) {
        let url = format!("{}{path}", self.sandbox.info().control_url);
        let answer = self.http.delete(url).send().await.unwrap();
        answer.error_for_status().unwrap();
    }

    pub async fn books(&self, path: &str) -> Vec<Value> {
        let url = format!("{}{path}", self.sandbox.info().control_url);
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub async fn advance_sandbox(&self, seconds: u64) {
        self.control("/clock", json!({ "advance_seconds": seconds }))
            .await;
    }

    /// Sets the clocks of both sides to the same instant.
    pub async fn same_time(&self) {
        let now = canopy_store::clock::Clock::now(&*self.clock);
        self.control("/clock", json!({ "set": now.to_string(), "frozen": true }))
            .await;
    }

    /// Moves both clocks.
    pub async fn advance(&self, seconds: u32) {
        self.clock
            .advance(jiff::SignedDuration::from_secs(i64::from(seconds)));
        self.same_time().await;
    }

    pub async fn create(&self, first_name: &str) -> String {
        let contact = self
            .control("/contacts", json!({ "firstName": first_name }))
            .await;
        contact["id"].as_str().unwrap().to_owned()
    }

    pub async fn rename(&self, contact: &str, first_name: &str) {
        self.control(
            &format!("/contacts/{contact}"),
            json!({ "firstName": first_name }),
        )
        .await;
    }

    /// Calls an operation of HighLevel as a user of the API does.
    pub async fn call(&self, operation: &str, arguments: Value) -> Value {
        self.client().invoke(operation, &arguments).await.unwrap()
    }

    pub async fn note(&self, contact: &str, body: &str) {
        let info = self.sandbox.info();
        let url = format!("{}/contacts/{contact}/notes", info.highlevel_url);
        let request = self.http.post(url).bearer_auth(&info.token);
        let request = request.header("Version", "2021-07-28");
        let answer = request.json(&json!({ "body": body })).send().await.unwrap();
        answer.error_for_status().unwrap();
    }

    /// Kind and record of all events, oldest first.
    pub async fn events(&self) -> Vec<(String, String)> {
        let mut rows: Vec<InboxRow> = self.store.recent_events(10_000).await.unwrap();
        rows.reverse();
        rows.into_iter()
            .map(|row| (row.event.kind, row.event.record))
            .collect()
    }
}

pub fn stored(polled: Polled) -> u64 {
    assert!(polled.owner);
    polled.stored
}
