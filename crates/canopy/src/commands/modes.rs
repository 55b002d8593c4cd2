//! In which mode connections are: every command that shows what belongs to one says so, so that nobody takes what was
//! simulated for bought.

use std::collections::HashMap;

use canopy_store::SqliteStore;
use serde::Serialize;
use serde_json::{Value, json};

use super::{LedgerCommand, ProfileCommand, Trigger};
use crate::cli::{Command, ConfigArgs, Purchase};
use crate::config;
use crate::exit::Failure;

/// Tells people the modes of the connections that a command is about, on standard error: standard output is for what was
/// asked for, which often goes on to other programs.
pub(super) fn tell(command: &Command) {
    let Some((config, only)) = of(command) else {
        return;
    };
    // What is wrong with it the command itself tells.
    let Ok(loaded) = config::load(&config.config) else {
        return;
    };
    for one in &loaded.config.connection {
        if only.is_none_or(|id| *id == one.id) {
            eprintln!("connection {}: {}", one.id, one.mode());
        }
    }
}

/// The configuration and the connection of what shows something as text that does not say the mode by itself.
fn of(command: &Command) -> Option<(&ConfigArgs, Option<&String>)> {
    let (config, connection, json) = match command {
        Command::Run(it) if it.rehearse => (&it.config, &it.connection, it.json),
        Command::Alerts(it) => (&it.config, &it.only.connection, it.json),
        Command::Plan(it) => (&it.config, &it.only.connection, it.json),
        Command::Simulate(it) => (&it.config, &it.connection, it.json),
        Command::Trigger(Trigger::Test(it)) => (&it.config, &it.only.connection, it.json),
        Command::Workflows(it) => (&it.config, &it.only.connection, it.json),
        Command::Events(it) => (&it.config, &it.only.connection, it.json),
        Command::Runs(it) => (&it.config, &it.only.connection, it.json),
        Command::Purchase(Purchase::List(it)) | Command::Ledger(LedgerCommand::List(it)) => {
            (&it.config, &it.only.connection, it.json)
        }
        Command::Backfill(it) => (&it.config, &it.only.connection, it.json),
        Command::Ledger(LedgerCommand::Export(it)) => (&it.config, &it.only.connection, it.json),
        Command::Ledger(LedgerCommand::Reconcile(it)) => (&it.config, &it.only.connection, it.json),
        Command::Ledger(LedgerCommand::Acknowledge(it)) => (&it.config, &it.connection, it.json),
        Command::Ledger(LedgerCommand::Import(it)) => (&it.config, &None, it.json),
        Command::Profile(ProfileCommand::Show {
            config, only, json, ..
        }) => (config, &only.connection, *json),
        _ => return None,
    };
    (!json).then_some((config, connection.as_ref()))
}

/// Rows as data, each with the mode in which its connection is now (`connection_mode`: `real` or `test`); `null` where it
/// belongs to none that is configured.
pub(super) async fn rows<T: Serialize>(
    config: &ConfigArgs,
    store: &SqliteStore,
    rows: &[T],
) -> Result<Value, Failure> {
    let loaded = config::load(&config.config)?;
    let mut known: HashMap<String, Value> = HashMap::new();
    let mut all = Vec::new();
    for row in rows {
        let mut row = json!(row);
        let location = row
            .get("location")
            .or_else(|| row.pointer("/event/location"));
        let location = location
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if !known.contains_key(&location) {
            let id = store.connection_of(&location).await;
            let id = id.map_err(|error| Failure::failed(&error))?;
            let mut connections = loaded.config.connection.iter();
            let one = connections.find(|one| Some(&one.id) == id.as_ref());
            known.insert(
                location.clone(),
                json!(one.map(config::ConnectionConfig::mode_word)),
            );
        }
        row["connection_mode"] = known[&location].clone();
        all.push(row);
    }
    Ok(Value::Array(all))
}
