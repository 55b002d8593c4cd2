//! A poller on a sandbox, and what can happen to it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll as Task;

use canopy_highlevel::{Client, Limits};
use canopy_store::{InboxRow, Store};
use canopy_triggers::{PollError, PollOptions, PollSpec, Polled, Poller, Polls};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};

use super::proxy::Proxy;
use crate::support::World;

pub type Held = Result<(), TestCaseError>;

/// One step of a history.
#[derive(Debug, Clone)]
pub enum Step<E> {
    Edit(E),
    /// Milliseconds pass.
    Wait(u32),
    Poll {
        /// What happens before which of the poll's requests.
        troubles: Vec<(u8, Trouble<E>)>,
        /// After so many steps of its own the poll is dropped, wherever it then is.
        wakes: Option<u16>,
    },
    /// Another poller on the same store.
    Restart,
}

#[derive(Debug, Clone)]
pub enum Trouble<E> {
    Edit(E),
    Wait(u32),
    /// The poll is dropped, as when the process dies; another one goes on.
    Crash,
    /// Another process takes the location: what this poll found is refused.
    Robbed,
}

/// What a history does, and what must then be in the inbox.
pub trait Model {
    type Edit: Clone;

    async fn edit(&mut self, scene: &mut Scene, edit: &Self::Edit);
    /// A poll begins.
    async fn begin(&mut self, scene: &Scene);
    /// A poll was dropped. It may have come as far as its commit.
    async fn broke(&mut self, scene: &Scene);
    /// A poll came through. `quiet`: nothing was done meanwhile.
    async fn hold(&mut self, scene: &Scene, quiet: bool) -> Held;
}

pub struct Scene {
    pub world: World,
    /// The service's clock.
    pub now: Timestamp,
    /// When a request was last answered, by that clock.
    pub served: Option<Timestamp>,
    proxy: Proxy,
    options: PollOptions,
    specs: Vec<PollSpec>,
    kinds: Vec<&'static str>,
    client: Client,
    poller: Option<Poller>,
}

impl Scene {
    pub async fn new(
        skew: i64,
        settings: Value,
        options: PollOptions,
        specs: Vec<PollSpec>,
        kinds: Vec<&'static str>,
    ) -> Self {
        let world = World::new(0).await;
        world.control("/settings", settings).await;
        let ours = canopy_store::clock::Clock::now(&*world.clock);
        let now = ours - SignedDuration::from_secs(skew);
        let clock = json!({ "set": now.to_string(), "frozen": true });
        world.control("/clock", clock).await;
        let proxy = Proxy::new(&world.sandbox.info().highlevel_url).await;
        let client = Client::builder()
            .base_url(&*proxy.url)
            .token(world.sandbox.info().token.clone().into())
            .limits(Limits::UNLIMITED)
            .build()
            .unwrap();
        Self {
            world,
            now,
            served: None,
            proxy,
            options,
            specs,
            kinds,
            client,
            poller: None,
        }
    }

    /// The same world, polled for other triggers.
    pub fn poll_for(&mut self, specs: Vec<PollSpec>) {
        self.specs = specs;
    }

    /// The sandbox's own history.
    pub async fn history(&self) -> Vec<Value> {
        self.world.books("/history").await
    }

    /// Events, oldest first.
    pub async fn inbox(&self) -> Vec<InboxRow> {
        let mut rows = self.world.store.recent_events(10_000).await.unwrap();
        rows.reverse();
        rows
    }

    pub async fn wait(&mut self, milliseconds: u32) {
        let by = SignedDuration::from_millis(i64::from(milliseconds));
        self.now += by;
        self.world.clock.advance(by);
        self.world
            .control("/clock", json!({ "set": self.now.to_string() }))
            .await;
    }

    /// A record that changed at this very instant, after a poll may have read it, changes a millisecond later: the
    /// service's times are milliseconds, and two changes of one record within one of these are one change to everybody.
    pub async fn part_from(&mut self, last_change: Option<Timestamp>) {
        if last_change == Some(self.now) && self.served == Some(self.now) {
            self.wait(1).await;
        }
    }

    /// The poller, or a new one on the same store.
    fn poller(&mut self) -> Poller {
        self.poller.take().unwrap_or_else(|| {
            let kinds = self.kinds.iter().map(|kind| (*kind).to_owned()).collect();
            let polls = Polls::new(&self.specs, &kinds, &self.options).unwrap();
            let client = self.client.clone();
            Poller::new(client, self.world.site("test"), self.options, polls)
        })
    }

