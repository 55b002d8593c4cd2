//! `canopy completions`: what a shell needs to complete commands, options and operation names.

use std::fmt::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::{Ended, Failure};
use crate::ops::catalog;
use crate::output;

pub(super) fn completions(shell: Shell) -> Result<Ended, Failure> {
    output::text(&script(shell))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "canopy", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if shell == Shell::Fish {
        for entry in catalog::entries() {
            let title = entry.title.replace('\'', r"\'");
            for command in ["call", "ops; and __fish_seen_subcommand_from show"] {
                // Writing to a String does not fail.
                let _ = writeln!(
                    script,
                    "complete -c canopy -n \"__fish_canopy_using_subcommand {command}\" -f -a {} -d '{title}'",
                    entry.name
                );
            }
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_operation_names_and_categories() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell);
            for name in ["get-contact", "create-contact-note"]
                .into_iter()
                .chain(["contacts", "calendars-appointments"])
            {
                assert!(script.contains(name), "{shell}: {name}");
            }
        }
    }
}
