//! A value that an operator or a filter cannot mean: it ends the run with a message instead of a silent false.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::money::{Unread, read as read_money};
use super::number::number;
use super::{is_missing, json};

/// So much of a value is shown.
const SHOWN: usize = 60;

/// What is wrong with a value. The field it came from is found where the expression is known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} {problem}", shown(value))]
pub(crate) struct Mistake {
    pub value: Value,
    /// Goes on after the name and the value: `and that is no number`.
    pub problem: String,
    /// What the value was read from, where the operator knows it.
    pub name: Option<String>,
}

impl Mistake {
    pub fn new(value: &Value, problem: impl Into<String>) -> Self {
        Self {
            value: value.clone(),
            problem: problem.into(),
            name: None,
        }
    }

    /// A number is wanted.
    pub fn no_number(value: &Value) -> Self {
        if is_missing(value) {
            return Self::new(
                value,
                "has no value to reckon with; say what it shall be then, e.g. (... or 0)",
            );
        }
        let problem = match value.kind() {
            ValueKind::String if looks_grouped(value) => {
                return Self::new(value, undressing(value.as_str().unwrap_or_default()));
            }
            ValueKind::String => "is a text that is no number",
            ValueKind::Seq | ValueKind::Iterable => {
                "is a list and no number; take one of it, e.g. with | first, | length or | sum"
            }
            ValueKind::Map => "is no number, but an object; name a member of it",
            _ => "is no number",
        };
        Self::new(value, problem)
    }

    /// The same, told of the value that it is compared with.
    pub fn beside(self, other: &Value) -> Self {
        let problem = format!(
            "is compared with {}, which {}",
            shown(&self.value),
            self.problem
        );
        Self::new(other, problem)
    }

    pub fn named(mut self, name: Option<&str>) -> Self {
        self.name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        self
    }

    /// Name and value as a message begins with them.
    pub fn told(&self, name: Option<&str>) -> String {
        let name = self.name.as_deref().or(name);
        let problem = &self.problem;
        match name {
            Some(name) if is_missing(&self.value) => format!("{name} {problem}"),
            Some(name) => format!("{name} is {}, and {problem}", shown(&self.value)),
            None if is_missing(&self.value) => format!("a part of it {problem}"),
            None => format!("{} {problem}", shown(&self.value)),
        }
    }
}

impl From<Mistake> for Error {
    fn from(mistake: Mistake) -> Self {
        Self::new(ErrorKind::InvalidOperation, mistake.told(None)).with_source(mistake)
    }
}

/// `1,000`, `1 000.50`, `£12`: digits that somebody dressed up.
pub(super) fn looks_grouped(value: &Value) -> bool {
    let Some(text) = value.as_str().map(str::trim) else {
        return false;
    };
    let dressed = |c: char| {
        matches!(
            c,
            ',' | '.'
                | ' '
                | '\''
                | '_'
                | '\u{a0}'
                | '\u{202f}'
                | '£'
                | '$'
                | '€'
                | '%'
                | '+'
                | '-'
        )
    };
    text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || dressed(c))
        && text.chars().filter(|c| *c == '-').count() < 2
}

/// How a text becomes the number that it is meant as, by the reader of amounts.
fn undressing(text: &str) -> String {
    let problem = "is no number as programs read it";
    match read_money(text, None) {
        Ok(amount) => format!("{problem}; to read it as {amount} write | amount"),
        Err(Unread::Open(ways)) => format!("{problem}; {ways}"),
        Err(_) => match text.trim().strip_suffix('%') {
            Some(percent) if number(&percent.into()).is_some() => {
                let percent = percent.trim();
                format!("{problem}; to read it as {percent} write | replace('%', '')")
            }
            _ => format!("{problem}; have it sent as digits with at most one point"),
        },
    }
}

/// What is read under a name, as messages say it.
pub(crate) fn read(name: &str, context: &Value) -> String {
    let value = super::at(context, name);
    if is_missing(&value) {
        return format!("{name} has no value");
    }
    format!("{name} is {}", shown(&value))
}

/// The value as JSON, cut where it is long.
fn shown(value: &Value) -> String {
    let text = json(value).map_or_else(|_| format!("{value:?}"), |value| value.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
