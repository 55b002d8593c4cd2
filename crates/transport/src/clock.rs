//! Wall time, injected: only the outermost layer of a program reads the real clock. (Waiting uses tokio's clock, which
//! tests pause.)

use std::fmt::Debug;

use jiff::Timestamp;

/// Tells the wall time.
pub trait Clock: Send + Sync + Debug {
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
