//! Members that are named by a text: `contact['score']` reads what HighLevel sends without describing it. Nobody can say
//! that it is wrong, but what nobody sends reads as nothing, without a word.

use super::alias::WEBHOOK;
use super::{CUSTOM, Names, ROOTS, WrongName};
use crate::file_error::nearest;
use crate::merge::{self, Meaning};

/// What can be said of a member that is described nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// No run has it.
    Wrong(WrongName),
    /// The service may send it all the same.
    Doubt(WrongName),
}

impl Names {
    /// What is to be said of a path whose last part is a subscript. `steps`: ids of the steps before.
    pub fn subscript(&self, parts: &[&str], steps: &[&str]) -> Option<Told> {
        match *parts {
            [CUSTOM, _] => None,
            ["steps", id] => self.check(&format!("steps.{id}"), steps).map(Told::Wrong),
            ["steps", id, member] => {
                let answer = self.answers.get(id)?;
                let of = format!("steps.{id}");
                doubt(&of, &format!("{of}['{member}']"), answer, member).map(Told::Doubt)
            }
            ["record", member] if self.field_of_record(member).is_some() => {
                let (field, _) = self.field_of_record(member)?;
                Some(Told::Wrong(WrongName {
                    problem: format!("record['{member}'] has no value"),
                    fix: format!("for the merge field write {field}"),
                }))
            }
            [root, member] => {
                let closed = ROOTS
                    .iter()
                    .any(|(name, members)| *name == root && members.is_some());
                let is_known = self.is_described(root, member);
                if is_known {
                    return None;
                }
                let path = format!("{root}.{member}");
                if let Some(Meaning::Is(_)) = merge::meaning(&path) {
                    return Some(Told::Wrong(WrongName {
                        problem: format!("{root}['{member}'] has no value"),
                        fix: format!("for the merge field write {path}"),
                    }));
                }
                if closed {
                    return self.check(&path, steps).map(Told::Wrong);
                }
                let (_, members) = self.members.iter().find(|(name, _)| name == root)?;
                let written = format!("{root}['{member}']");
                doubt(root, &written, members, member).map(Told::Doubt)
            }
            _ => None,
        }
    }

    /// What can be said of `contact.leadScore`, which is described nowhere and is no slip either.
    pub fn attribute(&self, path: &str) -> Option<WrongName> {
        if let Some(member) = path.strip_prefix("record.") {
            return self.sent_or_field(member);
        }
        let mut parts = path.strip_prefix("contact.")?.split('.');
        let member = parts.next()?;
        let written = format!("contact.{member}");
        // Keys of custom fields are held against those that the location has.
        if merge::meaning(&written).is_some() || merge::may_be_custom(&written) {
            return None;
        }
        let (_, members) = self.members.iter().find(|(name, _)| name == "contact")?;
        doubt("contact", &written, members, member)
    }
}

impl Names {
    /// What a webhook may send, and has no value where the record is one that merge fields are of.
    fn sent_or_field(&self, member: &str) -> Option<WrongName> {
        if !self.possible.iter().any(|record| record == WEBHOOK) {
            // What no record has is a mistake.
            return None;
        }
        let mut fields = self.fields_of_record(member);
        let (record, field) = fields.find(|(record, _)| !self.is_described(record, member))?;
        Some(WrongName {
            problem: format!("record.{member} has no value where it is the {record}"),
            fix: format!(
                "write {field} for the merge field, and {WEBHOOK}.{member} for what a webhook sends"
            ),
        })
    }
}

/// `None`: the member is described, or nothing is.
fn doubt(of: &str, written: &str, members: &[String], member: &str) -> Option<WrongName> {
    if members.is_empty() || members.iter().any(|known| known == member) {
        return None;
    }
    let near = nearest(member, members.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean \"{near}\"? If"),
        None if merge::may_be_custom(&format!("{of}.{member}")) => {
            format!("for the custom field of this key write {CUSTOM}.{member}; if")
        }
        None if of == "contact" => "`canopy call get-contact` shows what is sent; if".to_owned(),
        None => "if".to_owned(),
    };
    Some(WrongName {
        problem: format!(
            "no description has \"{member}\" of {of}, and where it is not sent {written} is nothing"
        ),
        fix: format!("{hint} it is meant, say what counts without it: {written} | default('')"),
    })
}
