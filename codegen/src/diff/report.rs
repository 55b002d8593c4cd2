//! The changes as text for people and as JSON for programs.

use std::fmt::{self, Display, Write as _};

use super::{Change, Diff, Kind, Subject};

impl Diff {
    /// The changes as JSON.
    pub fn json(&self) -> String {
        let value = serde_json::json!(self);
        format!("{value:#}\n")
    }
}

/// One line a change, in columns: those of an operation below its method and path, and below each that breaks something
/// whom it breaks. At the end how many there are.
impl Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 4]> = self.changes.iter().map(row).collect();
        let width = |column: usize| {
            let lengths = rows.iter().map(|row| row[column].chars().count());
            lengths.max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        let mut above = "";
        for (change, [mark, kind, place, what]) in self.changes.iter().zip(&rows) {
            if !change.address.is_empty() && change.address != above {
                above = &change.address;
                writeln!(f, "{above}")?;
            }
            let [mark_width, kind_width, place_width] = widths;
            writeln!(
                f,
                "{mark:mark_width$}  {kind:kind_width$}  {place:place_width$}  {what}"
            )?;
            if change.breaking {
                let whom: Vec<&str> = change.breaks.iter().map(|whom| whom.words()).collect();
                writeln!(f, "{:mark_width$}  breaks {}", "", whom.join(", "))?;
            }
        }
        match (self.breaking, self.other) {
            (0, 0) => writeln!(f, "nothing changed"),
            (breaking, other) => writeln!(f, "{breaking} breaking, {other} not"),
        }
    }
}

fn row(change: &Change) -> [String; 4] {
    let mark = if change.breaking { "BREAKS" } else { "" };
    let kind = match change.kind {
        Kind::Removed => "removed",
        Kind::Changed => "changed",
        Kind::Added => "added",
    };
    let separator = if change.part.starts_with('[') {
        ""
    } else {
        "."
    };
    let mut place = change.name.clone();
    if !change.part.is_empty() {
        let _ = match change.subject {
            Subject::Operation | Subject::Parameter => write!(place, " {}", change.part),
            Subject::Request | Subject::Answer | Subject::Words => {
                write!(place, "{separator}{}", change.part)
            }
        };
    }
    [mark.to_owned(), kind.to_owned(), place, what(change)]
}

fn what(change: &Change) -> String {
    let what = &change.what;
    match (change.subject, change.operations.as_slice()) {
        (Subject::Operation | Subject::Parameter, _) | (_, []) => what.clone(),
        (_, [only]) => format!("{what} (in {only})"),
        (_, [first, rest @ ..]) => format!("{what} (in {first} and {} more)", rest.len()),
    }
}
