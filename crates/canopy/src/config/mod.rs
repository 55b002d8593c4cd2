//! The configuration file: TOML, every key documented in `canopy init`'s output, unknown keys refused.

mod budget;
mod credentials;
mod durations;
mod fields;
mod hooks;
mod load;
mod secrets;
mod workflows;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use canopy_mapping::fields::FieldRules;
use rust_decimal::Decimal;
use serde::Deserialize;

pub(crate) use fields::located;
pub(crate) use hooks::{verifier, workflow_hooks};
pub(crate) use load::{Loaded, load, parse};
pub(crate) use secrets::{SecretError, SecretRef, store_key};
pub(crate) use workflows::{
    Recipe, WorkflowFiles, all_workflows, recipe, recipes, refusal, workflow_files, workflows,
    workflows_of,
};

/// A configuration as its file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The database, relative to the configuration file.
    #[serde(default = "default_store")]
    pub store: PathBuf,
    /// The file with the key that encrypts tokens in the database.
    #[serde(default = "default_key_file")]
    pub key_file: PathBuf,
    /// Recipes to run. Default: `new-contact`, unless `workflows` is given.
    pub recipes: Option<Vec<String>>,
    /// Folder with workflow files to run.
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
    pub loops: Loops,
    #[serde(default)]
    pub purchases: Purchases,
    /// Prices by currency and operation; they add to the built-in list.
    #[serde(default)]
    pub prices: BTreeMap<String, BTreeMap<String, Decimal>>,
    /// Caps of all connections together, by currency.
    #[serde(default)]
    pub budget: BTreeMap<String, CapsConfig>,
    pub connection: Vec<ConnectionConfig>,
}

fn default_store() -> PathBuf {
    "canopy.db".into()
}

fn default_key_file() -> PathBuf {
    "canopy.key".into()
}

/// The status page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// Keep it on loopback: the page asks for no password.
    pub listen: SocketAddr,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8787)),
        }
    }
}

/// The webhook endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Webhooks {
    pub enabled: bool,
    pub listen: SocketAddr,
    /// Ed25519 keys (SPKI, base64) that sign deliveries. Default: `HighLevel`'s.
    pub public_keys: Vec<String>,
    /// RSA keys (SPKI, base64 or PEM) of senders that still sign with the ended `X-WH-Signature`. Default: none.
    pub rsa_public_keys: Vec<String>,
    /// Deliveries whose timestamp is older are refused.
    #[serde(with = "durations")]
    pub window: Duration,
    /// Webhook actions of `HighLevel`'s workflow builder.
    pub workflow: Vec<WorkflowWebhook>,
}

/// `POST /webhooks/workflow/{name}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkflowWebhook {
    /// In the address; workflow files start on it by `on = { webhook = "name" }`.
    pub name: String,
    /// What the header must say.
    pub secret: SecretRef,
    #[serde(default = "secret_header")]
    pub header: String,
    /// Id of the connection that its events belong to. Needed where there are several.
    pub connection: Option<String>,
}

fn secret_header() -> String {
    "X-Canopy-Secret".to_owned()
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::from(([127, 0, 0, 1], 8788)),
            public_keys: Vec::new(),
            rsa_public_keys: Vec::new(),
            window: Duration::from_hours(24),
            workflow: Vec::new(),
        }
    }
}

/// Polling.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Poll {
    pub enabled: bool,
    /// 1 to 15 minutes.
    #[serde(with = "durations")]
    pub every: Duration,
    /// How long `HighLevel`'s search may lag behind.
    #[serde(with = "durations")]
    pub overlap: Duration,
    /// Within this time the notes and tasks of all contacts are read once, whether or not their contact changed.
    #[serde(with = "durations")]
    pub sweep: Duration,
    /// Report the records that are there at the first poll.
    pub backfill: bool,
    /// What a poll finds later than this after it happened waits for approval.
    #[serde(with = "durations")]
    pub max_age: Duration,
}

impl Default for Poll {
    fn default() -> Self {
        Self {
            enabled: true,
            every: Duration::from_mins(5),
            overlap: Duration::from_mins(1),
            sweep: Duration::from_hours(7 * 24),
            backfill: false,
            max_age: Duration::from_hours(24),
        }
    }
}

