//! The configuration file: TOML, every key documented in `canopy init`'s output, unknown keys refused.
//!
//! What is said of a key here is shown by editors as well (`canopy schema`): shape, unit, default.

mod budget;
mod connection;
mod credentials;
mod durations;
mod fields;
mod hooks;
mod load;
mod schema;
mod secrets;
mod sections;
mod workflows;

use std::collections::BTreeMap;
use std::path::PathBuf;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use budget::zone;
pub(crate) use connection::{BudgetConfig, CapsConfig, ConnectionConfig, HighLevel, OAuthConfig};
pub(crate) use fields::located;
pub(crate) use hooks::{verifier, workflow_hooks};
pub(crate) use load::{Loaded, load, parse};
pub(crate) use schema::schema;
pub(crate) use secrets::{
    SecretError, SecretRef, new_store_key, settle_key_file, store_key, trace_of_a_store,
};
pub(crate) use sections::{Checks, Health, Loops, Poll, Purchases, Retry, Server, Webhooks};
pub(crate) use workflows::{
    Recipe, WorkflowFiles, all_workflows, described_workflows, left_out, left_out_text, recipe,
    recipes, refusal, sources, switched_off, switched_workflows, workflow_files, workflows,
};

/// Canopy's configuration. `canopy check` tells what is wrong with it beyond its shape.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The database, a path relative to this file. It keeps every event, run and purchase. Default: `canopy.db`.
    #[serde(default = "default_store")]
    pub store: PathBuf,
    /// The file with the key that encrypts tokens in the database, a path relative to this file; created with the database.
    /// The environment variable `CANOPY_KEY` or the systemd credential `canopy-key` come first. Default: `canopy.key`.
    #[serde(default = "default_key_file")]
    pub key_file: PathBuf,
    /// Ready workflows to run (`canopy recipe list`). Default: `new-contact`, unless `workflows` is given; `[]`: none.
    pub recipes: Option<Vec<String>>,
    /// Folder with workflow files of your own, a path relative to this file. Default: none.
    pub workflows: Option<PathBuf>,
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub webhooks: Webhooks,
    #[serde(default)]
    pub poll: Poll,
    #[serde(default)]
    pub retry: Retry,
    #[serde(default)]
    pub check: Checks,
    #[serde(default)]
    pub loops: Loops,
    #[serde(default)]
    pub purchases: Purchases,
    #[serde(default)]
    pub health: Health,
    /// Expected prices of one unit, by currency and purchase, such as `[prices.GBP] buy-trees = "0.60"`; the caps reckon with
    /// them. They add to the built-in list.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, schema::PricesOf>", extend("propertyNames" = { "pattern": "^[A-Za-z]{3}$" }))]
    pub prices: BTreeMap<String, BTreeMap<String, Decimal>>,
    /// Caps of all connections of a currency together, such as `[budget.GBP] per_month = "250.00"`. Default: none.
    #[serde(default)]
    pub budget: BTreeMap<String, CapsConfig>,
    /// The connections, each a `[[connection]]` section: one HighLevel location and one Ecologi account.
    #[schemars(extend("minItems" = 1))]
    pub connection: Vec<ConnectionConfig>,
}

fn default_store() -> PathBuf {
    "canopy.db".into()
}

fn default_key_file() -> PathBuf {
    "canopy.key".into()
}
