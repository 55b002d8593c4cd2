//! What both clients run on: bearer tokens, API version headers, rate limits, retries, the call log, redaction.
//!
//! It knows no service and no operation: generated tables of [`operation::Operation`] tell it what it needs, and
//! generated clients send through [`Execute`]. It may depend on none of our crates.
//!
//! ```
//! use canopy_transport::{Limits, Transport};
//!
//! # fn main() -> Result<(), canopy_transport::BuildError> {
//! let transport = Transport::builder("highlevel")
//!     .location("loc-1")
//!     .token("pit-secret".to_owned().into())
//!     .limits(Limits::UNLIMITED)
//!     .build()?;
//! assert!(!format!("{transport:?}").contains("secret"));
//! # Ok(())
//! # }
//! ```

mod answer;
mod blank;
mod call_log;
mod clock;
mod evidence;
mod execute;
mod failure;
pub mod invoke;
pub mod lenient;
mod limits;
pub mod operation;
mod patch;
mod record;
pub mod redact;
pub mod retry;
pub mod schema;
mod secret;
mod tls;
mod token;
pub mod tolerant;
mod transport;

pub use answer::{ErrorForm, Facts, NotSent};
pub use blank::request_builder;
pub use call_log::{CallLog, CallProblem, CallRecord, NoCallLog};
pub use clock::{Clock, SystemClock};
pub use evidence::Unreadable;
pub use execute::Execute;
pub use failure::{CallError, Cause};
pub use limits::{
    Budget, DailyBudget, DailyLimit, Exhausted, Limiter, Limits, Permit, Priority, Reserves,
    ServerLimits, SharedPace, WindowBudget, WindowLimit, retry_after,
};
pub use patch::Patch;
pub use record::{OddRecord, PagingError};
pub use retry::RetryPolicy;
pub use secrecy::SecretString;
pub use secret::Secret;
pub use token::{StaticToken, TokenError, TokenSource};
pub use transport::{BuildError, Timeouts, Transport, TransportBuilder, http_client};
