//! The part of the trait that knows what waits to be bought, what caps have left, and what was learned of accounts.

use async_trait::async_trait;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
use crate::types::{Cap, Fence};

/// The gate of purchases on an account that answers in another currency.
pub const OTHER_CURRENCY: &str = "another currency";

/// How the names of facts begin that say when a purchase went out by clocks that nobody sets; its key follows. They go with
/// its outcome.
pub const UNANSWERED: &str = "unanswered ";

/// A purchase that waits its turn. Its run comes back to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitingPurchase {
    /// Order in which they came to wait.
    pub place: i64,
    /// What is bought once, see [`NewPurchase::key`](crate::NewPurchase::key).
    pub slot: String,
    pub location: String,
    pub connection: String,
    pub run: i64,
    pub contact: Option<String>,
    pub workflow: String,
    pub operation: String,
    pub quantity: Decimal,
    pub unit: String,
    /// What it will probably cost, in `currency`.
    pub estimate: Decimal,
    pub currency: String,
    /// What it waits for: the subject of a cap ([`Cap::subject`]) or another gate.
    pub gate: String,
    /// It may go; what it will cost is reserved.
    pub freed: bool,
    pub since: Timestamp,
}

/// What a purchase that wants to go finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// It may go: what it will cost is reserved for it, and its run is due. Also where it waits no more, because its run came
    /// to it meanwhile.
    Goes,
    /// It would go over this cap, of which so much is used or reserved.
    OverCap { cap: Cap, used: Decimal },
    /// The account's last answer was in another currency, so nobody knows what the caps have left.
    OtherCurrency { currency: String },
}

/// What counts against a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapUse {
    /// Charged, by the receipts.
    pub spent: Decimal,
    /// Intended, sent, unknown or about to go: by what it will probably cost.
    pub reserved: Decimal,
}

/// Whose use of a cap is asked for; what the cap's scope does not look at does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapOf {
    pub location: String,
    pub connection: String,
    pub workflow: String,
    pub contact: Option<String>,
    pub currency: String,
}

/// Sums of the real purchases of a connection in one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    pub connection: String,
    pub unit: String,
    pub confirmed: Decimal,
    /// Sent or unknown: it may have been made.
    pub open: Decimal,
    /// Of what is confirmed, what was confirmed lately.
    pub recent: Decimal,
}

/// A purchase of another store.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    pub key: String,
    pub slot: String,
    pub location: String,
    pub connection: String,
    pub workflow: String,
    pub contact: Option<String>,
    pub operation: String,
    pub quantity: Decimal,
    pub unit: String,
    /// What was charged; `None`: it was not confirmed, and may have been made.
    pub amount: Option<Decimal>,
    /// What it may have cost where that is not known.
    pub estimate: Option<Decimal>,
    pub currency: String,
    pub test: bool,
    pub url: Option<String>,
    pub at: Timestamp,
}

/// What became of imported purchases.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imports {
    pub added: u64,
    /// They were here and open.
    pub confirmed: u64,
    pub known: u64,
    /// Keys of those that were not taken, because another attempt at the same stands.
    pub in_the_way: Vec<String>,
}

/// Money that waits or is left; facts that outlive the process.
#[async_trait]
pub trait MoneyStore: Send + Sync {
    /// The purchases of a location that wait, in the order in which what they are for happened; those whose run is over are left out. `None`: of all locations.
    async fn waiting_purchases(&self, location: Option<&str>) -> Result<Vec<WaitingPurchase>>;
    /// Lets a waiting purchase go where these caps and the account's currency allow it, else notes what it waits for, until
    /// `until` (a cap's end goes before).
    async fn free_purchase(
        &self,
        fence: &Fence,
        slot: &str,
        currency: &str,
        caps: Vec<Cap>,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Turn>;
    /// Waiting purchases go on waiting, for this gate.
    async fn keep_waiting(
        &self,
        fence: &Fence,
        slots: Vec<String>,
        gate: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()>;
    /// Has a purchase wait for a gate, in the order in which things happened.
    async fn wait_for_gate(
        &self,
        fence: &Fence,
        purchase: crate::NewPurchase,
        gate: &str,
        now: Timestamp,
    ) -> Result<()>;
    /// What a connection was charged from a moment on in other currencies: no part of the sums of caps in this one.
    async fn spent_elsewhere(
        &self,
        connection: &str,
        currency: &str,
        from: Timestamp,
    ) -> Result<Vec<(String, Decimal)>>;
    /// The currency in which a connection was charged last, where it is not this one and nothing has shown since that the
    /// account has this one.
    async fn other_currency(&self, connection: &str, currency: &str) -> Result<Option<String>>;
    /// The runs that are not over and have come to buy this.
    async fn runs_that_buy(&self, slot: &str) -> Result<Vec<i64>>;
    /// How much of a cap is used.
    async fn cap_use(&self, cap: &Cap, of: &CapOf) -> Result<CapUse>;
    /// What was really bought in all; `since`: from when on a confirmation counts as recent.
    async fn bought(&self, since: Timestamp) -> Result<Vec<Bought>>;
    /// A person's word: these were made by a newer store than this. What is confirmed here is left as it is; what was not
    /// confirmed there is unknown here.
    async fn import_purchases(
        &self,
        rows: Vec<Imported>,
        source: &str,
        now: Timestamp,
    ) -> Result<Imports>;
    /// Names the locations that are worked for: at a cap that connections share, what waits at others keeps nobody waiting.
    async fn work_for(&self, locations: Vec<String>, now: Timestamp) -> Result<()>;
    /// A person's word: an unanswered purchase is waited for no longer, and is unknown. `false`: it is not unanswered.
    async fn doubt_purchase(&self, key: &str, note: &str, now: Timestamp) -> Result<bool>;
    /// A person's word: what waits here was bought already. `false`: nothing of the kind waits.
    async fn say_bought(&self, slot: &str, note: &str, now: Timestamp) -> Result<bool>;
    /// What was learned under this name, and when.
    async fn fact(&self, name: &str) -> Result<Option<(Value, Timestamp)>>;
    /// Learns it, in place of what was known.
    async fn put_fact(&self, name: &str, value: Value, now: Timestamp) -> Result<()>;
}
