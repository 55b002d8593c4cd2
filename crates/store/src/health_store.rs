//! The part of the trait that knows how the program fares.
//!
//! Health is a state, not a log: each part (a poll, a webhook address, a token) is good since or failing since. Whoever
//! works with a part reports how it went; what a person is told follows here, in the same transaction. An alert comes with
//! the second failure in a row, or at once where trying again mends nothing, and ends with the next success.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::types::Alert;

/// A part that is overdue by more than this is not looked after: nothing runs.
const OVERDUE: SignedDuration = SignedDuration::from_mins(15);

/// The same of the program as a whole, which writes its state each minute. A look may hang on a service for some of them.
const SILENT: SignedDuration = SignedDuration::from_mins(5);

/// A state that lasts is written so often.
const OFTEN: SignedDuration = SignedDuration::from_mins(1);

/// What has a state. Its word is the kind of the alert about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// HighLevel's token of a connection.
    Token,
    /// Ecologi's key of a connection.
    Key,
    /// The totals of a connection's Ecologi account, by which ledger and account are compared.
    Totals,
    /// Whether Ecologi answers a connection.
    Ecologi,
    /// Whether the records behind a location's events can be read.
    Reading,
    Poll,
    /// An address of webhooks by the vendor's measure.
    WebhookRate,
    /// Whether signatures at an address fit.
    WebhookSignatures,
    /// Whether webhooks tell of a kind of which polls find changes.
    WebhookSilence,
    /// The day's calls at HighLevel.
    Limit,
    /// Whether what happens can be kept, and for how long there is room.
    Store,
    /// The work at a location.
    Drain,
    Timetables,
    /// Whether this machine's clock is right.
    ClockOff,
    /// Runs that have ended in failure.
    DeadRuns,
    /// Runs that wait for a person.
    HeldRuns,
    /// Purchases of which nobody knows whether they were made.
    UnknownPurchases,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Token,
        Self::Key,
        Self::Totals,
        Self::Ecologi,
        Self::Reading,
        Self::Poll,
        Self::WebhookRate,
        Self::WebhookSignatures,
        Self::WebhookSilence,
        Self::Limit,
        Self::Store,
        Self::Drain,
        Self::Timetables,
        Self::ClockOff,
        Self::DeadRuns,
        Self::HeldRuns,
        Self::UnknownPurchases,
    ];
}

/// How a part fares, as somebody who works with it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartReport {
    /// Empty: it is of the program as a whole.
    pub location: String,
    pub part: Part,
    /// Tells parts of a kind apart: a poll's name, an address, a connection.
    pub name: String,
    pub state: PartState,
    /// When it is tried or looked at again by itself.
    pub next_try: Option<Timestamp>,
}

/// Good or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartState {
    Good,
    /// Nothing personal, no secrets in either text.
    Failing {
        cause: String,
        remedy: String,
        /// Trying again mends nothing, as with a token that is refused: a person is told at once.
        at_once: bool,
    },
    /// Not good, and another alert tells of it already.
    ToldElsewhere {
        cause: String,
        remedy: String,
    },
}

/// The state of a part as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHealth {
    pub location: String,
    pub part: Part,
    pub name: String,
    /// One of these two is there.
    pub good_since: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub last_success: Option<Timestamp>,
    pub next_try: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// It is failing, and not only once: a person is told.
    pub alerting: bool,
    pub cause: Option<String>,
    pub remedy: Option<String>,
    pub updated_at: Timestamp,
}

impl PartHealth {
    fn reason(&self, now: Timestamp) -> Option<Reason> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        self.alerting.then(|| Reason {
            location: self.location.clone(),
            kind: self.part.as_str().to_owned(),
            name: self.name.clone(),
            since: self.failing_since.unwrap_or(now),
            text: format!("{}; {}", text(&self.cause), text(&self.remedy)),
        })
    }

    /// Its next try is long past: nothing runs that would make it.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let patience = if self.part == Part::Store {
            SILENT
        } else {
            OVERDUE
        };
        self.next_try
            .is_some_and(|next| now.duration_since(next) > patience)
    }
}

/// Reports of those who look often: what is as it was is told once a minute, not at each look.
#[derive(Debug, Default)]
pub struct Reports(HashMap<(String, Part, String), (PartState, Timestamp)>);

impl Reports {
    /// Those that are worth writing.
    pub fn news(&mut self, reports: Vec<PartReport>, now: Timestamp) -> Vec<PartReport> {
        let mut news = Vec::new();
        for report in reports {
            let key = (report.location.clone(), report.part, report.name.clone());
            let known = self.0.get(&key).is_some_and(|(state, at)| {
                let counts = matches!(report.state, PartState::Failing { at_once: false, .. });
                !counts && *state == report.state && now.duration_since(*at).abs() < OFTEN
            });
            if !known {
                self.0.insert(key, (report.state.clone(), now));
                news.push(report);
            }
        }
        news
    }
}

/// Something that is not good, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub location: String,
    /// The kind of the alert, or `overdue`.
    pub kind: String,
    pub name: String,
    pub since: Timestamp,
    pub text: String,
}

