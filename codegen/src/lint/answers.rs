//! Pointers are held against the answer's schema: a wrong one would make a list without records and a record without an
//! id, and no test would see it.

use serde_json::Value;

use super::Findings;
use super::reach::{Reached, reach};
use crate::pointer;
use crate::schema::{content, success};

/// What a pointer may lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    List,
    Object,
    /// A text or a number: ids, times, cursors.
    Scalar,
    Anything,
}

impl Wanted {
    const fn takes(self, kind: &str) -> bool {
        matches!(
            (self, kind.as_bytes()),
            (Self::Anything, _)
                | (Self::List, b"array")
                | (Self::Object, b"object")
                | (Self::Scalar, b"string" | b"integer" | b"number")
        )
    }

    const fn word(self) -> &'static str {
        match self {
            Self::List => "a list",
            Self::Object => "an object",
            Self::Scalar => "a text or a number",
            Self::Anything => "a value",
        }
    }
}

/// Where an operation's records are.
pub(super) struct Answer<'b> {
    whole: &'b Value,
    /// From the answer to what is a record: that of a list's elements ends with an index.
    record: String,
    is_list: bool,
}

impl<'b> Answer<'b> {
    /// `None` where the answer is no JSON: bytes have no members.
    pub fn of(findings: &Findings<'b>, operation: &'b Value) -> Option<Self> {
        let (media, whole) = success(operation).and_then(|(_, answer)| content(answer))?;
        if !media.contains("json") {
            return None;
        }
        let is_bare_list = reach(findings.bundle, whole, "").kind() == Some("array");
        let text = |key: &str| operation[key].as_str();
        let record = match (text("x-items"), text("x-record")) {
            (Some(items), _) => format!("{items}/0"),
            (None, Some(record)) => record.to_owned(),
            (None, None) if is_bare_list => "/0".to_owned(),
            (None, None) => String::new(),
        };
        Some(Self {
            whole,
            record,
            is_list: is_bare_list || text("x-items").is_some(),
        })
    }

    /// Holds a pointer into the whole answer.
    pub fn whole(&self, findings: &mut Findings<'b>, at: &str, to: &str, wanted: Wanted) {
        hold(findings, at, self.whole, ("the answer", ""), to, wanted);
    }

    /// Holds a pointer into a record.
    pub fn record(
        &self,
        findings: &mut Findings<'b>,
        at: &str,
        to: &str,
        wanted: Wanted,
    ) -> Option<Reached<'b>> {
        let inside = if self.record.is_empty() {
            "the answer"
        } else {
            "a record"
        };
        hold(findings, at, self.whole, (inside, &self.record), to, wanted)
    }
}

/// Tells a pointer that leads nowhere or to the wrong thing. It starts at a place in `whole`, which has a name for people.
pub(super) fn hold<'b>(
    findings: &mut Findings<'b>,
    at: &str,
    whole: &'b Value,
    (inside, base): (&str, &str),
    to: &str,
    wanted: Wanted,
) -> Option<Reached<'b>> {
    let reached = reach(findings.bundle, whole, &format!("{base}{to}"));
    if let Reached::Lost { member, known } = reached {
        // A wrong base is told where it is said.
        if matches!(reach(findings.bundle, whole, base), Reached::Described(_)) {
            let known = match known.as_slice() {
                [] => "has no members there".to_owned(),
                known => format!("has {}", some(known)),
            };
            findings.add(
                at,
                format!("`{to}` leads nowhere: `{member}` is not in {inside}, which {known}; correct the pointer or describe the member"),
            );
        }
        return None;
    }
    if let Some(kind) = reached.kind()
        && !wanted.takes(kind)
    {
        findings.add(
            at,
            format!(
                "`{to}` leads to type `{kind}`, and must lead to {}; correct the pointer or the schema",
                wanted.word()
            ),
        );
        return None;
    }
    Some(reached)
}

