//! Where in the file something stands.

use super::Check;

/// The lines of a part of the file: where to look for a name.
pub(super) struct Lines {
    pub from: usize,
    pub until: usize,
}

impl Check<'_> {
    /// What stands before the first step.
    pub(super) fn head(&self) -> Lines {
        Lines {
            from: 0,
            until: self.headers().next().unwrap_or(usize::MAX),
        }
    }

    /// The lines of a step. Steps that are not written as `[[do]]` sections are looked for in the whole file.
    pub(super) fn section(&self, index: usize) -> Lines {
        let mut headers = self.headers().skip(index);
        Lines {
            from: headers.next().unwrap_or(0),
            until: headers.next().unwrap_or(usize::MAX),
        }
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = usize> + '_ {
        let lines = self.text.lines().enumerate();
        lines
            .filter(|(_, line)| line.trim_start().starts_with("[[do]]"))
            .map(|(index, _)| index)
    }

    /// The number of the line on which a name stands.
    pub(super) fn line_of(&self, place: &Lines, needle: &str) -> Option<usize> {
        let lines = self.text.lines().enumerate();
        let mut within = lines.filter(|(index, line)| {
            (place.from..place.until).contains(index) && !line.trim_start().starts_with('#')
        });
        let found = within.find(|(_, line)| holds_word(line, needle));
        found.map(|(index, _)| index + 1)
    }
}

/// Whether `needle` stands in the line, not as a part of a longer name.
fn holds_word(line: &str, needle: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == '.';
    // TOML writes quotes inside of texts with a backslash.
    let line = line.replace("\\\"", "\"");
    line.match_indices(needle).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + needle.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
