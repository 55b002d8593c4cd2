//! Mistakes in files that people write, told with file, line and remedy.

use std::fmt;

/// A mistake in a configuration or workflow file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file's name as the user knows it.
    pub file: String,
    /// Line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, naming the field.
    pub problem: String,
    /// What to write instead.
    pub fix: Option<String>,
}

impl FileError {
    /// A mistake without a known line.
    pub fn new(file: &str, problem: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            problem: problem.into(),
            fix: None,
        }
    }

    /// Adds the line on which `needle` first stands; what a comment says is no mistake.
    #[must_use]
    pub fn at(mut self, text: &str, needle: &str) -> Self {
        self.line = text
            .lines()
            .position(|line| !line.trim_start().starts_with('#') && line.contains(needle))
            .map(|index| index + 1);
        self
    }

    /// Adds the line on which `['name']` first stands, in either sort of quotes.
    #[must_use]
    pub(crate) fn at_subscript(self, text: &str, name: &str) -> Self {
        let quotes = ["'", "\"", "\\\""];
        let written = quotes.map(|quote| format!("[{quote}{name}{quote}]"));
        let found = written.iter().find(|needle| text.contains(&***needle));
        self.at(text, found.map_or(name, String::as_str))
    }

    /// Adds the remedy.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Explains why TOML `text` was not accepted: the line, and for an unknown key the nearest right one.
    pub fn from_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let line = error
            .span()
            .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = error.message().trim().to_owned();
        let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let fix = match names.split_first() {
            Some((wrong, known)) if message.starts_with("unknown") => {
                nearest(wrong, known.iter().copied())
                    .map(|name| format!("did you mean \"{name}\"?"))
                    .or_else(|| Some(format!("known here: {}", known.join(", "))))
            }
            _ => None,
        };
        let problem = match names.first() {
            Some(key) if message.starts_with("unknown field") => format!("unknown key \"{key}\""),
            Some(key) if message.starts_with("missing field") => format!("\"{key}\" is missing"),
            _ => message.replace('`', "\""),
        };
        Self {
            file: file.to_owned(),
            line,
            problem,
            fix,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.problem)?;
        if let Some(fix) = &self.fix {
            write!(f, "; {fix}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FileError {}

/// The name among `known` that a person most likely meant by `wrong`.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().max(wrong.len()) / 3)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Example {
        interval: String,
        listen: Option<String>,
    }

    #[test]
    fn a_comment_is_no_place_of_a_mistake() {
        let error = FileError::new("a.toml", "wrong").at("# not gift\nname = \"gift\"\n", "gift");
        assert_eq!(error.to_string(), "a.toml:2: wrong");
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_nearest() {
        let text = "interval = \"5m\"\nlistn = \"127.0.0.1:0\"\n";
        let error = toml::from_str::<Example>(text).unwrap_err();
        assert_eq!(
            FileError::from_toml("canopy.toml", text, &error).to_string(),
            "canopy.toml:2: unknown key \"listn\"; did you mean \"listen\"?"
        );
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = toml::from_str::<Example>("").unwrap_err();
        assert!(
            FileError::from_toml("canopy.toml", "", &error)
                .to_string()
                .contains("\"interval\" is missing")
        );
    }

    #[test]
    fn a_far_name_gets_the_list() {
        let text = "zzzzzzzz = 1\n";
        let error = toml::from_str::<Example>(text).unwrap_err();
        assert_eq!(
            FileError::from_toml("c", text, &error).fix.as_deref(),
            Some("known here: interval, listen")
        );
    }
}