/// Retries of steps.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retry {
    #[serde(with = "durations")]
    pub base: Duration,
    #[serde(with = "durations")]
    pub max: Duration,
    /// Attempts before a run goes to the dead letters.
    pub max_attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            max: Duration::from_mins(15),
            max_attempts: 10,
        }
    }
}

/// What keeps workflows from going on for ever.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Loops {
    /// Runs of one workflow for one contact within ten minutes, after which further ones are held.
    pub most_runs: u32,
}

impl Default for Loops {
    fn default() -> Self {
        Self { most_runs: 20 }
    }
}

/// Purchases without an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Purchases {
    /// How long the same key is sent again; after that a person decides.
    #[serde(with = "durations")]
    pub window: Duration,
}

impl Default for Purchases {
    fn default() -> Self {
        Self {
            window: Duration::from_hours(12),
        }
    }
}

/// One `HighLevel` location and one Ecologi account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionConfig {
    /// Never change it: purchases are recognised by it. Default `main`.
    #[serde(default = "default_id")]
    pub id: String,
    /// `true`, the default: purchases are simulated, nothing is charged.
    #[serde(default = "yes")]
    pub test: bool,
    pub highlevel: HighLevel,
    pub ecologi: Ecologi,
    pub budget: Option<BudgetConfig>,
    /// Which fields of contacts and profiles belong together, by the profile's field.
    #[serde(default)]
    pub fields: FieldRules,
}

fn default_id() -> String {
    "main".to_owned()
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HighLevel {
    #[serde(default = "highlevel_url")]
    pub base_url: String,
    /// Private integration token; either this or `oauth`.
    pub token: Option<SecretRef>,
    /// The token that takes over while a rotation's overlap lasts.
    pub next_token: Option<SecretRef>,
    /// An app of the marketplace, in place of a private integration token.
    pub oauth: Option<OAuthConfig>,
    /// Found by the token when left out.
    pub location_id: Option<String>,
    #[serde(default = "hundred")]
    pub requests_per_10_seconds: u32,
    #[serde(default = "per_day")]
    pub requests_per_day: u32,
}

/// Credentials of an app of `HighLevel`'s marketplace.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OAuthConfig {
    pub client_id: String,
    pub client_secret: SecretRef,
    /// One of those that the app names.
    pub redirect_uri: String,
    /// Where a person installs the app; white-label agencies have their own.
    #[serde(default = "chooser_url")]
    pub chooser_url: String,
    /// The app is installed from the agency's view; the location's token is got by the agency's.
    #[serde(default)]
    pub agency: bool,
    /// The agency; told by the installation when left out.
    pub company_id: Option<String>,
}

fn chooser_url() -> String {
    canopy_highlevel::oauth::CHOOSER_URL.to_owned()
}

fn highlevel_url() -> String {
    "https://services.leadconnectorhq.com".to_owned()
}

const fn hundred() -> u32 {
    100
}

const fn per_day() -> u32 {
    200_000
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ecologi {
    #[serde(default = "ecologi_url")]
    pub base_url: String,
    pub api_key: SecretRef,
    /// The account's user name, for its public page and totals.
    pub username: Option<String>,
    /// ISO code of the account's currency.
    #[serde(default = "pounds")]
    pub currency: String,
    #[serde(default = "hundred")]
    pub requests_per_minute: u32,
}

fn ecologi_url() -> String {
    "https://public.ecologi.com".to_owned()
}

fn pounds() -> String {
    "GBP".to_owned()
}

/// Caps in the account's currency; required when `test = false`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetConfig {
    pub per_day: Decimal,
    pub per_month: Decimal,
    /// For one contact.
    pub per_contact_per_day: Option<Decimal>,
    /// By workflow id.
    #[serde(default)]
    pub workflow: BTreeMap<String, CapsConfig>,
}

/// Caps that one may do without.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CapsConfig {
    pub per_day: Option<Decimal>,
    pub per_month: Option<Decimal>,
}
