//! Calls operations with the credentials of one connection of a configuration.

use std::sync::Arc;

use canopy_highlevel::{Client, Description, Priority, Refusal};
use canopy_store::SqliteStore;
use canopy_transport::Cause;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::catalog::{lacks_location, with_location};
use super::cli::ConnectionArgs;
use crate::auth;
use crate::call_log::CallSink;
use crate::config::{self, ConnectionConfig, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Failure, chain};
use crate::program::existing_store;

/// One connection, ready for calls.
pub(crate) struct Caller {
    loaded: Loaded,
    config: ConnectionConfig,
    environment: Environment,
    /// Where the calls are noted; there is none before the first `canopy run`.
    store: Option<SqliteStore>,
    calls: CallSink,
    location: OnceCell<String>,
    client: Client,
}

impl Caller {
    /// Reads the configuration and the credentials; calls nothing.
    pub async fn open(
        options: &ConnectionArgs,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let loaded = config::load(&options.config.config)?;
        let config = pick(&loaded, options.connection.as_deref())?.clone();
        let store = existing_store(&loaded, environment).await?;
        let (calls, log) = CallSink::new();
        if let Some(store) = &store {
            log.start(Arc::new(store.clone()));
        }
        let connector = Connector {
            loaded: &loaded,
            environment,
            store: store.as_ref(),
            calls: &calls,
            limiters: None,
        };
        let location = config.highlevel.location_id.clone();
        let client = connector
            .highlevel(&config, location.as_deref().unwrap_or_default())
            .await?;
        Ok(Self {
            client: client.with_priority(Priority::Interactive),
            location: OnceCell::new_with(location),
            environment: environment.clone(),
            config,
            loaded,
            store,
            calls,
        })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Adds the connection's location where the operation needs one and none is given.
    pub async fn complete(
        &self,
        description: &Description,
        arguments: Value,
    ) -> Result<Value, Failure> {
        if lacks_location(description, &arguments) {
            let location = self.location().await?;
            return Ok(with_location(description, arguments, location));
        }
        Ok(arguments)
    }

    /// The id of the connection.
    pub fn connection(&self) -> &str {
        &self.config.id
    }

    /// In which mode the connection is: in words, and in a word.
    pub fn mode(&self) -> &'static str {
        self.config.mode()
    }

    pub fn mode_word(&self) -> &'static str {
        self.config.mode_word()
    }

    /// In test mode nothing is written to `HighLevel`, by whatever way.
    pub fn may_send(&self, reads: bool) -> Result<(), Failure> {
        if reads || self.config.writes() {
            return Ok(());
        }
        Err(Failure::BadInput(format!(
            "connection {} is in test mode, in which nothing is written to HighLevel; write_in_test = true allows it, --dry-run shows the request",
            self.config.id
        )))
    }

    pub fn base_url(&self) -> &str {
        &self.config.highlevel.base_url
    }

    /// The scopes that an app's token was granted. `None`: nobody knows, as of private integration tokens.
    pub async fn granted(&self) -> Option<Vec<String>> {
        self.config.highlevel.oauth.as_ref()?;
        let store = self.store.as_ref()?;
        auth::granted(store, &self.config.id).await
    }

    /// The connection's location: the configured one, or the one that the token is for.
    pub async fn location(&self) -> Result<&str, Failure> {
        let connector = Connector {
            loaded: &self.loaded,
            environment: &self.environment,
            store: self.store.as_ref(),
            calls: &self.calls,
            limiters: None,
        };
        let location = self
            .location
            .get_or_try_init(|| connector.location(&self.config));
        location.await.map(String::as_str)
    }

    /// Writes the call log and closes the store.
    pub async fn close(self) {
        if let Some(store) = self.store {
            self.calls.flush().await;
            store.close().await;
        }
    }
}

/// The connection of this id, or the only one.
pub(crate) fn pick<'a>(
    loaded: &'a Loaded,
    id: Option<&str>,
) -> Result<&'a ConnectionConfig, Failure> {
    let connections = &loaded.config.connection;
    match (id, connections.as_slice()) {
        (Some(id), _) => loaded.connection(id),
        (None, [one]) => Ok(one),
        (None, all) => {
            let ids: Vec<_> = all.iter().map(|one| one.id.as_str()).collect();
            Err(Failure::BadInput(format!(
                "{} has several connections; say which: --connection ID, of {}",
                loaded.file,
                ids.join(", ")
            )))
        }
    }
}

/// A failed call: wrong arguments are bad input, whoever found them.
pub(crate) fn failure(error: &canopy_highlevel::Error) -> Failure {
    let of_arguments = matches!(error.cause(), Cause::Arguments(_))
        || matches!(error.refusal(), Some(Refusal::Validation { .. }));
    if of_arguments {
        let fix = match error.cause() {
            Cause::Arguments(error) if error.wants_integer() => {
                "; write it without a fraction, such as 20"
            }
            _ => "",
        };
        Failure::BadInput(chain(error) + fix)
    } else {
        Failure::Failed(chain(error))
    }
}
