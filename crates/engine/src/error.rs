//! Why a drain stopped, and what to do with a step that did not succeed.

use std::time::Duration;

use canopy_store::StoreError;

/// A drain that could not go on. Nothing is lost: the work stays in the store and the next drain takes it up.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store refused or could not write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration has no such location.
    #[error("no connection of the configuration belongs to location {0}")]
    UnknownLocation(String),
}

/// How a step ended, as far as its run is concerned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// Go on with the next step; this is the answer for later templates.
    Done(serde_json::Value),
    /// Try again later; counts as an attempt.
    Retry {
        error: String,
        /// What the service asked for.
        after: Option<Duration>,
    },
    /// The service says that the contact is not there. It is asked again for a while; then the run ends.
    Missing(String),
    /// The service says that what a step is to write to is not there. It is tried again for as long as a read is, and is
    /// then one for the dead letters.
    NotThere(String),
    /// Wait until then; does not count as an attempt.
    Wait {
        reason: String,
        until: jiff::Timestamp,
    },
    /// The workflow says that nothing more is to be done, and why.
    Stopped(String),
    /// The program stops, and the step's call was not made; the run stays as it is for the next drain.
    Unsent,
    /// It will never work as it is: to the dead letters.
    Dead(String),
    /// A service refuses the credentials, or what they may do, or the account has no billing: purchases stop for this cause, and
    /// the run waits until a check finds all well.
    Refused { cause: crate::Cause, error: String },
    /// A service forbids it, which may be about this record alone. Of a run that buys it stops purchases until another run
    /// has shown which it is; any other run is for a person.
    Forbidden(String),
    /// Purchases are stopped: the run waits until they go on. Does not count as an attempt.
    Barred(String),
    /// A person has to do something first.
    Held(String),
}
