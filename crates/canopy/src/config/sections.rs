//! The sections that are for the whole program.

use std::net::SocketAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::schema::{Address, Length};
use super::{SecretRef, durations};

/// The status page.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// Where the status page listens: address and port. Keep it on loopback, the page asks for no password. Default:
    /// `127.0.0.1:8787`.
    #[schemars(with = "Address")]
    pub listen: SocketAddr,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8787)),
        }
    }
}

/// The webhook endpoint. Put a TLS proxy in front of it and register `https://YOUR-HOST/webhooks/highlevel`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Webhooks {
    /// Whether webhooks are listened to. Default: `true`.
    pub enabled: bool,
    /// Where they are listened to: address and port. Default: `127.0.0.1:8788`.
    #[schemars(with = "Address")]
    pub listen: SocketAddr,
    /// Ed25519 keys (SPKI, base64) that sign deliveries. Default: `[]`, HighLevel's published key.
    pub public_keys: Vec<String>,
    /// RSA keys (SPKI, base64 or PEM) of senders that still sign with the ended `X-WH-Signature`. Default: `[]`, it does not
    /// count.
    pub rsa_public_keys: Vec<String>,
    /// Deliveries whose timestamp is older are noted and start nothing: a length of time. HighLevel's dashboard sends
    /// deliveries of the last 30 days again. Default: `31d`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub window: Duration,
    /// Webhook actions of HighLevel's workflow builder, each a `[[webhooks.workflow]]` section. Default: none.
    pub workflow: Vec<WorkflowWebhook>,
}

/// A webhook action of HighLevel's workflow builder, sent to `https://YOUR-HOST/webhooks/workflow/NAME`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkflowWebhook {
    /// Its NAME in the address: small letters, digits, `-` and `_`. Workflow files start on it by
    /// `on = { webhook = "NAME" }`.
    #[schemars(extend("pattern" = "^[a-z0-9_-]+$"))]
    pub name: String,
    /// What the header must say: `env:NAME`, `file:PATH`, `secret:NAME`, or the text itself.
    pub secret: SecretRef,
    /// The header that carries the secret. Default: `X-Canopy-Secret`.
    #[serde(default = "secret_header")]
    #[schemars(extend("pattern" = "^[A-Za-z0-9-]+$"))]
    pub header: String,
    /// Id of the connection that its events belong to. Needed where there are several.
    pub connection: Option<String>,
    /// So long after a call an identical one is taken for its repetition: a length of time up to `31d`. Default: each call is
    /// one, because HighLevel's workflows repeat nothing by themselves. A sender that does names its calls in an
    /// `Idempotency-Key` header, which counts without this.
    #[serde(deserialize_with = "durations::maybe::deserialize", default)]
    #[schemars(with = "Option<Length>")]
    pub dedupe: Option<Duration>,
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
            window: Duration::from_hours(31 * 24),
            workflow: Vec::new(),
        }
    }
}

/// Polling finds what webhooks missed, or everything where no webhook can reach this machine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Poll {
    /// Whether HighLevel is polled. Default: `true`.
    pub enabled: bool,
    /// How often HighLevel is asked for changes: a length of time from `1m` to `15m`. Default: `5m`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub every: Duration,
    /// How long HighLevel's search may lag behind writes: a length of time. Default: `60s`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub overlap: Duration,
    /// Within this length of time the notes and tasks of all contacts are read once, whether or not their contact changed.
    /// Default: `7d`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub sweep: Duration,
    /// Report the records that are there at the first poll as new. With `test = false` that buys for all of them. Default:
    /// `false`.
    pub backfill: bool,
    /// What a poll finds, or a webhook tells, later than this length of time after it happened waits for `canopy approve`; not with
    /// `backfill = true`. Default: `24h`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
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

/// Retries of a step: exponential waits, then the dead letters.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retry {
    /// The first wait, a length of time above zero. Default: `5s`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub base: Duration,
    /// The longest wait, a length of time not below `base`; also where a service asks for a longer one. Default: `15m`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub max: Duration,
    /// A run that only fails goes to the dead letters after so many attempts in a row, but not before `give_up_after`: 1 or
    /// more. Default: 10.
    #[schemars(range(min = 1))]
    pub max_attempts: u32,
    /// How long a run that only fails is kept trying at least, a length of time: an outage of a day leads to waiting, not to
    /// dead letters. Default: `3d`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub give_up_after: Duration,
    /// How long HighLevel must say that a record is not there before its event counts as gone, a length of time: what was
    /// just made may not be there yet. Default: `15m`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub gone_after: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            max: Duration::from_mins(15),
            max_attempts: 10,
            give_up_after: Duration::from_hours(3 * 24),
            gone_after: Duration::from_mins(15),
        }
    }
}

/// Checks of credentials, scopes, billing and currency while `canopy run` runs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Checks {
    /// How often, besides the start: a length of time from a second to a day. While purchases are stopped, every five minutes
    /// at least. Default: `60m`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub every: Duration,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            every: Duration::from_hours(1),
        }
    }
}

/// What keeps workflows from going on for ever.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Loops {
    /// Runs of one workflow for one contact within ten minutes, after which further ones are held. Default: 20.
    pub most_runs: u32,
}

impl Default for Loops {
    fn default() -> Self {
        Self { most_runs: 20 }
    }
}

/// Purchases without an answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Purchases {
    /// How long an unanswered purchase is sent again under its key, a length of time. After that it is made anew only where
    /// the account's totals show that it was not made; where they cannot tell, it waits for a person. Default: `10m`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub window: Duration,
    /// How long Ecologi remembers keys at most, a length of time, not below `window`; it is not documented. Default: `24h`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub key_memory: Duration,
    /// How late the account's totals may be, a length of time: Ecologi refreshes them about every ten minutes. Default:
    /// `15m`.
    #[serde(with = "durations")]
    #[schemars(with = "Length")]
    pub report_delay: Duration,
}

impl Default for Purchases {
    fn default() -> Self {
        Self {
            window: Duration::from_mins(10),
            key_memory: Duration::from_hours(24),
            report_delay: Duration::from_mins(15),
        }
    }
}

/// What a person is told of.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Health {
    /// As soon as less is free on the disk of the database, an alert tells of it: megabytes (a million bytes each). Default:
    /// 200.
    pub free_megabytes: u64,
}

impl Health {
    pub fn free_bytes(&self) -> u64 {
        self.free_megabytes.saturating_mul(1_000_000)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            free_megabytes: 200,
        }
    }
}
