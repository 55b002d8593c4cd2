//! What tests and users may change while the sandbox runs (`POST /settings`).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::contacts::Lag;

/// Behaviour of both services. Each default is what the real service does as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // independent switches of a settings document, not states
pub struct Settings {
    /// Whether rate limits are held.
    pub limits: bool,
    /// HighLevel calls per location in ten seconds.
    pub burst_limit: u32,
    /// HighLevel calls per location in a day (UTC).
    pub daily_limit: u32,
    /// Whether the account is on trial: private integrations have 25 calls in ten seconds and 10,000 a day together.
    pub trial_account: bool,
    /// How answers with tokens spell their members.
    pub token_spelling: Spelling,
    /// Ecologi calls in a minute.
    pub ecologi_minute_limit: u32,
    /// How long a write stays invisible to searches and lists of contacts.
    pub search_lag_seconds: u32,
    /// Whether about half of the writes show up at once, others after that time.
    pub search_lag_uneven: bool,
    /// How long the search of opportunities does not see a new one.
    pub opportunity_lag_seconds: u32,
    /// Whether the search answers `dndSettings`, which the live one has not done since 2025.
    pub search_shows_dnd_channels: bool,
    /// Whether a note moves its contact's `dateUpdated`.
    pub note_moves_contact: bool,
    /// Whether a task moves its contact's `dateUpdated`.
    pub task_moves_contact: bool,
    /// Whether two contacts may share an e-mail address or phone number.
    pub allow_duplicate_contacts: bool,
    /// Members that an upsert drops without a word.
    pub upsert_drops: Vec<String>,
    /// Whether a contact may have two opportunities in one pipeline.
    pub allow_duplicate_opportunities: bool,
    /// Whether `TaskCreate` webhooks have `contactId` and `body`: those of the service are reported to lack them.
    pub task_webhook_has_contact: bool,
    /// Which answers to a webhook make it come again.
    pub webhook_retry: WebhookRetry,
    /// Pause before a webhook comes again; absent: it doubles each time, with jitter.
    pub webhook_retry_seconds: Option<u32>,
    /// The first pause, up to which half of it may be taken off by chance.
    pub webhook_backoff_seconds: u32,
    /// The longest pause.
    pub webhook_backoff_most_seconds: u32,
    /// How often a webhook comes again; absent: 6 times `on_429`, 12 times `on_failure`.
    pub webhook_retries: Option<u32>,
    /// Flat or wrapped, or without what real deliveries add.
    pub webhook_shape: Shape,
    /// The breaker judges addresses that had more deliveries than this in its days.
    pub breaker_deliveries: u32,
    /// How often it looks, and how far back.
    pub breaker_days: u32,
    /// The share of deliveries that must be answered with 2xx.
    pub breaker_percent: u32,
    /// Whether what happens during a pause of the breaker is told afterwards.
    pub webhook_pause_keeps: bool,
    /// How many webhooks are under way at once.
    pub webhook_concurrency: u32,
    /// How long a webhook's receiver may take to answer, in real time.
    pub webhook_timeout_ms: u32,
    /// Whether the account may use `recipientEmail`.
    pub recipient_email_enabled: bool,
    /// Whether the account has billing details.
    pub billing: bool,
    /// The account's currency.
    pub currency: String,
    /// Prices that differ from the list, by the names of `data/prices.json`.
    pub prices: BTreeMap<String, Decimal>,
    /// How long Ecologi remembers an `Idempotency-Key`; absent: for ever.
    pub idempotency_memory_seconds: Option<u32>,
    /// What an `Idempotency-Key` that came before does with another body, whatever the first one was answered: the service does
    /// not say, so nobody may rely on it.
    pub idempotency_other_body: OtherBody,
    /// Which purchases answer `projectDetails`.
    pub project_details: ProjectDetails,
    /// How Ecologi's refusals look.
    pub ecologi_errors: EcologiErrors,
    /// How long a purchase takes to appear in the reports.
    pub report_lag_seconds: u32,
}

/// Which answers to a webhook make it come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookRetry {
    /// Only 429, as until March 2026; any other failure loses the webhook for good.
    #[serde(rename = "on_429")]
    On429,
    /// Every answer but 2xx, and no answer at all.
    OnFailure,
}

/// Spelling of `access_token` and its like: the service had camelCase in early summer 2026 and has both since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spelling {
    SnakeCase,
    CamelCase,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherBody {
    /// 422: a client should never do it, so a test may want to hear of it.
    Refuse,
    /// The first answer once more.
    Replay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectDetails {
    Always,
    /// All but trees, as seen live.
    Sometimes,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EcologiErrors {
    /// `{"responseCode": 401, "message": "..."}`
    ResponseCode,
    /// `{"error": "..."}`
    Error,
    /// Plain text.
    Text,
}

/// How webhooks are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The record's members with `type`, `timestamp`, `webhookId`, `appId` and `versionId`: as seen in real deliveries.
    Flat,
    /// The record in `data`: as in the vendor's guide.
    Wrapped,
    /// The record's members and `type` alone: as in the schemas.
    Bare,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: true,
            burst_limit: 100,
            daily_limit: 200_000,
            trial_account: false,
            token_spelling: Spelling::SnakeCase,
            ecologi_minute_limit: 100,
            search_lag_seconds: 2,
            search_lag_uneven: false,
            opportunity_lag_seconds: 0,
            search_shows_dnd_channels: false,
            note_moves_contact: false,
            task_moves_contact: false,
            allow_duplicate_contacts: false,
            upsert_drops: vec!["gender".to_owned()],
            allow_duplicate_opportunities: false,
            task_webhook_has_contact: false,
            webhook_retry: WebhookRetry::OnFailure,
            webhook_retry_seconds: None,
            webhook_backoff_seconds: 10,
            webhook_backoff_most_seconds: 600,
            webhook_shape: Shape::Flat,
            breaker_deliveries: 10_000,
            breaker_days: 3,
            breaker_percent: 90,
            webhook_pause_keeps: false,
            webhook_retries: None,
            webhook_concurrency: 4,
            webhook_timeout_ms: 10_000,
            recipient_email_enabled: false,
            billing: true,
            currency: "GBP".to_owned(),
            prices: BTreeMap::new(),
            idempotency_memory_seconds: Some(86_400),
            idempotency_other_body: OtherBody::Refuse,
            project_details: ProjectDetails::Sometimes,
            ecologi_errors: EcologiErrors::ResponseCode,
            report_lag_seconds: 600,
        }
    }
}

impl Settings {
    pub fn search_lag(&self) -> Lag {
        Lag {
            seconds: self.search_lag_seconds,
            uneven: self.search_lag_uneven,
        }
    }

    pub fn retries(&self) -> u32 {
        self.webhook_retries.unwrap_or(match self.webhook_retry {
            WebhookRetry::On429 => 6,
            WebhookRetry::OnFailure => 12,
        })
    }
}
