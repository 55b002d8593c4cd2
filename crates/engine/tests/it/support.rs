//! A sandbox, a store, and an engine between them.

use std::sync::Arc;
use std::time::Duration;

use canopy_ecologi::PriceList;
use canopy_engine::{Catalog, Connection, Engine, Options};
use canopy_highlevel::Timeouts;
use canopy_mapping::{Source, Trace, Workflow};
use canopy_sandbox::Sandbox;
use canopy_store::clock::{Clock, ManualClock};
use canopy_store::{NewEvent, ProfileStore, Run, RunState, SecretKey, SqliteStore, Store};
use canopy_triggers::{PollOptions, Poller, Site};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

const OWNER: &str = "test";

pub const TREE_ONLY: &str = r#"
id = "tree-only"
title = "A tree"
on = ["contact.created", "contact.updated"]

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }
"#;

pub struct World {
    pub sandbox: Sandbox,
    pub store: SqliteStore,
    pub clock: Arc<ManualClock>,
    pub engine: Engine,
    pub poll: Poller,
    pub location: String,
    http: reqwest::Client,
    _folder: TempDir,
}

impl World {
    /// A world with one connection that runs this workflow and spends sandbox money without a cap.
    pub async fn new(workflow: &str) -> Self {
        Self::with(workflow, |_| {}, Options::default()).await
    }

