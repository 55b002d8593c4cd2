//! `canopy secret`: tokens and keys in the store, encrypted.

use std::io::Read;

use canopy_store::{SqliteStore, Store};
use jiff::Timestamp;

use crate::cli::{ConfigArgs, Secret};
use crate::config;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::program::open_store;

pub(super) async fn secret(options: Secret, environment: &Environment) -> Result<Ended, Failure> {
    match options {
        Secret::Set { config, name } => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| {
                    Failure::BadInput(format!(
                        "the secret cannot be read from standard input: {error}"
                    ))
                })?;
            let value = text.trim();
            if value.is_empty() {
                return Err(Failure::BadInput(
                    "standard input is empty; write e.g. `canopy secret set highlevel < token.txt`"
                        .to_owned(),
                ));
            }
            let store = open(&config, environment).await?;
            let stored = store
                .put_secret(&name, &value.to_owned().into(), Timestamp::now())
                .await;
            store.close().await;
            stored.map_err(|error| Failure::failed(&error))?;
            eprintln!("stored; refer to it as \"secret:{name}\"");
        }
        Secret::Delete { config, name } => {
            let store = open(&config, environment).await?;
            let deleted = store.delete_secret(&name).await;
            store.close().await;
            if !deleted.map_err(|error| Failure::failed(&error))? {
                return Err(Failure::BadInput(format!(
                    "the store has no secret \"{name}\""
                )));
            }
            eprintln!("deleted");
        }
    }
    Ok(Ended::Well)
}

/// Opens the store of a configuration for writing.
pub(super) async fn open(
    config: &ConfigArgs,
    environment: &Environment,
) -> Result<SqliteStore, Failure> {
    let loaded = config::load(&config.config)?;
    open_store(&loaded, environment).await
}
