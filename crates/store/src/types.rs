//! The rows that callers see. All times are UTC instants given by the caller: the store reads no clock.

use std::collections::BTreeMap;

use canopy_mapping::{Event, Source, Trace};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::profile_types::{Erased, HistoryEntry, ProfileChange};
pub use crate::record_types::{Fired, NewRecord, PollCommit, PollRecord, StoredRecord, Told};
pub use crate::run_types::{
    LastRun, NewRun, NewStep, Run, RunState, RunUpdate, StepOutcome, StepRecord, StepState, Stuck,
    Trouble, Written,
};

/// Proof of owning a location. Every fenced write names it and is refused once another owner holds a later epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub location: String,
    pub owner: String,
    pub epoch: i64,
}

/// An event on its way into the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub source: Source,
    pub kind: String,
    pub location: String,
    pub contact: Option<String>,
    pub record: String,
    pub occurred_at: Timestamp,
    /// `Some` when the payload tells which state it speaks of: the event is then unique on
    /// (location, kind, record, version). `None`: it waits for [`crate::Store::complete_event`].
    pub version: Option<String>,
    /// SHA-256 (hex) of the raw delivery, for events without a version: an identical delivery is a duplicate
    /// while the first one has not been read yet. (Afterwards it may speak of a later, equal-looking change.)
    pub delivery: Option<String>,
    pub payload: Value,
    pub trace: Trace,
}

/// What became of one [`NewEvent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// Stored durably under this inbox number.
    Stored(i64),
    /// The same event is in the inbox under this number.
    Duplicate(i64),
}

/// Kind of the alert that events wait for approval; its subject is their kind. [`crate::Store::approve_event`] of the
/// last one resolves it.
pub const APPROVAL: &str = "approval";

/// What reading the record behind an event told.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The kind that it turned out to be; `None`: as it was told.
    pub kind: Option<String>,
    /// The record that it turned out to be of; `None`: as it was told.
    pub record: Option<String>,
    pub version: Version,
    pub contact: Option<String>,
    pub payload: Value,
    /// Whether the record was read just now, so that it is newer than all that arrived before.
    pub read: bool,
    /// Hash of a contact's content as it was read; `None` of other records.
    pub seen: Option<String>,
}

/// Which state of a record was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// The record tells it, e.g. the time of its last change.
    Own(String),
    /// The record has no version: SHA-256 (hex) of its content. What was last read of it is remembered, so the same
    /// content read again is no change, and A to B to A is three.
    Content(String),
}

/// How an event ended without a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventEnd {
    /// It only shows what we wrote ourselves.
    Echo,
    /// No workflow asks for it.
    NoMatch,
    /// The record no longer exists.
    Gone,
    /// A later read showed that another inbox row holds the same change.
    Duplicate,
}

/// State of an inbox row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    Pending,
    /// Waits for a person's approval.
    Held,
    /// Its runs have been created; they carry on from here.
    Started,
    Echo,
    NoMatch,
    Gone,
    Duplicate,
}

/// An inbox row: the event and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxRow {
    pub event: Event,
    pub state: EventState,
    /// A person has let it go on.
    pub approved: bool,
    pub received_at: Timestamp,
    /// Reads of the record that failed so far, and when the next may be tried.
    pub attempts: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub error: Option<String>,
    /// Since when the service has said that the record is not there.
    pub missing_since: Option<Timestamp>,
    /// What is not there, where it is not the event's own record but its contact.
    #[serde(default)]
    pub missing: Option<String>,
    /// When it was last looked for after it had been given up.
    #[serde(default)]
    pub looked_at: Option<Timestamp>,
    /// Hashes of the contact's parts as they were when the event's runs began, where they are kept.
    #[serde(skip)]
    pub seen: Option<BTreeMap<String, String>>,
    /// Orders the states that a location's events stand for, by when they arrived or were read: the higher, the newer.
    pub position: i64,
}

/// Why and until when an event waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postponed {
    pub until: Timestamp,
    /// Reads that failed so far, this one among them.
    pub attempts: u32,
    pub error: String,
    /// Since when the service has said that the record is not there; `None`: it has not.
    pub missing_since: Option<Timestamp>,
    /// What is not there, where it is not the event's own record but its contact.
    pub missing: Option<String>,
}

/// Creates the profile, or merges `fields` into it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileUpdate {
    pub id: String,
    pub contact: String,
    pub fields: Map<String, Value>,
}

