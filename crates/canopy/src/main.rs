use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    canopy::main_observed(Arc::new(()))
}
