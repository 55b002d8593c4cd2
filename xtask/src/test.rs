//! Runs every check and test, and says in one line how it went.

mod tally;

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::{codegen, tidy};
use tally::Tally;

/// Runs the checks of this program, then `cargo test`. Passes everything through as it comes.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    let mut tally = Tally::default();
    for (name, result) in [
        ("codegen --check", codegen::check(root)),
        ("tidy", tidy::run(root)),
    ] {
        if let Err(failure) = &result {
            println!("{failure}");
        }
        tally.check(&format!("xtask {name}"), result.is_ok());
    }
    cargo_test(root, arguments, &mut tally)?;
    print!("\n{tally}");
    if tally.is_success() {
        Ok(())
    } else {
        Err(Failure::Tests)
    }
}

fn cargo_test(root: &Path, arguments: &[String], tally: &mut Tally) -> Result<(), Failure> {
    let whole = ["--workspace".to_owned()];
    let mut child = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .arg("test")
        .arg("--no-fail-fast")
        .args(if arguments.is_empty() {
            &whole
        } else {
            arguments
        })
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::Cargo(error.to_string()))?;
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| Failure::Cargo("its output cannot be read".into()))?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.map_err(|error| Failure::Cargo(error.to_string()))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.line(&line);
    }
    let status = child
        .wait()
        .map_err(|error| Failure::Cargo(error.to_string()))?;
    tally.ended(status.success());
    Ok(())
}