/// Which HighLevel record belongs to which Ecologi-side record, and what we last wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub location: String,
    /// `contact`, `note`, `task` ...
    pub kind: String,
    pub highlevel_id: String,
    pub ecologi_id: String,
    /// Hash of the HighLevel record as we last wrote it; `None` once somebody else changed it.
    pub written_hash: Option<String>,
    pub updated_at: Timestamp,
}

/// The new state of a link (upsert on location, kind and HighLevel id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUpdate {
    pub kind: String,
    pub highlevel_id: String,
    pub ecologi_id: String,
    pub written_hash: Option<String>,
}

/// State of a purchase: that of its newest ledger entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseState {
    /// Decided and counted against the caps; certainly not sent.
    Intended,
    /// Handed to the network; whether it was bought is not known yet.
    Sent,
    Confirmed,
    /// Ecologi said no: nothing was bought.
    Refused,
    /// Sent, without an answer for longer than keys are trusted: waits for a person.
    Unknown,
}

/// A purchase to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPurchase {
    /// Deterministic: names what is bought once. The first attempt goes out under it. After a refusal the same request
    /// goes out under the key that it had, and another one under a key of its own.
    pub key: String,
    pub connection: String,
    pub contact: Option<String>,
    pub workflow: String,
    pub step: String,
    pub run: i64,
    /// Operation of Ecologi's description, e.g. `buy-trees`.
    pub operation: String,
    pub request: Value,
    pub quantity: Decimal,
    /// `trees`, `kg_co2e`, `kg_co2e_removed` or `m2`.
    pub unit: String,
    pub test: bool,
    /// Expected cost in `currency`, from the configured prices.
    pub estimate: Decimal,
    pub currency: String,
}

/// A purchase as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// Ecologi's `Idempotency-Key`. One key has one request for ever.
    pub key: String,
    /// What is bought once ([`NewPurchase::key`]): the key of the first attempt.
    pub slot: String,
    pub location: String,
    pub connection: String,
    pub contact: Option<String>,
    pub workflow: String,
    pub step: String,
    pub run: i64,
    pub operation: String,
    pub request: Value,
    pub quantity: Decimal,
    pub unit: String,
    pub test: bool,
    pub estimate: Decimal,
    /// Of the answer once confirmed, of the estimate before.
    pub currency: String,
    pub state: PurchaseState,
    /// What Ecologi charged, once confirmed.
    pub amount: Option<Decimal>,
    pub url: Option<String>,
    pub response: Option<Value>,
    pub error: Option<String>,
    pub created_at: Timestamp,
    /// First time it was handed to the network.
    pub sent_at: Option<Timestamp>,
    /// The account that it was handed to then, as its caller calls it. `None`: not sent, or before this was noted.
    pub sent_to: Option<String>,
    pub updated_at: Timestamp,
}

/// One line of the append-only ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub seq: i64,
    pub key: String,
    pub state: PurchaseState,
    pub at: Timestamp,
    pub amount: Option<Decimal>,
    pub currency: Option<String>,
    pub detail: Option<String>,
}

/// Which purchases count against a cap, as seen from the one that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapScope {
    /// Those of its connection.
    Connection,
    /// Those of its workflow, in its connection.
    Workflow,
    /// Those of its contact, at its location.
    Contact,
    /// Those of all connections in its currency.
    All,
}

/// A limit on real spending (`test = false`) within `[from, until)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Cap {
    /// `day` or `month`, for messages.
    pub name: &'static str,
    pub scope: CapScope,
    pub from: Timestamp,
    /// When the period ends and waiting purchases may go on.
    pub until: Timestamp,
    pub limit: Decimal,
}

impl Cap {
    /// Names the cap of a purchase: `a day`, `a month for workflow thanks`.
    pub fn subject(&self, workflow: &str, contact: Option<&str>, currency: &str) -> String {
        let name = self.name;
        match self.scope {
            CapScope::Connection => format!("a {name}"),
            CapScope::Workflow => format!("a {name} for workflow {workflow}"),
            CapScope::Contact => format!("a {name} for contact {}", contact.unwrap_or("none")),
            CapScope::All => format!("a {name} for all connections in {currency}"),
        }
    }
}

