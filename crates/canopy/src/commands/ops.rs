//! `canopy ops`: the catalog.

use crate::exit::{Ended, Failure};
use crate::ops::cli::{Ops, OpsCommand};
use crate::ops::{self, Entry, catalog};
use crate::output;

pub(super) fn ops(options: &Ops) -> Result<Ended, Failure> {
    match &options.command {
        Some(OpsCommand::Show { name, json }) => show(name, *json),
        None => list(options),
    }
}

fn list(options: &Ops) -> Result<Ended, Failure> {
    let category = match &options.category {
        Some(name) => Some(catalog::find_category(name)?),
        None => None,
    };
    let entries: Vec<Entry> = catalog::entries()
        .filter(|entry| category.is_none_or(|category| entry.category == category))
        .collect();
    if options.json {
        let rows = entries
            .iter()
            .map(|entry| ops::row(entry, &entry.describe()));
        return output::line(&rows.collect());
    }
    output::text(&table(&entries))
}

fn show(name: &str, json: bool) -> Result<Ended, Failure> {
    let entry = catalog::find(name)?;
    let description = entry.describe();
    if json {
        output::line(&ops::as_json(&entry, &description))
    } else {
        output::text(&ops::as_text(&entry, &description))
    }
}

/// Aligned lines below each category.
fn table(entries: &[Entry]) -> String {
    let name = entries
        .iter()
        .map(|entry| entry.name.len())
        .max()
        .unwrap_or(0);
    let title = entries
        .iter()
        .map(|entry| entry.title.chars().count())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for category in catalog::categories() {
        let mut of_category = entries
            .iter()
            .filter(|entry| entry.category == category)
            .peekable();
        if of_category.peek().is_none() {
            continue;
        }
        lines.push(category.to_owned());
        for entry in of_category {
            let operation = entry.operation;
            lines.push(format!(
                "  {:<7}  {:<name$}  {:<title$}  {} {}",
                entry.kind, entry.name, entry.title, operation.http_method, operation.path
            ));
        }
        lines.push(String::new());
    }
    let triggers = entries
        .iter()
        .filter(|entry| entry.kind == "trigger")
        .count();
    lines.push(format!(
        "{} operations: {triggers} triggers, {} actions",
        entries.len(),
        entries.len() - triggers
    ));
    lines.join("\n") + "\n"
}
