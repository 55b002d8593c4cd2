//! Lets a test stand beside a running step.

use std::fmt::Debug;

/// The points of a step at which a crash would leave different traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// Planned, nothing written.
    BeforeIntent,
    /// The intent is durable, the call has not been made.
    AfterIntent,
    /// The call has been answered, nothing of it is written.
    AfterCall,
    /// The outcome is known and about to be written.
    BeforeOutcome,
    /// The outcome is durable.
    AfterOutcome,
}

/// Told of each boundary. The crash tests kill the process from here; everybody else passes `()`.
pub trait Observer: Send + Sync + Debug {
    /// The step with this id has reached this boundary.
    fn at(&self, boundary: Boundary, step: &str);
}

impl Observer for () {
    fn at(&self, _: Boundary, _: &str) {}
}
