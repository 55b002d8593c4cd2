//! Triggers: what happened at HighLevel, as events in the inbox.
//!
//! Two ways lead there: [`Receiver`] takes signed webhooks, [`Poller`] asks at intervals where no webhook can
//! reach, and repairs what webhooks missed. Both end in the same inbox, where the same change is one event.
//!
//! [`Scheduler`] adds what the clock tells: timetables of workflows.
//!
//! [`Backfill`] reads a location as a whole for the view; it makes no events.
//!
//! It may use `highlevel` and `store` (and the plain data types of `mapping`). Nothing here knows HTTP routes or
//! workflows.
//!
//! ```
//! use canopy_triggers::PollOptions;
//! let options = PollOptions::default();
//! assert_eq!(options.every.as_secs(), 300);
//! assert!(!options.backfill); // history never fires by surprise
//! ```

mod backfill;
mod counts;
mod health;
mod hook_body;
mod long_body;
mod missed;
mod normalise;
mod poll;
mod receive;
mod receive_hook;
mod schedule;
mod secrets;
mod site;
mod tally;
mod unknown_hooks;
mod workflow_hook;

pub use backfill::{
    Backfill, BackfillError, BackfillOptions, Backfilled, Progress, RecordKind, Since,
};
pub use canopy_highlevel::webhook::{Signatures, Verifier, VerifyError};
pub use canopy_store::UNKNOWN_LOCATION;
pub use counts::Deliveries;
pub use health::{AddressHealth, Watch, address_health};
pub use hook_body::PayloadError;
pub use long_body::LongBody;
pub use missed::missed_by_webhooks;
pub use poll::{
    DayPlan, FirstReading, PlanError, Poll, PollError, PollOptions, PollPlan, PollSpec, Polled,
    Poller, Polls, Preview, begins_anew, calls_a_day, share_of_polls,
};
pub use receive::{ReceiveError, Received, Receiver};
pub use schedule::{Schedule, Scheduler};
pub use site::Site;
pub use workflow_hook::WorkflowHook;
