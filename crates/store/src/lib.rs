//! Everything durable: inbox, cursors, runs and steps, the ledger of purchases, profiles, links, secrets and the
//! call log.
//!
//! Callers program against the trait [`Store`]; [`SqliteStore`] keeps it in one SQLite file. The crate may use the
//! plain data types of `canopy-mapping` and nothing else of ours: it plans nothing, calls nobody, and reads neither
//! clock nor environment. Every instant is handed in.
//!
//! What it promises:
//!
//! - A write that returned `Ok` is on disk (`synchronous=FULL`); one that returned an error has left nothing behind.
//!   Each method is one transaction. Writes that wait at the same time share one commit.
//! - An event is in the inbox once, whichever way it came.
//! - The ledger is append-only, takes one confirmation of a key, and never lets intents pass a cap.
//! - A process whose lease was taken over writes nothing more: see [`Fence`].
//! - Secrets are encrypted with a [`SecretKey`], which the file never contains.
//!
//! Instants are kept to the microsecond, money and quantities to the millionth.
//!
//! ```
//! use canopy_mapping::{Source, Trace};
//! use canopy_store::{Inserted, NewEvent, SecretKey, SqliteStore, Store};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(&folder.path().join("canopy.db"), &SecretKey::generate()).await?;
//! let now = "2026-11-02T09:00:00Z".parse()?;
//! let event = NewEvent {
//!     source: Source::Webhook,
//!     kind: "contact.created".into(),
//!     location: "loc".into(),
//!     contact: Some("c1".into()),
//!     record: "c1".into(),
//!     occurred_at: now,
//!     version: Some("created".into()),
//!     delivery: None,
//!     payload: serde_json::json!({"id": "c1", "firstName": "Ada"}),
//!     trace: Trace::default(),
//! };
//!
//! let first = store.insert_events(vec![event.clone()], now).await?;
//! let again = store.insert_events(vec![event], now).await?;
//! assert_eq!(first, [Inserted::Stored(1)]);
//! assert_eq!(again, [Inserted::Duplicate(1)]);
//! assert_eq!(store.pending_events("loc", now, 0, 10).await?.len(), 1);
//! store.close().await;
//! # Ok(())
//! # }
//! ```

mod breaker_store;
pub mod clock;
mod delivery_store;
mod error;
mod files;
mod health_store;
mod key;
mod money_store;
mod patience_store;
mod profile_store;
mod profile_types;
mod random;
mod record_types;
mod run_types;
mod sqlite;
mod store;
mod types;
mod words;

pub use breaker_store::{Breaker, BreakerStore, STOPPED, SimulatedPurchase, Switched, Withheld};
pub use delivery_store::{DeliveryCount, DeliveryKey, DeliveryStore, Taken, UNKNOWN_LOCATION};
pub use error::{KeyError, OpenError, Result, StoreError};
pub use health_store::{
    ALERT_KINDS, AlertKind, HealthStore, Part, PartHealth, PartReport, PartState, Reason, Reports,
    Unread, is_notice, not_good,
};
pub use key::SecretKey;
pub use money_store::{
    Bought, CapOf, CapUse, Imported, Imports, MoneyStore, OTHER_CURRENCY, Turn, UNANSWERED,
    WaitingPurchase,
};
pub use patience_store::{GivenUp, PatienceStore};
pub use profile_store::ProfileStore;
pub use sqlite::{
    Age, AtLocation, Confirmed, Inventory, SqliteOptions, SqliteStore, prove, snapshot,
};
pub use store::Store;
pub use types::*;
