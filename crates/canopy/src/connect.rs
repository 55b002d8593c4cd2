//! From a connection's configuration to its clients.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use canopy_engine::{Budget, Caps, Connection, Workflows};
use canopy_store::{HealthStore as _, Part, SqliteStore, Store};
use canopy_transport::{
    DailyLimit, Limiter, Limits, Reserves, RetryPolicy, SystemClock, WindowLimit,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::call_log::CallSink;
use crate::config::{self, CapsConfig, ConnectionConfig, Loaded};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::health;
use crate::limiters::Limiters;
use crate::pace::Pace;

/// What building a connection's clients takes.
#[derive(Clone, Copy)]
pub(crate) struct Connector<'a> {
    pub loaded: &'a Loaded,
    pub environment: &'a Environment,
    /// `None`: there is no store yet, so no secret in it.
    pub store: Option<&'a SqliteStore>,
    pub calls: &'a CallSink,
    /// `None`: the process makes its clients once, and each begins its own.
    pub limiters: Option<&'a Limiters>,
}

impl Connector<'_> {
    /// Builds the clients of a connection.
    pub async fn connection(
        self,
        config: &ConnectionConfig,
        workflows: Workflows,
    ) -> Result<Connection, Failure> {
        let location = self.location(config).await?;
        let highlevel = self.highlevel(config, &location).await?;
        Ok(Connection {
            id: config.id.clone(),
            highlevel: if config.writes() {
                highlevel
            } else {
                // What did not come the way of workflows must not write either.
                highlevel.reading_only()
            },
            ecologi: self.ecologi(config, &location).await?,
            location,
            ecologi_user: config.ecologi.username.clone(),
            ecologi_account: self.ecologi_account(config).await?,
            test: config.test,
            write_in_test: config.write_in_test,
            budget: budget(self.loaded, config),
            prices: prices(self.loaded)?,
            currency: config.ecologi.currency.clone(),
            workflows,
            fields: Arc::new(config.fields.clone()),
        })
    }

    /// A client for HighLevel; `location` names it in the call log.
    pub async fn highlevel(
        self,
        config: &ConnectionConfig,
        location: &str,
    ) -> Result<canopy_highlevel::Client, Failure> {
        let limits = Limits {
            window: window(
                config.highlevel.requests_per_10_seconds,
                Duration::from_secs(10),
            ),
            daily: Some(DailyLimit {
                max: config.highlevel.requests_per_day,
                reserves: Reserves::default(),
            }),
            longest_pause: self.loaded.config.retry.max,
            ..Limits::UNLIMITED
        };
        let limiter = self.limiter(&config.highlevel.base_url, location, limits);
        canopy_highlevel::Client::builder()
            .base_url(&config.highlevel.base_url)
            .token_source(self.token_source(config).await?)
            .location(location)
            .limiter(limiter.await)
            .retry(self.retries())
            .call_log(Arc::new(self.calls.clone()))
            .build()
            .map_err(|error| Failure::bad_input(&error))
    }

    /// What keeps HighLevel's limits at a location.
    async fn limiter(self, service: &str, location: &str, limits: Limits) -> Arc<Limiter> {
        let known = self.limiters;
        if let Some(limiter) = known.and_then(|known| known.find(service, location, &limits)) {
            return limiter;
        }
        let used = self.used_today(location).await;
        let mut limiter = Limiter::new(&limits, used, Arc::new(SystemClock));
        // A rehearsal works on a copy, and leaves nothing beside the store.
        let path = self.loaded.store_path();
        if self.store.is_none_or(|store| store.path() == path) {
            limiter = limiter.shared_by(Arc::new(Pace::new(path, location)));
        }
        if let Some(told) = self.told_today(location).await {
            limiter.assume_used(told);
        }
        let limiter = Arc::new(limiter);
        if let Some(known) = known {
            known.keep(service, location, limits, &limiter);
        }
        limiter
    }

    /// Repeats within a call. The longest wait holds for them as well.
    fn retries(self) -> RetryPolicy {
        let (usual, longest) = (RetryPolicy::default(), self.loaded.config.retry.max);
        RetryPolicy {
            first_delay: usual.first_delay.min(longest),
            max_delay: usual.max_delay.min(longest),
            ..usual
        }
    }

    /// What HighLevel told an earlier run of the program of today: other programs may have used the day as well.
    async fn told_today(self, location: &str) -> Option<u32> {
        let days = self
            .store?
            .days_of_calls("highlevel", midnight(Timestamp::now()));
        let days = days.await.ok()?;
        let told = days.iter().find(|day| day.location == location)?;
        Some(told.used)
    }

    /// The calls that earlier runs of the program made today: a restart must not begin the day anew.
    async fn used_today(self, location: &str) -> u32 {
        let Some(store) = self.store else { return 0 };
        let midnight = midnight(Timestamp::now());
        match store.calls_since(location, "highlevel", midnight).await {
            Ok(used) => u32::try_from(used).unwrap_or(u32::MAX),
            Err(error) => {
                tracing::warn!(%error, "the calls of today could not be counted");
                0
            }
        }
    }

    /// A client for Ecologi.
    pub async fn ecologi(
        self,
        config: &ConnectionConfig,
        location: &str,
    ) -> Result<canopy_ecologi::Client, Failure> {
        let limits = Limits {
            window: window(config.ecologi.requests_per_minute, Duration::from_mins(1)),
            longest_pause: self.loaded.config.retry.max,
            ..Limits::UNLIMITED
        };
        let service = &config.ecologi.base_url;
        let known = self.limiters;
        let found = known.and_then(|known| known.find(service, location, &limits));
        let limiter = found.unwrap_or_else(|| {
            let limiter = Arc::new(Limiter::new(&limits, 0, Arc::new(SystemClock)));
            if let Some(known) = known {
                known.keep(service, location, limits, &limiter);
            }
            limiter
        });
        canopy_ecologi::Client::builder()
            .base_url(service)
            .api_key(
                self.secret(config, "ecologi.api_key", &config.ecologi.api_key)
                    .await?,
            )
            .location(location)
            .limiter(limiter)
            .retry(self.retries())
            .call_log(Arc::new(self.calls.clone()))
            .build()
            .map_err(|error| Failure::bad_input(&error))
    }

    /// Tells accounts apart: by the user name, else by the key, of which only a digest is kept.
    async fn ecologi_account(self, config: &ConnectionConfig) -> Result<String, Failure> {
        let whose = if let Some(user) = &config.ecologi.username {
            format!("user {user}")
        } else {
            let key = self
                .secret(config, "ecologi.api_key", &config.ecologi.api_key)
                .await?;
            let short = hex::encode(&Sha256::digest(key.expose_secret())[..8]);
            format!("key {short}")
        };
        Ok(format!("{whose} of {}", config.ecologi.base_url))
    }

    /// The configured location, or the one that the token is for.
    pub async fn location(self, config: &ConnectionConfig) -> Result<String, Failure> {
        match &config.highlevel.location_id {
            Some(location) => Ok(location.clone()),
            None if config.highlevel.oauth.is_some() => self.installed_at(config).await,
            // A start must not hang on a service for what is known.
            None => match self.known_location(config).await? {
                Some(location) => Ok(location),
                None => self.find_location(config).await,
            },
        }
    }

    /// The reads that workflows begin with: they show a wrong token, location or scope.
    pub async fn verify(
        client: &canopy_highlevel::Client,
        location: &str,
    ) -> Result<(), canopy_highlevel::Error> {
        for (operation, _) in crate::assess::FIRST_READS {
            let arguments = crate::assess::first_arguments(operation, location);
            client.invoke(operation, &arguments).await?;
        }
        Ok(())
    }

    /// The location that the connection has been for, where it is one.
    async fn known_location(self, config: &ConnectionConfig) -> Result<Option<String>, Failure> {
        let Some(store) = self.store else {
            return Ok(None);
        };
        store
            .location_of(&config.id)
            .await
            .map_err(|error| Failure::failed(&error))
    }

    /// The one location that the token is for.
    async fn find_location(self, config: &ConnectionConfig) -> Result<String, Failure> {
        let client = self.highlevel(config, "").await?;
        let where_to = format!("{}: connection \"{}\"", self.loaded.file, config.id);
        let answer = client.invoke("search-locations", &json!({})).await;
        if let (Some(store), Err(error)) = (self.store, &answer) {
            // Where it belongs is known from an earlier run, if at all.
            let parts = store.health().await.unwrap_or_default();
            let known = parts
                .iter()
                .find(|one| one.part == Part::Token && one.name == config.id);
            if let Some(known) = known {
                let place = (config.id.as_str(), known.location.as_str());
                let noted = health::note_token(store, place, Err(error)).await;
                noted.map_err(|error| Failure::failed(&error))?;
            }
        }
        let answer = answer.map_err(|error| {
            let text = format!(
                "{where_to}: highlevel.location_id is not given and could not be found by the token: {error}"
            );
            if error.is_retryable() || error.outcome_unknown() {
                Failure::Later(text)
            } else {
                Failure::BadInput(text)
            }
        })?;
        let locations = answer["locations"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        match locations {
            [one] if one["id"].is_string() => Ok(one["id"].as_str().unwrap_or_default().to_owned()),
            _ => Err(Failure::BadInput(format!(
                "{where_to}: the token sees {} locations; write highlevel.location_id",
                locations.len()
            ))),
        }
    }
}

