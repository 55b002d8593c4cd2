//! What all connections share: the world, the clock, the key of the webhooks.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::collections::Collections;
use crate::contacts::Contacts;
use crate::ecologi::Account;
use crate::faults::Faults;
use crate::fixtures;
use crate::highlevel::access::{Class, Token};
use crate::highlevel::limits::Limits;
use crate::highlevel::oauth::Grants;
use crate::history::History;
use crate::ids::Ids;
use crate::operations::Operations;
use crate::records::Location;
use crate::requests::Requests;
use crate::seed;
use crate::server::{Options, SandboxInfo};
use crate::service::Service;
use crate::settings::Settings;
use crate::webhooks::{Outbox, Signature};
use crate::world::World;

#[derive(Debug)]
pub struct Shared {
    world: Mutex<World>,
    pub clock: Clock,
    pub info: SandboxInfo,
    pub signature: Signature,
    /// Wakes the task that sends webhooks.
    pub wake: Notify,
    /// Takes the place of the bundled description.
    highlevel: Option<Operations>,
}

impl Shared {
    pub fn new(options: &Options, address: SocketAddr, highlevel: Option<Operations>) -> Self {
        let seed = options.seed;
        let now = options.start_at.unwrap_or_else(Timestamp::now);
        let clock = Clock::starting_at(now);
        let mut identity = Ids::new(seed, 1);
        let location = Location {
            id: identity.record(),
            company_id: identity.record(),
            name: "Sandbox Location".to_owned(),
            user_id: identity.record(),
            timezone: "US/Pacific",
            created_at: now,
        };
        let token = format!("pit-{}", identity.uuid());
        let ecologi_key = identity.uuid();
        let ecologi_user = "sandbox-forest".to_owned();
        let signature = Signature::new(identity.bytes());
        let base = format!("http://{address}");
        let info = SandboxInfo {
            highlevel_url: format!("{base}/highlevel"),
            ecologi_url: format!("{base}/ecologi"),
            token: token.clone(),
            location_id: location.id.clone(),
            company_id: location.company_id.clone(),
            ecologi_key: ecologi_key.clone(),
            ecologi_user: ecologi_user.clone(),
            webhook_public_key: signature.public_key(),
            control_url: format!("{base}/control"),
        };
        let mut grants = Grants::new(seed);
        grants.issue(
            Some(token),
            Token {
                class: Class::LocationKey,
                scopes: None,
                expires_at: None,
                integration: 0,
            },
        );
        let mut world = World {
            settings: Settings {
                limits: options.limits,
                ..Settings::default()
            },
            ids: Ids::new(seed, 2),
            traces: Ids::new(seed, 6),
            seed,
            seeded: (0, 0),
            location,
            contacts: Contacts::default(),
            notes: IndexMap::new(),
            tasks: IndexMap::new(),
            custom_fields: Vec::new(),
            records: Collections::default(),
            plain: crate::highlevel::plain::Store::default(),
            last_message_at: now,
            grants,
            limits: Limits::default(),
            ecologi: Account::new(ecologi_key, ecologi_user, seed),
            history: History::default(),
            outbox: Outbox::new(seed),
            faults: Faults::new(seed),
            requests: Requests::default(),
        };
        fixtures::put(&mut world, now);
        seed::initial(&mut world, options.contacts, now);
        Self {
            world: Mutex::new(world),
            clock,
            info,
            signature,
            wake: Notify::new(),
            highlevel,
        }
    }

    /// Ends all faults; webhooks that one holds back leave now.
    pub fn clear_faults(&self) {
        let mut world = self.world();
        world.faults.clear();
        world.outbox.release(self.clock.now());
        drop(world);
        self.wake.notify_one();
    }

    /// What is served; nothing where a description cannot be read, with which no sandbox starts.
    pub fn operations(&self, service: Service) -> Option<&Operations> {
        match (service, &self.highlevel) {
            (Service::HighLevel, Some(own)) => Some(own),
            _ => service.operations().ok(),
        }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        // A handler that panicked has answered nobody; the others go on with what it left.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
