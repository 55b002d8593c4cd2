//! `[[connection]]`: one location, one account, and what may be spent.

use std::collections::BTreeMap;

use canopy_mapping::fields::FieldRules;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;
use super::schema::{self, Cap};

/// One HighLevel location and one Ecologi account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = schema::real_needs_budget)]
pub(crate) struct ConnectionConfig {
    /// Names the connection: letters, digits, `-` and `_`. Never change it: purchases are recognised by it. Default: `main`.
    #[serde(default = "default_id")]
    #[schemars(extend("pattern" = "^[A-Za-z0-9_-]+$"))]
    pub id: String,
    /// `true`: purchases are simulated and nothing is charged. `false` spends real money and needs
    /// `[connection.budget]`. Default: `true`.
    #[serde(default = "yes")]
    pub test: bool,
    /// Whether HighLevel is written to while `test` is `true`. `false`: its writes are recorded as they would be sent, and not
    /// sent. Default: `false`.
    #[serde(default)]
    pub write_in_test: bool,
    pub highlevel: HighLevel,
    pub ecologi: Ecologi,
    pub budget: Option<BudgetConfig>,
    /// Which fields of contacts and profiles belong together, by the profile's field: the contact's field, or a table with the
    /// details. The action `profile.sync` keeps them in step. Default: none.
    #[serde(default)]
    pub fields: FieldRules,
}

impl ConnectionConfig {
    /// Whether `HighLevel` is written to.
    pub fn writes(&self) -> bool {
        !self.test || self.write_in_test
    }

    /// The mode in a word, for scripts.
    pub fn mode_word(&self) -> &'static str {
        if self.test { "test" } else { "real" }
    }

    /// What it does, in a few words.
    pub fn mode(&self) -> &'static str {
        match (self.test, self.write_in_test) {
            (false, _) => "real: purchases are charged, HighLevel is written to",
            (true, false) => {
                "test: purchases are simulated, and what would be written to HighLevel is recorded and not sent"
            }
            (true, true) => {
                "test: purchases are simulated, HighLevel is written to (write_in_test)"
            }
        }
    }
}

fn default_id() -> String {
    "main".to_owned()
}

const fn yes() -> bool {
    true
}

/// The HighLevel location (sub-account), with either a `token` or an app (`[connection.highlevel.oauth]`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = schema::token_or_app)]
pub(crate) struct HighLevel {
    /// Address of the API: https, or http on this machine. Default: `https://services.leadconnectorhq.com`.
    #[serde(default = "highlevel_url")]
    pub base_url: String,
    /// Private integration token of the sub-account: `env:NAME`, `file:PATH`, `secret:NAME`, or the token itself. Either this
    /// or `oauth`.
    pub token: Option<SecretRef>,
    /// While the token is rotated: the new one, written like `token`. Both are tried for the 7 days in which both work.
    pub next_token: Option<SecretRef>,
    pub oauth: Option<OAuthConfig>,
    /// The sub-account's id. Default: found by the token.
    pub location_id: Option<String>,
    /// HighLevel's limit of calls in 10 seconds: 1 or more. Trial accounts have 25. Default: 100.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1))]
    pub requests_per_10_seconds: u32,
    /// HighLevel's limit of calls a day: 1 or more. Trial accounts have 10000. Default: 200000.
    #[serde(default = "per_day")]
    #[schemars(range(min = 1))]
    pub requests_per_day: u32,
}

/// An app of HighLevel's marketplace, in place of a private integration token. Then run `canopy auth url`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = schema::company_needs_agency)]
pub(crate) struct OAuthConfig {
    /// The app's id, from its page in the marketplace.
    pub client_id: String,
    /// The app's secret: `env:NAME`, `file:PATH`, `secret:NAME`, or the secret itself.
    pub client_secret: SecretRef,
    /// One of the redirect addresses that the app names: https, and not this machine. Nothing needs to answer there.
    pub redirect_uri: String,
    /// Where a person installs the app; white-label agencies have their own. Default: HighLevel's chooser.
    #[serde(default = "chooser_url")]
    pub chooser_url: String,
    /// `true`: the app is installed from the agency's view, and the location's token is got by the agency's. It needs
    /// `location_id`. Default: `false`.
    #[serde(default)]
    pub agency: bool,
    /// The agency's id. Default: told by the installation.
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

/// The Ecologi account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ecologi {
    /// Address of the API: https, or http on this machine. Default: `https://public.ecologi.com`.
    #[serde(default = "ecologi_url")]
    pub base_url: String,
    /// The key of the account's Impact API page: `env:NAME`, `file:PATH`, `secret:NAME`, or the key itself.
    pub api_key: SecretRef,
    /// The account's user name, for its public page and totals. Default: none are shown.
    pub username: Option<String>,
    /// The account's currency, an ISO code in capitals. Default: `GBP`.
    #[serde(default = "pounds")]
    #[schemars(extend("pattern" = "^[A-Z]{3}$"))]
    pub currency: String,
    /// The most calls a minute: 1 or more. Default: 100.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1))]
    pub requests_per_minute: u32,
}

fn ecologi_url() -> String {
    "https://public.ecologi.com".to_owned()
}

fn pounds() -> String {
    "GBP".to_owned()
}

/// Caps in the account's currency, over calendar days and months. Purchases beyond them wait. Required when
/// `test = false`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetConfig {
    /// The most a day, above zero.
    #[schemars(with = "Cap")]
    pub per_day: Decimal,
    /// The most a month, not below `per_day`.
    #[schemars(with = "Cap")]
    pub per_month: Decimal,
    /// The most a day for one contact, above zero. Default: no such cap.
    #[schemars(with = "Option<Cap>")]
    pub per_contact_per_day: Option<Decimal>,
    /// Where days and months begin: `UTC`, `location` (the sub-account's time zone; the token needs
    /// `locations.readonly`), or a zone such as `Europe/London`. Default: `UTC`.
    #[serde(default = "utc")]
    pub timezone: String,
    /// Further caps for single workflows, by their id. Default: none.
    #[serde(default)]
    pub workflow: BTreeMap<String, CapsConfig>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Caps of which one may be left out.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct CapsConfig {
    /// The most a day, above zero. Default: no such cap.
    #[schemars(with = "Option<Cap>")]
    pub per_day: Option<Decimal>,
    /// The most a month, not below `per_day`. Default: no such cap.
    #[schemars(with = "Option<Cap>")]
    pub per_month: Option<Decimal>,
}
