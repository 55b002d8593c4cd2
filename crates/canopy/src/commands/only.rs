//! `--connection`: what a command that reads shows of one connection alone.

use canopy_store::SqliteStore;
use clap::Args;

use crate::cli::ConfigArgs;
use crate::config::{self, Loaded};
use crate::exit::Failure;

#[derive(Debug, Args)]
pub(crate) struct Only {
    /// Only this connection
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
}

impl Only {
    /// The connection's id, which there is.
    pub fn find(&self, loaded: &Loaded) -> Result<Option<&String>, Failure> {
        let id = self.connection.as_ref();
        id.map_or(Ok(()), |id| loaded.connection(id).map(drop))?;
        Ok(id)
    }

    /// Leaves out all other connections.
    pub fn keep(&self, loaded: &mut Loaded) -> Result<(), Failure> {
        if let Some(id) = self.find(loaded)? {
            loaded.config.connection.retain(|one| one.id == *id);
        }
        Ok(())
    }

    /// The location to show; `None`: all.
    pub async fn location(
        &self,
        config: &ConfigArgs,
        store: &SqliteStore,
    ) -> Result<Option<String>, Failure> {
        let Some(id) = &self.connection else {
            return Ok(None);
        };
        let loaded = config::load(&config.config)?;
        if let Some(location) = &loaded.connection(id)?.highlevel.location_id {
            return Ok(Some(location.clone()));
        }
        // Found by the token, and noted when the connection was first used.
        let known = store.location_of(id).await;
        let known = known.map_err(|error| Failure::failed(&error))?;
        known.map(Some).ok_or_else(|| {
            Failure::BadInput(format!(
                "connection \"{id}\" was never run, so its location is not known; name it in {} by location_id",
                loaded.file
            ))
        })
    }
}

/// How many rows to read, so that after the others are left out enough are there.
pub(super) const fn rows(location: Option<&String>, limit: u32) -> u32 {
    if location.is_some() { u32::MAX } else { limit }
}

/// Leaves out the rows of other locations, and cuts to the limit.
pub(super) fn of<T>(
    rows: Vec<T>,
    location: Option<&String>,
    limit: u32,
    at: impl Fn(&T) -> &String,
) -> Vec<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_wanted = |row: &T| location.is_none_or(|location| at(row) == location);
    rows.into_iter().filter(is_wanted).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::cli::Cli;

    /// What reads and shows what belongs to a connection.
    const READING: &[&str] = &[
        "alerts",
        "auth scopes",
        "auth status",
        "backfill",
        "budget",
        "call",
        "check",
        "events",
        "ledger export",
        "ledger list",
        "ledger reconcile",
        "plan",
        "profile show",
        "purchase list",
        "runs",
        "simulate",
        "status",
        "trigger test",
        "watch",
        "workflows",
    ];

    /// What reads and shows what belongs to no connection.
    const DESCRIBING: &[&str] = &["ops", "ops show", "recipe list", "recipe show"];

    /// What does something, serves somebody, or writes what is JSON or a script in any case.
    const OTHERS: &[&str] = &[
        "approve",
        "auth finish",
        "auth url",
        "backup",
        "completions",
        "demo",
        "init",
        "ledger acknowledge",
        "ledger import",
        "ledger resolve",
        "mcp",
        "profile create",
        "profile erase",
        "profile import",
        "profile note",
        "profile set",
        "profile task",
        "purchase resolve",
        "recipe add",
        "restore",
        "retry",
        "run",
        "sandbox",
        "schema",
        "secret delete",
        "secret set",
    ];

    /// All commands that do something by themselves, by their words.
    fn all(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        let subcommands: Vec<_> = command.get_subcommands().collect();
        if subcommands.is_empty() || !command.is_subcommand_required_set() && !path.is_empty() {
            found.push(path.to_owned());
        }
        for next in subcommands {
            let path = format!("{path} {}", next.get_name());
            all(next, path.trim_start(), found);
        }
    }

    /// The command that these words name, as far as they are names of commands.
    fn command(path: &str) -> Option<clap::Command> {
        let mut command = Cli::command();
        for word in path.split(' ').take_while(|word| !word.starts_with('-')) {
            match command.find_subcommand(word).cloned() {
                Some(next) => command = next,
                // An argument, such as RUN.
                None if word.chars().all(char::is_uppercase) => {}
                None => return None,
            }
        }
        Some(command)
    }

    #[test]
    fn the_table_of_words_names_commands_that_there_are() {
        let words = include_str!("../../../../docs/words.md");
        let rows = words.lines().filter(|line| line.starts_with("| **"));
        let mut seen = 0;
        for row in rows {
            let column = row.split('|').nth(3).unwrap_or_default();
            let mut group = String::new();
            for quoted in column.split('`').skip(1).step_by(2) {
                if quoted.starts_with("--") {
                    continue;
                }
                // `profile show`, `create`: the group is said once.
                let whole = command(quoted).is_some();
                let path = if whole {
                    quoted.to_owned()
                } else {
                    format!("{group} {quoted}")
                };
                assert!(command(&path).is_some(), "there is no `{path}`: {row}");
                if let Some((first, _)) = quoted.split_once(' ').filter(|_| whole) {
                    first.clone_into(&mut group);
                }
                seen += 1;
            }
        }
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn words_that_others_use_lead_to_the_same_command() {
        for (alias, name) in [
            ("purchases", "purchase"),
            ("event", "events"),
            ("history", "runs"),
            ("operations", "ops"),
        ] {
            let command = command(alias).unwrap();
            assert_eq!(command.get_name(), name);
            let help = Cli::command().render_long_help().to_string();
            assert!(
                !help.contains(&format!("\n  {alias} ")),
                "{alias} is hidden"
            );
        }
    }

    #[test]
    fn what_reads_can_be_asked_for_json_and_for_one_connection() {
        let mut found = Vec::new();
        all(&Cli::command(), "", &mut found);
        for path in &found {
            let mut command = Cli::command();
            for word in path.split(' ') {
                let next = command.find_subcommand(word).cloned();
                command = next.unwrap_or_else(|| panic!("there is no {path}"));
            }
            let has = |option: &str| {
                let mut options = command.get_arguments();
                options.any(|one| one.get_long() == Some(option))
            };
            let is_in = |list: &[&str]| list.contains(&path.as_str());
            if is_in(READING) {
                assert!(has("connection"), "{path} lacks --connection");
            }
            if is_in(READING) || is_in(DESCRIBING) {
                assert!(has("json"), "{path} lacks --json");
            } else {
                assert!(is_in(OTHERS), "does {path} read? Put it into a list");
            }
        }
        for path in [READING, DESCRIBING, OTHERS].concat() {
            assert!(found.iter().any(|one| one == path), "there is no {path}");
        }
    }
}
