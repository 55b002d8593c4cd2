//! The names that templates and conditions use: a wrong one would read as nothing, and a condition on it as false for
//! ever, without a word.

use std::collections::{BTreeMap, BTreeSet};

use crate::actions::Actions;
use crate::check::split_it;
use crate::event::record_name;
use crate::fields::{CustomFieldInfo, KEY};
use crate::file_error::{FileError, nearest};
use crate::merge::{self, LOCATION, Meaning, USER};
use crate::on::On;
use crate::template;
use crate::values::Sight;
use crate::workflow::Workflow;

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
        Self {
            members: known
                .map(|record| (record.to_owned(), actions.members(record)))
                .collect(),
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

/// What a workflow file says of custom fields that the location does not have: only the location can tell. `text` is the
/// file, for the lines.
pub fn unknown_custom_fields(
    workflow: &Workflow,
    (file, text): (&str, &str),
    all: &[CustomFieldInfo],
) -> Vec<FileError> {
    let mut found = Vec::new();
    let keys = || all.iter().map(|field| field.key.as_str());
    let written = workflow.steps.iter().flat_map(|step| {
        let names = step.custom_fields.keys();
        names.map(|name| (step.id.as_str(), name.as_str()))
    });
    for (step, name) in written.clone() {
        let of = |problem: String| {
            FileError::new(file, format!("step \"{step}\": {problem}")).at(text, name)
        };
        match CustomFieldInfo::find(all, name) {
            Err(several) => found.push(of(several.to_string())),
            // Others are made when they are first written.
            Ok(None) if name.starts_with(KEY) => {
                let error = of(format!("the location has no custom field \"{name}\""));
                let near = nearest(name, keys());
                found.push(match near {
                    Some(near) => error.fix(format!("did you mean \"{near}\"?")),
                    None => error.fix("write a name for a field that shall be made"),
                });
            }
            Ok(_) => {}
        }
    }
    let short = |key: &str| key.strip_prefix(KEY).unwrap_or(key).to_owned();
    let mut known: Vec<String> = keys().map(short).collect();
    known.extend(all.iter().map(|field| field.name.clone()));
    known.extend(written.map(|(_, name)| key_of(name)));
    for name in workflow.names_below(CUSTOM) {
        let is_written = text.contains(&format!("{CUSTOM}.{name}"));
        if !is_written && merge::meaning(&format!("{KEY}{name}")).is_some() {
            // It stands beside a member of the contact.
            continue;
        }
        if !known.contains(&name) {
            let problem = format!("the location's contacts have no custom field \"{name}\"");
            let error = FileError::new(file, problem).at(text, &format!("{CUSTOM}.{name}"));
            let error = match error.line {
                None => error.at(text, &format!("contact.{name}")),
                Some(_) => error,
            };
            found.push(match nearest(&name, known.iter().map(String::as_str)) {
                Some(near) => error.fix(format!("did you mean \"{near}\"?")),
                None => error.fix("write its key without \"contact.\", or custom['its name']"),
            });
        }
    }
    let mut searched = BTreeSet::new();
    for (place, sight) in workflow.sights() {
        let Sight::List(path) = sight else { continue };
        let Some(name) = merge::custom_field(&path) else {
            continue;
        };
        let is_it = |field: &&CustomFieldInfo| short(&field.key) == name || field.name == name;
        let is_text = all.iter().find(is_it).is_some_and(CustomFieldInfo::is_text);
        if is_text && searched.insert((place.clone(), path.clone())) {
            let problem = format!("{place}: {path} is a text where a list is meant");
            found.push(
                FileError::new(file, problem)
                    .at(text, &path)
                    .fix(split_it(&path)),
            );
        }
    }
    found.sort_by_key(|error| error.line);
    found
}

/// The custom fields that a workflow makes when it first writes them, because the location lacks them.
pub fn fields_made_by(workflow: &Workflow, all: &[CustomFieldInfo]) -> Vec<CustomFieldInfo> {
    let written = workflow.steps.iter().flat_map(|step| &step.custom_fields);
    let is_made =
        |name: &str| !name.starts_with(KEY) && matches!(CustomFieldInfo::find(all, name), Ok(None));
    let made = written.filter(|(name, _)| is_made(name));
    made.map(|(name, field)| CustomFieldInfo {
        id: name.clone(),
        name: name.clone(),
        key: format!("{KEY}{}", key_of(name)),
        data_type: field.data_type.api_name().to_owned(),
        options: Vec::new(),
    })
    .collect()
}

/// The key that the service gives a field of this name, without its prefix.
fn key_of(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            ' '
        }
    });
    let words: String = letters.collect();
    words.split_whitespace().collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests;
