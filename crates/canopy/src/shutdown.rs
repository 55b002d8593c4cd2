//! Ctrl-C and SIGTERM end the program in order; SIGHUP has it read its configuration again.

#[cfg(unix)]
use std::io::IsTerminal as _;

use tokio_util::sync::CancellationToken;

/// A token that is cancelled at the first Ctrl-C or SIGTERM. A second one ends the process at once. From here on neither
/// is missed: a process that runs as the first one of a container hears no signal before it asks for it.
pub(crate) fn on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    let mut signals = Signals::new();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping: what was begun is finished first; once more ends at once");
        cancel.cancel();
        signals.next().await;
        std::process::exit(1);
    });
    token
}

/// SIGHUP, from when this is made.
#[cfg(unix)]
pub(crate) struct Hangups {
    signal: Option<tokio::signal::unix::Signal>,
    /// Whether a person watched from a terminal.
    watched: bool,
}

#[cfg(unix)]
impl Hangups {
    pub fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            signal: signal(SignalKind::hangup()).ok(),
            watched: std::io::stderr().is_terminal(),
        }
    }

    /// Waits for the next one. The one that a terminal sends when it is closed means the end, as everywhere.
    pub async fn next(&mut self, stop: &CancellationToken) {
        received(self.signal.as_mut()).await;
        if self.watched && !std::io::stderr().is_terminal() {
            stop.cancel();
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    pub fn new() -> Self {
        Self
    }

    pub async fn next(&mut self, _: &CancellationToken) {
        std::future::pending::<()>().await;
    }
}

/// Both signals, one listener each for the whole time: one that comes between two waits is heard as well.
#[cfg(unix)]
struct Signals {
    terminate: Option<tokio::signal::unix::Signal>,
    interrupt: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Where one cannot be received, the process is ended from outside.
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
            interrupt: signal(SignalKind::interrupt()).ok(),
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            () = received(self.terminate.as_mut()) => {}
            () = received(self.interrupt.as_mut()) => {}
        }
    }
}

#[cfg(unix)]
async fn received(signal: Option<&mut tokio::signal::unix::Signal>) {
    let heard = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // No signal can be received here; the process is ended from outside.
            std::future::pending::<()>().await;
        }
    }
}