/// What is not good: parts of which a person is told, alerts about other states that last, and what nobody looks after.
/// One failure is none yet, and what only happened is past.
pub fn not_good(parts: &[PartHealth], alerts: &[Alert], now: Timestamp) -> Vec<Reason> {
    let mut reasons: Vec<_> = parts.iter().filter_map(|part| part.reason(now)).collect();
    reasons.extend(overdue(parts, now));
    let of_part = |alert: &&Alert| Part::ALL.iter().any(|part| part.as_str() == alert.kind);
    let others = alerts
        .iter()
        .filter(|alert| alert.resolved_at.is_none() && !of_part(alert) && !is_notice(alert));
    reasons.extend(others.map(|alert| Reason {
        location: alert.location.clone(),
        kind: alert.kind.clone(),
        name: alert.subject.clone(),
        since: alert.raised_at,
        text: alert.message.clone(),
    }));
    reasons
}

/// What should have been tried or looked at long ago. Where a program makes one round and ends, nothing is announced.
fn overdue(parts: &[PartHealth], now: Timestamp) -> Vec<Reason> {
    let heart = parts.iter().find(|part| part.part == Part::Store);
    let Some((heart, next)) = heart.and_then(|heart| Some((heart, heart.next_try?))) else {
        return Vec::new();
    };
    let reason = |part: &PartHealth, since, text| Reason {
        location: part.location.clone(),
        kind: "overdue".to_owned(),
        name: part.name.clone(),
        since,
        text,
    };
    if heart.is_overdue(now) {
        let text = format!(
            "nothing has run, or could be stored, since {next:.0}; start `canopy run`, and see why it ended; where it runs, see to its disk"
        );
        return vec![reason(heart, next, text)];
    }
    let late = parts
        .iter()
        .filter(|part| !part.alerting && part.is_overdue(now));
    late.filter_map(|part| {
        let next = part.next_try?;
        let text = format!(
            "{} {} should have been tried at {next:.0}; start canopy anew, and tell its makers",
            part.part, part.name
        );
        Some(reason(part, next, text))
    })
    .collect()
}

/// A kind of alert, for documents and for those who only want to know what is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertKind {
    pub kind: &'static str,
    /// It tells of something that happened, not of a state that lasts: it ends by itself after a day.
    pub notice: bool,
}

/// All kinds of alerts. What each means, what to do and how it ends stands in `docs/alerts.md`.
pub const ALERT_KINDS: &[AlertKind] = &[
    state("account"),
    state("approval"),
    state("budget"),
    notice("clock"),
    state("clock_off"),
    state("configuration"),
    state("currency"),
    state("dead_runs"),
    state("drain"),
    state("drift"),
    state("ecologi"),
    notice("fields"),
    notice("gone"),
    state("held_runs"),
    state("key"),
    state("limit"),
    state("list"),
    notice("loop"),
    state("neighbour"),
    state("poll"),
    state("price"),
    state("reading"),
    state("reconnect"),
    notice("schedule"),
    state("stopped"),
    state("store"),
    state("timetables"),
    state("token"),
    state("token_age"),
    state("totals"),
    notice("trigger"),
    state("unknown_purchases"),
    notice("unreadable"),
    state("waiting"),
    notice("webhook_name"),
    state("webhook_rate"),
    state("webhook_signatures"),
    state("webhook_silence"),
    state("workflows"),
];

const fn state(kind: &'static str) -> AlertKind {
    let notice = false;
    AlertKind { kind, notice }
}

const fn notice(kind: &'static str) -> AlertKind {
    let notice = true;
    AlertKind { kind, notice }
}

/// Whether an alert only tells of something that happened.
pub fn is_notice(alert: &Alert) -> bool {
    let mut kinds = ALERT_KINDS.iter();
    kinds.any(|known| known.notice && known.kind == alert.kind)
}

/// Events of a location whose records could not be read, and which are tried again. What is only missing is not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub location: String,
    pub events: u64,
    /// How often in a row the one was tried that was tried most.
    pub attempts: u32,
    /// When the next of them is tried.
    pub next_try: Timestamp,
    /// Of the newest failure.
    pub error: String,
}

/// See the module.
#[async_trait]
pub trait HealthStore: Send + Sync + std::fmt::Debug {
    /// Keeps how parts fare, and raises and ends the alerts about them. Not fenced: it is about the program.
    async fn report_health(&self, reports: Vec<PartReport>, now: Timestamp) -> Result<()>;
    /// Forgets the parts of this kind at a location that have none of these names, because they are not there any more.
    async fn keep_parts(
        &self,
        location: &str,
        part: Part,
        names: Vec<String>,
        now: Timestamp,
    ) -> Result<()>;
    /// Forgets the parts of all locations but these; what is of the program as a whole stays.
    async fn keep_places(&self, locations: Vec<String>, now: Timestamp) -> Result<()>;
    /// Why the newest transaction could not be written, as on a full disk: then the states that are kept are old.
    fn trouble(&self) -> Option<StoreError>;
    /// The state of all parts.
    async fn health(&self) -> Result<Vec<PartHealth>>;
    /// The events that cannot be read, by location.
    async fn unread(&self) -> Result<Vec<Unread>>;
    /// Ends the alerts that only tell of something that happened, where nothing of the kind was told since `before`. Tells
    /// how many there were.
    async fn end_notices(&self, before: Timestamp, now: Timestamp) -> Result<u64>;
}
