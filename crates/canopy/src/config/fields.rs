//! `[connection.fields]`: where in the file a rule stands, and what is wrong with it.

use canopy_mapping::FileError;
use canopy_mapping::fields::RuleProblem;

use super::{Config, ConnectionConfig};

/// The first mistake that can be told without asking the location.
pub(crate) fn check(file: &str, text: &str, config: &Config) -> Result<(), FileError> {
    for (index, connection) in config.connection.iter().enumerate() {
        let problems = connection.fields.problems();
        if let Some(error) = located(file, text, (index, connection), &problems)
            .into_iter()
            .next()
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Problems of a connection's rules with their lines. `index` counts the connections of the file.
pub(crate) fn located(
    file: &str,
    text: &str,
    (index, connection): (usize, &ConnectionConfig),
    problems: &[RuleProblem],
) -> Vec<FileError> {
    let errors = problems.iter().map(|problem| FileError {
        file: file.to_owned(),
        line: line_of(text, index, &problem.field),
        problem: format!(
            "connection \"{}\", field \"{}\": {}",
            connection.id, problem.field, problem.problem
        ),
        fix: problem.fix.clone(),
    });
    errors.collect()
}

/// The line of a rule: `name = ...` below `[connection.fields]`, or a table of its own.
fn line_of(text: &str, connection: usize, name: &str) -> Option<usize> {
    let (mut connections, mut section) = (0, "");
    let quoted = [name.to_owned(), format!("\"{name}\""), format!("'{name}'")];
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("[[connection]]") {
            connections += 1;
        }
        if let Some(header) = line.strip_prefix('[') {
            section = header
                .trim_start_matches('[')
                .split(']')
                .next()
                .unwrap_or("")
                .trim();
        }
        if connections != connection + 1 {
            continue;
        }
        let is_rule = |key: &str, dotted: &str| {
            quoted.iter().any(|name| {
                section == format!("connection.fields.{name}") && key.is_empty()
                    || section == "connection.fields"
                        && (key == name || key.starts_with(&format!("{name}.")))
                    || dotted == format!("fields.{name}")
            })
        };
        let key = line.split('=').next().unwrap_or("").trim();
        let (key, dotted) = if line.starts_with('[') {
            ("", "")
        } else {
            (key, key)
        };
        if (line.starts_with('[') || !key.is_empty()) && is_rule(key, dotted) {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_in_each_way_of_writing_it() {
        let text = "[[connection]]\n[connection.fields]\nname = \"name\"\n\n[[connection]]\n[connection.highlevel]\nname = 1\n[connection.fields]\nfirst = \"x\"\n\"name\" = \"name\"\n[connection.fields.tier]\nfield = \"Tier\"\n";
        assert_eq!(line_of(text, 0, "name"), Some(3));
        assert_eq!(line_of(text, 1, "name"), Some(10));
        assert_eq!(line_of(text, 1, "first"), Some(9));
        assert_eq!(line_of(text, 1, "tier"), Some(11));
        assert_eq!(line_of(text, 1, "nothing"), None);
    }
}
