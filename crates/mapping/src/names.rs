//! The names that templates and conditions use: a wrong one would read as nothing, and a condition on it as false for
//! ever, without a word.

use std::collections::{BTreeMap, BTreeSet};

use crate::actions::Actions;
use crate::event::record_name;
use crate::file_error::nearest;
use crate::merge::{self, LOCATION, Meaning, USER};
use crate::on::On;
use crate::template;

mod alias;
mod custom;
mod subscript;

pub(crate) use alias::hidden;
pub use custom::{fields_made_by, unknown_custom_fields};
pub(crate) use subscript::Told;

/// The contact's custom fields by name or key. Reading it needs the location's list of them.
pub const CUSTOM: &str = "custom";

/// What every run has, and the members of those that never have others.
const ROOTS: &[(&str, Option<&[&str]>)] = &[
    (
        "event",
        Some(&["kind", "source", "occurredAt", "recordId", "version"]),
    ),
    ("record", None),
    ("contact", None),
    (CUSTOM, None),
    (
        "profile",
        Some(&[
            "ecologiProfileId",
            "location",
            "contact",
            "fields",
            "createdAt",
            "updatedAt",
            "notes",
            "tasks",
            "tags",
        ]),
    ),
    (
        "impact",
        Some(&[
            "trees",
            "carbonKg",
            "carbonRemovalKg",
            "habitatM2",
            "purchases",
        ]),
    ),
    (
        LOCATION,
        Some(&[
            "id",
            "companyId",
            "name",
            "phone",
            "email",
            "address",
            "city",
            "state",
            "country",
            "postalCode",
            "website",
            "timezone",
            "settings",
            "social",
            "domain",
            "logoUrl",
            "firstName",
            "lastName",
            "business",
        ]),
    ),
    (
        USER,
        Some(&[
            "id",
            "name",
            "firstName",
            "lastName",
            "email",
            "phone",
            "extension",
            "permissions",
            "scopes",
            "roles",
            "deleted",
            "lcPhone",
            "platformLanguage",
        ]),
    ),
    ("connection", Some(&["id", "ecologiUser", "test"])),
    ("steps", None),
];

/// The names that the runs of a workflow know.
#[derive(Debug)]
pub(crate) struct Names {
    /// Records that its events are about, by their own names.
    records: BTreeSet<String>,
    /// Members of records, as far as the description of the service tells them.
    members: Vec<(String, Vec<String>)>,
    /// Members of what the steps so far answer, by the steps' ids.
    answers: BTreeMap<String, Vec<String>>,
    /// Members that are texts, as `contact.email`.
    texts: BTreeSet<String>,
    /// What `record` may be; empty where some events have none.
    possible: Vec<String>,
    /// All names of records that there are.
    all_records: BTreeSet<String>,
}

/// A name that no run knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongName {
    pub problem: String,
    pub fix: String,
}

impl Names {
    /// What workflows that start so know. Names of triggers are those of operations.
    pub fn of(on: &[On], actions: &dyn Actions) -> Self {
        let record = |on: &On| match on {
            On::Kind(kind) => record_name(kind).map(str::to_owned),
            On::Trigger(trigger) => {
                let word = actions.record_of(&trigger.trigger)?;
                record_name(&format!("{word}.updated")).map(str::to_owned)
            }
            On::Webhook(webhook) => record_name(&webhook.kind()).map(str::to_owned),
            On::Schedule(_) => None,
        };
        let records: BTreeSet<String> = on.iter().filter_map(record).collect();
        let known = records.iter().map(String::as_str).chain(["contact"]);
        let members: Vec<(String, Vec<String>)> = known
            .map(|record| (record.to_owned(), actions.members(record)))
            .collect();
        let texts = members.iter().flat_map(|(record, members)| {
            let texts = members.iter().filter(|name| actions.is_text(record, name));
            texts.map(move |name| format!("{record}.{name}"))
        });
        let is_of_contacts = |on: &On| match on {
            On::Kind(kind) => kind.starts_with("contact."),
            On::Trigger(trigger) => actions.record_of(&trigger.trigger) == Some("contact"),
            On::Webhook(_) | On::Schedule(_) => false,
        };
        let mut possible: Vec<String> = records.iter().cloned().collect();
        if on.iter().any(is_of_contacts) {
            possible.push("contact".to_owned());
        }
        Self {
            texts: texts.collect(),
            possible,
            members,
            all_records: actions
                .event_kinds()
                .into_iter()
                .filter_map(record_name)
                .map(str::to_owned)
                .collect(),
            answers: BTreeMap::new(),
            records,
        }
    }

