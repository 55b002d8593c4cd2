//! The binary as operators run it, with a knife: `E2E_KILL=<boundary>:<step>:<n>` has the process kill itself with
//! SIGKILL when the step with that id reaches that boundary for the n-th time.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use canopy_engine::{Boundary, Observer};
use rustix::process::{Signal, getpid, kill_process};

#[derive(Debug)]
struct Knife {
    boundary: String,
    step: String,
    left: AtomicU32,
}

impl Observer for Knife {
    fn at(&self, boundary: Boundary, step: &str) {
        if self.boundary == format!("{boundary:?}")
            && self.step == step
            && self.left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
            // The signal is delivered before anything else happens here, but this thread need not be the one that ends.
            loop {
                std::thread::park();
            }
        }
    }
}

fn main() -> ExitCode {
    let Ok(plan) = std::env::var("E2E_KILL") else {
        return canopy::main_observed(Arc::new(()));
    };
    let parts: Vec<&str> = plan.split(':').collect();
    let [boundary, step, count] = parts.as_slice() else {
        eprintln!("E2E_KILL is not <boundary>:<step>:<n>");
        return ExitCode::from(2);
    };
    canopy::main_observed(Arc::new(Knife {
        boundary: (*boundary).to_owned(),
        step: (*step).to_owned(),
        left: AtomicU32::new(count.parse().unwrap_or(1)),
    }))
}