    pub async fn with(
        workflow: &str,
        change: impl FnOnce(&mut Connection),
        options: Options,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::builder().limits(false).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("canopy.db"), &SecretKey::generate())
            .await
            .unwrap();
        let info = sandbox.info().clone();
        let clock = Arc::new(ManualClock::new("2026-11-23T12:00:00Z".parse().unwrap()));
        let highlevel = canopy_highlevel::Client::builder()
            .base_url(&info.highlevel_url)
            .token(info.token.clone().into())
            .location(&*info.location_id)
            .build()
            .unwrap();
        let ecologi = canopy_ecologi::Client::builder()
            .base_url(&info.ecologi_url)
            .api_key(info.ecologi_key.clone().into())
            .build()
            .unwrap();
        let mut connection = Connection {
            id: "main".into(),
            location: info.location_id.clone(),
            highlevel: highlevel.clone(),
            ecologi,
            ecologi_user: None,
            ecologi_account: "own".into(),
            test: false,
            write_in_test: false,
            budget: None,
            prices: PriceList::default(),
            currency: "GBP".into(),
            workflows: [Workflow::parse("test", workflow, &Catalog).unwrap()].into(),
            fields: Arc::default(),
        };
        change(&mut connection);
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let site = Site::new(shared.clone(), clock.clone(), &*info.location_id, OWNER);
        let poll = Poller::contacts(highlevel, site, PollOptions::default()).unwrap();
        let world = Self {
            engine: Engine::new(shared, clock.clone(), [connection], OWNER, options),
            store,
            clock,
            poll,
            location: info.location_id,
            sandbox,
            http: reqwest::Client::new(),
            _folder: folder,
        };
        world
            .control("/settings", json!({ "search_lag_seconds": 0 }))
            .await;
        world.poll.poll().await.unwrap();
        world
    }

    /// Has the connection work with an agency's token from now on.
    pub async fn take_agency_token(&mut self) {
        let key = json!({ "class": "agency_key" });
        let token = self.control("/tokens", key).await["token"].clone();
        let highlevel = canopy_highlevel::Client::builder()
            .base_url(&self.sandbox.info().highlevel_url)
            .token(token.as_str().unwrap().to_owned().into())
            .location(&*self.location)
            .build()
            .unwrap();
        let connection = Connection {
            highlevel,
            ..self.connection().clone()
        };
        self.engine = self.engine_of([connection]);
    }

    /// Has the connection send each call once, so that the steps' own retries show and nothing waits for the clock.
    pub fn be_impatient(&mut self) {
        self.be_impatient_for(Timeouts::default().total);
    }

    /// The same, and has each answer be there within this time.
    pub fn be_impatient_for(&mut self, total: Duration) {
        let timeouts = Timeouts {
            total,
            ..Timeouts::default()
        };
        let info = self.sandbox.info();
        let highlevel = canopy_highlevel::Client::builder()
            .base_url(&info.highlevel_url)
            .token(info.token.clone().into())
            .location(&*self.location)
            .limits(canopy_highlevel::Limits::UNLIMITED)
            .timeouts(timeouts)
            .retry(canopy_highlevel::RetryPolicy::NEVER)
            .build()
            .unwrap();
        let ecologi = canopy_ecologi::Client::builder()
            .base_url(&info.ecologi_url)
            .api_key(info.ecologi_key.clone().into())
            .retry(canopy_highlevel::RetryPolicy::NEVER)
            .build()
            .unwrap();
        let connection = Connection {
            highlevel,
            ecologi,
            ..self.connection().clone()
        };
        self.engine = self.engine_of([connection]);
    }

    /// An engine for other connections, on the same store.
    pub fn engine_of(&self, connections: impl IntoIterator<Item = Connection>) -> Engine {
        let store: Arc<dyn Store> = Arc::new(self.store.clone());
        let clock = self.clock.clone();
        Engine::new(store, clock, connections, OWNER, Options::default())
    }

    pub fn connection(&self) -> &Connection {
        self.engine.connections().next().unwrap()
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.info().control_url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    pub async fn clear_faults(&self) {
        let url = format!("{}/faults", self.sandbox.info().control_url);
        self.http
            .delete(url)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
    }

    /// The sandbox's book of purchases.
    pub async fn bought(&self) -> Vec<Value> {
        self.books("/purchases").await
    }

    /// The sandbox's book of requests.
    pub async fn requests(&self) -> Vec<Value> {
        self.books("/requests").await
    }

    async fn books(&self, path: &str) -> Vec<Value> {
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

    /// Creates a contact as a user does; nobody is told.
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

    /// Puts an unread webhook of this contact's update into the inbox.
    pub async fn hint(&self, contact: &str, delivery: &str) {
        let now = self.clock.now();
        let event = NewEvent {
            source: Source::Webhook,
            kind: "contact.updated".into(),
            location: self.location.clone(),
            contact: Some(contact.to_owned()),
            record: contact.to_owned(),
            occurred_at: now,
            version: None,
            delivery: Some(delivery.to_owned()),
            payload: json!({ "type": "ContactUpdate", "id": contact }),
            trace: Trace::default(),
        };
        self.insert(event).await;
    }

    /// Puts an event into the inbox.
    pub async fn insert(&self, event: NewEvent) {
        let now = self.now();
        self.store.insert_events(vec![event], now).await.unwrap();
    }

    /// Puts a note's creation webhook into the inbox.
    pub async fn note_webhook(&self, contact: &str, note: &str) {
        let now = self.clock.now();
        let event = NewEvent {
            source: Source::Webhook,
            kind: "note.created".into(),
            location: self.location.clone(),
            contact: Some(contact.to_owned()),
            record: note.to_owned(),
            occurred_at: now,
            version: Some("created".into()),
            delivery: None,
            payload: json!({ "type": "NoteCreate", "id": note, "contactId": contact }),
            trace: Trace::default(),
        };
        self.insert(event).await;
    }

    pub async fn invoke(&self, operation: &str, arguments: Value) -> Value {
        self.connection()
            .highlevel
            .invoke(operation, &arguments)
            .await
            .unwrap()
    }

    /// Adds a contact's opportunity as a user does; nobody is told.
    pub async fn opportunity(&self, contact: &str) -> Value {
        let of = json!({ "locationId": self.location });
        let pipelines = self.invoke("get-pipelines", of).await;
        let pipeline = pipelines["pipelines"][0]["id"].clone();
        let body = json!({ "contactId": contact, "name": "Deal", "pipelineId": pipeline });
        self.control("/opportunities", body).await
    }

    /// The id of a campaign of the location.
    pub async fn campaign(&self) -> String {
        let answer = self
            .invoke("get-campaigns", json!({ "locationId": self.location }))
            .await;
        answer["campaigns"][0]["id"].as_str().unwrap().to_owned()
    }

    /// What a person does, whatever is failing for us: faults that are there strike first, so it is tried until it goes.
    pub async fn without_faults(&self, operation: &str, arguments: Value) {
        let client = &self.connection().highlevel;
        for _ in 0..50 {
            if client.invoke(operation, &arguments).await.is_ok() {
                return;
            }
        }
        panic!("{operation} keeps failing");
    }

    /// Puts an unread webhook of a record's update into the inbox; a task's state is told by its completion.
    pub async fn told_update(&self, word: &str, contact: &str, record: &str, number: usize) {
        let verb = if word == "task" {
            "completed"
        } else {
            "updated"
        };
        for kind in [format!("{word}.updated"), format!("{word}.{verb}")] {
            let event = NewEvent {
                source: Source::Webhook,
                kind: kind.clone(),
                location: self.location.clone(),
                contact: Some(contact.to_owned()),
                record: record.to_owned(),
                occurred_at: self.now(),
                version: None,
                delivery: Some(format!("{kind} {number}")),
                payload: json!({ "id": record, "contactId": contact }),
                trace: Trace::default(),
            };
            self.insert(event).await;
        }
    }

    /// Writes a note on the profile as a person does.
    pub async fn write_note(&self, contact: &str, known: Option<&str>, body: &str) -> String {
        let now = self.now();
        let id = known.map_or_else(|| "note_here".to_owned(), str::to_owned);
        let kind = if known.is_some() {
            "profile_note.updated"
        } else {
            "profile_note.created"
        };
        let change = canopy_store::ProfileChange::Note {
            id: id.clone(),
            contact: contact.to_owned(),
            highlevel_id: None,
            body: body.to_owned(),
        };
        let payload = json!({ "id": id, "contact": contact, "body": body, "origin": "profile" });
        let event = NewEvent {
            source: Source::Manual,
            kind: kind.into(),
            location: self.location.clone(),
            contact: Some(contact.to_owned()),
            record: id.clone(),
            occurred_at: now,
            version: Some(format!(
                "person {}",
                self.store.position(&self.location).await.unwrap()
            )),
            delivery: None,
            payload,
            trace: Trace::default(),
        };
        self.store
            .edit_profile(&self.location, None, vec![change], vec![event], now)
            .await
            .unwrap();
        id
    }

    pub async fn poll_and_drain_if_up(&self) {
        // Where the search fails too, the next poll finds it.
        let _ = self.poll.poll().await;
        self.drain().await;
    }

    pub async fn notes(&self, contact: &str) -> Vec<Value> {
        let answer = self
            .invoke("get-all-notes", json!({ "contactId": contact }))
            .await;
        answer["notes"].as_array().unwrap().clone()
    }

    pub async fn create_note(&self, contact: &str, body: &str) -> String {
        let answer = self
            .invoke("create-note", json!({ "contactId": contact, "body": body }))
            .await;
        answer["note"]["id"].as_str().unwrap().to_owned()
    }

    /// All runs, oldest first.
    pub async fn runs(&self) -> Vec<Run> {
        let mut runs = self.store.runs(None, 1000).await.unwrap();
        runs.reverse();
        runs
    }

    /// The runs of one workflow, oldest first.
    pub async fn runs_of(&self, workflow: &str) -> Vec<Run> {
        let mut runs = self.runs().await;
        runs.retain(|run| run.workflow == workflow);
        runs
    }

    /// The run that began last.
    pub async fn run(&self) -> Run {
        self.runs().await.pop().unwrap()
    }

    /// The run in this state that began last.
    pub async fn run_in(&self, state: RunState) -> Run {
        let mut runs = self.runs().await;
        runs.retain(|run| run.state == state);
        runs.pop().unwrap()
    }

    /// A person lets a run go on.
    pub async fn retry(&self, run: i64) {
        let now = self.now();
        assert!(self.store.requeue_run(run, now).await.unwrap());
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn drain(&self) {
        assert!(self.engine.drain(&self.location).await.unwrap().owner);
    }

    pub async fn poll_and_drain(&self) {
        self.poll.poll().await.unwrap();
        self.drain().await;
    }

    /// Puts a fresh engine in the place of the one that is there.
    pub fn restart(&mut self, change: impl FnOnce(&mut Connection)) {
        let mut connection = self.engine.connections().next().unwrap().clone();
        change(&mut connection);
        self.engine = Engine::new(
            Arc::new(self.store.clone()),
            self.clock.clone(),
            [connection],
            OWNER,
            Options::default(),
        );
    }

    pub fn wait(&self, duration: SignedDuration) {
        self.clock.advance(duration);
    }

    /// Time passes here and at the services.
    pub async fn pass(&self, duration: SignedDuration) {
        self.wait(duration);
        let seconds = duration.as_secs();
        self.control("/clock", json!({ "advance_seconds": seconds }))
            .await;
    }
}