/// What became of a purchase's intent.
#[derive(Debug, Clone, PartialEq)]
pub enum PurchaseIntent {
    /// Intended now; counted against the caps.
    Intended(Purchase),
    /// The key is in the ledger already (any state but refused, which is intended again).
    Existing(Purchase),
    /// It would go over this cap, or overtake others that wait at it; it waits now, and nothing else was written but the step.
    OverCap { cap: Cap, used: Decimal },
    /// The account's last receipt was in this currency, and not in the purchase's; it waits now.
    OtherCurrency { currency: String },
}

/// How a purchase came out.
#[derive(Debug, Clone, PartialEq)]
pub enum PurchaseOutcome {
    Confirmed {
        amount: Decimal,
        currency: String,
        url: Option<String>,
        response: Value,
    },
    Refused {
        error: String,
    },
    Unknown {
        error: String,
    },
}

/// How far a poll has read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    pub location: String,
    /// Names the poll: operation and parameters.
    pub name: String,
    /// What the poll wants to know next time.
    pub state: Value,
    pub updated_at: Timestamp,
}

/// One call made to a service, for the call log. Nothing personal: no query, no bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallEntry {
    pub at: Timestamp,
    /// `highlevel` or `ecologi`.
    pub service: String,
    pub location: String,
    pub operation: String,
    pub method: String,
    /// HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    pub elapsed_ms: u64,
    pub attempt: u32,
    pub trace_id: Option<String>,
    pub error: Option<String>,
    /// The service's limit of calls in this UTC day, where it told.
    pub day_limit: Option<u32>,
    /// How many calls of the day everybody had used by then, as the service counts.
    pub day_used: Option<u32>,
}

/// What a service told last of a location's calls in a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayOfCalls {
    pub location: String,
    pub limit: u32,
    /// By everybody.
    pub used: u32,
    /// By us, up to then.
    pub own: u32,
}

impl DayOfCalls {
    /// By other programs: all private tokens of a location share its day.
    pub fn others(&self) -> u32 {
        self.used.saturating_sub(self.own)
    }
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    pub location: String,
    /// E.g. `reconnect`, `budget`, `loop`.
    pub kind: String,
    /// What it is about: with location and kind it tells alerts apart, so that a repeat counts up.
    pub subject: String,
    /// What happened and what to do. Nothing personal, no secrets.
    pub message: String,
}

/// An alert as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub id: i64,
    pub location: String,
    pub kind: String,
    pub subject: String,
    pub message: String,
    pub raised_at: Timestamp,
    pub updated_at: Timestamp,
    /// How often it was raised.
    pub times: u32,
    pub resolved_at: Option<Timestamp>,
}

/// How reliably webhooks tell the events of one kind: what they missed, a poll found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    pub location: String,
    pub kind: String,
    /// Found in any way.
    pub events: u64,
    /// Of these, no webhook told.
    pub missed: u64,
}

impl Missed {
    /// The share that webhooks missed, in per cent, to a tenth.
    pub fn percent(&self) -> Decimal {
        let share = Decimal::from(self.missed * 100) / Decimal::from(self.events.max(1));
        share.round_dp(1).normalize()
    }
}

/// What was done in test mode: nothing was charged, and nothing shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InTest {
    /// Confirmed simulations.
    pub purchases: u64,
    pub trees: Decimal,
    /// What they would have cost, by currency.
    pub cost: Vec<(String, Decimal)>,
    /// Steps that were recorded as they would be sent to HighLevel, and not sent.
    pub withheld: u64,
    /// Ended runs of which something was only simulated, and which a person's word carries out.
    pub runs: u64,
}

/// Counts for the summary and the status page.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    pub events: u64,
    pub events_pending: u64,
    /// Of these, so many could not be read yet and are tried again.
    pub events_waiting: u64,
    /// Wait for a person's approval.
    pub events_held: u64,
    pub events_echo: u64,
    pub profiles: u64,
    /// Confirmed purchases for real money.
    pub purchases: u64,
    pub purchases_open: u64,
    pub purchases_unknown: u64,
    /// Trees of these.
    pub trees: Decimal,
    /// Their amounts by currency, in the order of the currency's code.
    pub cost: Vec<(String, Decimal)>,
    /// What was simulated: never added to the above.
    pub test: InTest,
    pub runs_done: u64,
    /// Ready or waiting.
    pub runs_open: u64,
    pub runs_waiting: u64,
    pub runs_held: u64,
    pub runs_dead: u64,
    /// Alerts that are not resolved.
    pub alerts: u64,
    /// Entries of the call log.
    pub calls: u64,
}