    /// Further steps may read what this one answers.
    pub fn add_step(&mut self, id: &str, members: Vec<String>) {
        self.answers.insert(id.to_owned(), members);
    }

    /// What is wrong with a name such as `contact.firstName`. `steps`: ids of the steps before.
    pub fn check(&self, path: &str, steps: &[&str]) -> Option<WrongName> {
        let mut parts = path.split('.');
        let (root, member) = (parts.next()?, parts.next());
        let wrong = |problem: String, fix: String| Some(WrongName { problem, fix });
        if let ("record", Some(member)) = (root, member)
            && let Some((field, problem)) = self.field_of_record(member)
        {
            return wrong(problem, format!("for the merge field write {field}"));
        }
        if let Some(member) = member
            && let Some(below) = parts.clone().next()
            && self.texts.contains(&format!("{root}.{member}"))
        {
            return wrong(
                format!("{root}.{member} is a text, and has no member \"{below}\""),
                format!("for a filter write {root}.{member} | {below}"),
            );
        }
        if let Some((field, below)) = merge::below_a_text(path) {
            return wrong(
                format!("{field} has no member \"{below}\""),
                format!("for a filter write {field} | {below}"),
            );
        }
        match merge::meaning(path) {
            // Records of this name are not HighLevel's merge fields.
            Some(Meaning::Told(_)) if member.is_none() && self.records.contains(root) => {}
            Some(Meaning::Told(instead)) if !self.records.contains(path) => {
                return wrong(
                    format!("the merge field \"{path}\" has no value here"),
                    instead.to_owned(),
                );
            }
            Some(Meaning::Is(expression)) => {
                let names = template::names_in_expression(expression);
                return names.iter().find_map(|name| {
                    let is_itself =
                        name == path || *name == format!("{root}.{}", member.unwrap_or_default());
                    (!is_itself).then(|| self.check(name, steps)).flatten()
                });
            }
            _ => {}
        }
        if root == "steps" {
            let id = member?;
            if steps.contains(&id) {
                let members = self.answers.get(id)?;
                return slip(&format!("steps.{id}"), members, parts.next()?);
            }
            let fix = match nearest(id, steps.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None if steps.is_empty() => "no step comes before this one".to_owned(),
                None => format!("steps before this one: {}", steps.join(", ")),
            };
            return wrong(format!("no earlier step is called \"{id}\""), fix);
        }
        if let Some((_, members)) = ROOTS.iter().find(|(name, _)| *name == root) {
            let member = member?;
            if let Some(members) = members {
                let is_known = members.contains(&member);
                let near = nearest(member, members.iter().copied());
                let fix = match near {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("it has {}", members.join(", ")),
                };
                return if is_known {
                    None
                } else {
                    wrong(format!("{root} has no \"{member}\""), fix)
                };
            }
            return self.member(root, member);
        }
        if self.records.contains(root) {
            return self.member(root, member?);
        }
        if self.all_records.contains(root) {
            let problem = format!("nothing that starts this workflow is about a record \"{root}\"");
            let fix = match self.records.iter().next() {
                Some(own) => format!("its record is called \"{own}\""),
                None => "its events are about contacts, or about nothing".to_owned(),
            };
            return wrong(problem, fix);
        }
        let own = self.records.iter().map(String::as_str);
        let known: Vec<&str> = ROOTS.iter().map(|(name, _)| *name).chain(own).collect();
        let fix = match nearest(root, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("there are {}", known.join(", ")),
        };
        wrong(format!("there is nothing called \"{root}\""), fix)
    }

    /// The service sends members that it does not describe, so that only those are wrong that look like a slip.
    fn member(&self, record: &str, member: &str) -> Option<WrongName> {
        let (_, members) = self.members.iter().find(|(name, _)| name == record)?;
        let wrong = slip(record, members, member)?;
        let path = format!("{record}.{member}");
        if !merge::may_be_custom(&path) {
            return Some(wrong);
        }
        let near = nearest(member, members.iter().map(String::as_str))?;
        Some(WrongName {
            fix: format!(
                "did you mean \"{near}\"? A custom field of this key is {CUSTOM}.{member}"
            ),
            ..wrong
        })
    }
}

/// A member that looks like one of those that are described, and is none.
fn slip(of: &str, members: &[String], member: &str) -> Option<WrongName> {
    if members.is_empty() || members.iter().any(|known| known == member) {
        return None;
    }
    let near = nearest(member, members.iter().map(String::as_str))?;
    Some(WrongName {
        problem: format!("{of} has no \"{member}\""),
        fix: format!(
            "did you mean \"{near}\"? If the service does send it, write {of}['{member}']"
        ),
    })
}

#[cfg(test)]
mod tests;
