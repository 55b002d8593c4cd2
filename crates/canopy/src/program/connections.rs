//! The connections of a program, tried when it starts, and the ages of their tokens.

use canopy_engine::{Connection, Workflows};
use canopy_store::{NewAlert, SqliteStore, Store as _, StoreError};
use jiff::Timestamp;

use crate::config::Loaded;
use crate::connect::Connector;
use crate::exit::{Failure, chain};
use crate::{auth, health};

/// Builds all connections.
pub(crate) async fn connections(
    connector: Connector<'_>,
    workflows: &Workflows,
) -> Result<Vec<Connection>, Failure> {
    let mut connections = Vec::new();
    for config in &connector.loaded.config.connection {
        connections.push(connector.connection(config, workflows.clone()).await?);
    }
    Ok(connections)
}

/// Tries the tokens of all connections.
pub(crate) async fn try_all(
    loaded: &Loaded,
    store: Option<&SqliteStore>,
    connections: &[Connection],
) -> Result<(), Failure> {
    for connection in connections {
        try_one(loaded, store, connection).await?;
    }
    Ok(())
}

/// A service that cannot be reached now is no reason not to start.
async fn try_one(
    loaded: &Loaded,
    store: Option<&SqliteStore>,
    connection: &Connection,
) -> Result<(), Failure> {
    let tried = Connector::verify(&connection.highlevel, &connection.location).await;
    if let Some(store) = store {
        let place = (connection.id.as_str(), connection.location.as_str());
        let noted = health::note_token(store, place, tried.as_ref().copied());
        noted.await.map_err(|error| Failure::failed(&error))?;
    }
    match tried {
        Ok(()) => Ok(()),
        Err(error) if error.is_retryable() || error.outcome_unknown() => {
            tracing::warn!(connection = %connection.id, %error, "HighLevel cannot be reached now; it will be tried again");
            Ok(())
        }
        Err(error) => Err(Failure::BadInput(format!(
            "{}: connection \"{}\": {}",
            loaded.file,
            connection.id,
            chain(&error)
        ))),
    }
}

/// The private integration tokens of one connection.
#[derive(Debug)]
pub(super) struct PrivateTokens {
    connection: String,
    location: String,
    tokens: Vec<secrecy::SecretString>,
}

pub(super) async fn private_tokens(
    connector: Connector<'_>,
    connections: &[Connection],
) -> Result<Vec<PrivateTokens>, Failure> {
    let mut found = Vec::new();
    for (config, connection) in connector.loaded.config.connection.iter().zip(connections) {
        found.push(PrivateTokens {
            connection: config.id.clone(),
            location: connection.location.clone(),
            tokens: connector.private_tokens(config).await?,
        });
    }
    Ok(found)
}

/// Tells a person of tokens that are due for rotation.
pub(super) async fn remind(store: &SqliteStore, tokens: &[PrivateTokens]) {
    for of in tokens {
        let (connection, location) = (&of.connection, &of.location);
        match auth::remind(store, connection, location, &of.tokens, Timestamp::now()).await {
            Ok(None) => {}
            Ok(Some(reminder)) => tracing::warn!(%connection, "{reminder}"),
            Err(error) => {
                tracing::warn!(%connection, %error, "the age of its token could not be looked at");
            }
        }
    }
}

/// Kind of the alert that something waits where nobody works. Those about the file itself have the file as their subject.
const LEFT: &str = "configuration";
/// Begins the subject of the former.
const CONNECTION: &str = "connection ";
/// Kind of the alert that changed workflow files are not in force.
const WORKFLOWS: &str = "workflows";
/// Open alerts that are looked through; far more than a person would leave open.
const OPEN: u32 = 1000;

/// Ends what was told of files that were not in force: a program has just been put together from them as they are. Who told
/// it may have ended meanwhile, and stood at a location that is not there any more.
pub(super) async fn files_are_in_force(store: &SqliteStore) -> Result<(), StoreError> {
    let now = Timestamp::now();
    for alert in store.alerts(true, OPEN).await? {
        let of_file = alert.kind == LEFT && !alert.subject.starts_with(CONNECTION);
        if of_file || alert.kind == WORKFLOWS {
            let (location, kind) = (&alert.location, &alert.kind);
            store
                .resolve_alert(location, kind, &alert.subject, now)
                .await?;
        }
    }
    Ok(())
}

/// Tells a person of what waits at locations whose connection is not in the file any more, and takes it back where it is.
pub(super) async fn tell_left(store: &SqliteStore, here: &[String]) -> Result<(), StoreError> {
    let now = Timestamp::now();
    for at in store.waiting_at().await? {
        let subject = format!("{CONNECTION}{}", at.connection);
        if here.contains(&at.location) || at.events + at.runs == 0 {
            store.resolve_alert("", LEFT, &subject, now).await?;
            continue;
        }
        let message = format!(
            "{} event(s) and {} run(s) wait at location {}, whose connection \"{}\" is not in the configuration any more: nobody works there. Put the connection back and they go on; `canopy alerts --resolve NUMBER` where they are to be left",
            at.events, at.runs, at.location, at.connection
        );
        tracing::warn!("{message}");
        let alert = NewAlert {
            location: String::new(),
            kind: LEFT.to_owned(),
            subject,
            message,
        };
        store.raise_alert(alert, now).await?;
    }
    Ok(())
}
