//! Chores of the workspace: `cargo xtask --help` lists them.
//!
//! It depends on `canopy-codegen` only, never on product crates, so that it works while generated code is broken.

mod codegen;
mod failure;
mod files;
mod spec;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Chores of the workspace")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Generate the API crates and the bundles from `spec`.
    Codegen {
        /// Write nothing; fail when a generated file is stale, missing or orphaned.
        #[arg(long)]
        check: bool,
    },
    /// Work with the descriptions of the services.
    Spec {
        #[command(subcommand)]
        chore: spec::Chore,
    },
    /// Check what the compiler does not: edges between crates, file lengths, TODOs, marks of generated files.
    Tidy,
    /// Run all checks and tests; the last line is `N passed, N failed, N skipped`.
    Test {
        /// Arguments for `cargo test` in place of `--workspace`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Codegen { check: false } => codegen::write(&root()),
        Chore::Codegen { check: true } => codegen::check(&root()),
        Chore::Spec { chore } => spec::run(&root(), &chore),
        Chore::Tidy => tidy::run(&root()),
        Chore::Test { arguments } => test::run(&root(), &arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The tests have said so themselves, and their count is to be the last line.
            if !matches!(failure, failure::Failure::Tests) {
                eprintln!("{failure}");
            }
            ExitCode::from(failure.code())
        }
    }
}

/// The root of the workspace: the folder above this package's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .map_or_else(|| here.to_owned(), Path::to_owned)
}