/// The built-in prices with those of the configuration.
pub(crate) fn prices(loaded: &Loaded) -> Result<canopy_ecologi::PriceList, Failure> {
    let mut prices = canopy_ecologi::PriceList::default();
    for (currency, by_operation) in &loaded.config.prices {
        for (operation, price) in by_operation {
            prices.set(currency, operation, *price).map_err(|error| {
                Failure::BadInput(format!(
                    "{}: [prices.{currency}] {operation}: {error}",
                    loaded.file
                ))
            })?;
        }
    }
    Ok(prices)
}

/// The caps of a connection.
pub(crate) fn budget(loaded: &Loaded, config: &ConnectionConfig) -> Option<Budget> {
    let caps = |caps: &CapsConfig| Caps {
        per_day: caps.per_day,
        per_month: caps.per_month,
    };
    let budget = config.budget.as_ref()?;
    let workflows = budget.workflow.iter();
    let all = loaded.config.budget.get(&config.ecologi.currency);
    Some(Budget {
        per_day: budget.per_day,
        per_month: budget.per_month,
        per_contact_per_day: budget.per_contact_per_day,
        workflows: workflows.map(|(id, one)| (id.clone(), caps(one))).collect(),
        all: all.map(caps).unwrap_or_default(),
        // A configuration with another zone is refused when it is read.
        zone: config::zone(&budget.timezone).unwrap_or_default(),
    })
}

fn window(max: u32, per: Duration) -> Option<WindowLimit> {
    NonZeroU32::new(max).map(|max| WindowLimit { max, per })
}

/// When the UTC day began, by which HighLevel counts.
pub(crate) fn midnight(now: Timestamp) -> Timestamp {
    now.to_zoned_datetime(TimeZone::UTC)
        .start_of_day()
        .map_or(Timestamp::MAX, |day| day.timestamp())
}
