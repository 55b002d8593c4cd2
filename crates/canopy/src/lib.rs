//! The small binary that operators run: configuration, command line, wiring, shutdown.
//!
//! It may use all crates. Only it reads the environment, installs logging and hands out the real clock. It is a
//! library as well, so that the crash tests can run the same program with an observer that kills it:
//!
//! ```no_run
//! // What `main` does:
//! fn main() -> std::process::ExitCode {
//!     canopy::main_observed(std::sync::Arc::new(()))
//! }
//! ```

mod assess;
mod audit;
mod auth;
mod call_log;
mod cells;
mod cli;
mod commands;
mod config;
mod connect;
mod control;
mod daemon;
mod environment;
mod exit;
mod health;
mod limiters;
mod log;
mod mcp;
mod neighbours;
mod opening;
mod ops;
mod output;
mod pace;
mod polls;
mod program;
mod rehearsal;
mod reload;
mod schedules;
mod show;
mod shutdown;
mod temporary;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use canopy_engine::Observer;
use clap::Parser;

pub use audit::{Audit, AuditError, Books, audit_sandbox};

/// Runs the command line of this process; `observer` is told of the boundaries of every step.
pub fn main_observed(observer: Arc<dyn Observer>) -> ExitCode {
    end_when_nobody_reads();
    let cli = cli::Cli::parse();
    let environment = environment::Environment::of_process();
    let _written_at_the_end = log::begin(cli.log_format, &environment);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(Err(exit::Failure::failed(&error))),
    };
    let result = runtime.block_on(commands::run(cli.command, &environment, observer));
    // A read of standard input cannot be called off: `canopy mcp` must not wait for a line that never comes.
    runtime.shutdown_timeout(Duration::from_secs(1));
    exit::report(result)
}

/// `canopy ... | head`: what has nobody to tell it to ends with a word and no backtrace. What was under way is as after a
/// crash, so it goes on with the next run.
fn end_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") {
            log::note("error: standard output was closed; not all was done or shown");
            std::process::exit(1);
        }
        usual(panic);
    }));
}
