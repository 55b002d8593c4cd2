//! Webhooks that arrive when a test lets them, beside polls.

mod late;
mod lives;
mod missed;
mod once;
mod unfinished;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy_mapping::Workflow;
use canopy_store::clock::Clock as _;
use canopy_store::{EventState, InboxRow, Store};
use canopy_triggers::{PollOptions, PollSpec, Poller, Polls, Receiver, Signatures, Site, Verifier};
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::World;

/// Webhooks that arrive when the test lets them, polls, and a workflow on both.
pub struct Told {
    pub world: World,
    poller: Poller,
    options: PollOptions,
    kinds: BTreeSet<String>,
    receiver: Receiver,
    key: SigningKey,
    read: usize,
}

impl Told {
    pub async fn new(kinds: &[&str]) -> Self {
        Self::with(kinds, false).await
    }

    /// The same with an agency's token.
    pub async fn of_agency(kinds: &[&str]) -> Self {
        Self::with(kinds, true).await
    }

    async fn with(kinds: &[&str], agency: bool) -> Self {
        let kinds: Vec<_> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let workflow = format!(
            "id = \"w\"\ntitle = \"W\"\non = {}\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = {{ number = 1 }}\n",
            json!(kinds)
        );
        let workflow = Workflow::parse("test", &workflow, &canopy_engine::Catalog).unwrap();
        let mut world = World::with(
            crate::support::TREE_ONLY,
            |connection| connection.workflows = [workflow].into(),
            canopy_engine::Options::default(),
        )
        .await;
        if agency {
            world.take_agency_token().await;
        }
        // What is told goes nowhere by itself.
        let nowhere = format!("{}/nowhere", world.sandbox.info().control_url);
        world
            .control("/webhook-target", json!({ "url": nowhere }))
            .await;
        let options = PollOptions {
            // Notes and the like are read each time.
            sweep: SignedDuration::from_secs(1),
            ..PollOptions::default()
        };
        let shared: std::sync::Arc<dyn Store> = std::sync::Arc::new(world.store.clone());
        let kinds: BTreeSet<_> = kinds.into_iter().collect();
        let polls = Polls::new(&[], &kinds, &options).unwrap();
        let connection = world.engine.connections().next().unwrap();
        let site = Site::new(
            shared.clone(),
            world.clock.clone(),
            &*world.location,
            "test",
        );
        let poller = Poller::new(connection.highlevel.clone(), site, options, polls);
        let key = SigningKey::from_bytes(&[3; 32]);
        let spki = key.verifying_key().to_public_key_der().unwrap();
        let verifier = Verifier::with_keys([STANDARD.encode(spki).as_str()]).unwrap();
        let places = [world.location.clone()];
        let receiver = Receiver::new(shared, world.clock.clone(), verifier, places);
        let mut told = Self {
            world,
            poller,
            options,
            kinds,
            receiver,
            key,
            read: 0,
        };
        // Clocks move forward only, and the sandbox's begins now.
        let start: jiff::Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
        told.world
            .wait(start.duration_since(told.world.clock.now()));
        told.later().await;
        told
    }

    /// Has this trigger polled, too.
    pub fn watch(&self, operation: &str, arguments: &Value) {
        let spec = PollSpec {
            operation: operation.to_owned(),
            arguments: arguments.as_object().unwrap().clone(),
            every: None,
            backfill: false,
        };
        let polls = Polls::new(&[spec], &self.kinds, &self.options);
        self.poller.replace(polls.unwrap());
    }

    /// Lets the time pass after which what is not there counts as gone.
    pub async fn patience(&self) {
        for _ in 0..4 {
            self.world.wait(SignedDuration::from_mins(5));
            self.drain().await;
        }
    }

    pub async fn call(&self, operation: &str, arguments: Value) -> Value {
        let connection = self.world.engine.connections().next().unwrap();
        let answer = connection.highlevel.invoke(operation, &arguments).await;
        answer.unwrap()
    }

    /// Lets ten minutes pass for both sides, and the polls see what there is.
    pub async fn later(&mut self) {
        self.world.wait(SignedDuration::from_mins(10));
        let now = self.world.clock.now().to_string();
        let clock = json!({ "set": now, "frozen": true });
        self.world.control("/clock", clock).await;
        self.poller.poll().await.unwrap();
    }

    /// Has the webhooks that were not delivered so far arrive, those of events that this names.
    pub async fn arrive(&mut self, name: &str) -> usize {
        let url = format!("{}/webhooks", self.world.sandbox.info().control_url);
        let all: Vec<Value> = reqwest::get(url).await.unwrap().json().await.unwrap();
        let new = all[self.read..].iter();
        let new = new.filter(|one| one["state"] != "lost");
        let new = new.filter(|one| one["event"].as_str().unwrap().starts_with(name));
        let bodies: Vec<_> = new.map(|one| one["payload"].to_string()).collect();
        self.read = all.len();
        for body in &bodies {
            self.deliver(body).await;
        }
        bodies.len()
    }

    pub async fn deliver(&self, body: &str) {
        self.deliver_at(None, body).await;
    }

    /// The same at the address of an event.
    pub async fn deliver_at(&self, event: Option<&str>, body: &str) {
        let signature = STANDARD.encode(self.key.sign(body.as_bytes()).to_bytes());
        let signatures = Signatures {
            ed25519: Some(&signature),
            rsa: None,
        };
        let taken = self.receiver.receive_at(event, signatures, body.as_bytes());
        taken.await.unwrap();
    }

    pub async fn drain(&self) {
        self.world.drain().await;
    }

    /// Events that started runs, oldest first.
    pub async fn started(&self) -> Vec<(String, String)> {
        let rows = self.rows().await.into_iter();
        let rows = rows.filter(|row| row.state == EventState::Started);
        rows.map(|row| (row.event.kind, row.event.record)).collect()
    }

    pub async fn rows(&self) -> Vec<InboxRow> {
        let mut rows = self.world.store.recent_events(1000).await.unwrap();
        rows.reverse();
        rows
    }

    pub async fn contact(&self) -> String {
        self.world.create("Ada").await
    }
}

/// Which of the two comes first.
#[derive(Debug, Clone, Copy)]
pub enum First {
    Webhook,
    Poll,
    /// Both, before anything is read.
    Neither,
}

/// Has a change that was made be told both ways.
pub async fn both(told: &mut Told, name: &str, first: First) {
    match first {
        First::Webhook => {
            assert!(told.arrive(name).await > 0, "{name}");
            told.drain().await;
            told.later().await;
        }
        First::Poll => {
            told.later().await;
            told.drain().await;
            assert!(told.arrive(name).await > 0, "{name}");
        }
        First::Neither => {
            assert!(told.arrive(name).await > 0, "{name}");
            told.later().await;
        }
    }
    told.drain().await;
}

pub const ORDERS: [First; 3] = [First::Webhook, First::Poll, First::Neither];

pub fn kinds(started: &[(String, String)], record: &str) -> Vec<String> {
    let of = started.iter().filter(|(_, other)| other == record);
    of.map(|(kind, _)| kind.clone()).collect()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
