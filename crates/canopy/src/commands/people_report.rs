//! How the work of `canopy profile create` and `import` is told.

use canopy_engine::{Adopted, Adoption};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::profile_people::Import;
use crate::exit::Failure;
use crate::output;

#[derive(Debug, Default)]
pub(super) struct Count {
    pub created: u64,
    pub linked: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub wrong: u64,
    /// Columns that nothing was taken from.
    pub passed_over: Vec<String>,
    /// Fields that a person has to look at.
    pub problems: usize,
}

impl Count {
    pub fn add(&mut self, adopted: &Adopted) {
        match adopted.outcome {
            Adoption::Created => self.created += 1,
            Adoption::Linked => self.linked += 1,
            Adoption::Updated => self.updated += 1,
            Adoption::Unchanged => self.unchanged += 1,
        }
        self.problems += adopted.problems.len() + adopted.not_written.len();
    }

    pub fn tell(&self, options: &Import) -> Result<(), Failure> {
        if options.json {
            return output::line(&json!({ "summary": {
                "created": self.created, "linked": self.linked, "updated": self.updated, "unchanged": self.unchanged,
                "wrong": self.wrong, "dryRun": options.dry_run, "passedOver": self.passed_over,
            }})).map(drop);
        }
        if !self.passed_over.is_empty() {
            let titles = self.passed_over.iter().map(|title| format!("\"{title}\""));
            println!(
                "passed over, as no field is mapped to them: {}",
                titles.collect::<Vec<_>>().join(", ")
            );
        }
        let would = if options.dry_run { "would be " } else { "" };
        println!(
            "{would}created {}, linked {}, updated {}; unchanged {}, left out {}",
            self.created, self.linked, self.updated, self.unchanged, self.wrong
        );
        Ok(())
    }
}

pub(super) fn bar(lines: usize, hidden: bool) -> ProgressBar {
    // Without a terminal, indicatif draws nothing by itself.
    let bar = if hidden {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(lines as u64)
    };
    let style = "{bar:30.green} {pos}/{len} lines, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

pub(super) fn wrong(
    options: &Import,
    bar: &ProgressBar,
    line: u64,
    problem: &str,
) -> Result<(), Failure> {
    if options.json {
        return output::line(&json!({ "line": line, "outcome": "wrong", "problem": problem }))
            .map(drop);
    }
    let file = options.file.display();
    bar.suspend(|| eprintln!("{file}:{line}: {problem}"));
    Ok(())
}

pub(super) fn report(
    options: &Import,
    bar: &ProgressBar,
    line: u64,
    adopted: &Adopted,
) -> Result<(), Failure> {
    if options.json {
        let mut row = described(adopted);
        row["line"] = json!(line);
        return output::line(&row).map(drop);
    }
    let is_odd = !adopted.problems.is_empty() || adopted.by_phone_alone;
    if options.dry_run && adopted.outcome != Adoption::Unchanged || is_odd {
        let text = told(adopted, options.dry_run);
        bar.suspend(|| println!("line {line}: {text}"));
    }
    Ok(())
}

fn word(outcome: Adoption) -> &'static str {
    match outcome {
        Adoption::Created => "created",
        Adoption::Linked => "linked",
        Adoption::Updated => "updated",
        Adoption::Unchanged => "unchanged",
    }
}

pub(super) fn described(adopted: &Adopted) -> Value {
    json!({
        "outcome": word(adopted.outcome), "contact": adopted.contact, "ecologiProfileId": adopted.profile,
        "toHighLevel": adopted.to_highlevel, "notWritten": adopted.not_written, "problems": adopted.problems,
        "byPhoneAlone": adopted.by_phone_alone,
    })
}

pub(super) fn told(adopted: &Adopted, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    let mut text = match (&adopted.contact, &adopted.profile) {
        (Some(contact), Some(profile)) => {
            format!(
                "contact {contact} {would}{}, profile {profile}",
                word(adopted.outcome)
            )
        }
        _ if adopted.outcome == Adoption::Created => format!("a contact {would}created"),
        _ => format!(
            "the contact of an earlier line {would}{}",
            word(adopted.outcome)
        ),
    };
    let written = adopted.to_highlevel.join(", ");
    if !written.is_empty() {
        text = format!("{text}; to HighLevel: {written}");
    }
    for field in &adopted.not_written {
        text = format!("{text}; HighLevel does not show \"{field}\"");
    }
    for problem in &adopted.problems {
        text = format!("{text}; {problem}");
    }
    if adopted.by_phone_alone {
        text = format!(
            "{text}; found by the phone alone: the contact has another email, and no name is given to compare. Where it is somebody else, leave the phone out"
        );
    }
    text
}
