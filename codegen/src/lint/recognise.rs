//! Payloads without a `type`: each has to be known by its members as one event.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Findings;
use crate::pointer;
use crate::schema::referred;

/// What a payload has to show to be taken as an event.
struct Rule<'a> {
    event: &'a str,
    word: &'a str,
    marks: Vec<Mark<'a>>,
    /// Members of its payloads.
    members: BTreeSet<&'a str>,
}

/// As in [`crate::emit::mark_of`].
#[derive(Clone, Copy)]
enum Mark<'a> {
    Has(&'a str),
    Lacks(&'a str),
    Is(&'a str, &'a str),
    Same(&'a str, &'a str),
}

impl<'a> Mark<'a> {
    fn read(text: &'a str) -> Self {
        if let Some((one, other)) = text.split_once("==") {
            return Self::Same(one, other);
        }
        if let Some((pointer, texts)) = text.split_once('=') {
            return Self::Is(pointer, texts);
        }
        match text.strip_prefix('!') {
            Some(pointer) => Self::Lacks(pointer),
            None => Self::Has(text),
        }
    }

    /// The members that have to be there.
    fn wants(self) -> Vec<&'a str> {
        match self {
            Self::Has(one) | Self::Is(one, _) => vec![one],
            Self::Same(one, other) => vec![one, other],
            Self::Lacks(_) => Vec::new(),
        }
    }

    /// Whether no payload shows both.
    fn excludes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Lacks(absent), other) | (other, Self::Lacks(absent)) => {
                other.wants().contains(&absent)
            }
            (Self::Is(one, texts), Self::Is(other, rest)) => {
                one == other
                    && !texts
                        .split('|')
                        .any(|text| rest.split('|').any(|it| it == text))
            }
            _ => false,
        }
    }
}

impl Rule<'_> {
    /// Whether a payload of this event may be taken for one of the other. One event may be a special case of another of
    /// the same record: then it has more marks, and counts first.
    fn may_pass_for(&self, other: &Self) -> bool {
        let counts = other.marks.len() == self.marks.len()
            || (other.marks.len() > self.marks.len() && other.word != self.word);
        let is_member = |pointer: &&str| {
            let first = pointer.split('/').nth(1).unwrap_or_default();
            self.members.contains(first)
        };
        let possible = other
            .marks
            .iter()
            .all(|mark| mark.wants().iter().all(is_member));
        let excluded = |one: &Mark<'_>| other.marks.iter().any(|other| one.excludes(*other));
        counts && possible && !self.marks.iter().any(excluded)
    }
}

pub(super) fn lint(findings: &mut Findings<'_>) {
    let value = findings.value();
    let rules: Vec<_> = value["events"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, event)| rule(name, event, &value["components"]["schemas"]))
        .collect();
    for (number, one) in rules.iter().enumerate() {
        for other in &rules[number + 1..] {
            if one.may_pass_for(other) || other.may_pass_for(one) {
                let at = pointer::join(&pointer::join("/events", other.event), "recognise");
                let message = format!(
                    "a payload without `type` can be both {} and {}; add a mark that only one of them shows",
                    one.event, other.event
                );
                findings.add(&at, message);
            }
        }
    }
}

fn rule<'a>(event: &'a str, described: &'a Value, schemas: &'a Value) -> Option<Rule<'a>> {
    let marks = described["recognise"].as_array()?.iter();
    let mut members = BTreeSet::new();
    collect(&described["payload"], schemas, &mut members);
    Some(Rule {
        event,
        word: described["kind"].as_str()?.split('.').next()?,
        marks: marks.filter_map(Value::as_str).map(Mark::read).collect(),
        members,
    })
}

fn collect<'a>(schema: &'a Value, schemas: &'a Value, members: &mut BTreeSet<&'a str>) {
    if let Some(name) = referred(schema) {
        // A schema that refers to itself is told elsewhere; one step is enough here.
        if let Some(named) = schemas.get(name).filter(|named| referred(named).is_none()) {
            collect(named, schemas, members);
        }
        return;
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    members.extend(own.map(|(name, _)| name.as_str()));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(part, schemas, members);
    }
}