    pub async fn play<M: Model>(&mut self, model: &mut M, steps: &[Step<M::Edit>]) -> Held {
        for step in steps {
            match step {
                Step::Edit(edit) => model.edit(self, edit).await,
                Step::Wait(milliseconds) => self.wait(*milliseconds).await,
                Step::Restart => self.poller = None,
                Step::Poll { troubles, wakes } => self.poll(model, troubles, *wakes).await?,
            }
        }
        Ok(())
    }

    /// Polls with nothing in the way.
    pub async fn calm<M: Model>(&mut self, model: &mut M) -> Held {
        self.poll(model, &[], None).await
    }

    /// What a poll stores now.
    pub async fn polled(&mut self) -> Polled {
        let poller = self.poller();
        let poll = poller.poll();
        let mut poll = pin!(poll);
        loop {
            tokio::select! {
                found = &mut poll => return found.unwrap(),
                Some(gate) = self.proxy.gates.recv() => drop(gate.send(())),
            }
        }
    }

    async fn poll<M: Model>(
        &mut self,
        model: &mut M,
        troubles: &[(u8, Trouble<M::Edit>)],
        wakes: Option<u16>,
    ) -> Held {
        model.begin(self).await;
        let poller = self.poller();
        let ended = self.run(&poller, model, troubles, wakes).await;
        match ended {
            Ended::Crashed => {
                // What was on its way into the store is in it or not: writes are done in order.
                self.lease("test", 60).await;
                model.broke(self).await;
            }
            Ended::Came {
                result,
                quiet,
                robbed,
            } => {
                self.poller = Some(poller);
                match result {
                    Ok(found) if found.owner => model.hold(self, quiet).await?,
                    Ok(_) => prop_assert!(robbed, "the location is ours"),
                    Err(error) => prop_assert!(robbed, "{error}"),
                }
            }
        }
        Ok(())
    }

    async fn run<M: Model>(
        &mut self,
        poller: &Poller,
        model: &mut M,
        troubles: &[(u8, Trouble<M::Edit>)],
        mut wakes: Option<u16>,
    ) -> Ended {
        let (mut quiet, mut robbed, mut request) = (true, false, 0_u8);
        let poll = poller.poll();
        let mut poll = pin!(poll);
        let mut poll = poll_fn(move |context| match &mut wakes {
            Some(0) => Task::Ready(None),
            wakes => {
                *wakes = wakes.map(|wakes| wakes - 1);
                poll.as_mut().poll(context).map(Some)
            }
        });
        loop {
            let gate = tokio::select! {
                biased;
                result = &mut poll => match result {
                    Some(result) => return Ended::Came { result, quiet, robbed },
                    None => return Ended::Crashed,
                },
                Some(gate) = self.proxy.gates.recv() => gate,
            };
            if gate.is_closed() {
                continue;
            }
            for (_, trouble) in troubles.iter().filter(|(at, _)| *at == request) {
                quiet = false;
                match trouble {
                    Trouble::Edit(edit) => model.edit(self, edit).await,
                    Trouble::Wait(milliseconds) => self.wait(*milliseconds).await,
                    Trouble::Crash => return Ended::Crashed,
                    Trouble::Robbed => {
                        robbed = true;
                        self.rob().await;
                    }
                }
            }
            request = request.saturating_add(1);
            self.served = Some(self.now);
            let _ = gate.send(());
        }
    }

    /// Our lease runs out, and another process has the location for a second.
    async fn rob(&mut self) {
        self.wait(61_000).await;
        self.lease("thief", 1).await;
        self.wait(2_000).await;
    }

    async fn lease(&self, owner: &str, seconds: i64) {
        let now = canopy_store::clock::Clock::now(&*self.world.clock);
        let time = SignedDuration::from_secs(seconds);
        let location = self.world.location();
        let lease = self.world.store.acquire_lease(location, owner, now, time);
        assert!(lease.await.unwrap().is_some());
    }

    /// Whether a poll of this name has come through.
    pub async fn has_read(&self, poll: &str) -> bool {
        let cursor = self.world.store.cursor(self.world.location(), poll);
        cursor.await.unwrap().is_some()
    }
}

enum Ended {
    Came {
        result: Result<Polled, PollError>,
        quiet: bool,
        robbed: bool,
    },
    Crashed,
}

/// An instant in a document.
pub fn at(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// Runs one history to its end.
pub fn play(history: impl Future<Output = Held>) -> Held {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(history)
}