/// The first names of a list.
fn some(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

pub(super) fn lint<'b>(findings: &mut Findings<'b>, at: &str, operation: &'b Value) {
    let pointers = ["x-items", "x-record", "x-id", "x-version"];
    let Some(answer) = Answer::of(findings, operation) else {
        for key in pointers.into_iter().chain(["x-paging"]) {
            if operation.get(key).is_some() {
                findings.add(
                    &pointer::join(at, key),
                    "the answer is a file and has no members; remove it",
                );
            }
        }
        return;
    };
    if let (Some(_), Some(record)) = (operation.get("x-items"), operation.get("x-record")) {
        findings.add(
            &pointer::join(at, "x-record"),
            format!("`x-items` says that the answer is a list, and `x-record: {record}` that it is one record; keep one of them"),
        );
        return;
    }
    for key in pointers {
        let Some(to) = operation[key].as_str().filter(|to| to.starts_with('/')) else {
            continue;
        };
        let at = pointer::join(at, key);
        if let Some(problem) = mixed_up(key, to) {
            findings.add(&at, problem);
            continue;
        }
        match key {
            "x-items" => answer.whole(findings, &at, to, Wanted::List),
            "x-record" => answer.whole(findings, &at, to, Wanted::Object),
            // Of a list they are members of its elements, else of the answer.
            _ if answer.is_list => {
                answer.record(findings, &at, to, Wanted::Scalar);
            }
            _ => answer.whole(findings, &at, to, Wanted::Scalar),
        }
    }
    trigger(
        findings,
        &pointer::join(at, "x-trigger"),
        operation,
        &answer,
    );
    super::paging::lint(findings, &pointer::join(at, "x-paging"), operation, &answer);
}

/// Ids and times are both texts, so only their names tell that one is taken for the other.
fn mixed_up(key: &str, to: &str) -> Option<String> {
    let name = to.rsplit('/').next().unwrap_or_default();
    let is_id = name.trim_start_matches('_').eq_ignore_ascii_case("id") || name.ends_with("Id");
    let is_time = name.ends_with("At") || name.starts_with("date");
    match key {
        "x-version" if is_id => Some(format!(
            "`{to}` is an id, and `x-version` leads to the time of the last change"
        )),
        "x-id" if is_time => Some(format!("`{to}` is a time, and `x-id` leads to the id")),
        _ => None,
    }
}

impl Answer<'_> {
    pub const fn is_list(&self) -> bool {
        self.is_list
    }
}

fn trigger<'b>(findings: &mut Findings<'b>, at: &str, operation: &'b Value, answer: &Answer<'b>) {
    let trigger = &operation["x-trigger"];
    let of = |value: &'b Value| value.as_str().filter(|to| to.starts_with('/'));
    for key in ["contact", "created"] {
        if let Some(to) = of(&trigger[key]) {
            answer.record(findings, &pointer::join(at, key), to, Wanted::Scalar);
        }
    }
    if let Some(to) = of(&trigger["reading"]["changes"]) {
        let at = pointer::join(&pointer::join(at, "reading"), "changes");
        answer.record(findings, &at, to, Wanted::Scalar);
    }
    if trigger["reading"] == "snapshot" && !answer.is_list {
        findings.add(
            &pointer::join(at, "reading"),
            "`snapshot` compares the records of a list; add `x-items` with the pointer to it",
        );
    }
    let changes = trigger["changes"].as_array().into_iter().flatten();
    for (index, change) in changes.enumerate() {
        let at = pointer::join(&pointer::join(at, "changes"), &index.to_string());
        let Some(to) = of(&change["member"]) else {
            continue;
        };
        let member = pointer::join(&at, "member");
        let reached = answer.record(findings, &member, to, Wanted::Anything);
        if let (Some(reached), Some(value)) = (reached, change.get("to"))
            && !can_become(&reached, value)
        {
            findings.add(
                &pointer::join(&at, "to"),
                format!("`{to}` is never {value}; write a value that its schema has"),
            );
        }
    }
}

/// Whether a described member can have a value. Words are held where the list is closed.
fn can_become(reached: &Reached<'_>, value: &Value) -> bool {
    let is_kind = match reached.kind() {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer" | "number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    let words = reached.get("enum").and_then(Value::as_array);
    let is_open = reached.get("x-open").is_some();
    value.is_null() || is_kind && words.is_none_or(|words| is_open || words.contains(value))
}
